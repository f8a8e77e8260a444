"""memory.reclaim of the root cgroup: the kernel reclaims so many bytes, mapped ones too.

Source: mm/memcontrol.c, Documentation/admin-guide/cgroup-v2.rst; since 5.19.
"""

import threading
import time

from oomwatchd.system.remedies.control import Control

RECLAIM_SECONDS = 10.0
_SLICE_KIB = 4096
"""One write is not bounded in time, and cannot be interrupted: several small ones can."""


def reclaim(control: Control, amount_kib: int, stopping: threading.Event) -> None:
    """Reclaim in slices until all is done, the kernel finds no more, or it is time to end.

    Raises:
        OSError: the kernel refuses.
    """
    until = time.monotonic() + RECLAIM_SECONDS
    while amount_kib > 0 and time.monotonic() < until and not stopping.is_set():
        slice_kib = min(amount_kib, _SLICE_KIB)
        try:
            control.write(b"%d" % (slice_kib * 1024))
        except OSError as error:
            if isinstance(error, BlockingIOError):
                return  # less was reclaimed: there is no more to be had
            if not isinstance(error, InterruptedError):
                raise
        amount_kib -= slice_kib
