"""Telling the service manager how we are: sd_notify(3) and its watchdog, sd_watchdog_enabled(3).

Nothing here blocks or raises: the daemon's work does not depend on who listens.
"""

import os
import socket
from collections.abc import Mapping

from oomwatchd.errors import escape, quote
from oomwatchd.system.files import reason

_MAX_STATUS_BYTES = 200
_MAX_OWED = 4
_MAX_DIGITS = 20
_LEAST_SECONDS = 0.1
"""A watchdog that wants more cannot be meant so."""
_INFINITE = (1 << 64) - 1


class Notifier:
    """Sends to the socket that the environment names; without one, does nothing."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and open a socket."""
        self.problem: str | None = None
        """What is wrong with the environment or failed at the last message, in one line."""
        self.watchdog_seconds: float | None = None
        """How often `watchdog` is to be called: twice as often as is demanded; None: never."""
        self._socket: socket.socket | None = None
        self._address = b""
        self._status: str | None = None
        self._owed: list[bytes] = []
        name = environment.get("NOTIFY_SOCKET")
        if not name:
            return
        try:
            self._address = _address(name)
            # Never connected: if the receiver makes its socket anew, we reach it again.
            self._socket = socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            )
            self.watchdog_seconds = _half_watchdog(environment)
        except OSError as error:
            self.problem = f"no socket: {reason(error)}"
        except ValueError as error:
            self.problem = str(error)

    def ready(self, status: str) -> None:
        """Tell that starting or reloading is over."""
        self._send(b"READY=1\nSTATUS=" + _line(status), lasting=True)
        self._status = status

    def status(self, text: str) -> None:
        """Tell how things are, if that is new."""
        if text != self._status and self._send(b"STATUS=" + _line(text)):
            self._status = text

    def reloading(self, now_monotonic_us: int) -> None:
        """Tell that the configuration is read again; `ready` ends that (systemd 253)."""
        self._send(b"RELOADING=1\nMONOTONIC_USEC=%d" % now_monotonic_us, lasting=True)

    def stopping(self) -> None:
        """Tell that the end is near."""
        self._send(b"STOPPING=1", lasting=True)

    def watchdog(self) -> None:
        """Tell that we are alive, if somebody wants to know."""
        if self.watchdog_seconds is not None:
            self._send(b"WATCHDOG=1")

    def close(self) -> None:
        """Close the socket; nothing is sent from then on."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: bytes, *, lasting: bool = False) -> bool:
        """Send what is owed and then a message; a lasting one that fails is owed from then on."""
        if self._socket is None:
            return False
        try:
            while self._owed:
                self._socket.sendto(self._owed[0], self._address)
                del self._owed[0]
            self._socket.sendto(message, self._address)
        except OSError as error:
            self.problem = f"not told: {reason(error)}"
            if lasting:
                self._owed = [*self._owed, message][-_MAX_OWED:]
            return False
        if self.problem and self.problem.startswith("not told"):
            self.problem = None
        return True


def _address(name: str) -> bytes:
    """Convert a socket's name: a path, or "@" for the abstract ones.

    Raises:
        ValueError: it is neither.
    """
    address = os.fsencode(name)
    # An address has 108 bytes; a path ends in NUL.
    if not address.startswith((b"/", b"@")) or len(address) > 107 or b"\0" in address:  # noqa: PLR2004
        raise ValueError(f"NOTIFY_SOCKET is neither a path nor an abstract name: {quote(address)}")
    return b"\0" + address[1:] if address.startswith(b"@") else address


def _half_watchdog(environment: Mapping[str, str]) -> float | None:
    """Read half of the watchdog's time, in seconds; None where it is off or another's.

    Raises:
        ValueError: it is not a time.
    """
    text = environment.get("WATCHDOG_USEC")
    if text is None or environment.get("WATCHDOG_PID", pid := str(os.getpid())) != pid:
        return None
    # int() takes more than the digits that systemd writes.
    if not (
        text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and 0 < int(text) < _INFINITE
    ):
        raise ValueError(f"WATCHDOG_USEC is not a time: {quote(text)}")
    return max(_LEAST_SECONDS, int(text) / 2_000_000)


def _line(text: str) -> bytes:
    """Make a text one line, which cannot be taken for another field."""
    return escape(text).encode()[:_MAX_STATUS_BYTES]
