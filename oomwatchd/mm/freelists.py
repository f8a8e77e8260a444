"""Which free blocks may serve a request.

Source: mm/page_alloc.c, __rmqueue() and fallbacks, rmqueue() for HighAtomic. A request may
take blocks of other types as well as of its own, with three exceptions: CMA serves movable
requests only, HighAtomic (since 4.4) atomic ones only, Isolate none. MIGRATE_RESERVE (up to
4.3) serves all.
"""

from collections.abc import Mapping
from functools import lru_cache

from oomwatchd.mm.gfp import RIGHTS
from oomwatchd.model import Request, Zone, pages_in_blocks

CAPPED_AT = 100_000
"""Since 5.4 pagetypeinfo counts no further on one free list (mm/vmstat.c)."""


def all_blocks(zone: Zone, order: int) -> int:
    """Count the blocks of `order` that all free blocks of the zone could be split into."""
    return pages_in_blocks(zone.free_blocks, order) >> order


def eligible_blocks(zone: Zone, request: Request, order: int, most_highatomic: int) -> int:
    """Count the blocks of `order` that the request could take from the free lists.

    Exact with pagetypeinfo. Without it a lower bound: free CMA and `most_highatomic`, the
    most pages that HighAtomic may hold, are taken away from the largest blocks first.
    """
    rights = RIGHTS[request]
    if zone.free_blocks_by_type is not None:
        barred = {"Isolate"}
        if not rights.cma:
            barred.add("CMA")
        if not rights.reserves:
            barred.add("HighAtomic")
        return _blocks_but_for(zone, zone.free_blocks_by_type, barred, order)
    barred_pages = 0 if rights.cma else zone.free_cma_pages or 0
    if not rights.reserves:
        barred_pages += most_highatomic
    return max(0, pages_in_blocks(zone.free_blocks, order) - barred_pages) >> order


def _blocks_but_for(
    zone: Zone, types: Mapping[str, tuple[int, ...]], barred: set[str], order: int
) -> int:
    """Count the blocks of all types but the barred ones.

    Where pagetypeinfo stopped counting, buddyinfo still counts them all: less the barred ones,
    unless these are what was not counted to the end.
    """
    counted = {name: pages_in_blocks(blocks, order) >> order for name, blocks in types.items()}
    eligible = sum(blocks for name, blocks in counted.items() if name not in barred)
    cut = any(CAPPED_AT in types[name] for name in barred & types.keys())
    if zone.is_lower_bound(order) and not cut:
        kept = sum(counted[name] for name in barred & types.keys())
        return max(eligible, all_blocks(zone, order) - kept)
    return eligible


def cma_blocks(zone: Zone, order: int) -> int:
    """Count the blocks of `order` in free CMA pages; without pagetypeinfo at least so many.

    What all other free pages cannot fill of the large blocks must be CMA.
    """
    if zone.free_blocks_by_type is not None:
        return pages_in_blocks(zone.free_blocks_by_type.get("CMA", ()), order) >> order
    other_pages = pages_in_blocks(zone.free_blocks) - (zone.free_cma_pages or 0)
    return max(0, pages_in_blocks(zone.free_blocks, order) - other_pages) >> order


def most_highatomic_pages(zone: Zone, *, capped_below_pageblock: bool) -> int:
    """Bound the pages that HighAtomic may hold, where pagetypeinfo was not read.

    Source: mm/page_alloc.c, reserve_highatomic_pageblock(). From 4.4 whole pageblocks are added
    until one per cent of the zone and a pageblock are reached or exceeded; since 6.8 one per
    cent is rounded up to pageblocks, and nothing is reserved where it is less than one. The
    size of a pageblock is not known here: it is at most the largest block.
    """
    return _most_highatomic(len(zone.free_blocks), zone.managed_pages or 0, capped_below_pageblock)


@lru_cache(maxsize=8)
def _most_highatomic(orders: int, managed_pages: int, capped_below_pageblock: bool) -> int:  # noqa: FBT001 - positional arguments are found sooner
    """Bound the pages of a zone of that size."""
    largest = 1 << max(0, orders - 1)
    hundredth = managed_pages // 100
    if capped_below_pageblock:
        return min(2 * hundredth, hundredth + largest)
    return -(-(hundredth + largest) // largest) * largest
