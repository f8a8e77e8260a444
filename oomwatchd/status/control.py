"""The control FIFO: root's requests by a shell's own `echo`, where no process can be started.

There is no reply; what was not understood is remembered until something is.
"""

import os
import stat

from oomwatchd.status.protocol import MAX_REQUEST_BYTES, Request, RequestError, parse_request

_MODE = 0o600
_MAX_AT_ONCE = 16
"""What is sent beyond it at once is passed over: it would keep the loop from its work."""


class Control:
    """The FIFO, open at both ends: so it never comes to an end, and nobody waits to open it."""

    def __init__(self, path: str) -> None:
        """Make it; a FIFO that is there already is replaced.

        Raises:
            OSError: it cannot be made, or something else lies at the path.
        """
        if os.path.lexists(path):
            if not stat.S_ISFIFO(os.lstat(path).st_mode):
                raise OSError(0, "something else than a FIFO is there", path)
            os.unlink(path)
        os.mkfifo(path, _MODE)
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.problem: str | None = None
        """What was wrong with the last request; None where nothing was."""

    def fileno(self) -> int:
        """Give the descriptor that tells of requests."""
        return self._descriptor

    def requests(self) -> list[Request]:
        """Take what has been written; a write of up to 4 KiB comes whole, see pipe(7)."""
        try:
            data = os.read(self._descriptor, MAX_REQUEST_BYTES)
        except OSError:
            return []
        found: list[Request] = []
        lines = [line for line in data.split(b"\n") if line.strip()]
        for line in lines[:_MAX_AT_ONCE]:
            try:
                found.append(parse_request(line))
                self.problem = None
            except RequestError as error:
                self.problem = error.message
        return found

    def close(self) -> None:
        """Take it away."""
        os.close(self._descriptor)
        try:
            os.unlink(self._path)
        except OSError:
            pass  # gone already, or the folder is read-only now
