"""The ground under `errors`: exit codes as plain numbers, the error that carries one.

The client has to start fast and needs no more than this; enum alone would take it longer than
all that it does.
"""

OK = 0
WARNING = 1
CRITICAL = 2
UNKNOWN = 3
USAGE = 64
DATA = 65
NO_INPUT = 66
UNREACHABLE = 69
BUSY = 75
NOT_PERMITTED = 77
CONFIG = 78

_SHOWN_CHARACTERS = 60


class OomwatchdError(Exception):
    """Something that the user can mend; `str()` is the whole message, one line an error."""

    exit_code: int = UNKNOWN


class UsageError(OomwatchdError):
    """The command line cannot be understood."""

    exit_code = USAGE


class UnreachableError(OomwatchdError):
    """No daemon answers on the status socket."""

    exit_code = UNREACHABLE


def escape(text: str) -> str:
    """Make foreign text one line of printable ASCII."""
    return text.encode("unicode_escape").decode("ascii")


def shown(text: str) -> str:
    """Give text as it is where it is one line of printable ASCII, else escaped."""
    return text if text.isascii() and text.isprintable() else escape(text)


def quote(text: bytes | str) -> str:
    """Show foreign text safely: one line, printable ASCII, cut, in double quotes."""
    if isinstance(text, bytes):
        text = text[: _SHOWN_CHARACTERS + 1].decode("latin-1")  # escaped below, byte by byte
    text = escape(text[: _SHOWN_CHARACTERS + 1])
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "..."
    return f'"{text}"'
