"""Last words in the kernel's log, which pstore keeps through a panic and a reboot.

/dev/kmsg: Documentation/ABI/testing/dev-kmsg, 3.5 on.
"""

import os
import stat

from oomwatchd.system.files import reason

_SPACING_SECONDS = 60.0
_MAX_BYTES = 200
_PREFIX = b"<2>oomwatchd: "
"""Priority 2: critical."""


class KernelLog:
    """Open from the start: when it is needed, opening may fail."""

    def __init__(self, path: str = "/dev/kmsg") -> None:
        """Open it; where that fails, `problem` says why."""
        self.problem: str | None = None
        """Why nothing can be written, or why the last line was not; else None."""
        self._descriptor: int | None = None
        self._last: float | None = None
        try:
            # Write-only: opened for reading too it takes 16 KiB in one piece on 5.10 to 5.15.
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self.problem = f"{path}: {reason(error)}"
            return
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)  # it would grow on what may be the memory itself
            self.problem = f"{path}: not a device"
            return
        self._descriptor = descriptor

    def last_words(self, text: str, now: float) -> bool:
        """Write a line; returns whether it was: not without the file, not twice in a minute.

        `now` is monotonic seconds.
        """
        if self._descriptor is None:
            return False
        if self._last is not None and now - self._last < _SPACING_SECONDS:
            return False
        try:
            os.write(self._descriptor, _line(text))
        except OSError as error:
            self.problem = f"not written: {reason(error)}"
            return False
        self.problem = None
        self._last = now
        return True

    def close(self) -> None:
        """Close the file; nothing is written from then on."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _line(text: str) -> bytes:
    """Compose the line: printable ASCII, one record."""
    shown = bytes(byte for byte in text.encode("ascii", "replace") if 0x20 <= byte < 0x7F)  # noqa: PLR2004
    return (_PREFIX + shown)[: _MAX_BYTES - 1] + b"\n"
