"""A note of the value that has to be put back, in a file that outlives the daemon.

One line, `boot_id old raised`, in a file on tmpfs: it outlives a kill, and after a power cut
there is nothing to put back. It is trusted only if it is of this boot and parses strictly.
"""

import os
import re
from typing import NamedTuple

from oomwatchd.system.remedies.control import Control

_PERCENT = rb"0|[1-9][0-9]?|100"
_LINE = re.compile(rb"([0-9a-f-]{36}) (%b) (%b)\n" % (_PERCENT, _PERCENT))
_VALUE = re.compile(rb"(%b)\n?" % _PERCENT)
_BOOT_ID = re.compile(rb"([0-9a-f-]{36})\n?")

_LINE_BYTES = 64
"""More than a line has, so that what is longer is seen to be no line."""


class Raised(NamedTuple):
    """What a setting was, and what it was raised to; both from 0 to 100."""

    old: int
    raised: int


class Note:
    """The file, open from the start."""

    def __init__(self, path: str, boot_id_path: str) -> None:
        """Open the file, or make it, and read the identifier of this boot.

        Raises:
            OSError: it cannot be had, or is not a regular file, or this boot has no identifier.
            ValueError: there is a null byte in the path.
        """
        self._boot_id = _read_boot_id(boot_id_path)
        self._file = Control(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)

    def read(self) -> Raised | None:
        """Give what a daemon of this boot has left; None if it is nothing or not credible.

        Raises:
            OSError: it cannot be read.
        """
        match = _LINE.fullmatch(self._file.read(_LINE_BYTES))
        if match is None or match[1] != self._boot_id:
            return None
        return Raised(int(match[2]), int(match[3]))

    def write(self, raised: Raised) -> None:
        """Note what is about to be raised.

        Raises:
            OSError: it cannot be written, or not whole.
        """
        line = b"%b %d %d\n" % (self._boot_id, *raised)
        self._file.write(line)
        self._file.cut(len(line))
        if self.read() != raised:
            raise OSError(0, "the note cannot be read back", self._file.path)

    def clear(self) -> None:
        """Strike the note: what it says has been put back, or is not ours any more.

        Raises:
            OSError: it cannot be emptied.
        """
        self._file.cut(0)

    def close(self) -> None:
        """Close the file; the note stays."""
        self._file.close()


def parse_value(data: bytes) -> int | None:
    """Read a setting from 0 to 100 as the kernel prints it; None if it is anything else."""
    match = _VALUE.fullmatch(data)
    return int(match[1]) if match else None


def _read_boot_id(path: str) -> bytes:
    """Read /proc/sys/kernel/random/boot_id."""
    file = Control(path, os.O_RDONLY)
    try:
        match = _BOOT_ID.fullmatch(file.read(_LINE_BYTES))
    finally:
        file.close()
    if match is None:
        raise OSError(0, "not a boot identifier", path)
    return match[1]
