"""/proc/meminfo: where the memory is, in kib.

Most lines are the same from look to look: what they hold is remembered.

Source: fs/proc/meminfo.c. Since when a line is there: Active(file), Inactive(file),
Unevictable and Mlocked 2.6.28; Shmem and KernelStack 2.6.32; SReclaimable 2.6.19;
MemAvailable 3.14; CmaTotal and CmaFree 3.19; Hugepagesize only with CONFIG_HUGETLB_PAGE.
"""

import re
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
_MAX_KNOWN = 256
"""More lines than any kernel prints, and room for those that change."""
_LONG_BYTES = 128
"""No line of any kernel is so long."""
_LINE = re.compile(
    rb"^(" + b"|".join(map(re.escape, _FIELDS)) + rb"): *([^\n]*)(\n|\Z)", re.MULTILINE
)


def parse(data: bytes) -> Meminfo:
    """Parse the whole file; what follows a cut is None.

    Raises:
        ParseError: a line that is asked for is not a number of kB, or MemTotal or MemFree
            is missing.
    """
    return _read_quickly(data) or _read_line_by_line(data)


class _Lines(dict[bytes, tuple[str, int] | None]):
    """What lines hold, a field and its number: most lines are the same from look to look."""

    def __missing__(self, line: bytes) -> tuple[str, int] | None:
        if len(self) >= _MAX_KNOWN:
            self.clear()
        match = _LINE.fullmatch(line)
        found = None
        if match is not None:
            digits = match[2].removesuffix(b" kB")
            if not digits.isdigit() or len(digits) > MAX_DIGITS:
                raise ValueError(digits)
            found = _FIELDS[match[1]], int(digits)
        if len(line) < _LONG_BYTES:
            self[line] = found
        return found


_KNOWN = _Lines()


def _read_quickly(data: bytes) -> Meminfo | None:
    """Read a text line by line, most of them known; None where one is unusual."""
    if not data.endswith(b"\n"):
        return None  # the last line may have been cut
    try:
        found = [*filter(None, map(_KNOWN.__getitem__, data.split(b"\n")))]
    except ValueError:
        return None
    facts = dict(found)
    if len(facts) < len(found) or "total_kib" not in facts or "free_kib" not in facts:
        return None
    return Meminfo(*map(facts.get, Meminfo._fields))  # type: ignore[arg-type] # these two are there


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
