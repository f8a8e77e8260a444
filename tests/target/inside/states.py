"""Brings a guest's memory into wanted states and holds it there."""

import math
import mmap
import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from target.inside.tools import write

PAGE = mmap.PAGESIZE
_SLOTS = 16
_CHUNK_PAGES = 256
_TOUCHED = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
_MADV_POPULATE_WRITE = 23
"""Touches what is not there, Linux 5.14 and later; the module has no name for it."""


def quiet() -> None:
    """Stop what would change free memory by itself, boosts and background compaction."""
    write("/proc/sys/vm/watermark_boost_factor", 0)
    write("/proc/sys/vm/compaction_proactiveness", 0)
    write("/sys/kernel/mm/transparent_hugepage/enabled", "never")
    # Setting the marks anew takes a boost off that is already there.
    marks = Path("/proc/sys/vm/min_free_kbytes")
    marks.write_text(marks.read_text())
    allow_many_files()


def allow_many_files() -> None:
    """Allow as many descriptors as full memory has pipes."""
    limit = 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def compact() -> None:
    """Compact all zones."""
    write("/proc/sys/vm/compact_memory", 1)


def free_pages() -> int:
    """Say how many pages are free, outside of CMA."""
    facts = dict(line.split()[:2] for line in Path("/proc/meminfo").read_text().splitlines())
    kib = int(facts["MemFree:"]) - int(facts.get("CmaFree:", "0"))
    return kib * 1024 // PAGE


def _some(count: int, part: float, chance: random.Random) -> Iterator[int]:
    """Choose numbers below `count`, each with the same probability: from gap to gap."""
    scale = 1 / math.log(1 - part)
    at = int(math.log(1 - chance.random()) * scale)
    while at < count:
        yield at
        at += 1 + int(math.log(1 - chance.random()) * scale)


class Anonymous:
    """Anonymous memory: movable."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._chunks: list[mmap.mmap] = []

    def take(self, pages: int) -> None:
        """Touch more pages."""
        for _ in range(pages // _CHUNK_PAGES):
            self._chunks.append(mmap.mmap(-1, _CHUNK_PAGES * PAGE, _TOUCHED))

    def give_back(self, every: int, first: int = 0) -> None:
        """Give back every so manieth page, from the `first` on."""
        for chunk in self._chunks:
            for at in range(first * PAGE, _CHUNK_PAGES * PAGE, every * PAGE):
                chunk.madvise(mmap.MADV_DONTNEED, at, PAGE)

    def scatter(self, part: float, chance: random.Random) -> None:
        """Give back a part of the pages, each with that probability."""
        for chunk in self._chunks:
            for at in _some(_CHUNK_PAGES, part, chance):
                chunk.madvise(mmap.MADV_DONTNEED, at * PAGE, PAGE)

    def fill(self) -> None:
        """Touch all pages again."""
        for chunk in self._chunks:
            chunk.madvise(_MADV_POPULATE_WRITE)

    def close(self) -> None:
        """Give back all."""
        for chunk in self._chunks:
            chunk.close()
        self._chunks.clear()


class Pipes:
    """Pipe pages: unmovable. Neighbouring pages belong to pipes of different sets."""

    def __init__(self, sets: int = 2) -> None:
        """Hold nothing yet."""
        self._sets: list[list[tuple[int, int]]] = [[] for _ in range(sets)]
        self._page = bytes(PAGE)

    def take(self, pages: int) -> None:
        """Fill pipes of all sets, page by page in turn."""
        for _ in range(pages // (len(self._sets) * _SLOTS)):
            row = [os.pipe() for _ in self._sets]
            for _ in range(_SLOTS):
                for _, writer in row:
                    os.write(writer, self._page)
            for pipe, members in zip(row, self._sets, strict=True):
                members.append(pipe)

    def drain(self, part: float = 1.0, number: int = 0) -> None:
        """Empty so many of a set's pipes, the oldest first."""
        members = self._sets[number]
        for reader, _ in members[: int(len(members) * part)]:
            os.set_blocking(reader, False)
            try:
                while os.read(reader, PAGE):
                    pass
            except BlockingIOError:
                pass

    def close(self) -> None:
        """Give back all."""
        for members in self._sets:
            for reader, writer in members:
                os.close(reader)
                os.close(writer)
            members.clear()


@contextmanager
def anonymous() -> Iterator[Anonymous]:
    """Hold anonymous memory for a while."""
    memory = Anonymous()
    try:
        yield memory
    finally:
        memory.close()


@contextmanager
def pipes() -> Iterator[Pipes]:
    """Hold pipe pages for a while."""
    memory = Pipes()
    try:
        yield memory
    finally:
        memory.close()
