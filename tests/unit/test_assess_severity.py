"""How bad it is: at the levels, and where headroom is known only from below."""

import pytest
from builders import (
    SEED_BLOCKS,
    make_kernel,
    make_meminfo,
    make_sample,
    make_stanza,
    pages_of,
    sample_of_blocks,
)

from oomwatchd.assess.assessment import Reading, assess
from oomwatchd.assess.sample import Sample
from oomwatchd.model import Cause, DemandSpec, Request, Severity, Version
from oomwatchd.procfs.pagetypeinfo import Pagetypeinfo

NONE = (0,) * 11


def read(
    sample: Sample,
    order: int = 2,
    request: Request = Request.KERNEL,
    warning: int = 16,
    critical: int = 4,
) -> Reading:
    """Assess one demand."""
    spec = DemandSpec("x", order, None, request, warning, critical)
    return assess(sample, [spec]).readings[0]


def blocks_of_order_2(count: int, singles: int = 4000) -> tuple[int, ...]:
    """Lay free memory out in single pages and blocks of order 2."""
    return (singles, 0, count, *NONE[3:])


@pytest.mark.parametrize(
    ("headroom", "severity"),
    [(0, "critical"), (4, "critical"), (5, "warning"), (16, "warning"), (17, "ok")],
)
def test_headroom_at_a_level_counts_as_that_level(headroom: int, severity: str) -> None:
    """Critical up to `critical`, warning up to `warning`, both included."""
    reading = read(sample_of_blocks({"Movable": blocks_of_order_2(headroom)}))
    assert (reading.headroom, reading.severity.value) == (headroom, severity)
    assert not reading.lower_bound


def test_levels_of_zero_and_equal_levels() -> None:
    """With both levels 0 only an empty list is critical; there is no warning in between."""
    none, one = (sample_of_blocks({"Movable": blocks_of_order_2(n)}) for n in (0, 1))
    assert read(none, warning=0, critical=0).severity is Severity.CRITICAL
    assert read(one, warning=0, critical=0).severity is Severity.OK


def test_the_worst_demand_counts() -> None:
    """The assessment is as bad as its worst demand; without demands it is ok."""
    sample = sample_of_blocks({"Movable": blocks_of_order_2(10)})
    specs = [
        DemandSpec("a", 2, None, Request.KERNEL, 5, 1),
        DemandSpec("b", 2, None, Request.KERNEL, 16, 4),
    ]
    assert assess(sample, specs[:1]).severity is Severity.OK
    assert assess(sample, specs).severity is Severity.WARNING
    assert assess(sample, []).severity is Severity.OK


def test_severities_are_ordered() -> None:
    """Critical is worse than warning, warning than unknown, unknown than ok."""
    ordered = sorted(Severity, key=lambda severity: severity.rank)
    assert [s.value for s in ordered] == ["ok", "unknown", "warning", "critical"]


# --- Lower bounds ------------------------------------------------------------------------------
# A board with 600 managed pages a hundredth and 1024-page blocks can hold 2048 pages in
# HighAtomic (4.4 to 6.7), so without pagetypeinfo the largest 2048 pages are in doubt.


def blind(blocks: tuple[int, ...], version: Version = (6, 1, 0), **facts: int) -> Sample:
    """Make a sample without pagetypeinfo."""
    changes = {"kernel": make_kernel(version), "pagetypeinfo": None}
    return sample_of_blocks({"Movable": blocks}, **facts, sample=changes)


def test_proven_headroom_is_ok() -> None:
    """Where the lower bound is above the levels, nothing is in doubt."""
    reading = read(blind(blocks_of_order_2(512 + 17)))
    assert (reading.headroom, reading.lower_bound) == (17, True)
    assert reading.severity is Severity.OK


@pytest.mark.parametrize("count", [17, 100, 512 + 4, 512 + 16])
def test_headroom_that_may_be_ok_is_unknown(count: int) -> None:
    """Blocks are there, but all of the low headroom may be an artefact of the bound."""
    reading = read(blind(blocks_of_order_2(count)))
    assert reading.lower_bound
    assert (reading.severity, reading.cause) == (Severity.UNKNOWN, None)
    assert reading.advice
    assert "pagetypeinfo" in reading.advice


@pytest.mark.parametrize(
    ("count", "severity"), [(0, "critical"), (4, "critical"), (5, "warning"), (16, "warning")]
)
def test_too_few_blocks_of_any_type_are_no_doubt(count: int, severity: str) -> None:
    """If all blocks together do not reach a level, the bound does not matter."""
    reading = read(blind(blocks_of_order_2(count)))
    assert reading.lower_bound
    assert reading.severity.value == severity


def test_a_shortage_is_no_doubt() -> None:
    """Free memory below the min mark is refused, whatever the types of the blocks."""
    reading = read(blind(blocks_of_order_2(60, singles=100)))
    assert pages_of(blocks_of_order_2(60, singles=100)) < 487
    assert (reading.headroom, reading.severity) == (0, Severity.CRITICAL)
    assert reading.cause is Cause.SHORTAGE


@pytest.mark.parametrize("version", [(2, 6, 18), (2, 6, 28), (3, 2, 0)])
def test_the_report_of_2009_is_no_doubt(version: Version) -> None:
    """The old rule refuses by the sums of all types: pagetypeinfo would not change that."""
    reading = read(blind(SEED_BLOCKS, version, min=499, low=623, high=748))
    assert (reading.headroom, reading.severity) == (0, Severity.CRITICAL)
    assert reading.cause is Cause.FRAGMENTATION


def test_free_cma_is_in_doubt_without_pagetypeinfo() -> None:
    """CMA is taken off the largest blocks: 100 of order 2 may all be CMA, or none."""
    sample = blind(blocks_of_order_2(100), (4, 1, 0), nr_free_cma=400)
    reading = read(sample)
    assert (reading.headroom, reading.severity) == (0, Severity.UNKNOWN)
    assert read(sample, request=Request.MOVABLE).severity is Severity.OK


def test_a_capped_count_is_a_lower_bound_for_its_order() -> None:
    """A count of ">100000" at order 0 leaves larger orders exact."""
    blocks = (100000, 0, 10, *NONE[3:])
    sample = sample_of_blocks({"Movable": blocks}, managed=400000)
    types = sample.pagetypeinfo
    assert types is not None
    zone = types.zones[0, "Normal"]._replace(capped_order=0)
    sample = sample._replace(pagetypeinfo=Pagetypeinfo(1024, {(0, "Normal"): zone}))
    assert not read(sample, order=2).lower_bound
    assert read(sample, order=0, request=Request.ATOMIC).lower_bound


# --- What cannot be told -----------------------------------------------------------------------


def test_without_buddyinfo_blocks_are_unknown() -> None:
    """Unknown, without a cause: and what does not depend on buddyinfo is still told."""
    sample = make_sample(buddyinfo=None)
    assert read(sample).severity is Severity.UNKNOWN
    assert read(sample).headroom is None
    assert read(sample, order=0, request=Request.MOVABLE).severity is Severity.OK
    assert assess(sample, []).severity is Severity.UNKNOWN


def test_without_meminfo_available_memory_is_unknown() -> None:
    """Blocks are still told."""
    sample = make_sample(meminfo=None)
    assert read(sample, order=0, request=Request.MOVABLE).severity is Severity.UNKNOWN
    assert read(sample).severity is Severity.OK


def test_without_zoneinfo_blocks_are_unknown() -> None:
    """No marks, no headroom."""
    assert read(make_sample(zoneinfo=None)).severity is Severity.UNKNOWN


def test_a_stanza_cut_short_is_unknown_and_said() -> None:
    """A zone whose marks were cut off makes the demand unknown; the zone is named."""
    sample = make_sample()
    stanzas = sample.zoneinfo or ()
    cut = (stanzas[0]._replace(min=None, low=None, high=None, protection=None), *stanzas[1:])
    assessment = assess(sample._replace(zoneinfo=cut), [DemandSpec("x", 2, None, Request.KERNEL)])
    assert assessment.readings[0].severity is Severity.UNKNOWN
    assert any("zone Normal" in problem.why for problem in assessment.problems)


def test_an_unknown_version_takes_the_stricter_rule() -> None:
    """Without version and types the old rule holds, and the doubt is said."""
    sample = blind(SEED_BLOCKS, min=499, low=623, high=748)
    sample = sample._replace(kernel=make_kernel(None))
    assessment = assess(sample, [DemandSpec("x", 2, None, Request.KERNEL, 16, 4)])
    assert assessment.readings[0].headroom == 0
    assert any(problem.what == "kernel" for problem in assessment.problems)


@pytest.mark.parametrize(
    ("types", "version", "headroom"),
    [
        (("Movable", "HighAtomic"), (3, 18, 0), 23),
        (("Movable", "Reserve"), (4, 9, 0), 0),
        (("Movable", "HighAtomic"), None, 23),
    ],
)
def test_the_migratetypes_outweigh_the_version(
    types: tuple[str, str], version: Version | None, headroom: int
) -> None:
    """A backported rule is known by its migratetype: HighAtomic is new, Reserve is old."""
    sample = sample_of_blocks(
        {types[0]: SEED_BLOCKS, types[1]: NONE}, min=499, sample={"kernel": make_kernel(version)}
    )
    if "Reserve" in types:
        assert sample.pagetypeinfo is not None
        del sample.pagetypeinfo.zones[0, "Normal"].free_blocks["HighAtomic"]
    assert read(sample).headroom == headroom


# --- Contiguous memory -------------------------------------------------------------------------

CMA_BLOCKS = (0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 6)
"""4 blocks of order 4 and 6 of order 10: 6208 pages, 24832 kB."""


def cma_sample(chunk_pages: int | None = None, *, types: bool = True) -> Sample:
    """Make a sample with a CMA area of 32 MB, of which 24832 kB are free."""
    changes = {
        "meminfo": make_meminfo(cma_total_kib=32768, cma_free_kib=24832),
        "largest_cma_chunk_pages": chunk_pages,
    }
    if not types:
        changes["pagetypeinfo"] = None
    movable = (100, 100, 100, 100, 100, 0, 0, 0, 0, 0, 0)
    return sample_of_blocks({"Movable": movable, "CMA": CMA_BLOCKS}, sample=changes)


@pytest.mark.parametrize(("order", "headroom"), [(10, 6), (9, 12), (4, 6 * 64 + 4)])
def test_cma_is_what_is_free_in_its_area(order: int, headroom: int) -> None:
    """No mark and no reserve bind a contiguous allocation."""
    reading = read(cma_sample(), order, Request.CMA, 1, 0)
    assert (reading.headroom, reading.lower_bound) == (headroom, False)
    assert reading.severity is Severity.OK


def test_cma_without_pagetypeinfo_is_what_must_be_cma() -> None:
    """What all other free pages cannot fill of the large blocks is CMA: 6 blocks less 3164 pages.

    The movable blocks hold 3100 pages, the area's own blocks of order 4 another 64.
    """
    reading = read(cma_sample(types=False), 10, Request.CMA, 1, 0)
    assert (reading.headroom, reading.lower_bound) == ((6 * 1024 - 3100) >> 10, True)
    assert reading.severity is Severity.OK


def test_large_cma_without_debugfs_is_unknown() -> None:
    """Neighbouring blocks cannot be seen as one: 0 is certain, 24 MB are free."""
    reading = read(cma_sample(), 12, Request.CMA, 0, 0)
    assert (reading.headroom, reading.lower_bound) == (0, True)
    assert reading.severity is Severity.UNKNOWN


@pytest.mark.parametrize(("chunk", "headroom"), [(4096, 1), (5000, 1), (4095, 0)])
def test_large_cma_is_the_largest_free_chunk(chunk: int, headroom: int) -> None:
    """Where debugfs tells the largest chunk, so many blocks of order 12 fit into it."""
    reading = read(cma_sample(chunk), 12, Request.CMA, 0, 0)
    assert reading.headroom == headroom
    assert reading.severity is (Severity.OK if headroom else Severity.UNKNOWN)


def test_large_cma_beyond_what_is_free_is_low() -> None:
    """With 24 MB free nothing of 32 MB can be had, however it lies."""
    reading = read(cma_sample(), 13, Request.CMA, 0, 0)
    assert reading.severity is Severity.CRITICAL
    assert reading.cause is Cause.SHORTAGE


def test_cma_beyond_the_area_is_unsatisfiable() -> None:
    """64 MB will never come out of an area of 32 MB."""
    reading = read(cma_sample(), 14, Request.CMA, 0, 0)
    assert reading.cause is Cause.UNSATISFIABLE


def test_no_cma_area_at_all() -> None:
    """A cma demand on a device without an area is unsatisfiable, not unknown."""
    sample = make_sample(meminfo=make_meminfo(cma_total_kib=0, cma_free_kib=0))
    reading = read(sample, 4, Request.CMA, 1, 0)
    assert reading.cause is Cause.UNSATISFIABLE


def test_empty_zones_are_no_doubt() -> None:
    """Since 4.12 empty zones are printed; nothing is wrong with them."""
    sample = make_sample()
    assert assess(sample, []).problems == ()
    lost = make_stanza(zone="HighMem", managed=5000)
    sample = sample._replace(zoneinfo=(*(sample.zoneinfo or ()), lost))
    assert [p.what for p in assess(sample, []).problems] == ["buddyinfo"]
