"""/proc/meminfo: where the memory is, in kib.

A kernel prints the same lines each time: how they are laid out is remembered.

Source: fs/proc/meminfo.c. Since when a line is there: Active(file), Inactive(file),
Unevictable and Mlocked 2.6.28; Shmem and KernelStack 2.6.32; SReclaimable and SUnreclaim 2.6.19;
MemAvailable 3.14; CmaTotal and CmaFree 3.19; Hugepagesize only with CONFIG_HUGETLB_PAGE.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from oomwatchd.errors import ParseError
from oomwatchd.procfs.text import MAX_DIGITS, fault, number

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
    slab_unreclaimable_kib: int | None
    kernel_stack_kib: int | None
    page_tables_kib: int | None
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
    b"SUnreclaim": "slab_unreclaimable_kib",
    b"KernelStack": "kernel_stack_kib",
    b"PageTables": "page_tables_kib",
    b"CmaTotal": "cma_total_kib",
    b"CmaFree": "cma_free_kib",
    b"Hugepagesize": "hugepage_kib",
    b"VmallocTotal": "vmalloc_total_kib",
    b"SwapTotal": "swap_total_kib",
}
"""In the order of a Meminfo's fields."""
_LINE = re.compile(
    rb"^(" + b"|".join(map(re.escape, _FIELDS)) + rb"): *([^\n]*)(\n|\Z)", re.MULTILINE
)
_NAME = re.compile(rb"^([^:\n]{1,64}):", re.MULTILINE)
_NUMBER = rb": *+(\d{1,%d}) kB\n" % MAX_DIGITS
_ANYTHING = rb":[^\n]*+\n"
_MAX_LINES = 256
"""More than any kernel prints."""


def parse(data: bytes) -> Meminfo:
    """Parse the whole file; what follows a cut is None.

    Raises:
        ParseError: a line that is asked for is not a number of kB, or MemTotal or MemFree
            is missing.
    """
    return _read_quickly(data) or _read_line_by_line(data)


class _Layout(NamedTuple):
    """The lines that one kernel prints."""

    pattern: re.Pattern[bytes]
    """All of them, each by its name, with a group for each number that is asked for."""
    pick: Callable[[tuple[int | None, ...]], tuple[int | None, ...]]
    """Puts the groups in the order of the fields; group 0 stands for a missing line."""


class _QuickReader:
    """Reads a text that is laid out as the one before; None where a line is unusual."""

    def __init__(self) -> None:
        self._layout: _Layout | None = None

    def __call__(self, data: bytes) -> Meminfo | None:
        return self._read_as(self._layout, data) or self._read_as(_layout_of(data), data)

    def _read_as(self, layout: _Layout | None, data: bytes) -> Meminfo | None:
        match = layout and layout.pattern.fullmatch(data)
        if not layout or not match:
            return None
        self._layout = layout
        return Meminfo._make(layout.pick((None, *map(int, match.groups()))))


_read_quickly = _QuickReader()


def _layout_of(data: bytes) -> _Layout | None:
    """Find out how a text is laid out; None where it is not worth remembering."""
    names = tuple(_NAME.findall(data))
    asked = [name for name in names if name in _FIELDS]
    twice = len(set(asked)) < len(asked)
    if twice or len(names) > _MAX_LINES or not {b"MemTotal", b"MemFree"}.issubset(asked):
        return None
    return _layout(names)


@lru_cache(maxsize=2)
def _layout(names: tuple[bytes, ...]) -> _Layout:
    """Make the layout of lines with these names: that takes long, but is done once a kernel."""
    groups = dict.fromkeys(_FIELDS, 0)
    lines: list[bytes] = []
    for name in names:
        if name in groups:
            groups[name] = 1 + max(groups.values())
        lines.append(re.escape(name) + (_NUMBER if name in groups else _ANYTHING))
    return _Layout(re.compile(b"".join(lines)), itemgetter(*groups.values()))


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
