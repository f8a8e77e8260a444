"""What the rules make of a report's zones, where they are easily got wrong. All of it synthetic."""

from explaining import explained

from oomwatchd.explain.explanation import Explanation
from oomwatchd.explain.trial import Refusal
from oomwatchd.explain.verdict import Verdict
from oomwatchd.report.gather import reports


def explained_one(log: str) -> Explanation:
    """Explain a log of one report."""
    (it,) = explained(reports([log.encode()]))
    return it


def failure(release: str, mode: str, zones: str, trace: str = "", order: int = 0) -> str:
    """Write a failed allocation."""
    return (
        f"checkd: page allocation failure: order:{order}, mode:{mode}\n"
        f"CPU: 0 PID: 7 Comm: checkd Not tainted {release} #1\nCall Trace:\n"
        " warn_alloc+0x1/0x2\n __alloc_pages+0x1/0x2\n" + trace + "Mem-Info:\n" + zones
    )


def kill(release: str, mode: str, zones: str) -> str:
    """Write a kill."""
    return (
        f"checkd invoked oom-killer: gfp_mask={mode}, order=0, oom_score_adj=0\n"
        f"CPU: 0 PID: 7 Comm: checkd Not tainted {release} #1\nCall Trace:\n"
        " out_of_memory+0x1/0x2\n __alloc_pages+0x1/0x2\n a+0x1/0x2\nMem-Info:\n" + zones
    )


def test_a_boost_that_is_not_told() -> None:
    """From 5.0 to 5.15 the marks tell it: low is a quarter of min above min, without a boost."""
    # min 4 * 344 = 1376 without it: 344 pages; 453 > 344 / 2 * 3 / 4 = 129.
    zones = (
        "Normal free:1812kB min:5472kB low:5816kB high:6160kB managed:118804kB\n"
        "lowmem_reserve[]: 0 0\n"
        "Normal: 11*4kB (U) 59*8kB (U) 75*16kB (U) 3*32kB (U) 0*64kB = 1812kB\n"
    )
    it = explained_one(failure("5.8.0", "0xa20(GFP_ATOMIC)", zones))
    (trial,) = it.trials
    assert (trial.mark_pages, trial.boost_pages, trial.raised_pages) == (513, 1024, 384)
    assert it.reason.verdict is Verdict.BOOST
    # No boost in the same figures before 5.0, nor where high does not follow.
    before = explained_one(failure("4.19.0", "0x480020(GFP_ATOMIC)", zones))
    assert (before.reason.verdict, before.trials[0].boost_pages) == (Verdict.SHORTAGE, 0)
    torn = explained_one(failure("5.8.0", "0xa20(GFP_ATOMIC)", zones.replace("6160", "9000")))
    assert (torn.reason.verdict, torn.trials[0].boost_pages) == (Verdict.SHORTAGE, 0)


def test_an_atomic_page_is_tried_again_without_the_boost() -> None:
    """Since 5.9; since 6.3 __GFP_HIGH is enough."""
    zones = (
        "Normal free:408kB boost:800kB min:1200kB low:1300kB high:1400kB managed:99999kB\n"
        "lowmem_reserve[]: 0 0\nNormal: 102*4kB (U) 0*8kB 0*16kB = 408kB\n"
    )
    it = explained_one(failure("5.10.0", "0xa20(GFP_ATOMIC)", zones))
    # (300 - 200) / 2 * 3 / 4, rounded up at each step; against 300 / 2 * 3 / 4 = 113 it would fail.
    assert (it.trials[0].mark_pages, it.trials[0].raised_pages) == (38, 0)
    assert it.reason.verdict is Verdict.GRANTED_NOW
    # Nobody else is.
    assert explained_one(failure("5.10.0", "0xcc0(GFP_KERNEL)", zones)).reason.verdict is (
        Verdict.BOOST
    )


def test_the_last_try_before_a_kill_does_not_count_cma() -> None:
    """A program's page may lie in CMA, but that try is made without ALLOC_CMA."""
    zones = (
        "DMA32 free:8000kB min:800kB low:1000kB high:1200kB managed:99999kB free_cma:7000kB\n"
        "lowmem_reserve[]: 0 0 0\nDMA32: 2000*4kB (UMC) 0*8kB 0*16kB = 8000kB\n"
    )
    it = explained_one(kill("5.4.0", "0x100cca(GFP_HIGHUSER_MOVABLE)", zones))
    assert (it.reason.verdict, it.reason.mark) == (Verdict.RESERVED, "high")
    (trial,) = it.trials
    assert trial.checks[0] == (250, 300)
    assert trial.cma_pages == 1750
    # It does count where it is enough without.
    enough = zones.replace("free_cma:7000kB", "free_cma:4000kB")
    it = explained_one(kill("5.4.0", "0x100cca(GFP_HIGHUSER_MOVABLE)", enough))
    assert it.reason.verdict is Verdict.GRANTED_NOW


def test_a_letter_tells_of_a_reserve_that_has_no_figure() -> None:
    """From 4.4 to 5.4: where there is a HighAtomic block, a pageblock of them is left out."""
    zones = (
        "Normal free:4000kB min:3600kB low:4500kB high:5400kB managed:999999kB\n"
        "lowmem_reserve[]: 0 0\n"
        "Normal: 100*4kB (U) 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 1*512kB (H) 1*1024kB (U) "
        "1*2048kB (U) 0*4096kB = 3984kB\n"
    )
    it = explained_one(failure("5.0.10", "0x400000(GFP_NOWAIT)", zones))
    assert it.trials[0].highatomic_pages == 512
    assert it.reason.verdict is Verdict.RESERVED
    it = explained_one(failure("5.0.10", "0x400000(GFP_NOWAIT)", zones.replace("(H)", "(U)")))
    assert it.reason.verdict is Verdict.GRANTED_NOW


def test_blocks_before_the_cut_are_enough() -> None:
    """A terminal has cut the list of free blocks: large ones were named before."""
    zones = (
        "Normal free:4000kB min:400kB low:500kB high:600kB managed:99999kB\n"
        "lowmem_reserve[]: 0 0\nNormal: 400*4kB (U) 100*8kB (U) 50*16kB (M) 5*32kB (M) 9*6\n"
    )
    it = explained_one(failure("5.10.0", "0xcc0(GFP_KERNEL)", zones, order=2))
    assert (it.reason.verdict, it.trials[0].usable_blocks) == (Verdict.GRANTED_NOW, 55)
    assert it.report.zones[0].free_blocks is None
    assert it.kernel.page_size == 4096
    it = explained_one(failure("5.10.0", "0xcc0(GFP_KERNEL)", zones, order=4))
    assert (it.reason.verdict, it.trials[0].usable_blocks) == (Verdict.UNKNOWN, None)
    # Up to 4.3 the orders below are counted, too.
    it = explained_one(failure("3.10.0", "0xd0", zones, order=2))
    assert [check.pages for check in it.trials[0].checks] == [997, 597, 397]
    assert it.reason.verdict is Verdict.GRANTED_NOW


def test_cma_serves_no_atomic_request_either() -> None:
    """From 4.4 to 4.13 the check is content with any block; nothing hands a CMA block out."""
    zones = (
        "Normal free:4000kB min:400kB low:500kB high:600kB managed:99999kB free_cma:2000kB\n"
        "lowmem_reserve[]: 0 0\nNormal: 500*4kB (U) 0*8kB 125*16kB (C) = 4000kB\n"
    )
    it = explained_one(failure("4.9.0", "0x2080020(GFP_ATOMIC)", zones, order=1))
    assert it.reason.verdict is Verdict.RESERVED
    assert (it.trials[0].refusal, it.trials[0].barred_blocks) == (Refusal.BLOCK, 125)


def test_free_cma_where_the_zone_s_line_is_cut() -> None:
    """A board has one zone: the system's counter is its own."""
    zones = (
        "free:1000 free_cma:900\n"
        "Normal free:4000kB min:2000kB low:2500kB high:3000kB managed:99999\n"
        "lowmem_reserve[]: 0 0\nNormal: 1000*4kB (UC) 0*8kB 0*16kB = 4000kB\n"
    )
    it = explained_one(failure("3.12.0", "0x20", zones))
    assert it.reason.verdict is Verdict.RESERVED
    assert it.trials[0].cma_pages == 900


def test_what_may_be_used_is_not_known_without_a_request() -> None:
    """A log that begins too late: it is not said that the request may not use HighMem."""
    it = explained_one(
        "Mem-Info:\nDMA free:400kB min:80kB low:100kB high:120kB managed:9999kB\n"
        "lowmem_reserve[]: 0 0 0\n"
        "HighMem free:400kB min:80kB low:100kB high:120kB managed:9999kB\n"
        "lowmem_reserve[]: 0 0 0\n1000 total pagecache pages\n"
    )
    assert [trial.is_reached for trial in it.trials] == [True, True]


def test_nothing_is_kept_back_in_the_zone_that_is_asked_for() -> None:
    """The line of its reserve may be lost."""
    zones = (
        "Normal free:4000kB min:400kB low:500kB high:600kB managed:99999kB\n"
        "Normal: 900*4kB 0*8kB 25*16kB = 4000kB\n"
    )
    it = explained_one(failure("4.9.0", "0x24000c0(GFP_KERNEL)", zones, order=2))
    assert it.reason.verdict is Verdict.GRANTED_NOW
    it = explained_one(failure("4.9.0", "0x24200ca(GFP_HIGHUSER_MOVABLE)", zones, order=2))
    assert it.reason.verdict is Verdict.UNKNOWN


def test_a_zone_that_cannot_be_judged_leaves_the_reason_open() -> None:
    """A small zone refuses, of the large one the reserve is lost: the high mark refuses anyway."""
    zones = (
        "DMA free:2068kB min:88kB low:108kB high:132kB present:16384kB\n"
        "lowmem_reserve[]: 0 495 495 495\n"
        "Normal free:3816kB min:2800kB low:3500kB high:4200kB present:507072kB\n"
    )
    it = explained_one(kill("3.0.0", "0x201da", zones))
    assert (it.reason.verdict, it.reason.mark) == (Verdict.SHORTAGE, "high")
    assert it.reason.trial is not None
    assert it.reason.trial.zone.name == "Normal"
    it = explained_one(failure("3.0.0", "0x201da", zones))
    assert it.reason.verdict is Verdict.UNKNOWN


RECLAIM = " a+0x1/0x2\n shrink_folio_list+0x1/0x2\n balance_pgdat+0x1/0x2\n kswapd+0x1/0x2\n"
SHORT = (
    "Normal free:400kB boost:0kB min:800kB low:1000kB high:1200kB managed:99999kB\n"
    "lowmem_reserve[]: 0 0\nNormal: 100*4kB (U) 0*8kB 0*16kB = 400kB\n"
)


def test_reclaim_that_may_not_take_the_last_page() -> None:
    """__GFP_NOMEMALLOC keeps it above the marks; but nobody can reclaim for it."""
    mode = "0x80c40(GFP_NOFS|__GFP_NOMEMALLOC)"
    it = explained_one(failure("6.12.0", mode, SHORT, RECLAIM))
    assert (it.asked.is_reclaiming, it.asked.is_in_reclaim) == (False, True)
    assert it.reason.verdict is Verdict.SHORTAGE
    it = explained_one(failure("6.12.0", "0xc40(GFP_NOFS)", SHORT, RECLAIM))
    assert (it.asked.is_reclaiming, it.trials[0].checks) == (True, ())


def test_an_interrupt_in_the_middle_of_reclaim() -> None:
    """What it asks for is not reclaim's: the marks hold."""
    trace = " drv_poll+0x1/0x2\n net_rx_action+0x1/0x2\n __do_softirq+0x1/0x2\n irq_exit+0x1/0x2\n"
    it = explained_one(failure("6.12.0", "0x820(GFP_ATOMIC)", SHORT, trace + RECLAIM))
    assert not it.asked.is_reclaiming
    assert it.reason.verdict is Verdict.GRANTED_NOW  # 200 / 2 * 3 / 4 = 75


def test_an_interrupt_that_is_left_over_on_the_stack() -> None:
    """Between the allocator's own functions none begins."""
    trace = " handle_irq_event+0x1/0x2\n sk_prot_alloc+0x1/0x2\n tcp_check_req+0x1/0x2\n"
    it = explained_one(failure("3.2.0", "0x20", SHORT, trace))
    assert it.asked.purpose is not None
    assert it.asked.purpose.key == "tcp"


def test_the_module_of_the_function_that_decides() -> None:
    """Not of one that it called."""
    trace = " mhi_alloc+0x1/0x2 [mhi]\n ath11k_core_resume+0x1/0x2 [ath11k]\n"
    it = explained_one(failure("6.8.0", "0xc00(GFP_NOIO)", SHORT, trace))
    assert it.asked.purpose is not None
    assert "module ath11k" in it.asked.purpose.what


def test_lists_that_hold_programs_and_files_alike() -> None:
    """Up to 2.6.27 nothing tells them apart."""
    it = explained_one(
        "checkd invoked oom-killer: gfp_mask=0xd0, order=0, oomkilladj=0\nMem-info:\n"
        "Active:100 inactive:200 dirty:0 writeback:0 unstable:0 free:20\n slab:30 mapped:1\n"
        "Normal free:80kB min:88kB low:108kB high:132kB active:400kB inactive:800kB "
        "present:2000kB pages_scanned:0 all_unreclaimable? no\nlowmem_reserve[]: 0 0\n"
    )
    uses = it.uses
    assert (uses.lists_kib, uses.anon_kib, uses.file_kib) == (1200, None, None)
    assert uses.unaccounted_kib == 2000 - 80 - 1200 - 120


def test_zones_that_are_not_all_of_the_memory() -> None:
    """Their sizes are not the system's, where its counter has more."""
    zones = (
        "free:9000 free_pcp:0 free_cma:0\nactive_anon:1 inactive_anon:1 isolated_anon:0\n" + SHORT
    )
    it = explained_one(failure("6.12.0", "0xcc0(GFP_KERNEL)", zones))
    assert (it.uses.total_kib, it.uses.free_kib) == (None, 36000)
    # Nor are their figures, where the counters are lost.
    it = explained_one(
        failure("6.12.0", "0xcc0(GFP_KERNEL)", SHORT + "90000 pages RAM\n10 pages reserved\n")
    )
    assert (it.uses.total_kib, it.uses.unaccounted_kib) == (359960, None)


def test_a_small_zone_that_has_come_above_its_mark() -> None:
    """The kernel has refused: the large zone, which still does, tells why."""
    zones = (
        "DMA free:3588kB min:68kB low:84kB high:100kB managed:15908kB\n"
        "lowmem_reserve[]: 0 824 1947 824\n"
        "Normal free:4228kB min:3636kB low:4544kB high:5452kB managed:844000kB\n"
        "lowmem_reserve[]: 0 0 8980 0\n"
        "HighMem free:1053028kB min:512kB low:1748kB high:2984kB managed:1150000kB\n"
        "lowmem_reserve[]: 0 0 0 0\n"
    )
    it = explained_one(kill("5.7.0", "0x100cc0(GFP_USER)", zones))
    assert [trial.passes for trial in it.trials] == [True, False, False]
    assert it.reason.verdict is Verdict.LOWMEM
    assert it.reason.trial is not None
    assert it.reason.trial.zone.name == "Normal"


def test_nothing_was_free_when_reclaim_asked() -> None:
    """The lists are printed later than the figures."""
    zones = (
        "Normal free:0kB min:800kB low:1000kB high:1200kB managed:99999kB\n"
        "lowmem_reserve[]: 0 0\nNormal: 4*4kB (U) 0*8kB 0*16kB = 16kB\n"
    )
    it = explained_one(failure("6.12.0", "0xcc0(GFP_KERNEL)", zones, RECLAIM))
    assert (it.reason.verdict, it.trials[0].refusal) == (Verdict.SHORTAGE, Refusal.BLOCK)


def test_a_zone_that_is_left_out_keeps_something_for_itself() -> None:
    """That it has some pages free does not make it the reason."""
    totals = "524288 pages RAM\n9233 pages reserved\n"
    zones = SHORT.replace("99999kB", "749500kB") + totals
    for free, verdict in ((100 + 1000, Verdict.SHORTAGE), (100 + 9000, Verdict.LOWMEM)):
        it = explained_one(failure("6.10.0", "0xcc0(GFP_KERNEL)", f"free:{free}\n" + zones))
        assert it.reason.verdict is verdict


def test_a_reserve_that_would_not_have_spared_the_kill() -> None:
    """Before one the high mark has to be met: with HighAtomic it is not, either."""
    zones = (
        "Normal free:56784kB min:38852kB low:71876kB high:104900kB reserved_highatomic:18432KB "
        "managed:33027152kB\nlowmem_reserve[]: 0 0 0 0\n"
    )
    it = explained_one(kill("5.8.0", "0x100dca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO)", zones))
    assert it.reason.verdict is Verdict.SHORTAGE
