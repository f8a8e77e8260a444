"""Why a request was refused: every reason is reached, and none by figures that do not tell it."""

import pytest
from explaining import explain
from reportmaker import blocks_of, header, report, zone

from oomwatchd.explain.explanation import Explanation
from oomwatchd.explain.trial import Refusal
from oomwatchd.report.record import Cgroup, Kind, Report, ReportZone

IN_PIECES = blocks_of(o0=1000)
"""1,000 free pages of 400 that must stay, and no two of them together."""
SHORT = blocks_of(o0=300)
PLENTY = blocks_of(o0=1000, o2=100)
ATOMIC = "GFP_ATOMIC"


def verdict(made: Report) -> str:
    """Explain, and give the reason."""
    return explain(made).reason.verdict.value


def refusal(it: Explanation) -> Refusal | None:
    """Give what refused."""
    assert it.reason.trial is not None
    return it.reason.trial.refusal


# --- What the report does not tell ---


@pytest.mark.parametrize(
    "made",
    [
        report(zone(), header=None),
        report(zone(), order=None),
        report(zone(), flags=None),
        report()._replace(zones=()),
        report(zone(blocks=None, free=1000)),
        report(
            zone(blocks=PLENTY, reserve=None),
            zone("HighMem", SHORT, reserve=(0, 0, 0)),
            flags="GFP_HIGHUSER",
        ),
        report(
            zone(),
            order=0,
            flags="",
            kind=Kind.OOM,
            trace=("out_of_memory", "pagefault_out_of_memory"),
        ),
    ],
    ids=[
        "header",
        "order",
        "mask",
        "zones",
        "free lists",
        "reserve",
        "the request of a page fault",
    ],
)
def test_what_is_not_told_is_not_guessed(made: Report) -> None:
    """Without one of its parts a report of free memory proves nothing."""
    assert verdict(made) == "unknown"


def test_a_shortage_needs_no_free_lists() -> None:
    """Where too little is free, its pieces do not matter."""
    assert verdict(report(zone(blocks=None, free=300))) == "shortage"


def test_figures_without_marks_prove_nothing() -> None:
    """Which part of a report was lost may be any."""
    bare = zone()
    kib = {key: value for key, value in bare.kib.items() if key != "min"}
    assert verdict(report(bare._replace(kib=kib))) == "unknown"


# --- What needs no zones ---


def test_a_control_groups_limit_is_no_matter_of_zones() -> None:
    """However much is free."""
    group = Cgroup("/app", None, 1024, 1024, 3, None, None, {})
    assert (
        verdict(report(zone(blocks=PLENTY), kind=Kind.CGROUP_OOM, cgroup=group)) == "cgroup_limit"
    )


def test_a_kill_that_somebody_asked_for_has_no_other_reason() -> None:
    """SysRq-f reports order -1."""
    assert verdict(report(zone(blocks=SHORT), order=-1, kind=Kind.OOM)) == "requested"


def test_address_space_is_not_memory() -> None:
    """A failed vmalloc is told by its own line."""
    made = report(kind=Kind.VMALLOC_FAILURE, vmalloc_bytes=1 << 20)._replace(zones=())
    assert verdict(made) == "address_space"


# --- Too little ---


@pytest.mark.parametrize(("free", "expected"), [(403, "shortage"), (404, "fragmentation")])
def test_a_shortage_ends_where_the_mark_does(free: int, expected: str) -> None:
    """Less the request, 404 - 4 + 1 = 401 is more than 400, and 400 is not."""
    assert verdict(report(zone(blocks=blocks_of(o0=free)))) == expected


def test_the_reserve_is_kept_besides_the_mark() -> None:
    """What requests that could go higher must leave in a lower zone."""
    made = report(
        zone(blocks=PLENTY, reserve=(0, 2000)),
        zone("HighMem", SHORT, reserve=(0, 0)),
        flags="GFP_HIGHUSER_MOVABLE",
        order=0,
    )
    assert verdict(made) == "shortage"
    assert verdict(made._replace(header=header("6.1.0", 0, "GFP_KERNEL"))) == "granted_now"


def test_single_pages_are_never_in_pieces() -> None:
    """Order 0 lacks memory, or nothing."""
    assert verdict(report(zone(blocks=SHORT), order=0)) == "shortage"
    assert verdict(report(zone(blocks=IN_PIECES), order=0)) == "granted_now"


def test_before_a_kill_the_high_mark_counts() -> None:
    """550 pages would pass the min mark of 400, but the last try is against 600."""
    it = explain(report(zone(blocks=blocks_of(o0=550)), order=0, kind=Kind.OOM))
    assert (it.reason.verdict.value, it.reason.mark) == ("shortage", "high")
    assert it.trials[0].mark_pages == 600
    failed = report(zone(blocks=blocks_of(o0=550)), order=0)
    assert verdict(failed) == "granted_now"


def test_a_kill_with_enough_free_was_momentary() -> None:
    """Above the high mark, too, it would be granted."""
    assert verdict(report(zone(blocks=PLENTY), kind=Kind.OOM)) == "granted_now"


# --- Enough, in pieces ---


@pytest.mark.parametrize("release", ["4.4.0", "4.9.0", "5.10.0", "6.18.0"])
def test_since_4_4_a_block_that_is_large_enough_decides(release: str) -> None:
    """One is enough, and none is fragmentation."""
    it = explain(report(zone(), release=release))
    assert it.reason.verdict.value == "fragmentation"
    assert refusal(it) is Refusal.BLOCK
    assert it.by_new_rule is None
    assert verdict(report(zone(blocks=blocks_of(o0=1000, o2=1)), release=release)) == "granted_now"


@pytest.mark.parametrize("release", ["2.6.18", "2.6.28", "3.10.0", "4.3.0"])
def test_before_4_4_a_stock_of_large_blocks_is_asked_for(release: str) -> None:
    """Of 1,020 free pages 20 are in pairs or larger: half of the mark is asked for there."""
    made = report(zone(blocks=blocks_of(o0=1000, o2=5)), release=release)
    it = explain(made)
    assert it.reason.verdict.value == "fragmentation"
    assert refusal(it) is Refusal.STOCK
    trial = it.reason.trial
    assert trial is not None
    assert trial.refused_at == 1
    assert trial.checks[1] == (17, 200)
    assert it.by_new_rule is not None
    assert it.by_new_rule.value == "granted_now"


@pytest.mark.parametrize(
    ("release", "pages"), [("2.6.37", 997), ("2.6.38", 995), ("3.2.0", 995), ("3.3.0", 997)]
)
def test_from_2_6_38_to_3_2_the_check_is_off_by_two(release: str, pages: int) -> None:
    """Free - 2^order - 1 there, elsewhere + 1."""
    trial = explain(report(zone(), release=release)).reason.trial
    assert trial is not None
    assert trial.checks[0].pages == pages


def test_a_zone_that_has_enough_in_pieces_decides_over_one_that_is_short() -> None:
    """That the other is full is the usual state."""
    made = report(zone("DMA", SHORT, managed=30_000, reserve=(0, 0, 0)), zone(reserve=(0, 0, 0)))
    it = explain(made)
    assert it.reason.verdict.value == "fragmentation"
    assert it.reason.trial is not None
    assert it.reason.trial.zone.name == "Normal"


def test_a_small_zone_decides_nothing() -> None:
    """The DMA zone of a PC has some pages in pieces at all times."""
    made = report(
        zone("DMA", blocks_of(o0=100), marks=(10, 12, 15), managed=2_000, reserve=(0, 0, 0)),
        zone(blocks=SHORT, reserve=(0, 0, 0)),
    )
    assert verdict(made) == "shortage"


def test_an_order_that_no_zone_has_is_too_large() -> None:
    """MAX_ORDER is seen in the free lists: order 11 of 0 to 10."""
    assert verdict(report(zone(blocks=blocks_of(o10=100)), order=11)) == "too_large"
    assert verdict(report(zone(blocks=blocks_of(o0=2000)), order=10)) == "fragmentation"


# --- Enough, for others ---


def test_free_cma_is_not_for_the_kernel() -> None:
    """1,400 free, of which 1,100 are CMA: 297 is not more than 400."""
    blocks = blocks_of(o0=1000, o2=100)
    made = report(zone(blocks=blocks, free_cma=1100))
    it = explain(made)
    assert it.reason.verdict.value == "reserved"
    assert it.reason.trial is not None
    assert it.reason.trial.checks[0].pages == 297
    assert verdict(made._replace(header=header("6.1.0", 2, "GFP_HIGHUSER_MOVABLE"))) != "reserved"


def test_free_cma_is_no_reason_where_all_of_it_would_not_do() -> None:
    """390 free with 100 of them CMA are short in any case."""
    assert verdict(report(zone(blocks=blocks_of(o0=390), free_cma=100))) == "shortage"


@pytest.mark.parametrize(("release", "expected"), [("3.4.0", "granted_now"), ("3.7.0", "reserved")])
def test_up_to_3_6_free_cma_counts_as_free(release: str, expected: str) -> None:
    """The check does not leave it out there."""
    blocks = blocks_of(o0=300, o2=600)
    assert verdict(report(zone(blocks=blocks, free_cma=2400), release=release)) == expected


@pytest.mark.parametrize(
    ("flags", "expected"), [("GFP_KERNEL", "reserved"), (ATOMIC, "granted_now")]
)
def test_highatomic_is_kept_for_who_cannot_wait(flags: str, expected: str) -> None:
    """1,400 free less a reserve of 1,024: 373 is not more than 400; an atomic one has a right."""
    blocks = blocks_of(o0=1000, o2=100)
    assert verdict(report(zone(blocks=blocks, reserved_highatomic=1024), flags=flags)) == expected


def test_what_of_highatomic_is_used_takes_nothing_away_where_the_report_says_so() -> None:
    """Since free_highatomic is printed, that counts."""
    made = zone(blocks=PLENTY, reserved_highatomic=1024, free_highatomic=0)
    assert verdict(report(made, release="6.18.0")) == "granted_now"


@pytest.mark.parametrize(
    ("letters", "flags", "expected"),
    [
        ("C", "GFP_KERNEL", "reserved"),
        ("H", "GFP_KERNEL", "reserved"),
        ("I", "GFP_KERNEL", "reserved"),
        ("CHI", "GFP_KERNEL", "reserved"),
        ("UC", "GFP_KERNEL", "granted_now"),
        ("E", "GFP_KERNEL", "granted_now"),
        ("C", "GFP_HIGHUSER_MOVABLE", "granted_now"),
        ("H", ATOMIC, "granted_now"),
        ("C", ATOMIC, "reserved"),
    ],
)
def test_letters_tell_for_whom_large_blocks_are(letters: str, flags: str, expected: str) -> None:
    """Blocks are there, and enough is free: of which types they are decides."""
    made = zone(blocks=blocks_of(o0=1000, o2=100), letters={2: letters})
    assert verdict(report(made, flags=flags)) == expected


@pytest.mark.parametrize("release", ["4.9.0", "4.19.0", "6.1.0"])
def test_a_right_to_the_reserve_is_none_to_cma(release: str) -> None:
    """Up to 4.13 the check is content with such a block, and what hands it out is not."""
    made = zone(blocks=blocks_of(o0=1000, o2=100), letters={2: "C"})
    assert verdict(report(made, flags=ATOMIC, release=release)) == "reserved"


# --- Elsewhere ---


def with_highmem(free: int, blocks: tuple[int, ...] = SHORT) -> tuple[ReportZone, ...]:
    """Give lowmem that is short, and HighMem."""
    return (
        zone(blocks=blocks, reserve=(0, 0, 0)),
        zone("HighMem", blocks_of(o0=free), reserve=(0, 0, 0)),
    )


def test_free_highmem_is_not_for_the_kernel() -> None:
    """Lowmem is short while HighMem is free; a program's page could have it."""
    made = report(*with_highmem(5000), order=0)
    assert verdict(made) == "lowmem"
    user = made._replace(header=header("6.1.0", 0, "GFP_HIGHUSER_MOVABLE"))
    assert verdict(user) == "granted_now"


def test_highmem_that_is_short_too_explains_nothing() -> None:
    """Below its high mark it is no better."""
    assert verdict(report(*with_highmem(550), order=0)) == "shortage"


def test_highmem_that_a_report_leaves_out_is_seen_in_its_counters() -> None:
    """Since 6.1 zones above the request's are not listed: all of free counts them."""
    short = zone(blocks=SHORT, reserve=(0, 0, 0))
    assert verdict(report(short, order=0, counters_pages={"free": 5300})) == "lowmem"
    assert verdict(report(short, order=0, counters_pages={"free": 310})) == "shortage"


def test_zones_without_any_memory_are_no_riddle() -> None:
    """A request for an empty zone, with memory elsewhere."""
    empty = zone(blocks=(), marks=(0, 0, 0), managed=0, reserve=(0, 0, 0))
    highmem = zone("HighMem", blocks_of(o0=5000), reserve=(0, 0, 0))
    assert verdict(report(empty, highmem, order=0)) == "lowmem"


def test_lowmem_in_pieces_is_in_pieces() -> None:
    """What is free in HighMem is not what lacks then."""
    assert verdict(report(*with_highmem(5000, IN_PIECES))) == "fragmentation"


def test_a_request_for_a_node_is_not_met_by_another() -> None:
    """The nodes are listed in the header."""
    made = report(
        zone(blocks=SHORT, node=0),
        zone(blocks=PLENTY, node=1),
        header=header("6.1.0", 2, "GFP_KERNEL")._replace(nodemask="0"),
    )
    assert verdict(made) != "granted_now"
    anywhere = made._replace(header=header("6.1.0", 2, "GFP_KERNEL"))
    assert verdict(anywhere) == "granted_now"


# --- For a while ---


@pytest.mark.parametrize(
    ("boost", "expected"), [(400, "boost"), (100, "shortage"), (0, "shortage")]
)
def test_a_boost_is_the_reason_where_the_request_passes_without(boost: int, expected: str) -> None:
    """497 of a mark of 700: with 400 of that for a while only."""
    made = zone(blocks=blocks_of(o0=460, o2=10), marks=(700, 800, 900), boost=boost)
    assert verdict(report(made)) == expected


def test_a_boost_explains_nothing_where_no_block_is_large_enough() -> None:
    """Without it the request would be refused all the same."""
    made = zone(blocks=blocks_of(o0=500), marks=(700, 800, 900), boost=400)
    assert verdict(report(made)) == "shortage"


def test_before_a_kill_the_boost_has_to_lift_the_high_mark_over_what_is_free() -> None:
    """Without it that is 500, and 497 are still too little; 300 more are not."""
    low = zone(blocks=blocks_of(o0=460, o2=10), marks=(700, 800, 900), boost=400)
    assert verdict(report(low, kind=Kind.OOM)) == "shortage"
    high = zone(blocks=blocks_of(o0=760, o2=10), marks=(900, 1000, 1100), boost=400)
    assert verdict(report(high, kind=Kind.OOM)) == "boost"


# --- The version ---


def test_kernels_that_would_not_agree_make_it_doubtful() -> None:
    """From 2.6.38 to 3.2 the check lacks two pages, before and after it does not."""
    made = report(zone(blocks=blocks_of(o0=404)), release="2.6.36")
    assert not explain(made).is_doubtful
    signs = frozenset({"tasks: cpu oom_adj oom_score_adj"})
    it = explain(made._replace(release=None, signs=signs))
    assert (it.kernel.since, it.kernel.last) == ((2, 6, 36), (3, 5, 0))
    assert it.reason.verdict.value == "fragmentation"
    assert it.is_doubtful
    plenty = made._replace(release=None, signs=signs, zones=(zone(),))
    assert not explain(plenty).is_doubtful
