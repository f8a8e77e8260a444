"""The kernel's rule applied to each zone of a report: what it compared, and where it refused.

Source: see `oomwatchd.mm.watermark`. The figures are those that the report prints, some moments
after the request was refused, so that they may just pass.
"""

from enum import Enum
from typing import NamedTuple

from oomwatchd.explain.blocks import blocks_of, highatomic_pages
from oomwatchd.explain.kernel import KernelFound
from oomwatchd.explain.marks import boost_pages, is_unbounded, mark_of
from oomwatchd.explain.reported import pages_of, with_cma, zone_of
from oomwatchd.explain.request import Asked
from oomwatchd.mm.watermark import Check, WatermarkRule, checks, rule_of
from oomwatchd.mm.zonelist import compiled_zones, highest_index, reach
from oomwatchd.model import Request, Version
from oomwatchd.report.record import Report, ReportZone


class Refusal(Enum):
    """Why a zone refuses a request."""

    __hash__ = object.__hash__

    BUDGET = "budget"
    """Too little is free above the mark."""
    STOCK = "stock"
    """Up to 4.3: too little is free in blocks that are large enough."""
    BLOCK = "block"
    """No free block is large enough, or none that the request may use."""


class Trial(NamedTuple):
    """One zone's answer."""

    zone: ReportZone
    is_reached: bool
    """Whether the request may use the zone at all."""
    free_pages: int | None
    mark_pages: int | None = None
    """The mark as lowered for the request; None where none holds or it is not told."""
    reserve_pages: int = 0
    """The lowmem reserve that is kept from this request."""
    boost_pages: int = 0
    """By how much the zone's marks are raised for a while (5.0 on)."""
    raised_pages: int = 0
    """What of the mark is boost: it is lowered as the mark is."""
    cma_pages: int = 0
    """Free CMA pages that the request cannot use."""
    highatomic_pages: int = 0
    """Pages of the HighAtomic reserve that are left out for it."""
    checks: tuple[Check, ...] = ()
    """Check i counts what is free in blocks of order i and more (since 4.4 there is one)."""
    usable_blocks: int | None = None
    """Free blocks that are large enough and may serve it; None where the lists are missing. Of
    lists that are cut, at least so many."""
    barred_blocks: int = 0
    """Free blocks that are large enough and of a type that may not."""
    refusal: Refusal | None = None
    missing: str | None = None
    """What the report lacks to judge the zone; None where it can be judged."""

    @property
    def refused_at(self) -> int | None:
        """The first check that does not pass."""
        return next((at for at, check in enumerate(self.checks) if not check.passed), None)

    @property
    def passes(self) -> bool:
        """Whether the zone would grant the request by these figures."""
        return self.is_reached and self.missing is None and self.refusal is None


def trials(
    report: Report, asked: Asked, kernel: KernelFound, version: Version, mark: str = "min"
) -> list[Trial]:
    """Try every zone by the rule of a version; `mark` is "min", or "high" as before a kill."""
    protection = max((len(zone.lowmem_reserve or ()) for zone in report.zones), default=0)
    names = [zone.name for zone in report.zones]
    compiled = compiled_zones(names, protection, version)
    # What a request may use is not known where its flags are not.
    top = highest_index(compiled, asked.top_zone) if asked.flags is not None else len(compiled) - 1
    rule = rule_of(version)
    return [
        _tried(with_cma(zone, report), asked, kernel, rule, version, (compiled, top), mark)
        if _is_allowed(zone, report)
        else _unreached(zone, kernel)
        for zone in report.zones
        if zone.kib.get("managed", zone.kib.get("present")) != 0  # 2.6.18 lists empty ones too
    ]


def _is_allowed(zone: ReportZone, report: Report) -> bool:
    """Whether the request's nodes, where they are listed, have the zone's node among them."""
    nodemask = report.header.nodemask if report.header else None
    if nodemask is None or zone.node is None:
        return True
    listed = nodes_of(nodemask)
    return listed is None or zone.node in listed


def nodes_of(nodemask: str) -> set[int] | None:
    """Read a list of nodes ("0-1,3"); None where it is none."""
    found: set[int] = set()
    for part in nodemask.split(","):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal() and len(last or first) < 5):  # noqa: PLR2004 - no machine has as many nodes
            return None
        found.update(range(int(first), min(int(last or first), int(first) + 1024) + 1))
    return found


def _unreached(zone: ReportZone, kernel: KernelFound) -> Trial:
    return Trial(zone, is_reached=False, free_pages=pages_of(zone, "free", kernel))


def _tried(  # noqa: PLR0913, PLR0917 - a zone, a request, and the kernel's rule
    zone: ReportZone,
    asked: Asked,
    kernel: KernelFound,
    rule: WatermarkRule,
    version: Version,
    zones: tuple[tuple[str, ...], int],
    mark: str,
) -> Trial:
    """Apply the rule to a zone."""
    whole = zone_of(zone, zones[0], kernel)
    reached = reach(whole, zones[1])
    flags, order = asked.flags, asked.order
    if reached is None:
        return _unreached(zone, kernel)
    if flags is None or order is None or whole.free_pages is None or whole.watermarks is None:
        marks = whole.watermarks
        boost = (marks.boost or 0) if marks else 0
        return Trial(
            zone,
            is_reached=True,
            free_pages=whole.free_pages,
            missing="the request" if flags is None or order is None else "its figures",
            mark_pages=marks.min if marks else None,
            raised_pages=boost,
            boost_pages=boost,
            cma_pages=whole.free_cma_pages or 0,
            highatomic_pages=whole.highatomic_reserved_pages or 0,
        )
    mark_pages, raised = mark_of(whole, asked, flags, version, mark)
    # The last try before a kill is made without ALLOC_CMA (__alloc_pages_may_oom()).
    takes_cma = flags.movable and mark != "high"
    kept_highatomic = highatomic_pages(zone, flags, kernel, version, rule)
    cma = 0 if takes_cma else whole.free_cma_pages or 0
    written: tuple[Check, ...] = ()
    if not is_unbounded(asked, version):
        request = Request.MOVABLE if takes_cma else Request.KERNEL
        written = tuple(checks(reached, request, order, mark_pages, rule, kept_highatomic))
    usable, barred = blocks_of(zone, flags, order, version, takes_cma=takes_cma)
    trial = Trial(
        zone=zone,
        is_reached=True,
        free_pages=whole.free_pages,
        mark_pages=mark_pages if written else None,
        reserve_pages=reached.reserve_pages or 0,
        boost_pages=boost_pages(whole.name, whole.watermarks, version),
        raised_pages=raised,
        cma_pages=cma,
        highatomic_pages=kept_highatomic,
        checks=written,
        usable_blocks=usable,
        barred_blocks=barred,
    )
    # From a request for a zone itself nothing is kept back there.
    lacks_reserve = zone.lowmem_reserve is None and whole.zone_index != zones[1]
    return _judged(trial, order, lacks_reserve=lacks_reserve)


def _judged(trial: Trial, order: int, *, lacks_reserve: bool) -> Trial:
    """Say why the zone refuses, if it does."""
    at = trial.refused_at
    if at is not None:
        return trial._replace(refusal=Refusal.STOCK if at else Refusal.BUDGET)
    if trial.usable_blocks == 0 and (order > 0 or not trial.checks):
        return trial._replace(refusal=Refusal.BLOCK)
    if not trial.checks and (trial.free_pages or 0) < 1 << order:
        return trial._replace(refusal=Refusal.BLOCK)  # what the lists have came later
    if trial.usable_blocks is None and order > 0:
        return trial._replace(missing="its free lists")
    if lacks_reserve and trial.checks:
        return trial._replace(missing="its reserve")
    return trial
