"""Taking samples: the kernel's files, opened once, read as seldom and as little as will do."""

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from oomwatchd.assess.sample import Sample
from oomwatchd.errors import ParseError
from oomwatchd.model import Kernel, Problem
from oomwatchd.procfs import buddyinfo, meminfo, pagetypeinfo, zoneinfo
from oomwatchd.procfs.buddyinfo import BuddyZone
from oomwatchd.system.files import KernelFile, read_tiny, reason

T = TypeVar("T")

_FIRST_BYTES = 4096
"""The kernel gives no more at once (one page) unless a single record is longer."""
_SINGLE_RECORD = "proc/meminfo"
"""The others have a record for each zone (or counter), and a read may end after any of them."""
_LONGEST_RECORD_BYTES = 512
"""No line of buddyinfo is so long; a text that leaves less room may have been cut between two."""
_MAX_WALKED_BLOCKS = 500_000
"""The kernel walks the free lists for pagetypeinfo with interrupts off: about 5 ns a block."""
_PAGETYPEINFO_MISSING = "headroom is a lower bound"


class Needs(NamedTuple):
    """What a sample needs besides buddyinfo, zoneinfo and meminfo."""

    types: bool = True
    """pagetypeinfo: the kernel holds the zone's lock while it walks the free lists."""
    cma_chunks: bool = True
    """The largest free run of the CMA areas, from debugfs."""


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
        self._seen: bytes | None = None
        self._migratetypes: frozenset[str] = frozenset()
        self._types_problem: Problem | None = None
        self._shift = self._read_number("proc/sys/vm/min_free_order_shift")

    def glance(self) -> bytes | None:
        """Read the beginning of buddyinfo; None where it has not changed since the last time.

        Of a file longer than a page, as large machines have, what follows is not looked at, so
        it always counts as changed. What cannot be read is changed too, and empty.
        """
        file = self._files.get("proc/buddyinfo")
        try:
            if file is None:
                text = self._text("proc/buddyinfo")
            else:
                text = os.pread(file.descriptor, _FIRST_BYTES, 0)
        except OSError:
            self._forget("proc/buddyinfo")
            text = b""
        if text == self._seen:
            return None
        # Of a text that nearly fills the buffer the rest, not read, may have changed.
        whole = 0 < len(text) <= _FIRST_BYTES - _LONGEST_RECORD_BYTES
        self._seen = text if whole or file is None else None
        return text

    def sample(self, needs: Needs = Needs()) -> Sample:  # noqa: B008 - it is immutable
        """Read and parse. What cannot be read or parsed is in `problems`."""
        problems: list[Problem] = []
        lists = self._read("buddyinfo", buddyinfo.parse, problems)
        stanzas = self._read("zoneinfo", zoneinfo.parse, problems)
        types = self._read_types(lists) if needs.types else None
        if self._types_problem is not None:
            problems.append(self._types_problem)
        return Sample(
            kernel=self._kernel,
            buddyinfo=lists,
            zoneinfo=stanzas,
            pagetypeinfo=types,
            meminfo=self._read("meminfo", meminfo.parse, problems),
            min_free_order_shift=self._shift,
            largest_cma_chunk_pages=self._largest_cma_chunk_pages() if needs.cma_chunks else None,
            problems=tuple(problems),
            migratetypes=self._migratetypes,
        )

    def counters(self, names: tuple[bytes, ...]) -> dict[bytes, int]:
        """Read some of the counters of /proc/vmstat; those that the kernel lacks are left out."""
        try:
            lines = self._text("proc/vmstat").split(b"\n")
        except OSError:
            return {}
        pairs = (line.split(b" ") for line in lines if line.startswith(names))
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}  # noqa: PLR2004 - a name and a number

    def close(self) -> None:
        """Close all files."""
        for path in list(self._files):
            self._forget(path)

    def _read_types(self, lists: Iterable[BuddyZone] | None) -> pagetypeinfo.Pagetypeinfo | None:
        """Read pagetypeinfo; why that failed is remembered until it is read again."""
        if sum([sum(zone.free_blocks) for zone in lists or ()]) > _MAX_WALKED_BLOCKS:
            why = f"pagetypeinfo: more than {_MAX_WALKED_BLOCKS} free blocks to walk through"
            self._types_problem = Problem("pagetypeinfo", f"{why}; {_PAGETYPEINFO_MISSING}")
            return None
        problems: list[Problem] = []
        types = self._read("pagetypeinfo", pagetypeinfo.parse, problems, _PAGETYPEINFO_MISSING)
        self._types_problem = problems[0] if problems else None
        if types is not None:
            self._migratetypes = frozenset(
                name for zone in types.zones.values() for name in zone.free_blocks
            )
        return types

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
            # What was mounted over it may be gone the next time.
            self._forget(path)
            why = f"/proc/{error}"
        problems.append(Problem(name, f"{why}; {consequence}" if consequence else why))
        return None

    def _text(self, path: str) -> bytes:
        """Read a file, opening it if need be; one that failed is opened anew next time."""
        file = self._files.get(path)
        if file is None:
            file = KernelFile(f"{self._root}/{path}", single_record=path == _SINGLE_RECORD)
            self._files[path] = file
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
        text = (read_tiny(f"{self._root}/{path}") or b"").strip()
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
