"""Settings that move the watermarks."""

from collections.abc import Iterator
from math import isqrt

from oomwatchd.audit.finding import Finding, Subject, note
from oomwatchd.model import Request, Zone
from oomwatchd.units import describe_size, kib_of_pages

_SMALL_BOARD_KIB = 256 * 1024
_BLOCKS_WORTH_BOOSTING = 4
_LEAST_KIB = 128
_MOST_KIB = 65536
_MOST_KIB_SINCE_5_7 = 262144
_FAR = 2
_LARGE_SHARE = 20
"""More than one page in so many is a large reserve, and more than huge pages ever ask for."""
_BEYOND_LOWMEM = ("HighMem", "Movable", "Device")


def boost(subject: Subject) -> Iterator[Finding]:
    """vm.watermark_boost_factor: boost_watermark() in mm/page_alloc.c, 5.0 and later.

    One fallback to another migratetype raises the marks by a pageblock; since 5.7 (and in
    later stable releases of 5.4) only in zones of at least four.
    """
    factor = subject.facts.tunables.watermark_boost_factor
    block_pages = subject.facts.pages_per_block
    memory_kib = subject.assessment.memory.total_kib
    if not factor or not block_pages or memory_kib is None or memory_kib > _SMALL_BOARD_KIB:
        return
    small = [
        zone
        for zone in subject.assessment.system.zones
        if (high := _high_pages(zone)) and high <= block_pages and _boosts(zone, subject)
    ]
    if small:
        zone = small[0]
        page_size = subject.assessment.kernel.page_size
        yield note(
            "boost",
            f"vm.watermark_boost_factor is {factor}: one fallback between migratetypes raises "
            f"the marks of zone {zone.name} by a pageblock "
            f"({describe_size(block_pages * page_size)}), though high is only "
            f"{describe_size((_high_pages(zone) or 0) * page_size)}.",
            "Set it to 0 on a device of this size.",
        )


def bursts(subject: Subject) -> Iterator[Finding]:
    """Warn of a boost in the middle of a burst of atomic blocks; where it comes as in `boost`.

    A request that finds no block of its own type takes one of another, and the min mark rises by
    a pageblock at once, of which 3/8 apply to GFP_ATOMIC (__zone_watermark_ok(), 5.0 to 6.18).
    Measured on 6.1 with a full page cache (pageblocks of 2048 pages): 10 blocks of order 4 came
    where headroom was 35. Levels are to be raised only where headroom stays well above them.
    """
    block_pages = subject.facts.pages_per_block
    if not subject.facts.tunables.watermark_boost_factor or not block_pages:
        return
    if not any(_boosts(zone, subject) for zone in subject.assessment.system.zones):
        return
    for reading in subject.assessment.readings:
        demand = reading.demand
        blocks = (block_pages * 3 // 8) >> demand.order
        if demand.request is Request.ATOMIC and demand.order and blocks >= demand.critical:
            raised = demand.warning + blocks
            can_be_raised = reading.headroom is not None and reading.headroom > 2 * raised
            yield note(
                "burst",
                f'Demand "{demand.name}" (order {demand.order}, atomic): where a burst has to take '
                f"a block of another migratetype, the min mark rises by a pageblock, and headroom "
                f"falls by {blocks} in the middle of it.",
                "Set vm.watermark_boost_factor to 0."
                if not can_be_raised
                else "Set vm.watermark_boost_factor to 0, or raise both levels of "
                f"[demand {demand.name}] by {blocks}.",
            )


def _high_pages(zone: Zone) -> int | None:
    """Give the high mark without boost, as far as the kernel prints that (5.16)."""
    return zone.watermarks.high - (zone.watermarks.boost or 0) if zone.watermarks else None


def _boosts(zone: Zone, subject: Subject) -> bool:
    """Whether the zone is large enough for the kernel to boost it."""
    needed = _BLOCKS_WORTH_BOOSTING * (subject.facts.pages_per_block or 0)
    return bool(zone.managed_pages) and (
        (zone.managed_pages or 0) >= needed or subject.before(5, 4) or _is_early(subject)
    )


def _is_early(subject: Subject) -> bool:
    """Whether the kernel boosts the smallest zones too: 5.5 and 5.6."""
    return subject.since(5, 5) and subject.before(5, 7)


def min_free(subject: Subject) -> Iterator[Finding]:
    """vm.min_free_kbytes: init_per_zone_wmark_min() in mm/page_alloc.c, 2.6.18 and later.

    The default is the root of 16 times lowmem in kB, between bounds; huge pages raise it by
    themselves to at most a twentieth of lowmem (khugepaged).
    """
    value_kib = subject.facts.tunables.min_free_kbytes
    lowmem_kib = _lowmem_kib(subject)
    if value_kib is None or not lowmem_kib:
        return
    most_kib = _MOST_KIB_SINCE_5_7 if subject.since(5, 7) else _MOST_KIB
    default_kib = min(max(isqrt(16 * lowmem_kib), _LEAST_KIB), most_kib)
    text = f"vm.min_free_kbytes is {value_kib}, the kernel's default here is about {default_kib}"
    if value_kib * _FAR < default_kib:
        yield note(
            "min-free",
            f"{text}: little is left for requests that cannot wait.",
            f"Set it to {default_kib}, unless it is meant so.",
        )
    elif value_kib > _FAR * default_kib and not _explained_by_huge_pages(subject, lowmem_kib):
        old = ", and before 4.4 the kernel asks for more large blocks in proportion"
        yield note(
            "min-free",
            f"{text}: more is kept back{old if subject.before(4, 4) else ''}.",
            f"Set it to {default_kib}, unless a driver needs the reserve.",
        )


def _explained_by_huge_pages(subject: Subject, lowmem_kib: int) -> bool:
    """Whether the kernel may have raised it; a copied tree may not tell of huge pages."""
    value_kib = subject.facts.tunables.min_free_kbytes or 0
    return subject.facts.thp is not False and value_kib * _LARGE_SHARE <= lowmem_kib


def _lowmem_kib(subject: Subject) -> int | None:
    """Give the lowmem that the default is worked out from; None where a zone does not tell."""
    zones = [zone for zone in subject.assessment.system.zones if zone.name not in _BEYOND_LOWMEM]
    if any(zone.free_blocks and zone.managed_pages is None for zone in zones):
        return None
    pages = sum(zone.managed_pages or 0 for zone in zones)
    return kib_of_pages(pages, subject.assessment.kernel.page_size)


RULES = (boost, bursts, min_free)
