"""Headroom: how many blocks could be taken one after another before the kernel refuses.

In each zone the smaller of blocks (what the free lists hold for the request) and budget (what
the watermark leaves), summed over the zones that the request may use. Without reclaim and
without compaction.
"""

from typing import NamedTuple

from oomwatchd.mm.freelists import all_blocks, cma_blocks, eligible_blocks
from oomwatchd.mm.watermark import (
    HighatomicRule,
    WatermarkRule,
    checks,
    grants,
    min_mark,
    rule_of,
    tightest,
    unusable_highatomic_pages,
)
from oomwatchd.mm.zonelist import Reached, reach, top_index
from oomwatchd.model import Request, Zone

_MOST_LENIENT = rule_of((4, 4, 0))._replace(highatomic=HighatomicRule.NONE)
_CMA = Request.CMA


class Headroom(NamedTuple):
    """Headroom in blocks, and the terms that made it. All may be added up over zones."""

    blocks: int
    """The headroom itself: exact, or the least that it can be."""
    most: int
    """The most that it can be: more than `blocks` only where that is a lower bound."""
    budget: int
    """Blocks that the free memory above the mark makes, whatever its pieces."""
    eligible: int
    """Blocks that the free lists hold for the request, whatever the watermark leaves."""
    everything: int
    """Blocks in all zones and of all types, whoever may use them."""
    lower_bound: bool


NOTHING = Headroom(0, 0, 0, 0, 0, lower_bound=False)
"""The headroom of no zone at all."""


class System(NamedTuple):
    """All zones, and what rules over them."""

    zones: tuple[Zone, ...]
    compiled: tuple[str, ...]
    rule: WatermarkRule
    guessed: bool = False
    """Whether the rule is the stricter one for want of a version: headroom is a lower bound."""


def headroom(system: System, request: Request, order: int) -> Headroom | None:
    """Sum headroom over the request's zonelist; None where one of its zones is not known.

    `cma` is bound by no mark: a contiguous allocation takes what is free in the area.
    """
    if request is _CMA:
        return _cma_headroom(system.zones, order)
    top = top_index(system.compiled, request)
    total, elsewhere = NOTHING, 0
    for zone in system.zones:
        if not zone.free_blocks and not zone.managed_pages:
            continue
        reached = reach(zone, top)
        if reached is None:
            elsewhere += all_blocks(zone, order)
            continue
        # Memory without free lists is from a damaged file.
        part = zone_headroom(reached, request, order, system) if zone.free_blocks else None
        if part is None:
            return None
        total = part if total is NOTHING else _sum(total, part)
    return total._replace(everything=total.everything + elsewhere) if elsewhere else total


def zone_headroom(
    reached: Reached, request: Request, order: int, system: System
) -> Headroom | None:
    """Give the headroom in one zone; None where its marks or its free pages are not known."""
    zone, rule = reached.zone, system.rule
    mark = min_mark(zone, request, order, rule)
    if mark is None or reached.reserve_pages is None or zone.free_pages is None:
        return None
    # Without the lists by type this is the most that HighAtomic may hold.
    highatomic_pages = unusable_highatomic_pages(zone, request, rule)
    written = checks(reached, request, order, mark, rule, highatomic_pages)
    check = tightest(written)
    granted = grants(check, order)
    budget = granted if check is written[0] else grants(written[0], order)
    eligible = eligible_blocks(zone, request, order, highatomic_pages)
    everything = all_blocks(zone, order)
    blocks = most = min(eligible, granted)
    lower_bound = system.guessed or zone.is_lower_bound(order)
    if lower_bound:
        # At best nothing is held in HighAtomic; all else that the kernel compares is known.
        if system.guessed:
            check = checks(reached, request, order, mark, _MOST_LENIENT, 0)[0]
            highatomic_pages = 0
        most = min(everything, grants(check, order, highatomic_pages))
    return Headroom(blocks, most, budget, eligible, everything, lower_bound)


def _cma_headroom(zones: tuple[Zone, ...], order: int) -> Headroom | None:
    """Count what is free in CMA areas; None where no file tells of them."""
    if all(zone.free_cma_pages is None and zone.watermarks is None for zone in zones):
        return None
    total = NOTHING
    for zone in zones:
        if not zone.free_blocks:
            continue
        blocks = cma_blocks(zone, order)
        free = (zone.free_cma_pages or 0) >> order
        lower_bound = zone.is_lower_bound(order)
        most = min(free, all_blocks(zone, order)) if lower_bound else blocks
        total = _sum(total, Headroom(blocks, most, free, blocks, blocks, lower_bound))
    return total


def _sum(one: Headroom, other: Headroom) -> Headroom:
    """Add up two zones."""
    return Headroom(
        one.blocks + other.blocks,
        one.most + other.most,
        one.budget + other.budget,
        one.eligible + other.eligible,
        one.everything + other.everything,
        one.lower_bound or other.lower_bound,
    )
