"""Why a demand is low, and what to do about it, in one sentence."""

from oomwatchd.assess.headroom import Headroom, System
from oomwatchd.assess.memory import Memory
from oomwatchd.mm.zonelist import reached_zones
from oomwatchd.model import Cause, Demand, Request, Zone

ADVICE = {
    Cause.SHORTAGE: "too little is free above the kernel's marks: the rest is in use or in caches; "
    "find what grew",
    Cause.RESERVED: "large blocks are free but kept from this request (in CMA, in HighAtomic, "
    "or in a zone that it cannot use)",
    Cause.FRAGMENTATION: "memory is free in pieces that are too small: compaction mends that, "
    "but for what scattered unmovable pages hold apart",
    Cause.UNSATISFIABLE: "this device can never hold so much in blocks of this order: state a "
    "smaller demand",
}
"""What to say to whoever looks, by cause."""
BOUND_ADVICE = (
    "only a lower bound is known, and it is low: let it read /proc/pagetypeinfo (root since 5.4)"
)
LARGE_CMA_ADVICE = (
    "blocks larger than the kernel's free lists have can only be counted where debugfs tells of "
    "the CMA areas (CONFIG_CMA_DEBUGFS)"
)


def cause_of(level: int, measured: Headroom) -> Cause:
    """Name the term that keeps headroom at or below `level` blocks.

    Fragmentation also where neither term does alone: before 4.4 the kernel asks for a stock of
    large blocks besides, and one zone may have the blocks where another has the budget.
    """
    if measured.budget <= level:
        return Cause.SHORTAGE
    if measured.eligible <= level < measured.everything:
        return Cause.RESERVED
    return Cause.FRAGMENTATION


def satisfiable(demand: Demand, level: int, system: System, memory: Memory, page_size: int) -> bool:
    """Whether headroom could exceed `level` if all memory that the request may use were free."""
    if demand.request is Request.CMA:
        if memory.cma_total_kib is None:  # before 3.19, or a kernel without CMA
            return any(zone.free_cma_pages for zone in system.zones)
        return (memory.cma_total_kib * 1024 // page_size) >> demand.order > level
    orders = max((len(zone.free_blocks) for zone in system.zones), default=0)
    if orders == 0:
        return True  # no free list could be read: nothing speaks against it
    if demand.order >= orders:
        return False
    reached = reached_zones(system.zones, system.compiled, demand.request)
    if any(zone.managed_pages is None for zone in reached):
        return True
    return sum(_most_pages(zone) for zone in reached) >> demand.order > level


def _most_pages(zone: Zone) -> int:
    """Bound what a zone could ever give: all of it but its min mark, less the boost."""
    marks = zone.watermarks
    kept = (marks.min - (marks.boost or 0)) * 3 // 8 if marks else 0
    return max(0, (zone.managed_pages or 0) - kept)
