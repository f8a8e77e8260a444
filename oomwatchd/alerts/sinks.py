"""Where lines go: stderr, syslog, journal. None ever blocks or fails; what is lost is counted."""

import os
import select
import socket
import time
from collections.abc import Callable
from typing import Protocol

from oomwatchd.alerts.vocabulary import Priority

SYSLOG_PATH = "/dev/log"
JOURNAL_PATH = "/run/systemd/journal/socket"
_IDENTIFIER = "oomwatchd"
_FACILITY_DAEMON = 3 << 3
_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 60.0


class Sink(Protocol):
    """Takes lines."""

    @property
    def trouble(self) -> str | None:
        """Why lines are being lost now; None where none are."""

    def send(self, priority: Priority, line: str) -> None:
        """Send a line on its way, or count it as lost."""


class StderrSink:
    """Writes to stderr; a line that cannot be written is lost, not waited for."""

    trouble = None

    def __init__(self) -> None:
        """Make ready to ask first whether stderr takes a line: its mode is not ours to change."""
        self._poll = select.poll()
        self._poll.register(2, select.POLLOUT)

    def send(self, priority: Priority, line: str) -> None:  # noqa: ARG002 - text has no priority
        """Write one line. A pipe that is writable takes it whole: it is shorter than PIPE_BUF."""
        try:
            if any(events & select.POLLOUT for _, events in self._poll.poll(0)):
                os.write(2, line.encode("ascii", "backslashreplace") + b"\n")
        except OSError:
            pass  # closed or full: the status socket still tells


class DatagramSink:
    """Sends to a local datagram socket that may be missing, full or restarted at any time."""

    def __init__(self, path: str, encode: Callable[[Priority, str], bytes]) -> None:
        """Make the socket; the other side is looked for with the first line."""
        self._path = path
        self._encode = encode
        self._socket: socket.socket | None = None
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._lost = 0

    @property
    def trouble(self) -> str | None:
        """Why lines are being lost now."""
        if self._lost == 0 and (self._socket is not None or os.path.exists(self._path)):
            return None
        return f"{self._path} does not take lines; {self._lost} lost"

    def send(self, priority: Priority, line: str) -> None:
        """Send one line, and before it how many were lost since the last that came through."""
        if self._lost:
            told = f'degraded what=log why="{self._lost} lines were lost"'
            if not self._deliver(self._encode(Priority.WARNING, told)):
                self._lost += 1
                return
            self._lost = 0
        if not self._deliver(self._encode(priority, line)):
            self._lost += 1

    def _deliver(self, datagram: bytes) -> bool:
        """Send a datagram, connecting anew where the other side has restarted."""
        for _ in range(2):
            link = self._connected()
            if link is None:
                return False
            try:
                link.send(datagram, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return False  # its buffer is full: it is there, but does not keep up
            except OSError:
                self._disconnect()
            else:
                return True
        return False

    def _connected(self) -> socket.socket | None:
        """Connect if need be, but not more often than the back-off allows."""
        if self._socket is not None:
            return self._socket
        now = time.monotonic()
        if now < self._retry_at:
            return None
        link: socket.socket | None = None
        try:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            link.connect(self._path)
        except OSError:  # nobody listens, or descriptors or memory are short
            if link is not None:
                link.close()
            self._retry_at = now + self._retry_seconds
            self._retry_seconds = min(2 * self._retry_seconds, _LAST_RETRY_SECONDS)
            return None
        self._socket = link
        self._retry_seconds = _FIRST_RETRY_SECONDS
        return link

    def _disconnect(self) -> None:
        """Let go of a socket whose other side has gone."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def encode_syslog(priority: Priority, line: str) -> bytes:
    """Write `<PRI>oomwatchd[pid]: line`, the form that BusyBox's syslogd knows too (RFC 3164)."""
    header = f"<{_FACILITY_DAEMON | priority}>{_IDENTIFIER}[{os.getpid()}]: "
    return (header + line).encode("ascii", "backslashreplace")


def encode_journal(priority: Priority, line: str) -> bytes:
    """Write native fields for journald."""
    fields = {"MESSAGE": line, "PRIORITY": int(priority), "SYSLOG_IDENTIFIER": _IDENTIFIER}
    text = "".join(f"{name}={value}\n" for name, value in fields.items())
    return text.encode("ascii", "backslashreplace")


def open_sink(where: str) -> Sink:
    """Open the sink of that name; `auto` is syslog where stderr leads nowhere, else stderr."""
    if where == "auto":
        where = "syslog" if _stderr_leads_nowhere() else "stderr"
    if where == "syslog":
        return DatagramSink(SYSLOG_PATH, encode_syslog)
    if where == "journal":
        return DatagramSink(JOURNAL_PATH, encode_journal)
    return StderrSink()


def _stderr_leads_nowhere() -> bool:
    """Whether stderr is closed or /dev/null, as under an init script."""
    try:
        return os.fstat(2).st_rdev == os.stat(os.devnull).st_rdev
    except OSError:
        return True
