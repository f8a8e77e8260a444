"""Taking a sample: the kernel's files, opened once, read and parsed."""

import os
from collections.abc import Callable
from typing import TypeVar

from oomwatchd.assess.sample import Sample
from oomwatchd.errors import ParseError
from oomwatchd.model import Kernel, Problem
from oomwatchd.procfs import buddyinfo, meminfo, pagetypeinfo, zoneinfo
from oomwatchd.system.files import KernelFile, read_optional, reason

T = TypeVar("T")

_PAGETYPEINFO_MISSING = "headroom is a lower bound"


class Sampler:
    """Reads the kernel's files below `root` ("/" for the running kernel's own).

    The running kernel's are opened once. Those of a copied tree are opened for each look, since
    what replaces a file there is another file.
    """

    def __init__(self, root: str, kernel: Kernel, *, live: bool) -> None:
        """Open nothing yet: that comes with the first sample."""
        self._live = live
        self._root = root.rstrip("/")
        self._kernel = kernel
        self._files: dict[str, KernelFile] = {}
        self._last_buddyinfo: bytes | None = None
        self._shift = self._read_number("proc/sys/vm/min_free_order_shift")

    def changed(self) -> bool:
        """Whether /proc/buddyinfo reads otherwise than at the last call; True if unreadable."""
        try:
            data = self._text("proc/buddyinfo")
        except OSError:
            return True
        unchanged = data == self._last_buddyinfo
        self._last_buddyinfo = data
        return not unchanged

    def sample(self) -> Sample:
        """Read and parse everything. What cannot be read or parsed is in `problems`."""
        problems: list[Problem] = []
        return Sample(
            kernel=self._kernel,
            buddyinfo=self._read("buddyinfo", buddyinfo.parse, problems),
            zoneinfo=self._read("zoneinfo", zoneinfo.parse, problems),
            pagetypeinfo=self._read(
                "pagetypeinfo", pagetypeinfo.parse, problems, _PAGETYPEINFO_MISSING
            ),
            meminfo=self._read("meminfo", meminfo.parse, problems),
            min_free_order_shift=self._shift,
            largest_cma_chunk_pages=self._largest_cma_chunk_pages(),
            problems=tuple(problems),
        )

    def close(self) -> None:
        """Close all files."""
        for path in list(self._files):
            self._forget(path)

    def _read(
        self,
        name: str,
        parse: Callable[[bytes], T],
        problems: list[Problem],
        consequence: str = "",
    ) -> T | None:
        """Read and parse one file of /proc; None, and a problem noted, where that fails."""
        path = f"proc/{name}"
        try:
            return parse(self._text(path))
        except OSError as error:
            why = f"/proc/{name}: {reason(error)}"
        except ParseError as error:
            why = f"/proc/{error}"
        problems.append(Problem(name, f"{why}; {consequence}" if consequence else why))
        return None

    def _text(self, path: str) -> bytes:
        """Read a file, opening it if need be; one that failed is opened anew next time."""
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = KernelFile(f"{self._root}/{path}")
        try:
            text = file.read()
        except OSError:
            self._forget(path)
            raise
        if not self._live:
            self._forget(path)
        return text

    def _forget(self, path: str) -> None:
        """Close a file, so that it is opened anew."""
        file = self._files.pop(path, None)
        if file is not None:
            file.close()

    def _read_number(self, path: str) -> int | None:
        """Read a file that holds one whole number; None where there is none."""
        text = (read_optional(f"{self._root}/{path}") or b"").strip()
        return int(text) if text.isdigit() and len(text) <= len("1000000000000") else None

    def _largest_cma_chunk_pages(self) -> int | None:
        """Read the largest free run of any CMA area (CONFIG_CMA_DEBUGFS, 4.1 on)."""
        areas = f"{self._root}/sys/kernel/debug/cma"
        try:
            names = os.listdir(areas)
        except OSError:
            return None
        chunks = [self._read_number(f"sys/kernel/debug/cma/{name}/maxchunk") for name in names]
        return max((chunk for chunk in chunks if chunk is not None), default=None)
