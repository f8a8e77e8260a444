"""The kernel's rule applied to each zone of a report: what it compared, and where it refused.

Source: see `oomwatchd.mm.watermark`. The figures are those that the report prints, some moments
after the request was refused, so that they may just pass.
"""

from enum import Enum
from typing import NamedTuple

from oomwatchd.explain.kernel import KernelFound
from oomwatchd.explain.request import Asked
from oomwatchd.mm.gfpflags import Flags
from oomwatchd.mm.watermark import Check, HighatomicRule, WatermarkRule, checks, lowered, rule_of
from oomwatchd.mm.zonelist import CANONICAL, compiled_zones, reach
from oomwatchd.model import Request, Version, Watermarks, Zone
from oomwatchd.report.record import Report, ReportZone

_BOOSTS: Version = (5, 0, 0)
_TELLS_BOOST: Version = (5, 16, 0)
_TELLS_HIGHATOMIC: Version = (5, 5, 0)
_OTHER_MIN = ("HighMem", "Movable")
_ROUNDING = 3
_PAGEBLOCK_ORDER = 9
"""Of the smallest pageblocks that there are with pages of 4 KiB: 2 MiB."""
_USABLE = frozenset("UMER")
"""Types whose blocks serve everybody: unmovable, movable, reclaimable, up to 4.3 reserve."""


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
    mark_pages: int | None
    """The mark as lowered for the request; None where none holds or it is not told."""
    reserve_pages: int
    """The lowmem reserve that is kept from this request."""
    boost_pages: int
    """By how much the zone's marks are raised for a while (5.0 on)."""
    raised_pages: int
    """What of the mark is boost: it is lowered as the mark is."""
    cma_pages: int
    """Free CMA pages that the request cannot use."""
    highatomic_pages: int
    """Pages of the HighAtomic reserve that are left out for it."""
    checks: tuple[Check, ...]
    """Check i counts what is free in blocks of order i and more (since 4.4 there is one)."""
    usable_blocks: int | None
    """Free blocks that are large enough and may serve it; None where the lists are missing. Of
    lists that are cut, at least so many."""
    barred_blocks: int
    """Free blocks that are large enough and of a type that may not."""
    refusal: Refusal | None
    missing: str | None
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
    top = _top_index(compiled, asked.top_zone) if asked.flags is not None else len(compiled) - 1
    rule = rule_of(version)
    return [
        _tried(_with_cma(zone, report), asked, kernel, rule, version, (compiled, top), mark)
        if _is_allowed(zone, report)
        else _unreached(zone, kernel)
        for zone in report.zones
        if zone.kib.get("managed", zone.kib.get("present")) != 0  # 2.6.18 lists empty ones too
    ]


def _top_index(compiled: tuple[str, ...], top_zone: str) -> int:
    """Give the highest zone's index; a zone that is not compiled in falls back downwards.

    Without a DMA or DMA32 zone such a request may use Normal (OPT_ZONE_DMA, OPT_ZONE_DMA32).
    """
    if top_zone in ("DMA", "DMA32") and top_zone not in compiled:
        top_zone = "Normal"
    limit = CANONICAL.index(top_zone)
    return max(
        (at for at, name in enumerate(compiled) if CANONICAL.index(name) <= limit), default=-1
    )


def _is_allowed(zone: ReportZone, report: Report) -> bool:
    """Whether the request's nodes, where they are listed, have the zone's node among them."""
    nodemask = report.header.nodemask if report.header else None
    if nodemask is None or zone.node is None:
        return True
    listed = nodes_of(nodemask)
    return listed is None or zone.node in listed


def _with_cma(zone: ReportZone, report: Report) -> ReportZone:
    """Give a zone its free CMA where its line is cut: all of it, if there is no other zone."""
    pages, free = report.counters_pages.get("free_cma"), report.counters_pages.get("free")
    size = zone.smallest_block_kib
    if len(report.zones) > 1 or "free_cma" in zone.kib or not (pages and free and size):
        return zone
    return zone._replace(kib={**zone.kib, "free_cma": pages * size})


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
    free = _pages(zone, "free", kernel)
    return Trial(zone, False, free, None, 0, 0, 0, 0, 0, (), None, 0, None, None)  # noqa: FBT003 - as its fields


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
    whole = _zone(zone, zones[0], kernel)
    reached = reach(whole, zones[1])
    flags, order = asked.flags, asked.order
    if reached is None:
        return _unreached(zone, kernel)
    if flags is None or order is None or whole.free_pages is None or whole.watermarks is None:
        lacking = "the request" if flags is None or order is None else "its figures"
        return _unreached(zone, kernel)._replace(
            is_reached=True,
            missing=lacking,
            mark_pages=whole.watermarks.min if whole.watermarks else None,
            raised_pages=(whole.watermarks.boost or 0) if whole.watermarks else 0,
            boost_pages=(whole.watermarks.boost or 0) if whole.watermarks else 0,
            cma_pages=whole.free_cma_pages or 0,
            highatomic_pages=whole.highatomic_reserved_pages or 0,
        )
    mark_pages, raised = _mark(whole, asked, flags, version, mark)
    # The last try before a kill is made without ALLOC_CMA (__alloc_pages_may_oom()).
    takes_cma = flags.movable and mark != "high"
    highatomic = _highatomic_pages(zone, flags, kernel, version, rule)
    cma = 0 if takes_cma else whole.free_cma_pages or 0
    written: tuple[Check, ...] = ()
    if not _is_unbounded(asked, version):
        request = Request.MOVABLE if takes_cma else Request.KERNEL
        written = tuple(checks(reached, request, order, mark_pages, rule, highatomic))
    usable, barred = _blocks(zone, flags, order, version, takes_cma=takes_cma)
    trial = Trial(
        zone=zone,
        is_reached=True,
        free_pages=whole.free_pages,
        mark_pages=mark_pages if written else None,
        reserve_pages=reached.reserve_pages or 0,
        boost_pages=_boost_pages(whole.name, whole.watermarks, version),
        raised_pages=raised,
        cma_pages=cma,
        highatomic_pages=highatomic,
        checks=written,
        usable_blocks=usable,
        barred_blocks=barred,
        refusal=None,
        missing=None,
    )
    # From a request for a zone itself nothing is kept back there.
    lacks_reserve = zone.lowmem_reserve is None and whole.zone_index != zones[1]
    return _judged(trial, order, lacks_reserve=lacks_reserve)


def _mark(whole: Zone, asked: Asked, flags: Flags, version: Version, mark: str) -> tuple[int, int]:
    """Give the mark as it is for the request, and what of it is boost."""
    marks = whole.watermarks or Watermarks(0, 0, 0, None)
    boost = _boost_pages(whole.name, marks, version)
    if mark == "high":
        return marks.high, boost
    unboosted = _min_mark(marks.min - boost, asked, flags, version)
    if asked.order == 0 and _ignores_boost(flags, version):
        return unboosted, 0
    boosted = _min_mark(marks.min, asked, flags, version)
    return boosted, boosted - unboosted


def _ignores_boost(flags: Flags, version: Version) -> bool:
    """Whether a request for a page is tried again without the boost: zone_watermark_fast()."""
    return version >= (5, 9, 0) and (flags.high if version >= (6, 3, 0) else flags.harder)


def _boost_pages(name: str, marks: Watermarks, version: Version) -> int:
    """Give the boost, or the least that it can be; from 5.0 to 5.15 it is in the marks, not told.

    Low and high lie a quarter of what min is without it above each other, or more. HighMem and
    Movable have a min of their own.
    """
    if marks.boost is not None:
        return marks.boost
    if not _BOOSTS <= version < _TELLS_BOOST or name in _OTHER_MIN:
        return 0
    gap = marks.low - marks.min
    steady = gap > 0 and abs(marks.high - marks.low - gap) <= 1
    return max(0, marks.min - 4 * gap) & ~_ROUNDING if steady else 0


def _min_mark(mark: int, asked: Asked, flags: Flags, version: Version) -> int:
    """Lower the min mark for the request's rights.

    A process that was killed (ALLOC_OOM, since 4.14) has half, up to 6.2 instead of ALLOC_HARDER's
    three quarters, then besides (__zone_watermark_ok()).
    """
    if not asked.is_dying:
        return lowered(mark, high=flags.high, harder=flags.harder)
    mark = lowered(mark, high=flags.high, harder=flags.harder and version >= (6, 3, 0))
    return mark - mark // 2


def _is_unbounded(asked: Asked, version: Version) -> bool:
    """Whether no mark holds for the request: in reclaim, and up to 4.13 for who was killed."""
    return asked.is_reclaiming or (asked.is_dying and version < (4, 14, 0))


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


def _zone(zone: ReportZone, compiled: tuple[str, ...], kernel: KernelFound) -> Zone:
    """Give the zone as the rules take it."""

    def pages(key: str) -> int | None:
        return _pages(zone, key, kernel)

    low, high, least = pages("low"), pages("high"), pages("min")
    marks = None
    if least is not None:
        marks = Watermarks(least, low or least, high or low or least, pages("boost"))
    managed = pages("managed")
    return Zone(
        node=zone.node or 0,
        name=zone.name,
        zone_index=compiled.index(zone.name) if zone.name in compiled else None,
        managed_pages=managed if managed is not None else pages("present"),
        free_pages=pages("free"),
        free_cma_pages=pages("free_cma"),
        watermarks=marks,
        protection=zone.lowmem_reserve,
        free_blocks=zone.free_blocks or zone.seen_blocks or (),
        free_blocks_by_type=None,
        highatomic_reserved_pages=pages("reserved_highatomic"),
        capped_order=None,
    )


def _pages(zone: ReportZone, key: str, kernel: KernelFound) -> int | None:
    kib = zone.kib.get(key)
    return None if kib is None else kib * 1024 // kernel.page_size


def _highatomic_pages(
    zone: ReportZone, flags: Flags, kernel: KernelFound, version: Version, rule: WatermarkRule
) -> int:
    """Count what the check leaves out where there is no right to the reserve.

    Its free pages where the report tells them (6.13 on), else all of its pageblocks (5.5 on).
    """
    has_right = flags.harder or (version >= (6, 3, 0) and flags.high)
    if rule.highatomic is HighatomicRule.NONE or has_right:
        return 0
    free = _pages(zone, "free_highatomic", kernel)
    reserved = _pages(zone, "reserved_highatomic", kernel)
    if free is None and reserved is None and version < _TELLS_HIGHATOMIC:
        # The letter says that there is some: at least a pageblock.
        orders = len(zone.free_blocks or ())
        has_some = any("H" in letters for letters in zone.letters or ())
        return 1 << min(_PAGEBLOCK_ORDER, orders - 1) if has_some and orders else 0
    return (free if free is not None else reserved) or 0


def _blocks(
    zone: ReportZone, flags: Flags, order: int, version: Version, *, takes_cma: bool
) -> tuple[int | None, int]:
    """Count free blocks of at least the order: those that may serve, and the others.

    A letter says that there is a block of that type among the blocks of an order, no more. From
    4.4 to 4.13 the check is content with any block (ALLOC_HARDER), what hands them out is not.
    """
    listed = zone.free_blocks if zone.free_blocks is not None else zone.seen_blocks
    if listed is None:
        return None, 0
    usable_types = set(_USABLE)
    if takes_cma:
        usable_types.add("C")
    if has_highatomic_right(flags, order, version):
        usable_types.add("H")
    usable = barred = 0
    for at in range(order, len(listed)):
        letters = zone.letters[at] if zone.letters is not None else ""
        if not letters or not usable_types.isdisjoint(letters):
            usable += listed[at]
        else:
            barred += listed[at]
    if zone.free_blocks is None and not usable:
        return None, 0
    return usable, barred


def has_highatomic_right(flags: Flags, order: int, version: Version) -> bool:
    """Whether a request may take blocks of type HighAtomic (mm/page_alloc.c, 4.4 on)."""
    if version < (4, 4, 0) or order == 0:
        return False
    if version < (6, 3, 0):
        return flags.harder
    return not flags.may_sleep and (flags.high or version < (6, 18, 0))
