"""/proc/meminfo: where the memory is, in kib.

A kernel prints the same lines each time: where those that are asked for stand is remembered, and
only numbers are read then. Whatever is not just as remembered is read line by line.

Source: fs/proc/meminfo.c. Since when a line is there: Active(file), Inactive(file),
Unevictable and Mlocked 2.6.28; Shmem and KernelStack 2.6.32; SReclaimable 2.6.19;
MemAvailable 3.14; CmaTotal and CmaFree 3.19; Hugepagesize only with CONFIG_HUGETLB_PAGE.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from oomwatchd.errors import ParseError
from oomwatchd.procfs.text import MAX_REMEMBERED_BYTES, fault, number, skeleton

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
_NAMES = tuple([name + b":" for name in _FIELDS])
_LINE = re.compile(
    rb"^(" + b"|".join(map(re.escape, _FIELDS)) + rb"): *([^\n]*)(\n|\Z)", re.MULTILINE
)
_UNIT = b" kB"
_WIDTH = 20
"""The widest column that is read at a glance: no number in it can have too many digits."""

_Places = tuple[tuple[int, bytes] | None, ...]
"""For each field the number of its line and how that begins."""


def parse(data: bytes) -> Meminfo:
    """Parse the whole file; what follows a cut is None.

    Raises:
        ParseError: a line that is asked for is not a number of kB, or MemTotal or MemFree
            is missing.
    """
    return _read_quickly(data) or _read_line_by_line(data)


@lru_cache(maxsize=2)
def _places(skeleton: bytes) -> _Places | None:
    """Say where the lines stand in a text of that skeleton; None where one is unusual."""
    lines = skeleton.split(b"\n")
    found = [[n for n, line in enumerate(lines) if line.startswith(name)] for name in _NAMES]
    usual = all(
        len(numbers) <= 1 and all(lines[n] == name + _UNIT.strip() for n in numbers)
        for name, numbers in zip(_NAMES, found, strict=True)
    )
    if not (usual and found[0] and found[1]):
        return None
    return tuple(
        [
            (numbers[0], name) if numbers else None
            for name, numbers in zip(_NAMES, found, strict=True)
        ]
    )


def _read_quickly(data: bytes) -> Meminfo | None:
    """Read a text whose lines are as usual; None where that is in doubt."""
    if not data.endswith(b"\n") or len(data) > MAX_REMEMBERED_BYTES:
        return None
    places = _places(skeleton(data))
    if places is None:
        return None
    lines = data.split(b"\n")
    facts: list[int | None] = []
    for place in places:
        if place is None:
            facts.append(None)
            continue
        line, name = lines[place[0]], place[1]
        column = line[len(name) : -3]
        if line[: len(name)] != name or line[-3:] != _UNIT or len(column) > _WIDTH:
            return None
        # The skeleton shows that nothing but digits and blanks is left: int() is strict here.
        try:
            facts.append(int(column))
        except ValueError:
            return None
    return Meminfo(*facts)  # type: ignore[arg-type] # total and free have places


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
