"""Where the memory of a report is: parts that do not overlap, from whichever figures there are."""

from explaining import explain
from hypothesis import given
from hypothesis import strategies as st
from reportmaker import kill, report, zone

from oomwatchd.explain.kernel import kernel_of
from oomwatchd.explain.memory import Uses, uses_of
from oomwatchd.explain.victim import ranked_tasks, tasks_of, victims_of
from oomwatchd.report.record import Chosen, Report, ReportNode, Task

COUNTERS = {
    "active_anon": 1000,
    "inactive_anon": 100,
    "isolated_anon": 10,
    "active_file": 500,
    "inactive_file": 50,
    "isolated_file": 5,
    "unevictable": 300,
    "dirty": 7,
    "writeback": 3,
    "slab_reclaimable": 200,
    "slab_unreclaimable": 400,
    "mapped": 30,
    "shmem": 60,
    "pagetables": 20,
    "free": 900,
    "free_pcp": 15,
    "free_cma": 40,
}
TOTALS = {"ram": 10_500, "reserved": 500}


def uses(made: Report) -> Uses:
    """Sum up."""
    return uses_of(made, kernel_of(made))


def test_of_what_is_not_told_nothing_is_said() -> None:
    """No figure, no use; and nothing can be said to be in none of them."""
    found = uses(report()._replace(zones=()))
    assert set(found._replace(is_shmem_least=None)) == {None}  # type: ignore[arg-type]
    assert found.droppable_kib is None


def test_what_cannot_be_summed_up_is_not_missing_memory() -> None:
    """Without the total, or without the lists."""
    assert uses(report(counters_pages=COUNTERS)._replace(zones=())).unaccounted_kib is None
    assert uses(report(totals_pages=TOTALS)).unaccounted_kib is None


def test_the_systems_counters_come_first() -> None:
    """In pages, of all zones."""
    found = uses(report(counters_pages=COUNTERS, totals_pages=TOTALS))
    assert found.total_kib == 10_000 * 4
    assert found.free_kib == 900 * 4
    assert (found.anon_kib, found.shmem_kib) == (1050 * 4, 60 * 4)
    assert found.file_kib == 555 * 4
    assert found.dirty_kib == 10 * 4
    assert found.droppable_kib == (555 - 10 + 200) * 4
    known = 900 + 1110 + 555 + 300 + 200 + 400 + 20 + 15
    assert found.unaccounted_kib == (10_000 - known) * 4


def test_pages_of_16_kib_are_counted_as_such() -> None:
    """The counters are in pages, whatever their size."""
    found = uses(report(zone(page_kib=16), counters_pages=COUNTERS, totals_pages=TOTALS))
    assert found.anon_kib == 1050 * 16


def test_without_counters_nodes_tell_and_then_zones() -> None:
    """Both in KiB, summed up."""
    nodes = tuple(ReportNode(node, {"active_anon": 100, "shmem": 8}, None) for node in (0, 1))
    made = report(zone(active_anon=5, inactive_file=7), nodes=nodes)
    found = uses(made)
    assert (found.anon_kib, found.shmem_kib) == (184, 16)
    assert found.file_kib == 7 * 4
    assert found.free_kib == 4000
    assert uses(made._replace(nodes=())).anon_kib == 20


def test_up_to_2_6_27_one_list_holds_all() -> None:
    """Programs and page cache are not told apart: nothing is said to be droppable."""
    found = uses(report(counters_pages={"active": 700, "inactive": 300, "slab": 50, "free": 9}))
    assert (found.lists_kib, found.anon_kib, found.file_kib) == (4000, None, None)
    assert found.droppable_kib is None
    assert (found.slab_kib, found.slab_unreclaimable_kib) == (200, None)


def test_more_than_there_is_is_not_less_than_nothing() -> None:
    """Figures are not taken at one moment."""
    free = uses(report(counters_pages=COUNTERS, totals_pages=TOTALS)).unaccounted_kib
    assert free is not None
    for more, unaccounted, is_told in ((100, 0, True), (90_000, None, False)):
        pages = COUNTERS["free"] + free // 4 + more
        found = uses(report(counters_pages={**COUNTERS, "free": pages}, totals_pages=TOTALS))
        assert found.unaccounted_kib == unaccounted
        # Where parts are more than all, all is at least what they are.
        assert (found.total_kib == 40_000) is is_told
    dirty = uses(report(counters_pages={**COUNTERS, "dirty": 99_999, "slab_reclaimable": 0}))
    assert dirty.droppable_kib == 0


@given(st.dictionaries(st.sampled_from(sorted(COUNTERS)), st.integers(0, 2**64)))
def test_no_use_is_negative(counters: dict[str, int]) -> None:
    """Whatever the figures are."""
    found = uses(report(counters_pages=counters, totals_pages=TOTALS))
    assert all(kib is None or kib >= 0 for kib in (*found, found.droppable_kib))


def test_up_to_2_6_31_shared_memory_is_what_the_page_cache_has_more_than_its_lists() -> None:
    """Of tmpfs on the anonymous lists the kernel says nothing: programs would seem to hold it."""
    counters = {
        "active_anon": 8449,
        "inactive_anon": 10986,
        "active_file": 0,
        "inactive_file": 14,
        "unevictable": 32228,
        "free": 5099,
    }
    totals = {"pagecache": 48566, "swapcache": 0, "ram": 62976, "reserved": 1487}
    found = uses(report(release="2.6.28", counters_pages=counters, totals_pages=totals))
    assert found.is_shmem_least
    assert (found.shmem_kib, found.anon_kib) == (16324 * 4, 3111 * 4)
    del totals["pagecache"]
    found = uses(report(release="2.6.28", counters_pages=counters, totals_pages=totals))
    assert (found.shmem_kib, found.anon_kib) == (None, 19435 * 4)


def test_shared_memory_that_is_unevictable_is_not_taken_from_the_programs() -> None:
    """What is unevictable, and neither another file's nor locked by somebody, is shared memory."""
    counters = {
        "active_anon": 1000,
        "inactive_anon": 0,
        "active_file": 100,
        "inactive_file": 0,
        "unevictable": 500,
        "shmem": 600,
        "free": 10,
    }
    totals = {"pagecache": 720, "swapcache": 0, "ram": 10_000, "reserved": 0}
    made = report(zone(), counters_pages=counters, totals_pages=totals)
    (only,) = made.zones
    locked = made._replace(zones=(only._replace(kib={**only.kib, "mlocked": 30 * 4}),))
    # Of 500 pages 20 may be of other files, 30 may be locked.
    assert (uses(locked).shmem_kib, uses(locked).anon_kib) == (150 * 4, 850 * 4)
    assert uses(made).shmem_kib == 600 * 4, "what is locked is not told"


# --- Tasks, and who was killed ---


def task(pid: int, rss_pages: int | None, **facts: object) -> Task:
    """Make a row of the table."""
    row = Task(pid, f"p{pid}", 0, pid, 10, rss_pages, None, None, 0)
    return row._replace(**facts)  # type: ignore[arg-type]


def test_without_a_table_nothing_is_said_of_tasks() -> None:
    """None, and not none of them."""
    made = report()
    assert tasks_of(made, ranked_tasks(made, kernel_of(made))) is None


def test_threads_count_once_and_the_largest_come_first() -> None:
    """Up to 2.6.31 the table has a row a thread."""
    made = report(tasks=(task(1, 10), task(2, 500), task(3, 500, tgid=2), task(4, None)))
    found = tasks_of(made, ranked_tasks(made, kernel_of(made)))
    assert found is not None
    assert found.processes == 3
    assert [(one.pid, kib) for one, kib in found.largest] == [(2, 2000), (1, 40), (4, 0)]
    assert found.rss_kib == 2040


def test_what_a_kill_gives_back_is_what_nobody_else_holds() -> None:
    """Its anonymous memory and its page tables; else what the table says."""
    made = report(
        tasks=(task(1, 100), task(7, 50)),
        kills=(kill(7, anon_rss_kib=150, page_tables_kib=12), kill(1), kill(9)),
        chosen=Chosen(1, "parent", 100),
    )
    first, second, third = victims_of(made, ranked_tasks(made, kernel_of(made)))
    assert (first.freed_kib, first.rank) == (162, 2)
    assert (second.freed_kib, second.rank) == (400, 1)
    assert (third.freed_kib, third.rank) == (None, None)
    assert first.chosen is not None
    assert second.chosen is None, "whom the kernel chose has died itself"


def test_every_use_is_in_the_explanation() -> None:
    """The same figures."""
    made = report(counters_pages=COUNTERS, totals_pages=TOTALS)
    assert explain(made).uses == uses(made)
