"""Which demand is answered, and what stands against any remedy at all."""

import pytest
from builders import make_reading
from policies import CRITICAL, OK, WARNING, Daemon

from oomwatchd import policy
from oomwatchd.model import Cause, Remedy, Request
from oomwatchd.policy import Decision
from oomwatchd.settings import Hours, Remedies

C, A = Remedy.COMPACT, Remedy.COMPACT_ASYNC
NIGHT, NOON = Hours(22 * 60, 6 * 60), Hours(12 * 60, 13 * 60)


def test_nothing_is_done_about_a_healthy_demand() -> None:
    """No low demand, no remedy, and the reason is told."""
    decision = Daemon().tick(make_reading(OK))
    assert decision == Decision(None, None, "no demand calls for a remedy")
    assert decision.remedy is None


def test_the_decision_names_the_demand_and_why() -> None:
    """The state returned knows of the remedy as running."""
    daemon = Daemon()
    decision = daemon.tick(make_reading(CRITICAL))
    assert decision.remedy is C
    assert decision.reason == "process is critical"
    assert daemon.state.counts[C] == 1
    running = daemon.state.running
    assert running is not None
    assert (running.action, running.demand, running.level) == (decision.action, "process", 4)


# --- Which demand ------------------------------------------------------------------------------


def test_the_worst_demand_is_answered() -> None:
    """Critical before warning, then the lowest headroom; what cannot be helped hides nobody."""
    decision = Daemon().tick(
        make_reading(1, name="a", cause=Cause.SHORTAGE),
        make_reading(0, name="e", request=Request.ATOMIC, cause=Cause.SHORTAGE),
        make_reading(12, name="b"),
        make_reading(3, name="c"),
        make_reading(2, name="d"),
    )
    assert decision.reading is not None
    assert decision.reading.demand.name == "d"
    assert decision.against == {
        "a": "the kernel reclaims by itself",
        "e": "too little can be dropped",
    }


@pytest.mark.parametrize("cause", [Cause.FRAGMENTATION, Cause.RESERVED])
def test_whatever_compaction_may_end_is_answered_by_headroom(cause: Cause) -> None:
    """What is reserved neither goes before what is fragmented nor after it."""
    other = {Cause.FRAGMENTATION: Cause.RESERVED, Cause.RESERVED: Cause.FRAGMENTATION}[cause]
    decision = Daemon().tick(
        make_reading(2, name="a", cause=other), make_reading(1, name="b", cause=cause)
    )
    assert decision.remedy is C
    assert decision.reading is not None
    assert decision.reading.demand.name == "b"


def test_critical_goes_before_a_lower_headroom_at_warning() -> None:
    """Levels differ from demand to demand."""
    roomy = make_reading(50, name="roomy")
    roomy = roomy._replace(demand=roomy.demand._replace(warning=200, critical=60))
    low = make_reading(5, name="low")
    daemon = Daemon(Remedy)
    decision = daemon.tick(low, make_reading(50, name="roomy")._replace(demand=roomy.demand))
    assert decision.remedy is A
    critical = Daemon(Remedy).tick(low, make_reading(3, name="roomy"))
    assert critical.reading is not None
    assert critical.reading.demand.name == "roomy"


def test_where_nothing_can_be_done_the_worst_demand_gives_the_reason() -> None:
    """The others' reasons are told beside it."""
    decision = Daemon(()).tick(
        make_reading(10, name="b"),
        make_reading(2, name="a", cause=Cause.UNSATISFIABLE),
        make_reading(11, name="c", cause=Cause.RESERVED),
    )
    assert decision.reason == "none helps against unsatisfiable"
    assert decision.against == {
        "a": "none helps against unsatisfiable",
        "b": "no compact here",
        "c": "no compact here",
    }
    assert decision.reading is not None
    assert decision.reading.demand.name == "a"


def test_against_falls_back_on_the_decision() -> None:
    """For a demand that waits behind another."""
    decision = Decision(None, None, "why", {"a": "other"})
    assert policy.against(make_reading(CRITICAL, name="a"), decision) == "other"
    assert policy.against(make_reading(CRITICAL, name="b"), decision) == "why"


def test_a_demand_without_headroom_is_the_lowest() -> None:
    """None at all counts as 0."""
    nothing = make_reading(2, name="n")._replace(headroom=None)
    decision = Daemon().tick(make_reading(1, name="a"), nothing)
    assert decision.reading == nothing


# --- What stands against it --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("daemon", "reason"),
    [
        (Daemon(remedies=Remedies(compact=False)), "compact is switched off"),
        (Daemon(unavailable="no rights"), "no rights"),
        (Daemon(dry_run=True), "would run compact, but for the dry-run"),
        (Daemon(realtime="sshd"), "real-time: sshd"),
        (
            Daemon(remedies=Remedies(compact_per_hour=0)),
            "the budget of compactions for this hour is used up",
        ),
        (
            Daemon(remedies=Remedies(compact_per_day=0)),
            "the budget of compactions for this day is used up",
        ),
        (Daemon(remedies=Remedies(quiet_hours=(Hours(0, 1),))), "quiet hours"),
    ],
)
def test_obstacles_are_told(daemon: Daemon, reason: str) -> None:
    """Nothing runs, and the decision says why; the demand is spoken of at once."""
    decision = daemon.tick(make_reading(CRITICAL))
    assert (decision.remedy, decision.reason) == (None, reason)
    assert decision.against == {"process": reason}
    assert daemon.said == ["process headroom_critical"]
    assert daemon.watched(make_reading(CRITICAL), seconds=100) == []
    assert daemon.backed_off == []


def test_unavailable_goes_before_all_others() -> None:
    """It is the reason that lasts."""
    daemon = Daemon(unavailable="no rights", realtime="x", dry_run=True)
    assert daemon.tick(make_reading(CRITICAL)).reason == "no rights"


@pytest.mark.parametrize("remedy", list(Remedy))
def test_a_dry_run_says_what_it_would_run(remedy: Remedy) -> None:
    """Of every kind, again and again, and never runs it."""
    daemon = Daemon((remedy,), dry_run=True)
    headroom = WARNING if remedy is A else CRITICAL
    cause = Cause.FRAGMENTATION if remedy in (A, C) else Cause.SHORTAGE
    reading = make_reading(headroom, request=Request.ATOMIC, cause=cause)
    kib = {Remedy.DROP_SLAB: (0, 3000), Remedy.DROP_ALL: (1500, 1500)}.get(remedy, (3000, 0))
    daemon.memory = daemon.memory._replace(
        droppable_pagecache_kib=kib[0], droppable_slab_kib=kib[1]
    )
    daemon.tick(reading)
    for _ in range(5):
        decision = daemon.tick(reading, after=1000)
        assert decision.action is None
        assert decision.reason == f"would run {remedy.value}, but for the dry-run"
    assert (daemon.state.starts, daemon.state.running, daemon.backed_off) == ((), None, [])


def test_a_dry_run_tells_of_what_would_stand_against_it() -> None:
    """Before it tells that it is one."""
    daemon = Daemon(dry_run=True, remedies=Remedies(compact_per_hour=0))
    reason = "the budget of compactions for this hour is used up"
    assert daemon.tick(make_reading(CRITICAL)).reason == reason


def test_real_time_tasks_are_spared_unless_it_is_allowed() -> None:
    """The configuration may say so; without any sign there is nothing to allow."""
    assert Daemon(realtime="x").tick(make_reading(CRITICAL)).remedy is None
    allowed = Daemon(realtime="x", remedies=Remedies(realtime=True))
    assert allowed.tick(make_reading(CRITICAL)).remedy is C
    assert Daemon(realtime="").tick(make_reading(CRITICAL)).remedy is None
    assert Daemon(realtime=None).tick(make_reading(CRITICAL)).remedy is C


def test_inhibited_until_the_time_is_over() -> None:
    """The seconds left are told; then the remedy runs."""
    daemon = Daemon()
    daemon.state = daemon.state._replace(inhibited_until=daemon.now + 100)
    assert daemon.tick(make_reading(CRITICAL), after=10).reason == "inhibited for 90 s more"
    assert daemon.tick(make_reading(CRITICAL), after=89.5).remedy is None
    assert daemon.tick(make_reading(CRITICAL), after=0.5).remedy is C


@pytest.mark.parametrize(
    ("hours", "minute", "quiet"),
    [
        ((), 0, False),
        ((NOON,), 719, False),
        ((NOON,), 720, True),
        ((NOON,), 779, True),
        ((NOON,), 780, False),
        ((NIGHT,), 1319, False),
        ((NIGHT,), 1320, True),
        ((NIGHT,), 1439, True),
        ((NIGHT,), 0, True),
        ((NIGHT,), 359, True),
        ((NIGHT,), 360, False),
        ((NIGHT, NOON), 750, True),
        ((NOON, NIGHT), 30, True),
        ((NOON, NIGHT), 600, False),
        ((Hours(0, 1440),), 0, True),
        ((Hours(0, 1440),), 1439, True),
        ((Hours(300, 300),), 300, False),
        ((Hours(300, 300),), 299, False),
    ],
)
def test_quiet_hours(hours: tuple[Hours, ...], minute: int, *, quiet: bool) -> None:
    """From the first minute on, up to the last one's beginning; past midnight too."""
    daemon = Daemon(remedies=Remedies(quiet_hours=hours), minute_of_day=minute)
    assert (daemon.tick(make_reading(CRITICAL)).remedy is None) is quiet


# --- Never two at once -------------------------------------------------------------------------


def test_never_two_at_once() -> None:
    """While one runs none starts, however long it takes and whoever is low."""
    daemon = Daemon(Remedy)
    assert daemon.tick(make_reading(CRITICAL)).remedy is C
    short = make_reading(0, name="short", request=Request.ATOMIC, cause=Cause.SHORTAGE)
    for second in range(1, 1000):
        decision = daemon.tick(make_reading(0), make_reading(0, name="other"), short)
        assert decision.remedy is None
        stuck = second >= policy.STUCK_SECONDS
        expected = "the last remedy does not come back" if stuck else "a remedy is under way"
        assert decision.reason == expected


def test_never_before_the_last_one_was_judged() -> None:
    """It has to settle first, even if the spacing is over."""
    daemon = Daemon(remedies=Remedies(compact_spacing_seconds=10))
    daemon.limits = daemon.limits._replace(poll=daemon.limits.poll._replace(settle_seconds=100))
    daemon.tick(make_reading(CRITICAL))
    daemon.ends(after=20)
    assert daemon.tick(make_reading(CRITICAL), after=99).remedy is None
    assert daemon.outcomes == []
    daemon.tick(make_reading(OK), after=1)
    assert len(daemon.outcomes) == 1
    assert daemon.tick(make_reading(CRITICAL), after=1).remedy is C


def test_a_silenced_ladder_is_not_spent() -> None:
    """While nothing may run nobody is backed off, though the ladder has no rung left."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.limits = daemon.limits._replace(unavailable="gone")
    daemon.in_vain(make_reading(CRITICAL))
    assert daemon.backed_off == []
    daemon.limits = daemon.limits._replace(unavailable=None)
    daemon.tick(make_reading(CRITICAL))
    assert daemon.backed_off == [("process", 60.0)]
