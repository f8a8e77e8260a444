"""The loop on a clock of its own: what has to last, lasts; what has to end, ends."""

import gc
import os
import signal
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from loopbench import CONFIG, FAR, LOW, NEAR, POLL, START, WARNING, Bench

from oomwatchd.daemon import lifeline, loop, steps
from oomwatchd.model import Remedy
from oomwatchd.policy import STUCK_SECONDS
from oomwatchd.settings import Config, Remedies

CAUGHT = 2 * POLL.interval_max_seconds
"""No moment is told of later than this after it came."""
NO_COMPACTION = CONFIG._replace(remedies=Remedies(compact=False))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Have plenty free."""
    return Bench(tmp_path, monkeypatch)


def soon(moment: float, due: float) -> bool:
    """Whether a moment is no earlier than due, and not much later."""
    return due <= moment <= due + CAUGHT


# --- Timers, while buddyinfo does not change ---------------------------------------------------


def test_a_warning_is_held_before_a_remedy_runs(bench: Bench) -> None:
    """The free lists change once, and then stand still."""
    bench.at(START + 50, bench.free(WARNING))
    bench.run(200)
    (low,) = bench.times("headroom_low")
    first_seen = low - CONFIG.poll.hold_seconds
    assert soon(first_seen, 50)
    assert bench.times("remedy_started")[0] == low
    assert START + low in [at for at, _ in bench.sampler.looks], "acted on an old sample"


def test_a_remedy_is_judged_when_it_has_settled_and_the_demand_recovers_when_clear(
    bench: Bench,
) -> None:
    """Once cured nothing changes any more, but both come."""
    bench.at(START + 50, bench.free(LOW))
    bench.cure = bench.free(FAR)
    bench.run(300)
    (started,) = bench.times("remedy_started")
    (finished,) = bench.times("remedy_finished")
    (recovered,) = bench.times("headroom_recovered")
    assert bench.demand_events() == ["headroom_low", "headroom_recovered"]
    assert soon(started, 50)
    settled = started + 1 + CONFIG.poll.settle_seconds
    assert settled <= finished <= settled + 2 * POLL.interval_min_seconds
    assert soon(recovered, started + 1 + CONFIG.poll.clear_seconds)
    assert bench.facts("remedy_finished")["effective"] is True
    assert START + finished in [at for at, _ in bench.sampler.looks], "judged on an old sample"


def test_a_back_off_ends_and_doubles(bench: Bench) -> None:
    """A remedy without effect is tried again after one minute, two, four."""
    bench.at(START + 50, bench.free(LOW))
    bench.run(900)
    backed_off = [told.at - START for told in bench.told if told.event == "remedy_backed_off"]
    started = bench.times("remedy_started")
    assert len(started) >= 3
    for wait, ended, again in zip((60, 120, 240), backed_off, started[1:], strict=False):
        assert soon(again, ended + wait)


def test_a_remedy_that_does_not_come_back_is_told_once(bench: Bench) -> None:
    """No other is begun, the demand is critical and the daemon stops all the same."""
    bench.run_seconds = None
    bench.at(START + 50, bench.free(LOW))
    bench.run(1000)
    (started,) = bench.times("remedy_started")
    (critical,) = bench.times("headroom_critical")
    stuck = [told for told in bench.told if told.event == "degraded"]
    assert [told.facts["what"] for told in stuck] == ["remedies"]
    assert soon(stuck[0].at - START, started + STUCK_SECONDS)
    assert soon(critical, started + STUCK_SECONDS)
    assert bench.times("stopped") == [1000.0]


def test_the_watchdog_is_fed_on_unchanged_ticks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least as often as was asked for, idle as well as with a remedy that is stuck."""
    fed: list[float] = []
    manager = SimpleNamespace(
        watchdog_seconds=1.0,
        problem=None,
        watchdog=lambda: fed.append(bench.now),
        status=lambda _: None,
        ready=lambda _: None,
        stopping=lambda: None,
    )
    monkeypatch.setattr(lifeline, "Notifier", lambda _: manager)
    bench.run_seconds = None
    bench.at(START + 100, bench.free(LOW))
    bench.run(400)
    assert fed[0] == START
    assert fed[-1] >= START + 398
    assert max(later - earlier for earlier, later in pairwise(fed)) <= 1.0


def test_an_idle_daemon_wakes_no_more_often_than_it_must(bench: Bench) -> None:
    """Nothing is near, nothing changes: once in the longest interval."""
    bench.run(1000)
    assert bench.waits <= 1000 / POLL.interval_max_seconds + 10
    assert len(bench.sampler.looks) <= 2


def test_after_a_fall_pauses_grow_again_while_nothing_changes(bench: Bench) -> None:
    """A short one follows a fast fall; a minute later all is calm."""
    bench.at(START + 15, bench.free((99, *FAR[1:])))
    bench.at(START + 25, bench.free((20,) * 11))
    fallen: list[int] = []
    for moment in (50, 100, 1000):
        bench.at(START + moment, lambda: fallen.append(bench.waits))
    bench.run(1001)
    assert fallen[0] > 50 / POLL.interval_max_seconds + 3
    assert fallen[2] - fallen[1] <= 900 / POLL.interval_max_seconds + 1


# --- What changes is seen ----------------------------------------------------------------------


def test_each_change_is_told_once_and_in_time(bench: Bench) -> None:
    """Far, near, low, critical, warning, recovered; between them changes that mean nothing."""
    far = (99, *FAR[1:])
    for at, blocks in ((30, far), (60, NEAR), (90, WARNING), (150, LOW), (200, NEAR), (300, FAR)):
        bench.at(START + at, bench.free(blocks))
    bench.run(500, NO_COMPACTION)
    assert bench.demand_events() == [
        "headroom_warning",
        "headroom_critical",
        "headroom_recovered",
    ]
    assert soon(bench.times("headroom_warning")[0], 90 + POLL.hold_seconds)
    assert soon(bench.times("headroom_critical")[0], 150)
    assert soon(bench.times("headroom_recovered")[0], 300 + POLL.clear_seconds)


def test_one_block_less_is_enough(bench: Bench) -> None:
    """A change of one in buddyinfo crosses the critical level: it is seen."""
    bench.at(START + 20, bench.free((4000, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0)))
    bench.at(START + 100, bench.free((4000, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0)))
    bench.run(200, NO_COMPACTION)
    assert soon(bench.times("headroom_critical")[0], 100)


def test_raised_watermarks_are_seen_when_the_glance_has_expired(bench: Bench) -> None:
    """The free lists change slightly and look far; min_free_kbytes was raised meanwhile."""
    least = sum(count << order for order, count in enumerate(FAR))
    bench.at(START + 30, bench.free((99, *FAR[1:]), least=least))
    for step in range(1, 100):
        bench.at(START + 30 + step, bench.free((99 - step, *FAR[1:]), least=least))
    bench.run(200, NO_COMPACTION)
    assert 30 <= bench.times("headroom_critical")[0] <= 61 + CAUGHT


# --- Gaps --------------------------------------------------------------------------------------


def test_time_that_nobody_saw_pass_does_not_end_a_hold(bench: Bench) -> None:
    """Stopped for ten minutes, a warning of five seconds before is held anew."""
    bench.at(START + 50, bench.free(WARNING))
    bench.at(START + 65, bench.skip(600))
    bench.run(800)
    (low,) = bench.times("headroom_low")
    assert low >= 665 + CONFIG.poll.hold_seconds


def test_time_that_nobody_saw_pass_does_not_make_a_remedy_stuck(bench: Bench) -> None:
    """It stood still as the daemon did."""
    bench.run_seconds = 100
    bench.at(START + 50, bench.free(LOW))
    bench.at(START + 80, bench.skip(600))
    bench.cure = bench.free(FAR)
    bench.run(900)
    assert bench.times("degraded") == []
    assert len(bench.times("remedy_finished")) == 1


def test_a_tick_that_is_a_little_late_is_no_gap(bench: Bench) -> None:
    """Less than the gap counts as time that has passed."""
    bench.at(START + 50, bench.free(WARNING))
    bench.at(START + 62, bench.skip(loop.GAP_SECONDS - 1))
    bench.run(200)
    (low,) = bench.times("headroom_low")
    assert low <= 50 + POLL.interval_max_seconds + CONFIG.poll.hold_seconds + 9


def test_suspend_makes_a_hold_begin_anew(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still meanwhile, so that only the other one tells."""
    suspended = [0.0]
    monkeypatch.setattr(steps, "suspended_seconds", lambda: suspended[0])
    bench.at(START + 50, bench.free(WARNING))
    bench.at(START + 65, lambda: suspended.append(suspended.pop() + 3600))
    bench.run(300)
    (low,) = bench.times("headroom_low")
    assert low >= 65 + CONFIG.poll.hold_seconds


# --- Reload ------------------------------------------------------------------------------------


def test_changed_demands_take_effect_at_once(bench: Bench) -> None:
    """Though the daemon is idle, and buddyinfo never changes."""
    config = bench.root / "oomwatchd.conf"
    config.write_text(
        "[demands]\nbuiltin = no\n[remedies]\ncompact = no\n"
        "[demand huge]\norder = 10\nwarning = 200\ncritical = 150\n"
    )
    bench.at(START + 55, bench.signal(signal.SIGHUP))
    bench.run(100)
    assert bench.times("config_reloaded") == [55.0]
    assert bench.times("headroom_critical") == [55.0]
    assert bench.facts("headroom_critical")["demand"] == "huge"


def test_a_bad_reload_keeps_everything(bench: Bench) -> None:
    """The old demands are watched as before."""
    (bench.root / "oomwatchd.conf").write_text("[demand huge]\norder = big\n")
    bench.at(START + 55, bench.signal(signal.SIGHUP))
    bench.at(START + 100, bench.free(LOW))
    bench.run(200, NO_COMPACTION)
    assert bench.times("config_rejected") == [55.0]
    assert bench.times("config_reloaded") == []
    assert bench.facts("headroom_critical")["demand"] == "process"


def test_without_such_a_change_no_restart_is_asked_for(bench: Bench) -> None:
    """Intervals and remedies are taken at once."""
    (bench.root / "oomwatchd.conf").write_text(
        "[daemon]\nlock_memory = no\nkmsg = no\n[poll]\ninterval_max_seconds = 3\n"
    )
    bench.at(START + 55, bench.signal(signal.SIGHUP))
    bench.run(1055)
    assert bench.facts("config_reloaded")["needs_restart"] is None
    assert bench.waits > 1000 / 3


def test_the_logs_limits_are_taken_at_once_and_its_place_is_not(bench: Bench) -> None:
    """A new sink takes a new start."""
    (bench.root / "oomwatchd.conf").write_text(
        "[daemon]\nlock_memory = no\nkmsg = no\n[alerts]\nlines_per_hour = 20\n"
    )
    bench.at(START + 55, bench.signal(signal.SIGHUP))
    bench.run(100)
    assert bench.facts("config_reloaded")["needs_restart"] is None
    assert bench.limits is not None
    assert bench.limits.lines_per_hour == 20


def test_what_needs_a_restart_is_named_by_its_section(bench: Bench) -> None:
    """As it stands in the configuration: [daemon], not what the program calls it."""
    (bench.root / "oomwatchd.conf").write_text(
        "[daemon]\nlock_memory = yes\n[socket]\npath = /run/elsewhere\n[poll]\npsi = no\n"
        "[alerts]\nlog_to = syslog\n"
    )
    bench.at(START + 55, bench.signal(signal.SIGHUP))
    bench.run(100)
    assert bench.facts("config_reloaded")["needs_restart"] == "socket,daemon,alerts,poll"


# --- Hands -------------------------------------------------------------------------------------


def test_without_the_lock_nothing_is_ever_run(bench: Bench) -> None:
    """Another daemon may be acting: the reason is told."""
    bench.at(START + 50, bench.free(LOW))
    bench.run(300, locked=False)
    assert bench.started == []
    assert "lock" in bench.facts("headroom_critical")["remedy"]


def test_a_dry_run_says_what_it_would_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """And runs nothing."""
    monkeypatch.setattr("oomwatchd.daemon.hands._missing", lambda _: {})
    bench.at(START + 50, bench.free(LOW))
    bench.run(300, dry_run=True)
    assert bench.started == []
    assert "would run compact" in bench.facts("headroom_critical")["remedy"]


def test_beside_a_real_time_task_nothing_is_run(bench: Bench) -> None:
    """The reason is told; the task came after the last look at all threads."""
    bench.at(START + 50, bench.free(LOW))
    bench.quick_sign = 'task "motor" (12) is SCHED_FIFO'
    bench.run(300)
    assert bench.started == []
    assert "motor" in bench.facts("headroom_critical")["remedy"]


def test_a_real_time_task_that_has_ended_is_in_nobodys_way(bench: Bench) -> None:
    """It is doubted every half minute while a demand is low because of it."""

    def end() -> None:
        bench.sign = None

    bench.sign = 'task "motor" (12) is SCHED_FIFO'
    bench.at(START + 50, bench.free(LOW))
    bench.at(START + 200, end)
    bench.run(300)
    assert bench.started[0][1].remedy is Remedy.COMPACT
    assert 200 <= bench.started[0][0] - START <= 200 + 30 + CAUGHT


def test_beside_a_real_time_task_remedies_run_if_that_is_allowed(bench: Bench) -> None:
    """The configuration says so."""
    bench.sign = 'task "motor" (12) is SCHED_FIFO'
    bench.at(START + 50, bench.free(LOW))
    remedies = CONFIG.remedies._replace(realtime=True)
    bench.run(100, CONFIG._replace(remedies=remedies))
    assert [action.remedy for _, action in bench.started] == [Remedy.COMPACT]


def test_all_threads_are_looked_through_while_nothing_is_near(bench: Bench) -> None:
    """Every ten minutes, and not between a low demand and its remedy: that opens files."""
    bench.at(START + 3 * 600 + 400, bench.free(LOW))
    bench.run(4 * 600 - 100)
    since = [search - START for search in bench.searches]
    assert since[0] == 0
    assert len(since) == 4
    assert max(later - earlier for earlier, later in pairwise(since)) <= 600 + CAUGHT
    assert soon(bench.started[0][0] - START, 3 * 600 + 400)


def test_while_a_demand_is_low_threads_are_looked_through_half_as_often(bench: Bench) -> None:
    """Its remedy may be due any moment; but a demand may stay low for ever."""
    bench.at(START + 100, bench.free(LOW))
    bench.run(3 * 600, NO_COMPACTION)
    first, second = (search - START for search in bench.searches)
    assert first == 0
    assert soon(second, 2 * 600)


def test_budgets_outlive_the_daemon(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first one has run, the next one counts."""
    remedies = CONFIG.remedies._replace(compact_per_hour=1)
    config = CONFIG._replace(remedies=remedies)
    bench.at(START + 50, bench.free(LOW))
    bench.run(60, config)
    assert len(bench.started) == 1
    again = Bench(bench.root, monkeypatch)
    again.at(START + 200, again.free(LOW))
    again.run(300, config)
    assert again.started == []
    assert "budget" in again.facts("headroom_critical")["remedy"]


@pytest.mark.parametrize(
    "spoil",
    [
        os.mkfifo,
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("/dev/null"),
        lambda path: path.write_bytes(os.urandom(100_000)),
        lambda path: path.write_text('{"boot_id":null,"starts":[[]],"backoffs":[]}\n'),
        lambda path: path.symlink_to("/dev/full"),
    ],
    ids=["fifo", "folder", "link", "garbage", "wrong", "link to a full device"],
)
def test_a_ledger_that_is_none_is_survived(bench: Bench, spoil: object) -> None:
    """Remedies run all the same, and what cannot be kept is told."""
    assert callable(spoil)
    path = bench.root / "ledger"
    spoil(path)
    bench.at(START + 50, bench.free(LOW))
    bench.run(100)
    assert len(bench.started) == 1
    told = [told.facts["what"] for told in bench.told if told.event == "degraded"]
    assert told == ([] if path.is_file() and not path.is_symlink() else ["ledger"])


def test_a_full_file_system_ends_the_ledger_and_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that was written in part is as bad as none."""
    monkeypatch.setattr("oomwatchd.system.ledger.os.pwrite", lambda *_: 10)
    bench.at(START + 50, bench.free(LOW))
    bench.run(100)
    assert len(bench.started) == 1
    assert bench.facts("degraded")["what"] == "ledger"


def test_the_default_configuration_runs_on_the_bench(bench: Bench) -> None:
    """With the built-in demands, far as everything is, nothing is told but start and end."""
    bench.run(100, Config(survival=CONFIG.survival))
    assert [told.event for told in bench.told] == ["started", "stopped"]


# --- Reading is the cost -----------------------------------------------------------------------


def typed_looks(bench: Bench) -> list[float]:
    """Say when pagetypeinfo was read, in seconds after the start."""
    return [at - START for at, needs in bench.sampler.looks if needs.types]


def busy(bench: Bench, first: float, last: float, blocks: tuple[int, ...]) -> None:
    """Let single pages come and go, so that buddyinfo differs at every tick."""
    for step in range(int(last - first)):
        bench.at(START + first + step, bench.free((blocks[0] - step, *blocks[1:])))


def test_far_from_every_level_buddyinfo_alone_is_read(bench: Bench) -> None:
    """But for one full look a minute, without the lists by type."""
    busy(bench, 10, 600, (1000, *FAR[1:]))
    bench.run(600, NO_COMPACTION)
    assert len(bench.sampler.looks) <= 2 + 600 / 60
    assert typed_looks(bench) == [0]


def test_the_lists_by_type_are_read_while_a_demand_is_near(bench: Bench) -> None:
    """Each look reads once, but for the one that finds the demand near."""
    busy(bench, 10, 100, (1000, *FAR[1:]))
    busy(bench, 100, 200, NEAR)
    busy(bench, 200, 400, (1000, *FAR[1:]))
    bench.run(400, NO_COMPACTION)
    at = [look - START for look, _ in bench.sampler.looks]
    twice = {moment for moment in at if at.count(moment) > 1} - {0}
    typed = typed_looks(bench)
    assert len(twice) == 1
    assert all(at.count(moment) == 2 for moment in twice)
    assert [moment for moment in typed if 10 <= moment < 100] == []
    near = [moment for moment in at if 110 <= moment <= 200]
    assert len(near) >= 9
    assert set(near) <= set(typed)
    assert max(typed) <= 200 + 60 + CAUGHT


def test_lists_by_type_that_cannot_be_read_are_not_tried_twice_a_tick(bench: Bench) -> None:
    """A near demand stays near: each tick reads once."""
    busy(bench, 100, 200, NEAR)
    for step in range(100):
        bench.at(START + 100 + step, (bench.root / "proc/pagetypeinfo").unlink)
    bench.run(250, NO_COMPACTION)
    at = [look for look, _ in bench.sampler.looks]
    assert len([moment for moment in at if moment > START + 130]) > 5
    assert [moment for moment in set(at) - {START} if at.count(moment) > 1] == [START + 100]


# --- Nothing grows -----------------------------------------------------------------------------


def test_nothing_grows_with_the_ticks(bench: Bench) -> None:
    """20,000 of them, far and near in turn: neither memory nor descriptors."""
    ticks, every = 20_000, 5_000
    sizes: list[tuple[int, int]] = []
    texts = []
    for blocks in (NEAR, FAR):
        bench.free(blocks)()
        texts.append((bench.root / "proc/buddyinfo").read_bytes())

    def change(number: int) -> None:
        (bench.root / "proc/buddyinfo").write_bytes(texts[number % 2])
        if number % every == 0:
            bench.sampler.looks.clear()
            gc.collect()
            sizes.append((sys.getallocatedblocks(), len(os.listdir("/proc/self/fd"))))
        if number < ticks:
            bench.at(START + number + 1, lambda: change(number + 1))

    bench.at(START + 1, lambda: change(1))
    poll = POLL._replace(interval_min_seconds=1, interval_max_seconds=1, clear_seconds=1)
    bench.run(ticks + 1, NO_COMPACTION._replace(poll=poll))
    assert bench.waits >= ticks
    blocks_of_memory, descriptors = zip(*sizes, strict=True)
    assert len(sizes) == ticks / every
    assert len(set(descriptors)) == 1
    # Of 5,000 ticks each; one object kept a tick would be thousands.
    assert max(blocks_of_memory) - min(blocks_of_memory) < every / 10
