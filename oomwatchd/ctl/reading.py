"""Reading what the daemon says: JSON of somebody else's, which may be anything.

The scanner of the json package is used without the package: that would take the client longer
than all the rest.
"""

from oomwatchd import fault
from oomwatchd.fault import OomwatchdError, shown

_CODES = (
    *(fault.USAGE, fault.DATA, fault.NO_INPUT, fault.UNREACHABLE, fault.BUSY),
    *(fault.NOT_PERMITTED, fault.CONFIG),
)
"""What an error reply may end the client with."""


class ReplyError(OomwatchdError):
    """The daemon refuses the request, or does not answer as one."""

    def __init__(self, message: str, code: int = fault.DATA) -> None:
        """Say who is refused, but for faults of a configuration, which name a file and a line."""
        super().__init__(message if code == fault.CONFIG else f"oomwatchctl: {message}")
        self.exit_code = code


def parse(line: bytes) -> object:
    """Read a line of JSON.

    Raises:
        ReplyError: it is none, or no number, text or nesting that can be had.
    """
    try:
        return _read(line.decode().strip(" \t\r\n"))
    except (ValueError, StopIteration, RecursionError, SystemError):
        # The last: up to Python 3.12 the scanner has no exception without the package.
        raise ReplyError("the answer is not JSON") from None


def parse_object(line: bytes) -> dict[str, object]:
    """Read a line that holds a JSON object.

    Raises:
        ReplyError: it holds something else.
    """
    value = parse(line)
    if not isinstance(value, dict):
        raise ReplyError("the answer is not one of oomwatchd")
    return value


def passed_on(line: bytes) -> str:
    """Give a line of JSON as one of printable ASCII that means the same.

    Raises:
        ReplyError: it is no JSON object.
    """
    parse_object(line)
    text = line.decode().strip()
    if not (text.isascii() and text.isprintable()):
        # Outside of texts JSON is ASCII and white space, and in texts the two can be escaped.
        text = "".join(map(_escaped, text))
    return f"{text}\n"


def refusal(reply: bytes) -> ReplyError:
    """Make the error that an error reply tells of; faults of a configuration are a line each."""
    error = None
    try:
        error = parse_object(reply).get("error")
    except ReplyError:
        pass  # it is none of ours either
    if isinstance(error, dict):
        code, message = error.get("code"), error.get("message")
        if isinstance(code, int) and code in _CODES and isinstance(message, str):
            lines = message.splitlines() if code == fault.CONFIG else [message]
            return ReplyError("\n".join(map(shown, lines)), code)
    return ReplyError("the answer is not one of oomwatchd")


class _Context:
    """What the scanner asks of a decoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> object:
        """Refuse NaN and Infinity, which JSON does not have."""
        raise ValueError(name)


def _read(text: str) -> object:
    """Read JSON; ValueError, StopIteration or RecursionError where it is none."""
    try:
        from _json import make_scanner  # noqa: PLC0415 - only where something is read
    except ImportError:
        # The accelerator is no public module: an interpreter may lack it.
        import json  # noqa: PLC0415 - see above

        return json.loads(text, parse_constant=_Context.parse_constant)
    scan = make_scanner(_Context())  # type: ignore[arg-type] # its stub asks for a scanner
    value, end = scan(text, 0)
    if end != len(text):
        raise ValueError(text[end])
    return value


def _escaped(character: str) -> str:
    """Write a character as JSON may be: in ASCII."""
    number = ord(character)
    if number > 0xFFFF:  # noqa: PLR2004 - beyond the first plane it takes two surrogates
        number -= 0x10000
        return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
    if " " <= character <= "~":
        return character
    return " " if character in "\t\r\n" else f"\\u{number:04x}"
