"""Advice: what is true of the report's kernel and figures, and nothing that is not."""

import pytest
from explaining import explain
from reportmaker import blocks_of, header, report, zone

from oomwatchd.explain.rule import largest_min_kib
from oomwatchd.mm.gfpflags import decode
from oomwatchd.report.record import Cgroup, Kind, Report, Slab

SHORT = blocks_of(o0=300)
STOCK = blocks_of(o0=1000, o2=5)


def advice(made: Report) -> str:
    """Give all advice as one text."""
    return "\n".join(explain(made).advice)


# --- What must not be advised ---


@pytest.mark.parametrize("release", ["2.6.18", "2.6.28", "2.6.32"])
def test_no_compaction_where_there_is_none(release: str) -> None:
    """It came with 2.6.35, and to boards with 2.6.38."""
    text = advice(report(zone(blocks=STOCK), release=release))
    assert "compact_memory" not in text
    assert "oomwatchd does" not in text
    assert "cannot compact memory" in text


@pytest.mark.parametrize("release", ["2.6.39", "3.10.0", "6.1.0"])
def test_compaction_where_there_is_some(release: str) -> None:
    """By the file that starts it."""
    text = advice(report(release=release))
    assert "echo 1 >/proc/sys/vm/compact_memory" in text
    assert "cannot compact" not in text


def test_a_kernel_that_says_that_it_cannot_compact_is_believed() -> None:
    """COMPACTION is disabled!!!"""
    text = advice(report(compaction_disabled=True))
    assert "CONFIG_COMPACTION=y" in text
    assert "compact_memory" not in text


@pytest.mark.parametrize(("release", "has"), [("5.8.0", False), ("5.9.0", True), ("6.18.0", True)])
def test_proactive_compaction_since_5_9(release: str, has: bool) -> None:  # noqa: FBT001 - a case of a table
    """Not a file that the kernel does not have."""
    assert ("compaction_proactiveness" in advice(report(release=release))) is has


@pytest.mark.parametrize("release", ["2.6.28", "4.19.0", "5.15.0", "6.1.0"])
def test_the_boost_is_spoken_of_where_it_was_the_reason_alone(release: str) -> None:
    """vm.watermark_boost_factor came with 5.0; before nothing else raises the marks."""
    assert "watermark_boost_factor" not in advice(report(release=release))
    assert "watermark_boost_factor" not in advice(report(zone(blocks=SHORT), release=release))


def test_a_boost_can_be_switched_off() -> None:
    """Where it refused."""
    boosted = zone(blocks=blocks_of(o0=460, o2=10), marks=(700, 800, 900), boost=400)
    it = explain(report(boosted))
    assert it.reason.verdict.value == "boost"
    assert "vm.watermark_boost_factor=0" in "\n".join(it.advice)


@pytest.mark.parametrize(
    "kind_of",
    [
        report(kind=Kind.CGROUP_OOM),
        report(kind=Kind.VMALLOC_FAILURE),
        report(order=-1, kind=Kind.OOM),
        report(order=11),
        report()._replace(zones=()),
    ],
    ids=["control group", "address space", "SysRq", "too large", "unknown"],
)
def test_compaction_is_no_remedy_for_everything(kind_of: Report) -> None:
    """Neither is min_free_kbytes."""
    text = advice(kind_of)
    assert "compact_memory" not in text
    assert "min_free_kbytes" not in text


# --- The marks ---


def test_before_4_4_min_free_kbytes_is_turned_round() -> None:
    """20 pages are in pairs and more, 17 less the request: a min mark of up to 33 lets it pass.

    Of 33 half is 16, and 17 is more than that; of 34 it is 17. With pages of 4 KiB that is 135 KiB.
    """
    it = explain(report(zone(blocks=STOCK), release="2.6.28"))
    trial = it.reason.trial
    assert trial is not None
    text = "\n".join(it.advice)
    assert "Do not raise vm.min_free_kbytes" in text
    assert "min at 135 KiB or less in Normal (it is 1600)" in text
    assert "Raise vm.min_free_kbytes" not in text


@pytest.mark.parametrize("flags", ["GFP_KERNEL", "GFP_ATOMIC", "GFP_KERNEL __GFP_HIGH"])
@pytest.mark.parametrize("pairs", [1, 5, 40])
@pytest.mark.parametrize("release", ["2.6.28", "3.0.0", "3.10.0"])
def test_the_number_is_the_largest_that_passes(release: str, pairs: int, flags: str) -> None:
    """With it the request is granted, with a page more it is refused."""
    blocks = blocks_of(o0=2000, o1=pairs, o2=3)
    refusing = explain(
        report(zone(blocks=blocks, marks=(1500, 1900, 2300)), release=release, flags=flags)
    )
    trial = refusing.reason.trial
    assert trial is not None
    asked = refusing.asked.flags
    assert asked is not None
    kib = largest_min_kib(trial, asked, 4096)
    assert kib is not None
    pages = kib // 4

    def verdict(least: int) -> str:
        again = zone(blocks=blocks, marks=(least, 1900, 2300))
        return explain(report(again, release=release, flags=flags)).reason.verdict.value

    assert verdict(pages) == "granted_now"
    assert verdict(pages + 1) == "fragmentation"


def test_no_number_where_none_would_do() -> None:
    """Without any large block no mark is low enough."""
    it = explain(report(zone(), release="2.6.28"))
    trial = it.reason.trial
    assert trial is not None
    assert largest_min_kib(trial, decode(0xD0, None, (2, 6, 28)), 4096) is None
    assert "min_free_kbytes" not in "\n".join(it.advice)


@pytest.mark.parametrize("release", ["4.4.0", "6.1.0"])
def test_since_4_4_it_is_not_turned_round(release: str) -> None:
    """One block is enough there."""
    text = advice(report(release=release))
    assert "Do not raise vm.min_free_kbytes" not in text
    assert "since 4.4" not in text


@pytest.mark.parametrize(("release", "scales"), [("4.5.0", False), ("4.6.0", True)])
def test_who_cannot_wait_gains_by_higher_marks(release: str, scales: bool) -> None:  # noqa: FBT001 - a case of a table
    """Where memory is short; by the scale factor where there is one."""
    made = report(zone(blocks=blocks_of(o0=100)), release=release, flags="GFP_ATOMIC", order=0)
    it = explain(made)
    assert it.reason.verdict.value == "shortage"
    text = "\n".join(it.advice)
    assert "Raise vm.min_free_kbytes" in text
    assert ("watermark_scale_factor" in text) is scales
    sleeping = made._replace(header=header(release, 0, "GFP_KERNEL"))
    assert "min_free_kbytes" not in advice(sleeping)


# --- Caches ---


@pytest.mark.parametrize(
    ("counters", "words"),
    [
        ({}, "Dropping caches gives back scattered pages"),
        ({"active_anon": 1, "active_file": 100}, "Dropping caches could not help"),
        ({"active_anon": 1, "active_file": 5000}, "Dropping caches frees at most"),
        ({"active_anon": 1, "active_file": 5000, "dirty": 5000}, "Dropping caches could not help"),
        ({"active": 5000, "inactive": 5000}, "Dropping caches gives back scattered pages"),
    ],
    ids=["unknown", "little", "much", "dirty", "not told apart"],
)
def test_dropping_caches_helps_as_far_as_there_is_something_to_drop(
    counters: dict[str, int], words: str
) -> None:
    """What is dirty does not go, and what is not told is not promised."""
    assert words in advice(report(counters_pages=counters))


# --- By reason ---


def test_who_cannot_wait_is_told_apart() -> None:
    """Nobody compacts for it."""
    words = "Whoever asks cannot wait"
    assert words in advice(report(flags="GFP_ATOMIC"))
    assert words not in advice(report(flags="GFP_KERNEL"))


def test_cma_is_advised_of_where_it_holds_what_is_free() -> None:
    """And its size is said."""
    text = advice(report(zone(blocks=blocks_of(o0=1000, o2=100), free_cma=1100)))
    assert "4400 KiB of what is free lies in CMA" in text
    assert "cma=" in text
    assert "HighAtomic" not in text


@pytest.mark.parametrize(
    ("release", "managed", "words"),
    [
        ("6.1.0", 30_000, "Since 6.8 so small a device"),
        ("6.1.0", 60_000, "in interrupts"),
        ("6.8.0", 30_000, "in interrupts"),
    ],
)
def test_highatomic_is_advised_of_by_the_kernels_age(
    release: str, managed: int, words: str
) -> None:
    """Since 6.8 there is no such reserve where a hundredth of memory is less than a pageblock."""
    blocks = blocks_of(o0=1000, o2=100)
    text = advice(
        report(zone(blocks=blocks, managed=managed, reserved_highatomic=1024), release=release)
    )
    assert "HighAtomic" in text
    assert words in text


@pytest.mark.parametrize(
    ("architecture", "words"), [("arm", "CONFIG_VMSPLIT"), ("mips", "64-bit one")]
)
def test_lowmem_can_be_made_larger_where_there_is_highmem(architecture: str, words: str) -> None:
    """By how the kernel is built."""
    zones = (
        zone(blocks=SHORT, reserve=(0, 0, 0)),
        zone("HighMem", blocks_of(o0=5000), reserve=(0, 0, 0)),
    )
    text = advice(report(*zones, order=0, architecture=architecture))
    assert "in lowmem" in text
    assert words in text


def test_a_64_bit_kernel_has_no_lowmem_that_could_be_larger() -> None:
    """There the lower zones are for devices that reach no further."""
    zones = (
        zone("DMA32", blocks=SHORT, reserve=(0, 0, 0)),
        zone(blocks=blocks_of(o0=5000), reserve=(0, 0, 0)),
    )
    it = explain(report(*zones, order=0, flags="GFP_KERNEL __GFP_DMA32", architecture="arm64"))
    assert it.reason.verdict.value == "lowmem"
    text = "\n".join(it.advice)
    assert "DMA mask" in text
    assert "VMSPLIT" not in text
    assert "64-bit" not in text


def test_a_limit_is_named_with_its_group() -> None:
    """Files in tmpfs count too."""
    group = Cgroup("/app\x1b[2J", None, 1024, 1024, 3, None, None, {})
    text = advice(report(kind=Kind.CGROUP_OOM, cgroup=group))
    assert "/app" in text
    assert "memory.max" in text


def test_what_has_the_memory_is_named() -> None:
    """Slab with the names of the largest, shared memory, programs; no more than is true."""
    counters = {"free": 100, "active_anon": 6500, "active_file": 10, "shmem": 2500}
    counters |= {"slab_unreclaimable": 4000, "pagetables": 900}
    totals = {"ram": 15_500, "reserved": 0}
    slabs = (Slab("kmalloc-128", 10, 20), Slab("nvmap", 1, 2))
    made = report(
        zone(blocks=SHORT),
        order=0,
        kind=Kind.OOM,
        counters_pages=counters,
        totals_pages=totals,
        slabs=slabs,
        swap_total_kib=0,
    )
    text = advice(made)
    for words in ("kmalloc-128, nvmap", "tmpfs", "page tables", "no list", "Programs hold", "zram"):
        assert words in text, words
    little = made._replace(counters_pages=dict.fromkeys(counters, 10) | {"active_file": 14_000})
    text = advice(little._replace(swap_total_kib=None))
    for words in ("kmalloc-128", "tmpfs", "page tables", "no list", "Programs hold", "zram"):
        assert words not in text, words


def test_full_swap_is_named() -> None:
    """More of it only delays the end; half of it is another matter."""
    made = report(zone(blocks=SHORT), order=0, swap_total_kib=1000, swap_free_kib=10)
    assert "Swap is full" in advice(made)
    assert "Swap is full" not in advice(made._replace(swap_free_kib=500))


def test_what_is_missing_is_said_where_it_left_the_reason_open() -> None:
    """With how to keep more of the log."""
    text = advice(report(missing=("zones", "free lists"))._replace(zones=()))
    assert "The log lacks: zones, free lists." in text
    assert "log_buf_len" in text


@pytest.mark.parametrize("order", [0, 2])
def test_what_it_was_for_is_advised_of_where_it_was_large(order: int) -> None:
    """Whoever asks for single pages needs no advice on large ones."""
    made = report(order=order, trace=("__alloc_pages", "copy_process", "kernel_clone"))
    assert ("Start processes while" in advice(made)) is (order > 0)


def test_advice_is_given_once() -> None:
    """No sentence twice, none empty."""
    many = [explain(report(flags=f)) for f in ("GFP_KERNEL", "GFP_ATOMIC")]
    for it in many:
        assert len(set(it.advice)) == len(it.advice)
        assert all(text.endswith((".", ")")) for text in it.advice)


def test_figures_that_no_machine_has_take_no_time() -> None:
    """A damaged log may say anything of the marks."""
    made = report(
        zone(
            blocks=blocks_of(o0=9 * 10**14, o2=25 * 10**12), marks=(10**15, 2 * 10**15, 3 * 10**15)
        ),
        release="2.6.28",
        flags="GFP_ATOMIC",
    )
    assert "would have passed" in advice(made)
