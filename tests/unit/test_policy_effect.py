"""A remedy from its start to the judgement, and whom it is charged to."""

import pytest
from builders import make_assessment, make_reading, make_zone
from policies import CRITICAL, OK, WARNING, Daemon, make_limits

from oomwatchd import policy
from oomwatchd.assess.assessment import Reading
from oomwatchd.model import Action, Cause, Problem, Remedy, Request, Run, Severity
from oomwatchd.settings import Poll, Remedies

C, A, R = Remedy.COMPACT, Remedy.COMPACT_ASYNC, Remedy.RECLAIM
STUCK = Problem("remedies", "the last one has not come back: no more are run")


# --- Stuck, and ended with an error ------------------------------------------------------------


def test_a_remedy_that_does_not_come_back_is_given_up() -> None:
    """After two minutes; no more are run, and that is told."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    started = daemon.now
    assert not policy.is_stuck(daemon.state, started + 119.9)
    assert policy.doubts(daemon.state, started + 119.9) == []
    assert policy.is_stuck(daemon.state, started + 120)
    assert policy.doubts(daemon.state, started + 120) == [STUCK]


def test_a_remedy_that_comes_back_late_is_judged_all_the_same() -> None:
    """From then on remedies run again."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.ends(after=1000)
    assert not policy.is_stuck(daemon.state, daemon.now)
    assert policy.doubts(daemon.state, daemon.now) == []
    assert daemon.tick(make_reading(OK), after=1).remedy is None
    daemon.tick(make_reading(OK))
    assert daemon.outcomes[0].effective
    assert daemon.tick(make_reading(CRITICAL)).remedy is C


def test_a_remedy_that_ends_with_an_error_is_doubted() -> None:
    """Until it ends without one; each remedy has its own."""
    daemon = Daemon(Remedy, remedies=Remedies(compact_spacing_seconds=1))
    daemon.tick(make_reading(CRITICAL))
    daemon.ends(error="EINTR")
    daemon.tick(make_reading(OK), after=2)
    assert daemon.outcomes[0].error == "EINTR"
    assert daemon.outcomes[0].effective
    assert policy.doubts(daemon.state, daemon.now) == [Problem("compact", "EINTR")]
    daemon.tick(make_reading(WARNING))
    daemon.tick(make_reading(WARNING), after=15)
    daemon.ends(error="EIO")
    daemon.tick(make_reading(OK), after=2)
    both = [Problem("compact", "EINTR"), Problem("compact_async", "EIO")]
    assert policy.doubts(daemon.state, daemon.now) == both
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(OK))
    assert policy.doubts(daemon.state, daemon.now) == [both[1]]


def test_an_error_is_judged_by_what_it_changed() -> None:
    """In vain is in vain: the next rung follows."""
    daemon = Daemon(Remedy)
    daemon.tick(make_reading(CRITICAL))
    daemon.ends(error="EACCES")
    assert daemon.tick(make_reading(CRITICAL), after=2).remedy is R


# --- Settling ----------------------------------------------------------------------------------


def test_nothing_is_judged_that_has_not_ended() -> None:
    """Neither without a remedy nor while it runs; an end without a beginning is ignored."""
    initial = policy.initial()
    assert policy.finished(initial, Run(1.0, None), 1) == initial
    assert not policy.settled(initial, Poll(), 1)
    assert not policy.is_stuck(initial, 1e9)
    assert policy.judge(initial, make_assessment()) == (initial, None)
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    assert not policy.settled(daemon.state, Poll(), daemon.now + 1e9)
    assert policy.judge(daemon.state, make_assessment()) == (daemon.state, None)


@pytest.mark.parametrize(("seconds", "settled"), [(1.9, False), (2.0, True)])
def test_a_remedy_settles(seconds: float, *, settled: bool) -> None:
    """From its end, not from its start."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.ends(after=50)
    assert policy.settled(daemon.state, Poll(), daemon.now + seconds) is settled


# --- Judging -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "effective"),
    [(2, 5, True), (2, 4, False), (2, None, False), (10, 17, True), (10, 16, False)],
)
def test_a_remedy_is_effective_above_the_level(
    before: int, after: int | None, *, effective: bool
) -> None:
    """The demand has to rise above the level that it was low by."""
    daemon = Daemon()
    daemon.tick(make_reading(before))
    daemon.ends(after=3)
    ended = daemon.now
    daemon.tick(make_reading(after), after=2)
    (outcome,) = daemon.outcomes
    assert outcome.effective is effective
    assert (outcome.headroom_before, outcome.headroom_after) == (before, after)
    assert (outcome.remedy, outcome.demand) == (C, "process")
    assert (outcome.cause, outcome.node, outcome.error) == (Cause.FRAGMENTATION, None, None)
    assert (outcome.duration_seconds, outcome.finished_at) == (0.5, ended)
    assert daemon.state.running is None


def test_a_demand_that_is_gone_meanwhile_was_not_mended() -> None:
    """The configuration may have been read anew while the remedy ran."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.ends()
    daemon.tick(make_reading(OK, name="another"), after=2)
    assert daemon.outcomes[0].headroom_after is None
    assert not daemon.outcomes[0].effective


def test_what_became_unknown_is_not_charged() -> None:
    """It was not mended as far as anyone knows, and tried again when its spacing is over."""
    daemon = Daemon(Remedy)
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(None))
    assert not daemon.outcomes[0].effective
    assert daemon.tick(make_reading(CRITICAL), after=60).remedy is C


def test_what_rose_above_its_level_is_not_charged() -> None:
    """Critical no more is a success; the next critical moment begins with the first rung."""
    daemon = Daemon((C, R))
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(5))
    assert daemon.state.tried == {}
    assert daemon.tick(make_reading(CRITICAL), after=60).remedy is C


@pytest.mark.parametrize("level", [4, 16])
def test_what_stayed_at_its_level_is_charged(level: int) -> None:
    """It has to rise above it."""
    daemon = Daemon()
    daemon.tick(make_reading(level))
    daemon.in_vain(make_reading(level))
    assert daemon.backed_off == [("process", 60.0)]


def test_what_sank_further_is_charged() -> None:
    """Low by warning before, critical now."""
    daemon = Daemon()
    daemon.tick(make_reading(WARNING))
    daemon.in_vain(make_reading(CRITICAL))
    assert daemon.backed_off == [("process", 60.0)]


def test_what_was_given_back_makes_compaction_worth_another_try() -> None:
    """What did not help before is forgotten, but for the giving back itself."""
    daemon = Daemon(Remedy)
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(CRITICAL))
    assert daemon.state.tried == {"process": {C}}
    daemon.in_vain(make_reading(CRITICAL))
    assert daemon.state.tried == {"process": {R}}


@pytest.mark.parametrize(
    ("before", "after", "freed", "taken"),
    [
        ((5000, None), (4900, None), -100, 0),
        ((100, 40), (350, 15), 250, 25),
        ((None, 3), (7, None), 7, 3),
    ],
)
def test_pages_freed_and_taken_are_counted(
    before: tuple[int | None, int | None],
    after: tuple[int | None, int | None],
    freed: int,
    taken: int,
) -> None:
    """Over all zones, free pages and those in CMA; negative where others took more."""
    other = make_zone(free_pages=1000, free_cma_pages=10, name="Movable", zone_index=1)
    daemon = Daemon()
    daemon.zones = (make_zone(free_pages=before[0], free_cma_pages=before[1]), other)
    daemon.tick(make_reading(CRITICAL))
    daemon.zones = (make_zone(free_pages=after[0], free_cma_pages=after[1]), other)
    daemon.in_vain(make_reading(OK))
    assert (daemon.outcomes[0].pages_freed, daemon.outcomes[0].cma_pages_taken) == (freed, taken)


def test_sixteen_outcomes_are_kept() -> None:
    """The status document holds the newest ones, newest last."""
    daemon = Daemon(remedies=Remedies(compact_per_hour=3600))
    for number in range(20):
        daemon.tick(make_reading(CRITICAL, name=f"n{number}"), after=100)
        daemon.ends()
    daemon.tick(make_reading(OK), after=100)
    assert [outcome.demand for outcome in daemon.state.outcomes] == [f"n{n}" for n in range(4, 20)]


def test_each_remedy_is_counted() -> None:
    """By its kind, from 0."""
    daemon = Daemon(Remedy)
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(CRITICAL))
    assert daemon.state.counts == dict.fromkeys(Remedy, 0) | {C: 1, R: 1}


# --- Whom compaction of all zones is charged to ------------------------------------------------

MINE, VICTIM = make_reading(1, name="mine"), make_reading(CRITICAL, name="other")
UNKNOWN = VICTIM._replace(severity=Severity.UNKNOWN)


@pytest.mark.parametrize(
    ("before", "after", "charged"),
    [
        (VICTIM, VICTIM, True),
        (make_reading(WARNING, name="other"), make_reading(WARNING, name="other"), True),
        (VICTIM, make_reading(WARNING, name="other"), True),
        (make_reading(OK, name="other"), VICTIM, False),
        (make_reading(None, name="other"), VICTIM, False),
        (UNKNOWN, VICTIM, False),
        (VICTIM, make_reading(None, name="other"), False),
        (VICTIM, make_reading(OK, name="other"), False),
        (make_reading(CRITICAL, name="other", cause=Cause.SHORTAGE), VICTIM, False),
        (VICTIM, make_reading(CRITICAL, name="other", cause=Cause.SHORTAGE), False),
        (make_reading(CRITICAL, name="else"), VICTIM, False),
    ],
)
def test_compaction_is_charged_to_all_that_were_fragmented_and_are(
    before: Reading, after: Reading, *, charged: bool
) -> None:
    """Whoever came later, or is low for another reason, was not tried for."""
    daemon = Daemon()
    daemon.tick(MINE, before)
    daemon.ends()
    state, _ = policy.judge(daemon.state, daemon.assess(MINE, after))
    assert state.tried.get("mine") == frozenset({C})
    assert state.tried.get("other") == ({C} if charged else None)


def test_the_gentle_compaction_is_charged_to_its_own_demand() -> None:
    """It may still help the others while it goes on."""
    daemon = Daemon(Remedy)
    readings = [make_reading(9, name="mine"), make_reading(WARNING, name="other")]
    daemon.tick(*readings)
    daemon.ends()
    state, _ = policy.judge(daemon.state, daemon.assess(*readings))
    assert state.tried == {"mine": {A}}


def test_giving_back_is_charged_to_its_own_demand() -> None:
    """Others have not been compacted for yet."""
    daemon = Daemon((R,))
    daemon.tick(MINE, VICTIM)
    daemon.in_vain(MINE, VICTIM)
    assert dict(daemon.backed_off).keys() == {"mine"}


def test_compaction_of_one_node_is_charged_to_its_own_demand() -> None:
    """The others may lie on other nodes."""
    zones = (make_zone(node=0), make_zone(node=1, free_blocks=(1, 0, 0)))
    daemon = Daemon(zones=zones, nodes=(0, 1))
    assert daemon.tick(MINE, VICTIM).action == Action(C, 0)
    daemon.in_vain(MINE, VICTIM)
    assert daemon.outcomes[0].node == 0
    assert daemon.state.tried == {"mine": frozenset({C})}


def test_a_demand_that_was_given_up_is_not_charged_again() -> None:
    """Its back-off neither grows nor begins anew by what is tried for others."""
    daemon = Daemon(remedies=Remedies(compact_spacing_seconds=1))
    daemon.tick(VICTIM)
    daemon.in_vain(VICTIM)
    daemon.backed_off.clear()
    until = daemon.state.backoffs["other"]
    daemon.tick(MINE, VICTIM, after=50)
    daemon.ends(after=30)
    daemon.tick(MINE, VICTIM, after=2)
    assert dict(daemon.backed_off).keys() == {"mine"}
    assert daemon.state.backoffs["other"] == until


def test_a_remedy_for_what_has_no_headroom_begins_at_nothing() -> None:
    """A cause that is not told is taken for fragmentation, None for 0."""
    reading = make_reading(CRITICAL)._replace(headroom=None)
    daemon = Daemon()
    daemon.tick(reading)
    running = daemon.state.running
    assert running is not None
    assert (running.headroom_before, running.cause) == (0, Cause.FRAGMENTATION)
    daemon.in_vain(reading)
    assert daemon.backed_off == [("process", 60.0)]


def test_levels_may_change_while_a_remedy_runs() -> None:
    """It is judged by the level that it was begun for."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    stricter = make_reading(5)
    stricter = stricter._replace(
        demand=stricter.demand._replace(critical=8, request=Request.ATOMIC),
        severity=Severity.CRITICAL,
    )
    daemon.in_vain(stricter)
    assert daemon.outcomes[0].effective
    assert daemon.backed_off == []


def test_judging_needs_no_more_than_the_state() -> None:
    """What was low at the start is kept with the remedy."""
    state = policy.observe(policy.initial(), make_assessment(MINE, VICTIM), Poll(), 1)
    state, decision = policy.decide(state, make_assessment(MINE, VICTIM), make_limits(), 1)
    assert decision.remedy is C
    state = policy.finished(state, Run(1.0, None), 2)._replace(standings={})
    state, outcome = policy.judge(state, make_assessment(MINE, VICTIM))
    assert outcome is not None
    assert state.tried == {"mine": {C}, "other": {C}}
