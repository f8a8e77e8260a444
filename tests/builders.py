"""Records for tests, with defaults for all that a test does not care about."""

from collections.abc import Iterable
from typing import Any

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.assess.headroom import System
from oomwatchd.assess.memory import Memory
from oomwatchd.assess.sample import Sample
from oomwatchd.mm.watermark import rule_of
from oomwatchd.model import (
    Cause,
    Demand,
    Kernel,
    Request,
    Severity,
    Version,
    Watermarks,
    Zone,
)
from oomwatchd.procfs.buddyinfo import BuddyZone
from oomwatchd.procfs.meminfo import Meminfo
from oomwatchd.procfs.pagetypeinfo import Pagetypeinfo, PagetypeZone
from oomwatchd.procfs.zoneinfo import ZoneinfoZone

SEED_BLOCKS = (1445, 1781, 15, 2, 1, 0, 0, 0, 0, 0, 0)
"""The free blocks of the report of 2009: 20,396 kB, nearly all of it in small pieces."""
SEED_MARKS = Watermarks(499, 623, 748, None)


def pages_of(free_blocks: Iterable[int]) -> int:
    """Add up the pages of free blocks by order."""
    return sum(blocks * 2**order for order, blocks in enumerate(free_blocks))


def make_zone(free_blocks: tuple[int, ...] = SEED_BLOCKS, **changes: Any) -> Zone:  # noqa: ANN401 - any field
    """Make a zone: Normal of node 0, with the marks of the report of 2009."""
    zone = Zone(
        node=0,
        name="Normal",
        zone_index=0,
        managed_pages=61489,
        free_pages=pages_of(free_blocks),
        free_cma_pages=None,
        watermarks=SEED_MARKS,
        protection=(0, 0),
        free_blocks=free_blocks,
        free_blocks_by_type=None,
        highatomic_reserved_pages=None,
        capped_order=None,
    )
    return zone._replace(**changes)


def make_meminfo(**facts: int | None) -> Meminfo:
    """Make a meminfo: 256 MB of which half is available, unless told otherwise."""
    fields: dict[str, Any] = dict.fromkeys(Meminfo._fields)
    fields |= {"total_kib": 262144, "free_kib": 65536, "available_kib": 131072}
    return Meminfo(**(fields | facts))


def make_stanza(**changes: Any) -> ZoneinfoZone:  # noqa: ANN401 - any field
    """Make a stanza of zoneinfo: all memory of a 256 MB board with 487 / 608 as marks."""
    stanza = ZoneinfoZone(
        node=0,
        zone="Normal",
        free=20000,
        boost=0,
        min=487,
        low=608,
        high=729,
        present=65536,
        managed=60000,
        cma=0,
        nr_free_cma=0,
        protection=(0, 0),
    )
    return stanza._replace(**changes)


def make_kernel(
    version: Version | None = (6, 1, 0), machine: str | None = "armv7l", page_size: int = 4096
) -> Kernel:
    """Make a kernel."""
    release = None if version is None else "{}.{}.{}".format(*version)
    return Kernel(release, version, machine, page_size)


def make_sample(**changes: Any) -> Sample:  # noqa: ANN401 - any field
    """Make a sample of a healthy board with one zone and an empty Movable one."""
    blocks = (200, 200, 100, 100, 50, 40, 30, 20, 10, 10, 3)
    sample = Sample(
        kernel=make_kernel(),
        buddyinfo=(BuddyZone(0, "Normal", blocks),),
        zoneinfo=(
            make_stanza(free=pages_of(blocks)),
            make_stanza(zone="Movable", free=0, min=0, low=0, high=0, present=0, managed=0),
        ),
        pagetypeinfo=by_type({"Movable": blocks}),
        meminfo=make_meminfo(),
        min_free_order_shift=None,
        largest_cma_chunk_pages=None,
        problems=(),
    )
    return sample._replace(**changes)


def sample_of_blocks(by: dict[str, tuple[int, ...]], **changes: Any) -> Sample:  # noqa: ANN401 - any field
    """Make a sample whose one zone holds free blocks by migratetype, all files agreeing.

    Changes of the stanza are given by their own names, with `sample` for those of the sample.
    """
    blocks = tuple(map(sum, zip(*by.values(), strict=True)))
    of_sample = changes.pop("sample", {})
    facts = {"free": pages_of(blocks), "nr_free_cma": pages_of(by.get("CMA", ()))}
    sample = make_sample(
        buddyinfo=(BuddyZone(0, "Normal", blocks),),
        zoneinfo=(
            make_stanza(**(facts | changes)),
            make_stanza(zone="Movable", free=0, min=0, low=0, high=0, present=0, managed=0),
        ),
        pagetypeinfo=by_type(by),
    )
    return sample._replace(**of_sample)


def by_type(free_blocks: dict[str, tuple[int, ...]]) -> Pagetypeinfo:
    """Make a pagetypeinfo of one zone, no pageblock being HighAtomic."""
    types = {"Unmovable": 8, "Movable": 40, "HighAtomic": 0}
    empty = tuple(0 for _ in next(iter(free_blocks.values())))
    rows = {"HighAtomic": empty} | free_blocks
    return Pagetypeinfo(1024, {(0, "Normal"): PagetypeZone(rows, types, None)})


def make_reading(
    headroom: int | None = 100,
    *,
    name: str = "process",
    request: Request = Request.KERNEL,
    cause: Cause | None = Cause.FRAGMENTATION,
    severity: Severity | None = None,
) -> Reading:
    """Make a reading of an order-2 demand (warning 16, critical 4), judged by its headroom."""
    demand = Demand(name, 2, request, warning=16, critical=4)
    if severity is None:
        severity = Severity.UNKNOWN
        if headroom is not None:
            severity = Severity.WARNING if headroom <= demand.warning else Severity.OK
            severity = Severity.CRITICAL if headroom <= demand.critical else severity
    low = severity in (Severity.WARNING, Severity.CRITICAL)
    return Reading(demand, headroom, False, severity, cause if low else None)  # noqa: FBT003 - a field


def make_assessment(
    *readings: Reading, free_pages: int = 5099, free_cma_pages: int | None = None
) -> Assessment:
    """Make an assessment of demands that were judged already."""
    zone = make_zone(free_pages=free_pages, free_cma_pages=free_cma_pages)
    system = System((zone,), ("Normal", "Movable"), rule_of((6, 1, 0)))
    severity = max((r.severity for r in readings), key=lambda s: s.rank, default=Severity.OK)
    return Assessment(make_kernel(), system, Memory(), readings, severity, ())
