"""How deep a request may go: the min mark as its rights lower it, by the kernel's version."""

import pytest
from explaining import explain, explained
from reportmaker import banner, header, kill, report, zone

from oomwatchd.explain.trial import Trial, nodes_of
from oomwatchd.report.record import Header, Kind, Report


def trial_of(release: str, flags: str, *, is_dying: bool = False, **changes: object) -> Trial:
    """Try the one zone of a device, whose min mark is 400."""
    made = report(zone(), release=release, flags=flags)._replace(**changes)  # type: ignore[arg-type]
    (trial,) = explain(made, is_dying=is_dying).trials
    return trial


@pytest.mark.parametrize(
    ("release", "flags", "mark"),
    [
        ("2.6.28", "GFP_KERNEL", 400),
        ("2.6.28", "GFP_ATOMIC", 150),
        ("2.6.28", "GFP_KERNEL __GFP_HIGH", 200),
        ("4.1", "GFP_NOWAIT", 300),
        ("4.4", "GFP_NOWAIT", 400),
        ("4.4", "GFP_ATOMIC", 150),
        ("6.1", "GFP_KERNEL __GFP_HIGH", 200),
        ("6.1", "GFP_ATOMIC", 150),
        ("6.8", "GFP_NOWAIT", 400),
        ("6.8", "GFP_ATOMIC", 150),
        ("6.8", "GFP_KERNEL", 400),
    ],
)
def test_the_mark_is_lowered_by_the_requests_rights(release: str, flags: str, mark: int) -> None:
    """HIGH: half of 400; HARDER: a quarter of what is left, for who cannot wait (to 4.3)."""
    assert trial_of(release, flags).mark_pages == mark


@pytest.mark.parametrize(
    ("release", "flags", "mark"),
    [
        ("3.10", "GFP_KERNEL", None),
        ("4.13", "GFP_KERNEL", None),
        ("4.14", "GFP_KERNEL", 200),
        ("6.1", "GFP_KERNEL", 200),
        ("6.1", "GFP_ATOMIC", 100),
        ("6.3", "GFP_ATOMIC", 75),
    ],
)
def test_who_was_killed_may_go_deeper(release: str, flags: str, mark: int | None) -> None:
    """Up to 4.13 no mark holds; then half, besides the quarter (since 6.3) or instead of it."""
    assert trial_of(release, flags, is_dying=True).mark_pages == mark


@pytest.mark.parametrize("function", ["kswapd", "shrink_page_list", "shrink_folio_list"])
def test_no_mark_holds_for_reclaim_itself(function: str) -> None:
    """PF_MEMALLOC: what fails there had no block at all."""
    it = explain(report(zone(), trace=("alloc", function)))
    assert it.asked.is_reclaiming
    assert it.trials[0].mark_pages is None
    assert it.trials[0].checks == ()
    assert it.reason.verdict.value == "fragmentation"


def test_an_interrupt_has_not_the_rights_of_the_reclaim_that_it_stops() -> None:
    """The daemon kswapd was at work, but what asks is a driver's softirq: the marks hold for it."""
    trace = ("page_frag_alloc", "net_rx_action", "__do_softirq", "irq_exit", "kswapd")
    made = report(zone(), flags="GFP_ATOMIC", trace=trace)
    assert made.header is not None
    made = made._replace(header=made.header._replace(comm="kswapd0"))
    it = explain(made)
    assert not it.asked.is_reclaiming
    assert it.trials[0].mark_pages is not None
    assert explain(made._replace(trace=("alloc", "kswapd"))).asked.is_reclaiming


def test_a_request_that_declines_reserves_gets_none() -> None:
    """__GFP_NOMEMALLOC, even in reclaim."""
    it = explain(report(zone(), flags="GFP_KERNEL __GFP_NOMEMALLOC", trace=("kswapd",)))
    assert not it.asked.is_reclaiming
    assert it.trials[0].mark_pages == 400


def test_memalloc_has_everything() -> None:
    """__GFP_MEMALLOC, since it exists."""
    assert trial_of("6.1", "GFP_KERNEL __GFP_MEMALLOC").mark_pages is None


def failed(pid: int, line: int) -> Report:
    """Make a failure of a process."""
    return report(zone(), pid=pid, line=line)


def test_what_a_killed_process_could_not_have_is_told_from_other_failures() -> None:
    """It fails on its way out: the next one's failure is its own."""
    killing = report(zone(), kind=Kind.OOM, kills=(kill(pid=7, name="camera"),))
    found = list(explained([failed(7, 1), killing, failed(7, 2), failed(8, 3), killing]))
    assert [it.asked.is_dying for it in found] == [False, False, True, False, False]
    assert found[2].asked.outcome is None


@pytest.mark.parametrize(
    ("name", "killed_at", "failed_at", "line", "is_dying"),
    [
        ("camera", "100.5", "101.0", 2, True),
        ("camera", "100.5", "90000.0", 2, False),
        ("camera", "100.5", "1.0", 2, False),
        ("camera", "23:59:59", "00:00:02", 2, True),
        ("camera", None, None, 40, True),
        ("camera", None, None, 40_000, False),
        ("another", "100.5", "101.0", 2, False),
    ],
)
def test_a_number_that_comes_again_is_not_who_was_killed(
    name: str, killed_at: str | None, failed_at: str | None, line: int, *, is_dying: bool
) -> None:
    """Later, after a boot that the log does not show, or with another name."""
    killing = report(zone(), kind=Kind.OOM, kills=(kill(pid=7, name=name),), at=killed_at)
    (_, found) = explained([killing, failed(7, line)._replace(at=failed_at)])
    assert found.asked.is_dying is is_dying


def test_after_a_boot_numbers_begin_anew() -> None:
    """Process 7 of the next boot is another one."""
    killing = report(zone(), kind=Kind.OOM, kills=(kill(pid=7),), banner=banner("6.1.0"))
    again = failed(7, 2)._replace(banner=banner("6.1.0"))
    assert [it.asked.is_dying for it in explained([killing, again])] == [False, False]


# --- Which zones a request may use ---


def reached(flags: str, *names: str, release: str = "6.1") -> list[str]:
    """Give the zones that a request may use."""
    width = len(names)
    zones = [zone(name, reserve=(0,) * width) for name in names]
    return [
        trial.zone.name
        for trial in explain(report(*zones, flags=flags, release=release)).trials
        if trial.is_reached
    ]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("GFP_KERNEL", ["DMA", "Normal"]),
        ("GFP_ATOMIC", ["DMA", "Normal"]),
        ("GFP_KERNEL __GFP_DMA", ["DMA"]),
        ("GFP_HIGHUSER", ["DMA", "Normal", "HighMem"]),
        ("GFP_HIGHUSER_MOVABLE", ["DMA", "Normal", "HighMem", "Movable"]),
    ],
)
def test_flags_tell_the_highest_zone(flags: str, expected: list[str]) -> None:
    """And every lower one is used too."""
    assert reached(flags, "DMA", "Normal", "HighMem", "Movable") == expected


def test_without_a_dma_zone_normal_serves() -> None:
    """As kernels are built that need none."""
    assert reached("GFP_KERNEL __GFP_DMA", "Normal", "Movable") == ["Normal"]
    assert reached("GFP_KERNEL __GFP_DMA32", "Normal", "Movable") == ["Normal"]


def test_a_zone_of_no_kernel_is_used_by_nobody() -> None:
    """A vendor's zone, or damage."""
    assert reached("GFP_HIGHUSER_MOVABLE", "Normal", "Nrmal") == ["Normal"]


@pytest.mark.parametrize(
    ("printed", "nodes"),
    [
        ("0", {0}),
        ("0-1,3", {0, 1, 3}),
        ("7-5", set()),
        ("0-", {0}),
        ("x", None),
        ("0,", None),
        ("99999", None),
        ("0-99999", None),
    ],
)
def test_a_list_of_nodes_is_read_or_is_none(printed: str, nodes: set[int] | None) -> None:
    """One that is none limits nothing."""
    assert nodes_of(printed) == nodes


def test_a_node_that_is_not_listed_is_not_reached() -> None:
    """Where the request names its nodes."""
    only: Header = header("6.1", 2, "GFP_KERNEL")._replace(nodemask="1")
    it = explain(report(zone(node=0), zone(node=1), header=only))
    assert [trial.is_reached for trial in it.trials] == [False, True]


def test_an_empty_zone_is_left_out() -> None:
    """2.6.18 lists zones that have no memory."""
    it = explain(report(zone("DMA", blocks=(), managed=0, marks=(0, 0, 0)), zone()))
    assert [trial.zone.name for trial in it.trials] == ["Normal"]


@pytest.mark.parametrize("page_kib", [4, 16, 64])
def test_figures_are_counted_in_the_kernels_pages(page_kib: int) -> None:
    """KiB in the report, pages in the rule."""
    it = explain(report(zone(page_kib=page_kib)))
    assert it.kernel.page_size == page_kib * 1024
    assert it.trials[0].free_pages == 1000
    assert it.trials[0].checks[0] == (997, 400)
    assert it.asked.size_bytes == page_kib * 4096
