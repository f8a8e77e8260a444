"""Spacing and budgets, which hold even when remedies help; and the back-off when they do not."""

import itertools

import pytest
from builders import make_reading
from policies import CRITICAL, OK, WARNING, Daemon

from oomwatchd import policy
from oomwatchd.assess.assessment import Reading
from oomwatchd.model import Cause, Remedy, Request
from oomwatchd.policy import Backoff
from oomwatchd.policy.state import Start
from oomwatchd.settings import Poll, Remedies

C, A, R = Remedy.COMPACT, Remedy.COMPACT_ASYNC, Remedy.RECLAIM
P, S = Remedy.DROP_PAGECACHE, Remedy.DROP_SLAB
VERY_LOW = make_reading(CRITICAL)
SHORT = make_reading(CRITICAL, request=Request.ATOMIC, cause=Cause.SHORTAGE)
PROMPT = Poll(settle_seconds=0)


# --- Spacing -----------------------------------------------------------------------------------


def test_never_within_the_spacing() -> None:
    """30 s from start to start, even if the last one helped."""
    daemon = Daemon()
    daemon.tick(VERY_LOW)
    daemon.ends(after=1)
    assert daemon.tick(make_reading(OK), after=2).remedy is None
    assert daemon.outcomes[0].effective
    assert daemon.tick(VERY_LOW, after=26.9).remedy is None
    assert daemon.tick(VERY_LOW, after=0.1).remedy is C


@pytest.mark.parametrize(
    ("last", "remedy", "spaced"),
    [
        (C, C, True),
        (A, C, False),
        (R, C, False),
        (P, C, False),
        (C, A, False),
        (A, A, True),
        (C, R, False),
        (A, R, False),
        (R, R, True),
        *[(last, R, False) for last in (P, S, Remedy.DROP_ALL)],
        (R, P, False),
        *[(last, P, True) for last in (P, S, Remedy.DROP_ALL)],
    ],
)
def test_spacing_is_by_kind(last: Remedy, remedy: Remedy, *, spaced: bool) -> None:
    """Each compaction and reclaim are kinds of their own; all that drops is one."""
    daemon = Daemon((remedy,), poll=PROMPT)
    reading = make_reading(WARNING) if remedy is A else VERY_LOW if remedy is C else SHORT
    daemon.state = daemon.state._replace(starts=(Start(last, daemon.now),))
    assert (daemon.tick(reading).remedy is None) is spaced


def test_the_spacing_of_dropping_is_its_own() -> None:
    """Half an hour, unless told otherwise."""
    daemon = Daemon((P,), poll=PROMPT)
    assert daemon.tick(SHORT).remedy is P
    daemon.in_vain(make_reading(OK))
    assert daemon.tick(SHORT, after=1799).reason == "the last drop was less than 1800 s ago"
    assert daemon.tick(SHORT, after=0.5).remedy is P


def test_the_newest_start_counts() -> None:
    """Not the oldest."""
    daemon = Daemon()
    daemon.state = daemon.state._replace(starts=(Start(C, 900.0), Start(C, 990.0)))
    assert daemon.tick(VERY_LOW, after=19.9).remedy is None
    assert daemon.tick(VERY_LOW, after=0.1).remedy is C


# --- Budgets -----------------------------------------------------------------------------------


def test_never_beyond_the_hourly_budget() -> None:
    """Twelve an hour; the thirteenth when the first is an hour old."""
    daemon = Daemon(remedies=Remedies(backoff_min_seconds=1, backoff_max_seconds=1))
    started = [second for second, _ in daemon.watched(VERY_LOW, seconds=2 * 3600)]
    gaps = [later - earlier for earlier, later in zip(started, started[12:], strict=False)]
    assert len(started) == 24
    assert all(gap == 3600 for gap in gaps)
    assert daemon.state.counts[C] == 24


@pytest.mark.parametrize(
    ("remedies", "reading", "able", "starts", "what"),
    [
        (Remedies(compact_per_hour=3, compact_spacing_seconds=1), VERY_LOW, (C,), (C, A, C), "h"),
        (Remedies(compact_per_day=3, compact_spacing_seconds=1), VERY_LOW, (C,), (A, A, C), "d"),
        (Remedies(reclaim_per_hour=2, reclaim_spacing_seconds=1), SHORT, (R,), (R, R), "h"),
        (Remedies(drop_per_hour=2, drop_spacing_seconds=1), SHORT, (P,), (P, S), "h"),
        (Remedies(drop_per_day=2, drop_spacing_seconds=1), SHORT, (P,), (S, S), "d"),
    ],
)
def test_budgets_are_shared(
    remedies: Remedies,
    reading: Reading,
    able: tuple[Remedy, ...],
    starts: tuple[Remedy, ...],
    what: str,
) -> None:
    """Between both compactions, and between all that drops, by the hour and by the day."""
    seconds = {"h": 3600, "d": 86400}[what]
    daemon = Daemon(able, remedies=remedies, poll=PROMPT)
    daemon.state = daemon.state._replace(starts=tuple(Start(s, daemon.now) for s in starts))
    decision = daemon.tick(reading, after=seconds - 1)
    name = {C: "compactions", R: "reclaims"}.get(able[0], "drops")
    for_this = {"h": "hour", "d": "day"}[what]
    assert decision.reason == f"the budget of {name} for this {for_this} is used up"
    assert daemon.tick(reading, after=1).remedy is able[0]


@pytest.mark.parametrize(
    ("reading", "able", "others"),
    [(VERY_LOW, (C,), (R, P, S)), (SHORT, (R,), (C, A, P, S)), (SHORT, (P,), (C, A, R, R))],
)
def test_budgets_are_not_shared_across(
    reading: Reading, able: tuple[Remedy, ...], others: tuple[Remedy, ...]
) -> None:
    """Compaction, reclaim and dropping leave each other their own."""
    remedies = Remedies(
        compact_per_hour=1,
        compact_per_day=1,
        reclaim_per_hour=1,
        reclaim_per_day=1,
        drop_per_hour=1,
        drop_per_day=1,
    )
    daemon = Daemon(able, remedies=remedies, poll=PROMPT)
    daemon.state = daemon.state._replace(starts=tuple(Start(s, daemon.now) for s in others))
    assert daemon.tick(reading).remedy is able[0]


def test_what_is_more_than_a_day_old_is_forgotten() -> None:
    """Years of starts would fill the memory."""
    daemon = Daemon()
    daemon.state = daemon.state._replace(starts=(Start(C, 100.0), Start(R, 200.0)))
    daemon.now = 86_499.0
    daemon.tick(make_reading(OK), after=0.9)
    assert [start.at for start in daemon.state.starts] == [100.0, 200.0]
    daemon.tick(make_reading(OK), after=0.1)
    assert [start.at for start in daemon.state.starts] == [200.0]


def test_what_is_left_is_told_by_the_configurations_keys() -> None:
    """Never below 0, though a configuration may have been lowered; old starts count by the day."""
    state = policy.initial()._replace(
        starts=(Start(C, 0.0), Start(A, 5000.0), Start(R, 0.0), Start(P, 5000.0))
    )
    assert policy.budget_left(state, Remedies(), 5001.0) == {
        "compact_per_hour": 11,
        "compact_per_day": 142,
        "reclaim_per_hour": 12,
        "reclaim_per_day": 143,
        "drop_per_hour": 1,
        "drop_per_day": 3,
    }
    none = Remedies(
        compact_per_hour=0,
        compact_per_day=1,
        reclaim_per_hour=0,
        reclaim_per_day=1,
        drop_per_hour=0,
        drop_per_day=1,
    )
    assert set(policy.budget_left(state, none, 5001.0).values()) == {0}


def test_budgets_are_kept_over_a_restart() -> None:
    """A daemon that dies after each remedy runs no more of them."""
    daemon = Daemon(remedies=Remedies(backoff_min_seconds=1, backoff_max_seconds=1))
    started = []
    for second in range(3600):
        if daemon.tick(VERY_LOW).remedy is not None:
            started.append(second)
            daemon.restart(after=0)
    assert started == list(range(0, 12 * 30, 30))


# --- A clock set back --------------------------------------------------------------------------


def test_a_clock_set_back_neither_opens_nor_closes_the_gate() -> None:
    """The spacing holds from where the clock now stands: no sooner, and not for ever."""
    daemon = Daemon()
    daemon.tick(VERY_LOW)
    daemon.ends()
    daemon.tick(make_reading(OK), after=5)
    assert daemon.tick(VERY_LOW, after=-900).remedy is None
    assert daemon.tick(VERY_LOW, after=29).remedy is None
    assert daemon.tick(VERY_LOW, after=1).remedy is C


def test_a_clock_set_back_does_not_lengthen_a_back_off_beyond_its_maximum() -> None:
    """However far it was set back."""
    remedies = Remedies(backoff_min_seconds=100, backoff_max_seconds=200)
    daemon = Daemon(remedies=remedies)
    daemon.tick(VERY_LOW)
    daemon.in_vain(VERY_LOW)
    daemon.tick(VERY_LOW, after=-900)
    assert daemon.tick(VERY_LOW, after=199.9).remedy is None
    assert daemon.tick(VERY_LOW, after=0.1).remedy is C


# --- Back-off ----------------------------------------------------------------------------------


def test_each_back_off_is_twice_as_long_up_to_the_maximum() -> None:
    """1, 2, 4, 8 … minutes, an hour at most; announced once each, with its number."""
    daemon = Daemon(remedies=Remedies(compact_per_day=1000))
    ran = [second for second, _ in daemon.watched(VERY_LOW, seconds=30_000)]
    seconds = [length for _, length in daemon.backed_off]
    assert seconds == [60, 120, 240, 480, 960, 1920, *[3600] * 8]
    # The settling time lies between a start and its back-off.
    assert [b - a for a, b in itertools.pairwise(ran)] == [s + 2 for s in seconds[:-1]]
    assert daemon.state.backoffs["process"].failures == 14


def test_the_number_of_failures_is_bounded() -> None:
    """Years of them do not make numbers without end."""
    daemon = Daemon()
    daemon.state = daemon.state._replace(
        backoffs={"process": Backoff(16, 0.0)}, tried={"process": frozenset({C})}
    )
    daemon.tick(VERY_LOW)
    assert daemon.state.backoffs["process"] == Backoff(16, daemon.now + 3600)


def test_a_demand_backed_off_is_left_alone_until_it_ends() -> None:
    """The seconds left are told."""
    daemon = Daemon(remedies=Remedies(compact_spacing_seconds=1))
    daemon.tick(VERY_LOW)
    daemon.in_vain(VERY_LOW)
    decision = daemon.tick(VERY_LOW, after=15)
    assert decision.reason == "backed off for 45 s: the last remedy did not help"
    assert policy.waiting(daemon.state, "process", daemon.now) == 45
    assert daemon.tick(VERY_LOW, after=44.9).remedy is None
    assert daemon.tick(VERY_LOW, after=0.1).remedy is C
    assert policy.waiting(daemon.state, "process", daemon.now) is None
    assert policy.waiting(daemon.state, "another", daemon.now) is None


def test_after_a_back_off_the_ladder_is_climbed_anew() -> None:
    """From the first rung."""
    daemon = Daemon(Remedy)
    daemon.tick(make_reading(WARNING))
    daemon.in_vain(make_reading(WARNING))
    daemon.in_vain(make_reading(WARNING))
    assert daemon.tick(make_reading(WARNING), after=60).remedy is A
    assert daemon.in_vain(make_reading(WARNING)).remedy is C
    daemon.in_vain(make_reading(WARNING))
    assert [seconds for _, seconds in daemon.backed_off] == [60, 120]


def test_others_are_still_helped() -> None:
    """A back-off is one demand's own."""
    daemon = Daemon(remedies=Remedies(compact_spacing_seconds=1))
    daemon.tick(make_reading(CRITICAL, name="a"))
    daemon.in_vain(make_reading(CRITICAL, name="a"))
    decision = daemon.tick(make_reading(1, name="a"), make_reading(CRITICAL, name="b"))
    assert decision.reading is not None
    assert decision.reading.demand.name == "b"
    assert decision.against["a"].startswith("backed off")


def test_all_that_nothing_helped_are_backed_off_at_once() -> None:
    """Each is announced, with its own number of failures."""
    daemon = Daemon()
    readings = [make_reading(CRITICAL, name="a"), make_reading(CRITICAL, name="b")]
    daemon.state = daemon.state._replace(backoffs={"b": Backoff(2, 0.0)})
    daemon.tick(*readings)
    decision = daemon.in_vain(*readings)
    assert daemon.backed_off == [("a", 60.0), ("b", 240.0)]
    assert [backoff.failures for _, backoff in decision.backed_off] == [1, 3]
    assert decision.against == dict.fromkeys("ab", "unmovable: compaction did not help")


def test_one_is_backed_off_while_another_is_helped() -> None:
    """Both are told in one decision."""
    daemon = Daemon(Remedy, poll=PROMPT)
    daemon.memory = daemon.memory._replace(droppable_pagecache_kib=0, droppable_slab_kib=0)
    daemon.tick(make_reading(CRITICAL, name="a"))
    decision = daemon.in_vain(make_reading(1, name="a"), make_reading(WARNING, name="b"))
    assert daemon.backed_off == [("a", 60.0)]
    assert (decision.remedy, decision.reading) == (None, make_reading(1, name="a"))
    decision = daemon.tick(make_reading(1, name="a"), make_reading(WARNING, name="b"), after=15)
    assert decision.remedy is A


def test_a_back_off_ends_when_the_demand_is_helped() -> None:
    """The next one begins with the minimum again."""
    daemon = Daemon()
    daemon.watched(VERY_LOW, seconds=62)
    daemon.tick(VERY_LOW)
    daemon.ends()
    daemon.tick(make_reading(5), after=2)
    assert daemon.outcomes[-1].effective
    assert daemon.state.backoffs == {}
    daemon.tick(VERY_LOW, after=60)
    daemon.in_vain(VERY_LOW)
    assert [seconds for _, seconds in daemon.backed_off] == [60, 60]


@pytest.mark.parametrize(
    ("headroom", "seconds", "left"),
    [(33, 59, True), (33, 60, False), (32, 1000, True), (None, 1000, True)],
)
def test_a_back_off_ends_when_the_demand_has_been_clear(
    headroom: int | None, seconds: int, *, left: bool
) -> None:
    """Above twice its warning level for the clearing time; less keeps the number of failures."""
    daemon = Daemon()
    daemon.tick(VERY_LOW)
    daemon.in_vain(VERY_LOW)
    for _ in range(seconds + 1):
        daemon.tick(make_reading(headroom))
    assert ("process" in daemon.state.backoffs) is left


def test_back_offs_are_kept_over_a_restart() -> None:
    """And the number of failures with them."""
    daemon = Daemon()
    daemon.tick(VERY_LOW)
    daemon.in_vain(VERY_LOW)
    daemon.restart(after=30)
    decision = daemon.tick(VERY_LOW, after=1)
    assert decision.reason == "backed off for 29 s: the last remedy did not help"
    assert daemon.tick(VERY_LOW, after=29).remedy is C
    daemon.in_vain(VERY_LOW)
    assert [seconds for _, seconds in daemon.backed_off] == [60, 120]


def test_inhibition_is_kept_over_a_restart() -> None:
    """Whoever asked for quiet gets it."""
    daemon = Daemon()
    daemon.state = daemon.state._replace(inhibited_until=daemon.now + 100)
    daemon.restart(after=10)
    assert daemon.tick(VERY_LOW).reason == "inhibited for 89 s more"


@pytest.mark.parametrize(
    ("cause", "request_"),
    [
        (Cause.UNSATISFIABLE, Request.KERNEL),
        (Cause.UNSATISFIABLE, Request.ATOMIC),
        (Cause.SHORTAGE, Request.KERNEL),
        *[(cause, Request.CMA) for cause in Cause],
    ],
)
def test_what_cannot_be_helped_is_not_backed_off(cause: Cause, request_: Request) -> None:
    """Nothing is ever tried, so nothing has to be left alone."""
    daemon = Daemon(Remedy)
    assert daemon.watched(make_reading(CRITICAL, cause=cause, request=request_), seconds=500) == []
    assert daemon.backed_off == []


def test_what_is_reserved_is_backed_off_when_compaction_did_not_help() -> None:
    """Compaction was tried for it, as for fragmentation."""
    daemon = Daemon()
    reserved = make_reading(CRITICAL, cause=Cause.RESERVED)
    assert daemon.tick(reserved).remedy is C
    assert daemon.in_vain(reserved).reason == "compaction did not help"
    assert daemon.backed_off == [("process", 60.0)]
