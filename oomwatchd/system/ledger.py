"""A small file beside the socket that outlives the daemon, open from start to end."""

import errno
import os
from contextlib import suppress

from oomwatchd.system.files import open_regular

_MAX_BYTES = 256 * 1024
_ROOM_BYTES = 12 * 1024
"""For the starts of a day within the default budgets, after years of uptime too."""


class Ledger:
    """One text, read at start and written over in place: nothing is opened when it matters."""

    def __init__(self, path: str) -> None:
        """Open the file, or make it.

        Raises:
            OSError: it cannot be had, or is not a regular file.
        """
        self._descriptor = open_regular(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        self._written: bytes | None = None
        self._room_bytes = 0
        with suppress(OSError):  # full already: each write tries again
            self._make_room(_ROOM_BYTES)

    def read(self) -> bytes:
        """Give what the last daemon wrote; empty where it cannot be read."""
        try:
            return os.pread(self._descriptor, _MAX_BYTES, 0)
        except OSError:
            return b""

    def write(self, text: bytes) -> None:
        """Write over what was there, if it is new.

        The file does not shrink, so that a file system that is full later has no say: after the
        new text's line break the tail of older ones is left, or the zeros that keep the room.
        Where there is no room for all of it, what was there stays as it was.

        Raises:
            OSError: the file system is full or read-only.
        """
        if text == self._written:
            return
        self._make_room(len(text))
        if os.pwrite(self._descriptor, text, 0) != len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._written = text

    def _make_room(self, length: int) -> None:
        """Have the file system keep so many bytes for us."""
        if length > self._room_bytes:
            os.posix_fallocate(self._descriptor, 0, length)
            self._room_bytes = length

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
