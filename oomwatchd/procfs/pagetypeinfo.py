"""/proc/pagetypeinfo: free blocks by migratetype, and pageblocks by migratetype.

Source: mm/vmstat.c, pagetypeinfo_show(); since 2.6.24, readable by root only since 5.4.
Types go by name, since their order changed: up to 4.3 Unmovable, Reclaimable, Movable,
Reserve; since 4.4 Unmovable, Movable, Reclaimable, HighAtomic; CMA and Isolate behind, where
configured. Since 5.4 the walk of a list ends at 100,000 blocks, printed as ">100000".
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from oomwatchd.errors import ParseError
from oomwatchd.procfs.buddyinfo import MAX_ORDERS
from oomwatchd.procfs.text import fault, lines, number, numbers

FILE = "pagetypeinfo"

_PAGES_PER_BLOCK = re.compile(rb"Pages per block: +(\S+) *")
_HEADINGS = (b"Page block order:", b"Free pages count per migrate type")
_FREE = re.compile(rb"Node +(\d{1,9}), +zone +([!-~]{1,32}), +type +([!-~]{1,32}) ++([\d> ]++)")
_NODE_PART = b"\nPage block order:"
_LONG_BYTES = 512
"""No row of any kernel is so long."""
_SECOND_PART = b"Number of blocks type"
_THIRD_PART = b"Number of mixed blocks"  # 3.19 on, with page_owner only
_PAGEBLOCKS = re.compile(rb"Node +(\d{1,9}), +zone +([!-~]{1,32}) +(\d[\d ]*)")

Where = tuple[int, str]
"""Node and zone name."""


class _Row(NamedTuple):
    """Free counts of one type in one zone."""

    where: Where
    type: str
    counts: tuple[int, ...]
    capped_order: int | None


class PagetypeZone(NamedTuple):
    """One zone: free blocks by type and order, and the number of pageblocks by type.

    `pageblocks` is None where the second part of the file lacks the zone (a file cut short);
    `capped_order` is the highest order with a count that is only a lower bound.
    """

    free_blocks: dict[str, tuple[int, ...]]
    pageblocks: dict[str, int] | None
    capped_order: int | None


class Pagetypeinfo(NamedTuple):
    """The whole file; `pages_per_block` is None where the line is missing."""

    pages_per_block: int | None
    zones: dict[Where, PagetypeZone]


def parse(data: bytes) -> Pagetypeinfo:
    """Parse the whole file: for each node its free counts, then its pageblocks.

    Raises:
        ParseError: no free counts at all, a line of neither part, a type that stands twice
            in a zone, rows with different numbers of orders, or a cut among the free counts.
    """
    starts = [0] if data.startswith(_NODE_PART[1:]) else []
    at = -1
    while (at := data.find(_NODE_PART, at + 1)) >= 0:
        starts.append(at + 1)
    pages_per_block: int | None = None
    zones: dict[Where, PagetypeZone] = {}
    for start, end in pairwise([*(starts or [0]), len(data)]):
        second = data.find(_SECOND_PART, start, end)
        first = second if second >= 0 else end
        pages_per_block = _parse_free(data, start, first, zones) or pages_per_block
        if second < 0:
            # A zone that lacks a type would seem to hold less than it does.
            raise fault(FILE, data, len(data), "cut short among the free counts")
        third = data.find(_THIRD_PART, second, end)
        _parse_pageblocks(data, second, end if third < 0 else third, zones)
    if not zones:
        raise ParseError(FILE, 0, b"", "no free counts in the file")
    return Pagetypeinfo(pages_per_block, zones)


def _parse_free(data: bytes, start: int, end: int, zones: dict[Where, PagetypeZone]) -> int | None:
    """Add a node's free counts to `zones`; returns the pages per pageblock."""
    pages_per_block: int | None = None
    for offset, line in lines(data, start, end):
        row = _row(line) if line.startswith(b"Node") and len(line) < _LONG_BYTES else None
        if row is not None:
            _add_row(zones, row, data, offset)
        elif match := _FREE.fullmatch(line):
            _add_row(zones, _read_row(match, data, offset), data, offset)
        elif match := _PAGES_PER_BLOCK.fullmatch(line):
            pages_per_block = number(match[1], FILE, data, offset)
        elif not line.startswith(_HEADINGS):
            raise fault(FILE, data, offset, "not a line of free counts")
    return pages_per_block


@lru_cache(maxsize=32)
def _row(line: bytes) -> _Row | None:
    """Read a row alone: those of some types hardly ever change. None where there is a fault."""
    match = _FREE.fullmatch(line)
    try:
        return _read_row(match, line, 0) if match else None
    except ParseError:
        return None  # it is told with its place in the file by whoever has that


def _read_row(match: re.Match[bytes], data: bytes, offset: int) -> _Row:
    """Read a row of free counts."""
    counts = numbers(match[4].replace(b">", b" "), FILE, data, offset)
    capped = [order for order, count in enumerate(match[4].split()) if count.startswith(b">")]
    return _Row(_where(match), match[3].decode(), counts, max(capped, default=None))


def _add_row(zones: dict[Where, PagetypeZone], row: _Row, data: bytes, offset: int) -> None:
    """Add a row of free counts to its zone."""
    zone = zones.get(row.where)
    if zone is None:
        zone = zones[row.where] = PagetypeZone({}, None, None)
    if row.type in zone.free_blocks:
        raise fault(FILE, data, offset, "the type stands twice")
    orders = len(next(iter(zone.free_blocks.values()), row.counts))
    if len(row.counts) != orders or orders > MAX_ORDERS:
        raise fault(FILE, data, offset, f"{len(row.counts)} orders, not {orders} as before")
    zone.free_blocks[row.type] = row.counts
    if row.capped_order is not None:
        capped_order = max(row.capped_order, zone.capped_order or 0)
        zones[row.where] = zone._replace(capped_order=capped_order)


def _parse_pageblocks(data: bytes, start: int, end: int, zones: dict[Where, PagetypeZone]) -> None:
    """Add a node's pageblocks to `zones`; a row that a cut may have hit is left out."""
    whole_end = end if end < len(data) else data.rfind(b"\n") + 1
    head, *rows = [*lines(data, start, max(start, whole_end))] or [(0, b"")]
    types = [name.decode("ascii", "backslashreplace") for name in head[1].split()[4:]]
    for offset, line in rows:
        row = _pageblocks(line) if len(line) < _LONG_BYTES else None
        if row is None and (match := _PAGEBLOCKS.fullmatch(line)):
            row = _where(match), numbers(match[3], FILE, data, offset)
        if row is None or len(row[1]) != len(types):
            raise fault(FILE, data, offset, "not a line of pageblocks by type")
        where, counts = row
        zone = zones.get(where)
        if zone is not None:
            pageblocks = dict(zip(types, counts, strict=True))
            zones[where] = PagetypeZone(zone.free_blocks, pageblocks, zone.capped_order)


@lru_cache(maxsize=8)
def _pageblocks(line: bytes) -> tuple[Where, tuple[int, ...]] | None:
    """Read a row of pageblocks alone, as `_row`."""
    match = _PAGEBLOCKS.fullmatch(line)
    try:
        return (_where(match), numbers(match[3], FILE, line, 0)) if match else None
    except ParseError:
        return None


def _where(match: re.Match[bytes]) -> Where:
    """Read node and zone, the first two groups of every row."""
    return int(match[1]), match[2].decode()
