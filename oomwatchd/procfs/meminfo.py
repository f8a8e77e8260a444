"""/proc/meminfo: where the memory is, in kib.

A kernel prints the same lines each time: where those that are asked for stand is remembered, and
only numbers are read then. Whatever is not just as remembered is read line by line.

Source: fs/proc/meminfo.c. Since when a line is there: Active(file), Inactive(file),
Unevictable and Mlocked 2.6.28; Shmem and KernelStack 2.6.32; SReclaimable 2.6.19;
MemAvailable 3.14; CmaTotal and CmaFree 3.19; Hugepagesize only with CONFIG_HUGETLB_PAGE.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from oomwatchd.errors import ParseError
from oomwatchd.procfs.text import MAX_REMEMBERED_BYTES, fault, number, plain_numbers, skeleton

FILE = "meminfo"


class Meminfo(NamedTuple):
    """The lines that are asked for, in kib; None where the kernel does not print one."""

    total_kib: int
    free_kib: int
    available_kib: int | None
    cached_kib: int | None
    active_file_kib: int | None
    inactive_file_kib: int | None
    dirty_kib: int | None
    writeback_kib: int | None
    mapped_kib: int | None
    shmem_kib: int | None
    slab_reclaimable_kib: int | None
    cma_total_kib: int | None
    cma_free_kib: int | None
    hugepage_kib: int | None
    vmalloc_total_kib: int | None
    swap_total_kib: int | None


_FIELDS = {
    b"MemTotal": "total_kib",
    b"MemFree": "free_kib",
    b"MemAvailable": "available_kib",
    b"Cached": "cached_kib",
    b"Active(file)": "active_file_kib",
    b"Inactive(file)": "inactive_file_kib",
    b"Dirty": "dirty_kib",
    b"Writeback": "writeback_kib",
    b"Mapped": "mapped_kib",
    b"Shmem": "shmem_kib",
    b"SReclaimable": "slab_reclaimable_kib",
    b"CmaTotal": "cma_total_kib",
    b"CmaFree": "cma_free_kib",
    b"Hugepagesize": "hugepage_kib",
    b"VmallocTotal": "vmalloc_total_kib",
    b"SwapTotal": "swap_total_kib",
}
_NAMES = [name + b":" for name in _FIELDS]
_LINE = re.compile(
    rb"^(" + b"|".join(map(re.escape, _FIELDS)) + rb"): *([^\n]*)(\n|\Z)", re.MULTILINE
)


class _Layout(NamedTuple):
    """Where the lines that are asked for stand."""

    lines_of: Callable[[list[bytes]], tuple[bytes, ...]]
    """Takes them from among all lines."""
    words: list[bytes]
    """What stands before, between and behind their numbers when they are put in one row."""
    in_order: Callable[[list[int | None]], tuple[int | None, ...]]
    """Puts the numbers, with a None behind them, in the order of the fields."""


def parse(data: bytes) -> Meminfo:
    """Parse the whole file; what follows a cut is None.

    Raises:
        ParseError: a line that is asked for is not a number of kB, or MemTotal or MemFree
            is missing.
    """
    return _read_quickly(data) or _read_line_by_line(data)


@lru_cache(maxsize=2)
def _layout(skeleton: bytes) -> _Layout | None:
    """Give the layout of all texts of that skeleton; None where a line is unusual."""
    lines = skeleton.split(b"\n")
    found = [[n for n, line in enumerate(lines) if line.startswith(name)] for name in _NAMES]
    places = [(numbers[0], name) for name, numbers in zip(_NAMES, found, strict=True) if numbers]
    doubtful = any(len(numbers) > 1 for numbers in found)
    if (
        doubtful
        or not (found[0] and found[1])
        or any(lines[n] != name + b"kB" for n, name in places)
    ):
        return None
    names = [name for _, name in places]
    return _Layout(
        itemgetter(*[n for n, _ in places]),
        [names[0], *[b"kB" + name for name in names[1:]], b"kB"],
        itemgetter(
            *[
                places.index((numbers[0], name)) if numbers else -1
                for name, numbers in zip(_NAMES, found, strict=True)
            ]
        ),
    )


def _read_quickly(data: bytes) -> Meminfo | None:
    """Read a text whose lines are as usual; None where that is in doubt."""
    if not data.endswith(b"\n") or len(data) > MAX_REMEMBERED_BYTES:
        return None
    layout = _layout(skeleton(data))
    if layout is None:
        return None
    words = b"".join(layout.lines_of(data.split(b"\n"))).split()
    facts = plain_numbers(words[1::2])
    if facts is None or words[::2] != layout.words:
        return None
    return Meminfo(*layout.in_order([*facts, None]))  # type: ignore[arg-type] # total and free have places


def _read_line_by_line(data: bytes) -> Meminfo:
    """Read any text."""
    facts: dict[str, int] = {}
    for match in _LINE.finditer(data):
        digits, _, unit = match[2].rstrip(b" \r").partition(b" ")
        if not match[3] and unit != b"kB":
            continue  # cut short within the number, maybe: the line is as good as missing
        if unit.strip() not in (b"kB", b""):
            raise fault(FILE, data, match.start(1), "not a number of kB")
        facts.setdefault(_FIELDS[match[1]], number(digits, FILE, data, match.start(1)))
    for name in (b"MemTotal", b"MemFree"):
        if _FIELDS[name] not in facts:
            raise ParseError(FILE, 0, b"", f"no {name.decode()} in the file")
    return Meminfo(**{field: facts.get(field) for field in Meminfo._fields})  # type: ignore[arg-type] # total and free were just seen
