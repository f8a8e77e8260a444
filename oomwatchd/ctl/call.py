"""The client's command line."""

from oomwatchd.fault import UsageError, quote

READERS = ("status", "check", "watch", "events", "processes", "doctor")
LOCAL = ("explain",)
"""What needs no daemon."""
DOERS = ("compact", "drop-caches", "inhibit", "reload", "test-alert")
_WITH_JSON = (
    "status",
    "watch",
    "events",
    "processes",
    "doctor",
    "compact",
    "drop-caches",
    "explain",
)
_MOST_FILES = 1 << 16
_ARGUMENTS = {"drop-caches": (0, 1), "inhibit": (1, 1), "explain": (0, _MOST_FILES)}
"""How many words a command takes, at least and at most; the others take none."""

_VALUED = {"--socket": "path", "--node": "number"}
"""Options that need a value, and what it is."""


class Call:
    """What the command line says.

    (No NamedTuple, here and elsewhere in the client: that would draw in much that it waits for.)
    """

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.command = ""
        self.arguments: list[str] = []
        self.values: dict[str, str] = {}
        self.as_json = False
        self.wants_help = False
        self.wants_version = False

    @property
    def path(self) -> str | None:
        """The socket's path, if it is said."""
        return self.values.get("--socket")

    @property
    def node(self) -> str | None:
        """The node, if one is said."""
        return self.values.get("--node")


def parse(words: list[str]) -> Call:
    """Read the command line; options may stand anywhere.

    Raises:
        UsageError: it cannot be understood.
    """
    call = Call()
    left = list(words)
    while left:
        _take(left.pop(0), left, call)
    if call.arguments:
        call.command = call.arguments.pop(0)
    if not (call.wants_help or call.wants_version):
        _check(call)
    return call


def _take(word: str, left: list[str], call: Call) -> None:
    """Take a word, and the value that it needs."""
    name, equals, value = word.partition("=")
    if name in _VALUED:
        if not (equals or left):
            raise usage_error(f"{name} needs a {_VALUED[name]}")
        call.values[name] = value if equals else left.pop(0)
    elif word == "--":
        call.arguments += left
        left.clear()
    elif not word.startswith("-") or word == "-":
        call.arguments.append(word)
    elif word == "--json" and not call.as_json:
        call.as_json = True
    elif word in ("--help", "-h"):
        call.wants_help = True
    elif word == "--version":
        call.wants_version = True
    else:
        raise usage_error(f"unknown option {quote(word)}")


def usage_error(what: str) -> UsageError:
    """Say what is wrong, and where to read more."""
    return UsageError(f"oomwatchctl: {what}; see oomwatchctl --help")


def _check(call: Call) -> None:
    """See whether the parts of a command line go together."""
    command = call.command
    if command not in (*READERS, *DOERS, *LOCAL):
        raise usage_error(f"unknown command {quote(command)}" if command else "no command")
    least, most = _ARGUMENTS.get(command, (0, 0))
    if len(call.arguments) > most:
        raise usage_error(f"unexpected {quote(call.arguments[most])}")
    if len(call.arguments) < least:
        raise usage_error(f"{command} needs a number of seconds")
    if call.as_json and command not in _WITH_JSON:
        raise usage_error(f"{command} knows no --json")
    if call.node is not None and command != "compact":
        raise usage_error(f"{command} knows no --node")
