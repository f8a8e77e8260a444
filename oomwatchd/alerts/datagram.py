"""A local datagram socket, which never blocks."""

import os
import socket
import time
from collections.abc import Callable

from oomwatchd.alerts.vocabulary import Entry

_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 60.0


class DatagramSink:
    """Sends to a socket whose other side may be missing, stuck or restarted at any time."""

    def __init__(self, name: str, path: str, encode: Callable[[Entry], bytes]) -> None:
        """Open nothing yet; the other side is looked for with the first line."""
        self.name = name
        self.where = path
        self._encode = encode
        self._socket: socket.socket | None = None
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS

    @property
    def is_there(self) -> bool:
        """Whether we are connected, or somebody has made the socket."""
        return self._socket is not None or os.path.exists(self.where)

    def send(self, entry: Entry) -> bool:
        """Send an event, connecting anew where the other side has restarted."""
        datagram = self._encode(entry)
        for _ in range(2):
            link = self._connected()
            if link is None:
                return False
            try:
                link.send(datagram, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return False  # its buffer is full: it is there, but does not keep up
            except OSError:
                self.disconnect()
            else:
                return True
        return False

    def disconnect(self) -> None:
        """Let go of a socket whose other side has gone."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

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
            link.connect(self.where)
        except OSError:  # nobody listens, or descriptors or memory are short
            if link is not None:
                link.close()
            self._retry_at = now + self._retry_seconds
            self._retry_seconds = min(2 * self._retry_seconds, _LAST_RETRY_SECONDS)
            return None
        self._socket = link
        self._retry_seconds = _FIRST_RETRY_SECONDS
        return link
