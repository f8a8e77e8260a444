"""The errors that a user can mend, and the exit codes that go with them.

Every error is one line that says what is wrong and where. One place in each program
catches them; a traceback never reaches a user.
"""

from enum import IntEnum

from oomwatchd import fault
from oomwatchd.fault import OomwatchdError, UnreachableError, UsageError, escape, quote

__all__ = [
    "BusyError",
    "ConfigError",
    "Exit",
    "NoInputError",
    "OomwatchdError",
    "ParseError",
    "UnreachableError",
    "UsageError",
    "escape",
    "quote",
]


class Exit(IntEnum):
    """Exit codes of the contract (64 and above follow sysexits.h)."""

    OK = fault.OK
    WARNING = fault.WARNING
    CRITICAL = fault.CRITICAL
    UNKNOWN = fault.UNKNOWN
    USAGE = fault.USAGE
    DATA = fault.DATA
    NO_INPUT = fault.NO_INPUT
    UNREACHABLE = fault.UNREACHABLE
    BUSY = fault.BUSY
    NOT_PERMITTED = fault.NOT_PERMITTED
    CONFIG = fault.CONFIG


class NoInputError(OomwatchdError):
    """A file or directory that the user named does not exist or cannot be read."""

    exit_code = Exit.NO_INPUT


class BusyError(OomwatchdError):
    """Another daemon already holds the lock."""

    exit_code = Exit.BUSY


class ConfigError(OomwatchdError):
    """The configuration is refused; `problems` holds every fault, one line each."""

    exit_code = Exit.CONFIG

    def __init__(self, problems: list[str]) -> None:
        """Join the faults, so that all are seen at once."""
        super().__init__("\n".join(problems))
        self.problems = problems


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
