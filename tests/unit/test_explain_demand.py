"""The demand that would have spoken: oomwatchd understands it, and it would have been critical."""

import pytest
from explaining import explain, explained
from reportlib import NAMES, log_of
from reportmaker import blocks_of, report, zone

from oomwatchd.assess.headroom import System, headroom
from oomwatchd.config import parse
from oomwatchd.explain.explanation import Explanation
from oomwatchd.mm.watermark import rule_of
from oomwatchd.mm.zonelist import compiled_zones
from oomwatchd.model import DemandSpec, Request, Watermarks, Zone
from oomwatchd.report.gather import reports
from oomwatchd.report.record import Kind, Report, ReportZone

REAL = [(name, it) for name in NAMES for it in explained(reports([log_of(name)]))]
REAL_DEMANDS = [(name, it) for name, it in REAL if it.demand is not None]


def spec_of(it: Explanation) -> DemandSpec:
    """Read the section as the daemon reads it."""
    assert it.demand is not None
    config = parse([("oomwatchd.conf", it.demand.text.encode())])
    (spec,) = config.demands
    return spec


def zone_of(given: ReportZone, compiled: tuple[str, ...], page_size: int) -> Zone:
    """Give a report's zone as the daemon would have seen it in /proc."""

    def pages(key: str) -> int | None:
        return given.kib[key] * 1024 // page_size if key in given.kib else None

    low, high, least = pages("low"), pages("high"), pages("min")
    assert low is not None
    assert high is not None
    assert least is not None
    return Zone(
        node=given.node or 0,
        name=given.name,
        zone_index=compiled.index(given.name),
        managed_pages=pages("managed") or pages("present"),
        free_pages=pages("free"),
        free_cma_pages=pages("free_cma"),
        watermarks=Watermarks(least, low, high, pages("boost")),
        protection=given.lowmem_reserve,
        free_blocks=given.free_blocks or (),
        free_blocks_by_type=None,
        highatomic_reserved_pages=pages("reserved_highatomic"),
        capped_order=None,
    )


def blocks_left(it: Explanation) -> int:
    """Compute the demand's headroom from the report's figures."""
    assert it.demand is not None
    zones = it.report.zones
    protection = max(len(each.lowmem_reserve or ()) for each in zones)
    compiled = compiled_zones([each.name for each in zones], protection, it.kernel.version)
    seen = tuple(zone_of(each, compiled, it.kernel.page_size) for each in zones)
    system = System(seen, compiled, rule_of(it.kernel.version))
    found = headroom(system, it.demand.request, it.demand.order)
    assert found is not None
    return found.blocks


@pytest.mark.parametrize(
    "made",
    [
        report(kind=Kind.CGROUP_OOM),
        report(kind=Kind.VMALLOC_FAILURE),
        report(order=-1, kind=Kind.OOM),
        report(order=11),
        report()._replace(zones=()),
        report(header=None),
    ],
    ids=["control group", "address space", "SysRq", "too large", "no zones", "no header"],
)
def test_no_demand_is_stated_that_would_not_have_spoken(made: Report) -> None:
    """What is no matter of free blocks, or not known."""
    assert explain(made).demand is None


@pytest.mark.parametrize(("name", "it"), REAL_DEMANDS, ids=[name for name, _ in REAL_DEMANDS])
def test_a_real_reports_demand_is_read_by_the_daemon(name: str, it: Explanation) -> None:
    """As it is printed, with nothing lost, and within the levels that are allowed."""
    assert it.demand is not None, name
    spec = spec_of(it)
    assert (spec.name, spec.order, spec.request) == (
        it.demand.name,
        it.demand.order,
        it.demand.request,
    )
    assert (spec.warning, spec.critical) == (it.demand.warning, it.demand.critical)
    assert it.demand.warning > it.demand.critical > 0


@pytest.mark.parametrize(
    ("name", "it"),
    [(name, it) for name, it in REAL_DEMANDS if it.reason.verdict.value != "granted_now"],
    ids=[name for name, it in REAL_DEMANDS if it.reason.verdict.value != "granted_now"],
)
def test_a_real_reports_demand_would_have_been_critical(name: str, it: Explanation) -> None:
    """By the figures of the report itself: it is about what could not be had."""
    assert it.demand is not None, name
    assert blocks_left(it) <= it.demand.critical


REFUSED = [
    it
    for blocks in (
        *(blocks_of(o0=300), blocks_of(o0=1000), blocks_of(o0=5)),
        blocks_of(o0=1000, o1=2),
    )
    for order in (0, 1, 2, 4, 9)
    for release in ("2.6.28", "3.0.0", "3.10.0", "4.4.0", "6.1.0", "6.18.0")
    for flags in ("GFP_KERNEL", "GFP_ATOMIC", "GFP_HIGHUSER_MOVABLE")
    for it in [explain(report(zone(blocks=blocks), release=release, flags=flags, order=order))]
    if it.reason.verdict.value != "granted_now"
]


def test_a_demand_is_critical_wherever_its_request_was_refused() -> None:
    """For each kind of request, order and rule."""
    assert len(REFUSED) > 300
    for it in REFUSED:
        assert it.demand is not None
        assert spec_of(it).order == it.asked.order
        assert blocks_left(it) <= it.demand.critical


@pytest.mark.parametrize(
    ("flags", "request_kind"),
    [
        ("GFP_KERNEL", Request.KERNEL),
        ("GFP_ATOMIC", Request.ATOMIC),
        ("GFP_HIGHUSER_MOVABLE", Request.MOVABLE),
        ("GFP_KERNEL __GFP_DMA", Request.DMA),
        ("GFP_KERNEL __GFP_DMA32", Request.DMA32),
        ("GFP_ATOMIC __GFP_DMA", Request.DMA),
    ],
)
def test_the_flags_tell_the_kind_of_request(flags: str, request_kind: Request) -> None:
    """A zone of its own first: an atomic demand would count what lies above it."""
    it = explain(report(flags=flags))
    assert it.demand is not None
    assert it.demand.request is request_kind


@pytest.mark.parametrize(
    ("function", "architecture", "name"),
    [
        ("copy_process", "mips", "process"),
        ("unix_stream_sendmsg", "mips", "message"),
        ("unix_stream_sendmsg", "arm", "process"),
        ("frobnicate", "mips", "order2"),
    ],
)
def test_a_demand_is_named_for_what_it_is_for(function: str, architecture: str, name: str) -> None:
    """As the built-in one is, where that says the same; else as none of them is."""
    it = explain(report(trace=("__alloc_pages", function), architecture=architecture))
    assert it.demand is not None
    assert (it.demand.name, it.demand.is_built_in) == (name, architecture == "arm")
    assert spec_of(it).name == name


def test_single_pages_are_watched_as_memory() -> None:
    """With the built-in levels: 6 % and 3 %, at least 4 and 2 MiB."""
    made = report(
        zone(blocks=blocks_of(o0=300)),
        order=0,
        flags="GFP_HIGHUSER_MOVABLE",
        counters_pages={"free": 300, "active_file": 10},
        totals_pages={"ram": 100_000, "reserved": 0},
    )
    it = explain(made)
    assert it.demand is not None
    assert it.demand[:1] + it.demand[3:5] == ("memory", 6_000, 3_000)
    small = explain(made._replace(totals_pages={"ram": 4_000, "reserved": 0})).demand
    assert small is not None
    assert (small.warning, small.critical) == (1024, 512)


def test_levels_follow_the_marks() -> None:
    """(low - min) >> (order + 1), at least 8; a quarter of it is critical."""
    wide = explain(report(zone(marks=(400, 1200, 2000)), order=2)).demand
    assert wide is not None
    assert (wide.warning, wide.critical) == (100, 25)
    narrow = explain(report(order=4)).demand
    assert narrow is not None
    assert (narrow.warning, narrow.critical) == (8, 2)
