"""Assessing never raises, whatever a sample holds or lacks."""

import json

from builders import make_kernel
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.assess.assessment import Assessment, assess
from oomwatchd.assess.demands import builtin_specs
from oomwatchd.assess.sample import Sample
from oomwatchd.assess.survey import survey
from oomwatchd.model import DemandSpec, Kernel, Problem, Request, Severity
from oomwatchd.procfs.buddyinfo import BuddyZone
from oomwatchd.procfs.meminfo import Meminfo
from oomwatchd.procfs.pagetypeinfo import Pagetypeinfo, PagetypeZone
from oomwatchd.procfs.zoneinfo import ZoneinfoZone

NAMES = st.sampled_from(("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device", "Secret"))
NODES = st.integers(0, 2)
COUNTS = st.integers(0, 50) | st.integers(0, 2**64 - 1)
MAYBE = st.none() | COUNTS
LISTS = st.lists(COUNTS, min_size=1, max_size=14).map(tuple)
TYPES = st.sampled_from(
    ("Unmovable", "Movable", "Reclaimable", "Reserve", "HighAtomic", "CMA", "Isolate", "Vendor")
)


@st.composite
def zones(draw: st.DrawFn) -> tuple[BuddyZone, ...]:
    """Draw a buddyinfo: every zone with the same number of orders, as the parser sees to."""
    where = draw(st.lists(st.tuples(NODES, NAMES), unique=True, max_size=4))
    orders = draw(st.integers(1, 14))
    lists = st.lists(COUNTS, min_size=orders, max_size=orders).map(tuple)
    return tuple(BuddyZone(node, name, draw(lists)) for node, name in where)


_FACTS = ("free", "boost", "min", "low", "high", "present", "managed", "cma", "nr_free_cma")


@st.composite
def stanzas(draw: st.DrawFn) -> tuple[ZoneinfoZone, ...]:
    """Draw a zoneinfo, of which anything may be missing."""
    where = draw(st.lists(st.tuples(NODES, NAMES), unique=True, max_size=4))
    facts = st.fixed_dictionaries(dict.fromkeys(_FACTS, MAYBE))
    protection = st.none() | st.lists(COUNTS, max_size=6).map(tuple)
    return tuple(
        ZoneinfoZone(node, name, **draw(facts), protection=draw(protection)) for node, name in where
    )


TYPED = st.builds(
    Pagetypeinfo,
    st.none() | st.sampled_from((0, 512, 1024)),
    st.dictionaries(
        st.tuples(NODES, NAMES),
        st.builds(
            PagetypeZone,
            st.dictionaries(TYPES, LISTS, min_size=1, max_size=5),
            st.none() | st.dictionaries(TYPES, COUNTS, max_size=5),
            st.none() | st.integers(0, 13),
        ),
        max_size=4,
    ),
)
MEMINFO = st.builds(Meminfo, COUNTS, COUNTS, *[MAYBE] * (len(Meminfo._fields) - 2))
VERSIONS = st.none() | st.tuples(st.integers(2, 7), st.integers(0, 20), st.integers(0, 99))
KERNELS: st.SearchStrategy[Kernel] = st.builds(
    make_kernel,
    VERSIONS,
    st.none() | st.sampled_from(("armv7l", "aarch64", "x86_64", "mips", "sparc", "")),
    st.sampled_from((4096, 16384, 65536, 262144)),
)
SAMPLES: st.SearchStrategy[Sample] = st.builds(
    Sample,
    KERNELS,
    st.none() | zones(),
    st.none() | stanzas(),
    st.none() | TYPED,
    st.none() | MEMINFO,
    st.none() | st.integers(0, 10**12),
    MAYBE,
    st.lists(st.builds(Problem, st.just("meminfo"), st.text()), max_size=2).map(tuple),
)
SPECS = st.builds(
    DemandSpec,
    st.just("x"),
    st.none() | st.integers(0, 20),
    st.none() | st.integers(1, 2**32),
    st.sampled_from(Request),
    st.none() | st.integers(0, 2**40),
    st.none() | st.integers(0, 2**40),
)


def check(assessment: Assessment) -> None:
    """Check what every assessment keeps to."""
    for reading in assessment.readings:
        demand = reading.demand
        assert demand.warning >= demand.critical >= 0
        low = reading.severity in (Severity.WARNING, Severity.CRITICAL)
        assert (reading.cause is not None) == low
        if reading.headroom is None:
            assert reading.severity is Severity.UNKNOWN
            continue
        assert reading.headroom >= 0
        if reading.headroom > demand.warning:
            assert reading.severity is Severity.OK
        elif not reading.lower_bound:
            critical = reading.headroom <= demand.critical
            assert reading.severity is (Severity.CRITICAL if critical else Severity.WARNING)
        else:
            assert reading.severity is not Severity.OK


@settings(deadline=None, max_examples=400)
@given(SAMPLES, st.lists(SPECS, max_size=3))
def test_any_sample_can_be_assessed(sample: Sample, specs: list[DemandSpec]) -> None:
    """Severity follows from headroom, a cause is named exactly where a demand is low."""
    assessment = assess(sample, (*builtin_specs(sample.kernel, sample.meminfo), *specs))
    check(assessment)
    if sample.buddyinfo is None:
        assert assessment.severity is Severity.UNKNOWN
    else:
        worst = max(assessment.readings, key=lambda reading: reading.severity.rank)
        assert assessment.severity is worst.severity


@settings(deadline=None, max_examples=150)
@given(SAMPLES)
def test_any_sample_can_be_surveyed(sample: Sample) -> None:
    """The tables hold every order of every zone, and nothing that JSON could not take."""
    surveyed = survey(assess(sample, ()).system)
    for zone in surveyed:
        assert [row.order for row in zone.orders] == list(range(len(zone.zone.free_blocks)))
        for row in zone.orders:
            assert all(blocks is None or blocks >= 0 for blocks in row.headroom.values())
            assert json.dumps([row.fragmentation_index_thousandths, row.unusable_index_thousandths])
