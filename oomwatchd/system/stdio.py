"""The standard streams, which may be closed, full or stuck."""

# The bare module: `os` draws in more, which a client waits for.
import posix

from oomwatchd.fault import OomwatchdError


class OutputError(OomwatchdError):
    """What was asked for cannot be written; `str()` is empty where the reader has gone."""


def open_missing_streams() -> None:
    """Lead closed standard streams to /dev/null.

    Else the next file that is opened takes the number of one of them, and what is meant for
    stderr ends in it.
    """
    for descriptor in range(3):
        try:
            posix.fstat(descriptor)
        except OSError:
            posix.open("/dev/null", posix.O_RDWR)  # the lowest free number: this one


def write_output(text: str) -> None:
    """Write what the user asked for to stdout.

    Raises:
        OutputError: it cannot be written, or nobody reads it any more.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[posix.write(1, data) :]
    except BrokenPipeError:
        raise OutputError("") from None
    except OSError as error:
        raise OutputError(f"cannot write the output: {(error.strerror or '').lower()}") from None


def complain(error: OomwatchdError) -> int:
    """Write an error to stderr, if it is open at all; returns the exit code."""
    if str(error):
        remark(str(error))
    return error.exit_code


def remark(line: str) -> None:
    """Write a line to stderr, if that can be written at all."""
    try:
        posix.write(2, f"{line}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # nobody to tell
