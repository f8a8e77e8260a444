"""The errors that a user can mend, and the exit codes that go with them.

Every error is one line that says what is wrong and where. One place in each program
catches them; a traceback never reaches a user.
"""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the contract (64 and above follow sysexits.h)."""

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


class OomwatchdError(Exception):
    """Something that the user can mend; `str()` is the whole message, one line an error."""

    exit_code: Exit = Exit.UNKNOWN


class UsageError(OomwatchdError):
    """The command line cannot be understood."""

    exit_code = Exit.USAGE


class NoInputError(OomwatchdError):
    """A file or directory that the user named does not exist or cannot be read."""

    exit_code = Exit.NO_INPUT


class BusyError(OomwatchdError):
    """Another daemon already holds the lock."""

    exit_code = Exit.BUSY


class UnreachableError(OomwatchdError):
    """No daemon answers on the status socket."""

    exit_code = Exit.UNREACHABLE


class ConfigError(OomwatchdError):
    """The configuration is refused; `problems` holds every fault, one line each."""

    exit_code = Exit.CONFIG

    def __init__(self, problems: list[str]) -> None:
        """Join the faults, so that all are seen at once."""
        super().__init__("\n".join(problems))
        self.problems = problems


_SHOWN_CHARACTERS = 60


class ParseError(OomwatchdError):
    """A kernel file does not read as any kernel prints it.

    The message names the file, the line (counted from 1; 0 for the file as a whole) and
    the offending text, cut to 60 characters and free of control characters.
    """

    exit_code = Exit.DATA

    def __init__(self, file: str, line: int, text: bytes, why: str) -> None:
        """Compose the line from where (file, line), what (text) and why."""
        where = f"{file}:{line}" if line else file
        shown = quote(text)
        super().__init__(f"{where}: {why}: {shown}" if text else f"{where}: {why}")


def escape(text: str) -> str:
    """Make foreign text one line of printable ASCII."""
    return text.encode("unicode_escape").decode("ascii")


def quote(text: bytes | str) -> str:
    """Show foreign text safely: one line, printable ASCII, cut, in double quotes."""
    if isinstance(text, bytes):
        text = text[: _SHOWN_CHARACTERS + 1].decode("latin-1")  # escaped below, byte by byte
    text = escape(text[: _SHOWN_CHARACTERS + 1])
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "..."
    return f'"{text}"'
