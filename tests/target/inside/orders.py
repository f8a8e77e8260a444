"""The guest's side of a stage (staged.py): waits until the disk of orders holds one."""

import mmap
import os
import time
from pathlib import Path

from target.inside.tools import Reporter

_LOOK_SECONDS = 0.5


def disks() -> list[str]:
    """List the disks in the order of the host's command: orders first, then its images.

    The addresses of virtio-mmio devices fall as they are added, and their names follow the
    addresses.
    """
    return sorted((f"/dev/{disk.name}" for disk in Path("/sys/block").glob("vd*")), reverse=True)


class Orders:
    """The disk of orders, opened and rehearsed."""

    def __init__(self) -> None:
        """Open it past the page cache, which would keep the zeros."""
        self._disk = os.open(disks()[0], os.O_RDONLY | os.O_DIRECT)
        self._page = mmap.mmap(-1, mmap.PAGESIZE)

    def wait(self, report: Reporter) -> str:
        """Report to be ready, and wait for an order."""
        report(ready=True)
        while True:
            os.preadv(self._disk, [self._page], 0)
            if self._page[0]:
                return self._page[:].rstrip(b"\0").decode()
            time.sleep(_LOOK_SECONDS)
