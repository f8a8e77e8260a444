"""Lines on stderr, which may be a terminal, the journal, a pipe or a file; none is waited for.

Its mode is not ours to change, as others may have it too. A pipe or a terminal is opened once
more for ourselves, without blocking; a socket is asked each time; where neither can be, a line
goes only where there is room for one.
"""

import os
import select
import socket
import stat
import time
from collections.abc import Callable, Mapping

from oomwatchd.alerts.vocabulary import Entry, Priority

_STDERR = 2
_RESET = "\x1b[0m"
_COLOURS = {
    Priority.CRITICAL: "\x1b[1;31m",
    Priority.ERROR: "\x1b[31m",
    Priority.WARNING: "\x1b[33m",
    Priority.NOTICE: "\x1b[36m",
    Priority.INFO: "\x1b[32m",
}
_WIDTH = max(len(priority.name) for priority in Priority)


class StderrSink:
    """Writes lines; one that was begun is finished before the next."""

    name = where = "stderr"
    is_there = True

    def __init__(self, form: Callable[[Entry], str]) -> None:
        """Find out how to write without blocking."""
        self._form = form
        self._write = _writer(_STDERR)
        self._rest = b""

    def send(self, entry: Entry) -> bool:
        """Write one line; whether it was begun."""
        data = self._form(entry).encode("ascii", "backslashreplace") + b"\n"
        try:
            if self._rest:
                self._rest = self._rest[self._write(self._rest) :]
            if self._rest:
                return False
            self._rest = data[self._write(data) :]
        except OSError:  # closed or full
            return False
        return len(self._rest) < len(data)


def open_stderr(environment: Mapping[str, str], *, is_the_journal: bool) -> StderrSink:
    """Choose the form: for a person at a terminal, for a service manager, or plain lines."""
    if os.isatty(_STDERR):
        time.localtime()  # reads the time zone now
        plain = environment.get("NO_COLOR") or environment.get("TERM", "dumb") in ("", "dumb")
        return StderrSink(console if plain else coloured)
    managed = "INVOCATION_ID" in environment and not _is_file(_STDERR)
    return StderrSink(prefixed if is_the_journal or managed else _line)


def console(entry: Entry) -> str:
    """Write for a person: the time of day, what it is worth, and the line."""
    return f"{time.strftime('%H:%M:%S')} {_word(entry)} {entry.line}"


def coloured(entry: Entry) -> str:
    """Write for a person at a terminal that knows colours."""
    word = f"{_COLOURS[entry.priority]}{_word(entry)}{_RESET}"
    return f"{time.strftime('%H:%M:%S')} {word} {entry.line}"


def prefixed(entry: Entry) -> str:
    """Write for a service manager: sd-daemon(3)."""
    return f"<{entry.priority:d}>{entry.line}"


def _line(entry: Entry) -> str:
    """Write the line alone."""
    return entry.line


def _word(entry: Entry) -> str:
    return entry.priority.name.lower().ljust(_WIDTH)


def _is_file(descriptor: int) -> bool:
    """Whether it is a file on a disk, where a prefix would be in the way."""
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _writer(descriptor: int) -> Callable[[bytes], int]:
    """Give what writes without blocking, and says how many bytes it has written."""
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISSOCK(mode):
            link = socket.socket(fileno=os.dup(descriptor))
            return lambda data: link.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
            own = os.open(f"/proc/self/fd/{descriptor}", flags)
            return lambda data: os.write(own, data)
    except OSError:
        pass  # it is another user's, or closed, or /proc is not there
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)

    def write_if_ready(data: bytes) -> int:
        if any(events & select.POLLOUT for _, events in poll.poll(0)):
            # A pipe that is writable takes it whole: it is shorter than PIPE_BUF.
            return os.write(descriptor, data)
        return 0

    return write_if_ready
