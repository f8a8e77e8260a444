"""The assessment: how each demand stands at one moment."""

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from oomwatchd.assess.cause import ADVICE, BOUND_ADVICE, LARGE_CMA_ADVICE, cause_of, satisfiable
from oomwatchd.assess.demands import measures_available, resolve
from oomwatchd.assess.headroom import Headroom, System, headroom
from oomwatchd.assess.memory import Memory, memory_of
from oomwatchd.assess.rule import choose_rule
from oomwatchd.assess.sample import Sample, compiled_of, zones_of
from oomwatchd.model import (
    Cause,
    Demand,
    DemandSpec,
    Kernel,
    Problem,
    Request,
    Severity,
    Zone,
)
from oomwatchd.units import pages_of_kib

_RANK = attrgetter("rank")
# In Python 3.11 it costs more to look a member up in its class than to compare it.
_OK, _CMA = Severity.OK, Request.CMA


class Reading(NamedTuple):
    """How one demand stands: headroom in blocks, None (and unknown) where it cannot be told."""

    demand: Demand
    headroom: int | None
    lower_bound: bool
    severity: Severity
    cause: Cause | None

    @property
    def is_near(self) -> bool:
        """Whether it is at or below twice its warning level, where it may be low any moment."""
        return self.headroom is not None and self.headroom <= 2 * self.demand.warning

    @property
    def advice(self) -> str | None:
        """One sentence on what to do; None where nothing is wrong or nothing can be said."""
        if self.cause is not None:
            return ADVICE[self.cause]
        if self.severity is not Severity.UNKNOWN or not self.lower_bound:
            return None
        return LARGE_CMA_ADVICE if self.demand.request is Request.CMA else BOUND_ADVICE


class Assessment(NamedTuple):
    """All demands at one moment, and the system that they were measured in."""

    kernel: Kernel
    system: System
    memory: Memory
    readings: tuple[Reading, ...]
    severity: Severity
    problems: tuple[Problem, ...]


def assess(sample: Sample, specs: Iterable[DemandSpec]) -> Assessment:
    """Measure every demand. Never raises on what a sample holds or lacks."""
    compiled = compiled_of(sample)
    choice = choose_rule(sample)
    system = System(
        zones_of(sample, compiled), compiled, choice.rule, guessed=choice.problem is not None
    )
    page_size = sample.kernel.page_size
    memory = memory_of(sample.meminfo, system.zones, page_size)
    problems = list(sample.problems)
    if choice.problem:
        problems.append(choice.problem)
    problems += _doubts(sample, system)
    readings = [
        _read(resolve(spec, system, memory, page_size), sample, system, memory) for spec in specs
    ]
    severity = max([reading.severity for reading in readings], key=_RANK, default=_OK)
    if sample.buddyinfo is None:
        severity = Severity.UNKNOWN
    return Assessment(sample.kernel, system, memory, tuple(readings), severity, tuple(problems))


def _read(demand: Demand, sample: Sample, system: System, memory: Memory) -> Reading:
    """Measure one demand and judge it."""
    page_size = sample.kernel.page_size
    measured = _measure(demand, sample, system, memory)
    if measured is None:
        return Reading(demand, None, lower_bound=False, severity=Severity.UNKNOWN, cause=None)
    severity = _severity(demand, measured)
    reading = Reading(demand, measured.blocks, measured.lower_bound, severity, None)
    if severity is _OK or severity is Severity.UNKNOWN:
        return reading
    level = demand.critical if severity is Severity.CRITICAL else demand.warning
    if not satisfiable(demand, level, system, memory, page_size):
        return reading._replace(cause=Cause.UNSATISFIABLE)
    return reading._replace(cause=cause_of(level, measured))


def _severity(demand: Demand, measured: Headroom) -> Severity:
    """Judge headroom by the demand's levels.

    A lower bound may look worse than the truth: what it cannot prove is as bad as the most
    that headroom can be, and unknown where that would be ok.
    """
    worst = _level(demand, measured.blocks)
    best = worst if measured.most == measured.blocks else _level(demand, measured.most)
    return Severity.UNKNOWN if best is _OK and worst is not _OK else best


def _level(demand: Demand, blocks: int) -> Severity:
    """Compare with the levels."""
    if blocks <= demand.critical:
        return Severity.CRITICAL
    return Severity.WARNING if blocks <= demand.warning else _OK


def _measure(demand: Demand, sample: Sample, system: System, memory: Memory) -> Headroom | None:
    """Give the demand's headroom: of blocks, of plain memory, or of one large CMA chunk."""
    page_size = sample.kernel.page_size
    if measures_available(system, demand.request, demand.order):
        if memory.available_kib is None:
            return None
        pages = pages_of_kib(memory.available_kib, page_size)
        return Headroom(pages, pages, pages, pages, pages, lower_bound=False)
    if sample.buddyinfo is None:
        return None
    if demand.request is _CMA and demand.order >= _orders(system):
        return _large_cma(demand.order, sample, memory)
    return headroom(system, demand.request, demand.order)


def _orders(system: System) -> int:
    """Count the orders of the free lists."""
    return max([len(zone.free_blocks) for zone in system.zones], default=0)


def _large_cma(order: int, sample: Sample, memory: Memory) -> Headroom:
    """Measure CMA beyond the buddy's largest order by the largest free chunk of one area.

    Where debugfs does not tell that chunk, neighbouring blocks cannot be seen as one: 0 is all
    that is certain.
    """
    free_pages = pages_of_kib(memory.cma_free_kib or 0, sample.kernel.page_size)
    chunk_pages = sample.largest_cma_chunk_pages or 0
    return Headroom(
        blocks=min(chunk_pages, free_pages) >> order,
        most=free_pages >> order,
        budget=free_pages >> order,
        eligible=0,
        everything=0,
        lower_bound=True,
    )


def _doubts(sample: Sample, system: System) -> list[Problem]:
    """List zones that cannot be assessed although the files could be read."""
    doubts: list[Problem] = []
    if sample.buddyinfo is None or sample.zoneinfo is None:
        return doubts
    for zone in system.zones:
        if not zone.free_blocks:
            if zone.managed_pages:
                doubts.append(_doubt(zone, "buddyinfo", "has memory but no line"))
        elif zone.watermarks is None or zone.protection is None:
            doubts.append(_doubt(zone, "zoneinfo", "no marks or no protection; cut short?"))
        elif zone.zone_index is None:
            doubts.append(_doubt(zone, "zoneinfo", "not a zone of any known kernel"))
    return doubts


def _doubt(zone: Zone, what: str, why: str) -> Problem:
    return Problem(what, f"node {zone.node} zone {zone.name}: {why}")
