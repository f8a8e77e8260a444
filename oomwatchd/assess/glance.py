"""The glance: whether buddyinfo alone shows that no demand can be near its level.

Reading is the cost, so while there is plenty nothing else is read. What the other files said
last is taken for its worst: all of CMA and the most that HighAtomic may hold is barred, and the
watermarks are boosted as far as they go. Then a demand cannot be near if one zone has, in
blocks of its order and larger, all that twice its warning level and these take together. That
holds under the rules before and since 4.4, since each of their tests counts these pages.
"""

from operator import lshift
from typing import NamedTuple

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.assess.demands import measures_available
from oomwatchd.mm.freelists import most_highatomic_pages
from oomwatchd.mm.zonelist import Reached, zonelist
from oomwatchd.model import Request, Version, Zone
from oomwatchd.procfs.buddyinfo import MAX_ORDERS
from oomwatchd.procfs.text import plain_numbers
from oomwatchd.units import pages_of_kib

_BOOST_SINCE: Version = (5, 0, 0)
_CMA_SINCE: Version = (3, 5, 0)
_CMA_TOLD_SINCE: Version = (3, 19, 0)
_BOOST_PARTS, _BOOST_WHOLE = 3, 2
"""Up to 150 per cent of the high mark (watermark_boost_factor 15000, mm/page_alloc.c), or a
pageblock."""
_FIRST_COUNT = 4
"""Words before the counts in a line of buddyinfo."""
_AGREEMENT = 8
"""meminfo must agree with the zones to an eighth, or it tells of another memory (a container)."""
_SHIFTS = range(MAX_ORDERS)


class Line(NamedTuple):
    """What a line of buddyinfo has to show."""

    prefix: bytes
    """The line up to the counts, with the line break before it."""
    orders: int
    least_blocks: tuple[tuple[int, int], ...]
    """(order, blocks), the largest order first."""


class Glance(NamedTuple):
    """The lines to look at."""

    lines: tuple[Line, ...]


def glance_of(assessment: Assessment, buddyinfo: bytes) -> Glance | None:
    """Make the glance for what was just assessed; None where only a full look will do."""
    needs: dict[tuple[int, str], dict[int, int]] = {}
    cma_pages = _most_cma_pages(assessment)
    if cma_pages is None:
        return None
    for reading in assessment.readings:
        need = _need(reading, assessment, cma_pages)
        if need is None:
            return None
        zone, blocks = need
        of_zone = needs.setdefault((zone.node, zone.name), {})
        order = reading.demand.order
        of_zone[order] = max(blocks, of_zone.get(order, 0))
    lines = [_line(text, needs) for text in buddyinfo.split(b"\n")]
    kept = tuple([line for line in lines if line is not None])
    return Glance(kept) if len(kept) == len(needs) else None


def slack_pages(glance: Glance, buddyinfo: bytes) -> int | None:
    """Count the pages that may go before a demand could be near; None where one could be now.

    Hot path: nothing is kept of the text, and only the lines of the demands are read.
    """
    text = b"\n" + buddyinfo
    spares: list[int] = []
    for prefix, orders, least_blocks in glance.lines:
        at = text.find(prefix)
        words = text[at + len(prefix) : text.find(b"\n", at + 1)].split()
        if at < 0 or len(words) != orders:
            return None
        counts = plain_numbers(words)
        if counts is None:
            return None
        blocks, above = 0, orders
        for order, least in least_blocks:
            blocks <<= above - order
            blocks += sum(map(lshift, counts[order:above], _SHIFTS))
            above = order
            spares.append(blocks - least << order)
    slack = min(spares, default=-1)
    return None if slack < 0 else slack


def _line(text: bytes, needs: dict[tuple[int, str], dict[int, int]]) -> Line | None:
    """Make the line's part; None where no demand looks at it, or it does not read."""
    words = text.split()
    if len(words) < _FIRST_COUNT or words[0] != b"Node" or not words[1][:-1].isdigit():
        return None
    node, name = int(words[1][:-1][:9]), words[3].decode("ascii", "replace")
    by_order = needs.get((node, name))
    counts = words[_FIRST_COUNT:]
    if by_order is None or max(by_order) >= len(counts):
        return None
    prefix = b"\n" + text[: text.index(words[3]) + len(words[3]) + 1]
    return Line(prefix, len(counts), tuple(sorted(by_order.items(), reverse=True)))


def _need(reading: Reading, assessment: Assessment, cma_pages: int) -> tuple[Zone, int] | None:
    """Give a zone, and the blocks in it that keep the demand far from its level."""
    demand, system = reading.demand, assessment.system
    if demand.request is Request.CMA:
        return None
    reached = zonelist(system.zones, system.compiled, demand.request)
    if not reached:
        return None
    best = max(reached, key=lambda one: one.zone.free_pages or 0)
    if measures_available(system, demand.request, demand.order):
        kept_pages = _kept_from_available(assessment)
    else:
        kept_pages = _kept_pages(best, assessment, cma_pages)
    if kept_pages is None:
        return None
    return best.zone, 2 * demand.warning + 2 + (kept_pages >> demand.order)


def _kept_pages(reached: Reached, assessment: Assessment, cma_pages: int) -> int | None:
    """Count the most pages of a zone that may be kept from a request."""
    zone = reached.zone
    if zone.watermarks is None or reached.reserve_pages is None:
        return None
    mark = zone.watermarks.min + _most_boost(zone, assessment)
    barred = cma_pages + most_highatomic_pages(zone, capped_below_pageblock=False)
    return mark + reached.reserve_pages + barred


def _kept_from_available(assessment: Assessment) -> int | None:
    """Count the most pages by which available memory may be less than free memory.

    si_mem_available() of mm/page_alloc.c (mm/show_mem.c): totalreserve_pages, which is each
    zone's high mark and largest lowmem reserve.
    """
    zones = [zone for zone in assessment.system.zones if zone.free_blocks]
    if any(zone.watermarks is None or zone.protection is None for zone in zones):
        return None
    free_pages = sum(zone.free_pages or 0 for zone in zones)
    told_pages = pages_of_kib(assessment.memory.free_kib or 0, assessment.kernel.page_size)
    if abs(told_pages - free_pages) > free_pages // _AGREEMENT:
        return None
    return sum(
        zone.watermarks.high + max(zone.protection or (0,)) + _most_boost(zone, assessment)
        for zone in zones
        if zone.watermarks
    )


def _most_boost(zone: Zone, assessment: Assessment) -> int:
    """Bound the boost of a zone's marks from the marks as printed, which may hold some."""
    version = assessment.kernel.version
    if zone.watermarks is None or (version is not None and version < _BOOST_SINCE):
        return 0
    largest = 1 << max(0, len(zone.free_blocks) - 1)
    return max(largest, zone.watermarks.high * _BOOST_PARTS // _BOOST_WHOLE)


def _most_cma_pages(assessment: Assessment) -> int | None:
    """Bound the free CMA pages; None where the kernel may have an area but does not tell.

    CMA came with 3.5, and 3.19 prints CmaTotal wherever an area can be; counters of free CMA
    before 3.5 are a vendor's backport.
    """
    memory, version = assessment.memory, assessment.kernel.version
    if memory.cma_total_kib is not None:
        return pages_of_kib(memory.cma_total_kib, assessment.kernel.page_size)
    if version is None or memory.total_kib is None:
        return None
    counted = any(zone.free_cma_pages is not None for zone in assessment.system.zones)
    none_yet = version < _CMA_SINCE and not counted
    return 0 if none_yet or version >= _CMA_TOLD_SINCE else None
