"""Why a demand is low: the term of its headroom that binds."""

from typing import Any

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
from oomwatchd.model import Cause, DemandSpec, Request, Severity
from oomwatchd.procfs.buddyinfo import BuddyZone

PIECES = (3000, 500, 2, 0, 0, 0, 0, 0, 0, 0, 0)
PLENTY = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5)
NONE = (0,) * 11


def read(sample: Sample, spec: DemandSpec) -> Reading:
    """Assess one demand."""
    return assess(sample, [spec]).readings[0]


def demand(order: int = 2, request: Request = Request.KERNEL, **levels: int) -> DemandSpec:
    """State a demand with warning 16 and critical 4, unless told otherwise."""
    return DemandSpec("x", order, None, request, **({"warning": 16, "critical": 4} | levels))


TABLE: list[tuple[str, dict[str, tuple[int, ...]], dict[str, Any], DemandSpec, str, str]] = [
    ("pieces", {"Movable": PIECES}, {}, demand(), "critical", "fragmentation"),
    ("pieces for atomics", {"Movable": PIECES}, {}, demand(2, Request.ATOMIC), "critical", "frag"),
    ("below min", {"Movable": (10, 10, 10, 40, *NONE[4:])}, {}, demand(), "critical", "shortage"),
    (
        "just above min",
        {"Movable": (0, 0, 0, 0, 31, *NONE[5:])},
        {},
        demand(),
        "critical",
        "shortage",
    ),
    (
        "lowmem reserve",
        {"Movable": (0, 0, 900, *NONE[3:])},
        {"protection": (4000, 4000)},
        demand(),
        "critical",
        "shortage",
    ),
    ("held in CMA", {"Movable": PIECES, "CMA": PLENTY}, {}, demand(), "critical", "reserved"),
    (
        "held in HighAtomic",
        {"Movable": PIECES, "HighAtomic": (0, 0, 0, 64, *NONE[4:])},
        {},
        demand(),
        "critical",
        "reserved",
    ),
    (
        "HighAtomic is for atomics",
        {"Movable": PIECES, "HighAtomic": (0, 0, 0, 64, *NONE[4:])},
        {},
        demand(2, Request.ATOMIC),
        "ok",
        "none",
    ),
    (
        "CMA is for user pages",
        {"Movable": PIECES, "CMA": PLENTY},
        {},
        demand(2, Request.MOVABLE),
        "ok",
        "none",
    ),
    (
        "reserved, but too little of it",
        {"Movable": PIECES, "CMA": (0, 0, 1, *NONE[3:])},
        {},
        demand(),
        "critical",
        "fragmentation",
    ),
    (
        "a level that is zero",
        {"Movable": (4000, *NONE[1:])},
        {},
        demand(critical=0),
        "critical",
        "f",
    ),
    ("healthy", {"Movable": PLENTY}, {}, demand(), "ok", "none"),
    (
        "beyond the largest order",
        {"Movable": PLENTY},
        {},
        demand(11),
        "critical",
        "unsatisfiable",
    ),
    (
        "more than there is",
        {"Movable": PLENTY},
        {},
        demand(10, warning=59, critical=58),
        "critical",
        "unsatisfiable",
    ),
    (
        "nearly all there is",
        {"Movable": PLENTY},
        {},
        demand(10, warning=57, critical=57),
        "critical",
        "shortage",
    ),
    (
        "unsatisfiable at warning alone",
        {"Movable": PLENTY},
        {},
        demand(10, warning=58, critical=1),
        "warning",
        "unsatisfiable",
    ),
    (
        "more than the CMA area",
        {"Movable": PIECES, "CMA": PLENTY},
        {"sample": {"meminfo": make_meminfo(cma_total_kib=32768, cma_free_kib=20480)}},
        demand(4, Request.CMA, warning=600, critical=512),
        "critical",
        "unsatisfiable",
    ),
    (
        "CMA used up",
        {"Movable": PLENTY, "CMA": (0, 0, 0, 1, *NONE[4:])},
        {"sample": {"meminfo": make_meminfo(cma_total_kib=32768, cma_free_kib=32)}},
        demand(4, Request.CMA, warning=1, critical=0),
        "critical",
        "shortage",
    ),
]


@pytest.mark.parametrize(
    ("by", "changes", "spec", "severity", "cause"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_the_cause_is_the_term_that_binds(
    by: dict[str, tuple[int, ...]],
    changes: dict[str, Any],
    spec: DemandSpec,
    severity: str,
    cause: str,
) -> None:
    """Budget: shortage. Blocks, unless reserved ones would do: fragmentation."""
    reading = read(sample_of_blocks(by, **changes), spec)
    assert reading.severity is Severity(severity)
    if cause == "none":
        assert reading.cause is None
        assert reading.advice is None
    else:
        assert reading.cause is not None
        assert reading.cause.value.startswith(cause)
        assert reading.advice


def test_the_stock_that_old_kernels_ask_for_is_fragmentation() -> None:
    """In the report of 2009 budget and blocks would do: the second step does not."""
    sample = sample_of_blocks(
        {"Movable": SEED_BLOCKS},
        min=499,
        low=623,
        high=748,
        sample={"kernel": make_kernel((2, 6, 28)), "pagetypeinfo": None},
    )
    reading = read(sample, demand())
    assert (reading.headroom, reading.severity) == (0, Severity.CRITICAL)
    assert reading.cause is Cause.FRAGMENTATION


def test_blocks_of_zones_out_of_reach_are_reserved() -> None:
    """Large blocks in HighMem are of no use to the kernel."""
    names = ("Normal", "HighMem", "Movable")
    lists = {"Normal": PIECES, "HighMem": PLENTY}
    sample = make_sample(
        buddyinfo=tuple(BuddyZone(0, name, blocks) for name, blocks in lists.items()),
        zoneinfo=tuple(
            make_stanza(
                zone=name,
                free=pages_of(lists.get(name, ())),
                managed=30000 if name in lists else 0,
                protection=(0, 0, 0),
            )
            for name in names
        ),
        pagetypeinfo=None,
        kernel=make_kernel((4, 1, 0)),
    )
    assert read(sample, demand()).cause is Cause.RESERVED


@pytest.mark.parametrize("request_", [Request.KERNEL, Request.MOVABLE])
def test_short_memory_is_shortage(request_: Request) -> None:
    """Order 0 is measured by what is available, and can be short only of that."""
    sample = make_sample(meminfo=make_meminfo(available_kib=4096))
    reading = read(sample, demand(0, request_, warning=4096, critical=2048))
    assert (reading.headroom, reading.severity) == (1024, Severity.CRITICAL)
    assert reading.cause is Cause.SHORTAGE


def test_short_memory_is_shortage_without_buddyinfo_too() -> None:
    """That buddyinfo cannot be read does not make a demand impossible."""
    sample = make_sample(meminfo=make_meminfo(available_kib=4096), buddyinfo=None)
    reading = read(sample, demand(0, Request.MOVABLE, warning=4096, critical=2048))
    assert (reading.severity, reading.cause) == (Severity.CRITICAL, Cause.SHORTAGE)


def test_more_memory_than_the_device_has_is_unsatisfiable() -> None:
    """No remedy for a demand of 1 GiB on a board of 256 MB."""
    reading = read(make_sample(), demand(0, Request.MOVABLE, warning=262144, critical=262144))
    assert reading.cause is Cause.UNSATISFIABLE


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_advice(cause: Cause) -> None:
    """One sentence on what to do, on one line."""
    spec = demand()
    reading = read(make_sample(), spec)._replace(cause=cause)
    assert reading.advice
    assert "\n" not in reading.advice
