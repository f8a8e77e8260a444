"""Which remedy answers a low demand: the table.

    cause                     warning                       critical
    fragmentation, reserved   compact_async, then compact   compact, then give back, then compact
    shortage, while CMA has   compact_async, then compact   compact, then give back, then compact
    room, for atomic
    shortage else             nothing                       give back, for atomic
    unsatisfiable: nothing; nothing for cma

Each rung is for when those before it did not help.

Where blocks are reserved for others, what is left for the request is free in too small pieces,
or it would be a shortage: that is fragmentation too, and free CMA is where compaction moves to.

Where memory is short for an atomic request and pages are free in CMA, compaction moves there what
can be moved, page cache above all, and leaves the request what lay outside: the cache stays.

To give back is `reclaim` where the kernel has it, else `drop_pagecache` or `drop_slab` by where
the droppable memory is, and only where enough of it is. For a request that may sleep the kernel
does the same itself as soon as anybody asks: at rest with a full page cache free memory may lie
below the marks for long, and nothing is wrong. Memory measured as available counts what is
droppable already: giving that back adds nothing.
"""

from collections.abc import Iterator

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.assess.demands import measures_available
from oomwatchd.mm.zonelist import zonelist
from oomwatchd.model import Action, Cause, Remedy, Request, Severity, Zone, pages_in_blocks
from oomwatchd.policy.budget import is_allowed
from oomwatchd.policy.state import Limits
from oomwatchd.units import kib_of_pages

SCATTERED = frozenset({Cause.FRAGMENTATION, Cause.RESERVED})
"""The causes that compaction may end: enough is free for the request, in too small pieces."""
_ENOUGH_FACTOR = 4
"""What is given back lies scattered: this many times what is missing has to be droppable."""
_ENOUGH_KIB = 2 * 1024
_RECLAIM_KIB = 16 * 1024
"""No more is reclaimed at once."""


def level_of(reading: Reading) -> int:
    """Give the level that a low demand has to rise above."""
    critical = reading.severity is Severity.CRITICAL
    return reading.demand.critical if critical else reading.demand.warning


def rungs(
    reading: Reading,
    assessment: Assessment,
    limits: Limits,
    in_vain: frozenset[int | None] = frozenset(),
) -> Iterator[Action]:
    """Give what this device can do for a low demand, in order; a rung may stand twice.

    `in_vain` are the nodes that were compacted for it already.
    """
    demand = reading.demand
    if demand.request is Request.CMA:
        return
    critical = reading.severity is Severity.CRITICAL
    node = _node(reading, assessment, limits, in_vain)
    compact = Action(Remedy.COMPACT, node)
    wanted: list[Action] = []
    if reading.cause in SCATTERED or _has_room_in_cma(reading, assessment):
        if critical:
            wanted = [compact, *_giving_back(reading, assessment, limits)]
        else:
            wanted = [Action(Remedy.COMPACT_ASYNC), compact]
    elif reading.cause is Cause.SHORTAGE and critical and not demand.request.may_sleep:
        wanted = list(_giving_back(reading, assessment, limits))
    for action in wanted:
        if obstacle(action.remedy, limits) is None:
            yield action


def _has_room_in_cma(reading: Reading, assessment: Assessment) -> bool:
    """Whether a shortage that cannot wait would end if free CMA took what lies outside of it.

    At warning what the cma demands need to be well above their own levels is not counted; what is
    critical goes first, as what is moved there can be moved out again.
    """
    demand = reading.demand
    if reading.cause is not Cause.SHORTAGE or demand.request is not Request.ATOMIC:
        return False
    system = assessment.system
    reached = zonelist(system.zones, system.compiled, demand.request)
    free_cma_pages = sum(zone.free_cma_pages or 0 for zone, _ in reached)
    if reading.severity is not Severity.CRITICAL:
        free_cma_pages -= _needed_cma_pages(assessment)
    return free_cma_pages >= _missing_pages(reading)


def _needed_cma_pages(assessment: Assessment) -> int:
    """Sum what the cma demands need, those that can be met: twice their warning, which is near."""
    return sum(
        2 * one.demand.warning << one.demand.order
        for one in assessment.readings
        if one.demand.request is Request.CMA and one.cause is not Cause.UNSATISFIABLE
    )


def _missing_pages(reading: Reading) -> int:
    """Say how many pages a low demand lacks to be above its level."""
    return (level_of(reading) + 1 - (reading.headroom or 0)) << reading.demand.order


def obstacle(remedy: Remedy, limits: Limits) -> str | None:
    """Say why a remedy cannot be had here, or may not be used."""
    return limits.missing.get(remedy) or (
        None if is_allowed(remedy, limits.remedies) else f"{remedy.value} is switched off"
    )


def no_rung(reading: Reading, limits: Limits) -> str:
    """Say why there is nothing to be done about a low demand, ever."""
    if reading.demand.request is Request.CMA and reading.cause is not Cause.UNSATISFIABLE:
        return "compaction would fill CMA"
    if reading.cause in SCATTERED:
        return obstacle(Remedy.COMPACT, limits) or "nothing more to try"
    if reading.cause is Cause.SHORTAGE:
        if reading.demand.request.may_sleep:
            return "the kernel reclaims by itself"
        critical = reading.severity is Severity.CRITICAL
        return "too little can be dropped" if critical else "memory is given back at critical only"
    return f"none helps against {reading.cause.value}" if reading.cause else "not known why"


def needs_cma(reading: Reading, assessment: Assessment) -> str | None:
    """Name the cma demand that a compaction at leisure would endanger: it moves pages into CMA.

    What lies there can be moved out again, so that a critical demand goes first.
    """
    if reading.severity is Severity.CRITICAL:
        return None
    for other in assessment.readings:
        demand = other.demand
        if (
            demand.request is Request.CMA
            and other.cause is not Cause.UNSATISFIABLE
            and other.is_near
        ):
            return f'compaction would take CMA from demand "{demand.name}"'
    return None


def can_give_back(reading: Reading, assessment: Assessment) -> bool:
    """Whether enough is droppable, by us or by the kernel, to lift a demand above its level."""
    demand, memory = reading.demand, assessment.memory
    if measures_available(assessment.system, demand.request, demand.order):
        return False
    droppable_kib = (memory.droppable_pagecache_kib or 0) + (memory.droppable_slab_kib or 0)
    return droppable_kib >= _enough_kib(reading, assessment)


def _enough_kib(reading: Reading, assessment: Assessment) -> int:
    """Say how much has to be droppable to matter."""
    missing_kib = kib_of_pages(_missing_pages(reading), assessment.kernel.page_size)
    return max(_ENOUGH_KIB, _ENOUGH_FACTOR * missing_kib)


def _giving_back(reading: Reading, assessment: Assessment, limits: Limits) -> Iterator[Action]:
    """Give memory back to the free lists, if enough can be had to matter."""
    if not can_give_back(reading, assessment):
        return
    enough_kib = _enough_kib(reading, assessment)
    pagecache_kib = assessment.memory.droppable_pagecache_kib or 0
    slab_kib = assessment.memory.droppable_slab_kib or 0
    if obstacle(Remedy.RECLAIM, limits) is None:
        yield Action(Remedy.RECLAIM, amount_kib=min(enough_kib, _RECLAIM_KIB))
    elif max(pagecache_kib, slab_kib) < enough_kib:
        yield Action(Remedy.DROP_ALL)
    else:
        larger = pagecache_kib >= slab_kib
        yield Action(Remedy.DROP_PAGECACHE if larger else Remedy.DROP_SLAB)


def _node(
    reading: Reading, assessment: Assessment, limits: Limits, in_vain: frozenset[int | None]
) -> int | None:
    """Choose the node with most free memory in too small pieces; None to compact all."""
    if len(limits.nodes) < 2:  # noqa: PLR2004 - of one node there is nothing to choose
        return None
    scattered: dict[int, int] = {}
    system, demand = assessment.system, reading.demand
    for zone, _ in zonelist(system.zones, system.compiled, demand.request):
        if zone.node in limits.nodes and zone.node not in in_vain:
            scattered[zone.node] = scattered.get(zone.node, 0) + _scattered(zone, demand.order)
    return max(scattered, key=lambda node: (scattered[node], -node), default=None)


def _scattered(zone: Zone, order: int) -> int:
    """Count the free pages that lie in blocks too small for the order."""
    return pages_in_blocks(zone.free_blocks) - pages_in_blocks(zone.free_blocks, order)
