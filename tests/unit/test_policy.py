"""The decisions, row by row of the theory; and what no sequence of events can bring about."""

from typing import NamedTuple

import pytest
from builders import make_assessment, make_reading
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd import policy
from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Cause, Outcome, Remedy, Request, Run, Severity
from oomwatchd.policy import Decision, Limits, State, Word
from oomwatchd.settings import Poll, Remedies

OK, LOW, WARNING, CRITICAL = 100, 16, 10, 2
"""Headrooms: well above twice the warning level, at it, below it, and below critical."""


COMPACTION_ALONE: dict[Remedy, str] = {
    remedy: "an old kernel" for remedy in Remedy if remedy is not Remedy.COMPACT
}


def make_limits(poll: Poll, remedies: Remedies, unavailable: str | None = None) -> Limits:
    """Make the limits of a kernel that can compact and nothing else."""
    return Limits(poll, remedies, unavailable, COMPACTION_ALONE)


class Daemon:
    """Drives the policy as the loop does, with a clock of the test's own."""

    def __init__(
        self,
        *,
        remedies: Remedies | None = None,
        poll: Poll | None = None,
        unavailable: str | None = None,
    ) -> None:
        """Start with nothing known, at an odd moment of the clock."""
        self.state = policy.initial()
        self.limits = make_limits(poll or Poll(), remedies or Remedies(), unavailable)
        self.now = 1000.0
        self.said: list[str] = []
        self.outcomes: list[Outcome] = []

    def tick(self, *readings: Reading, after: float = 1.0) -> Decision:
        """Let time pass, look, judge, decide and speak."""
        self.now += after
        assessment = make_assessment(*readings)
        state = policy.observe(self.state, assessment, self.limits.poll, self.now)
        if policy.settled(state, self.limits.poll, self.now):
            state, outcome = policy.judge(state, assessment)
            assert outcome is not None
            self.outcomes.append(outcome)
        state, decision = policy.decide(state, assessment, self.limits, self.now)
        self.state, news = policy.speak(state, assessment, self.limits.poll, self.now)
        self.said += [f"{reading.demand.name} {word.value}" for word, reading in news]
        return decision

    def remedy_ends(self, after: float = 0.5) -> None:
        """Let the running remedy end."""
        self.now += after
        self.state = policy.finished(self.state, Run(0.5, None), self.now)

    def settled(self) -> "Daemon":
        """Get over the first look, which counts without hold."""
        self.tick(make_reading(OK))
        return self


# --- When a remedy is called for ---------------------------------------------------------------


def test_nothing_is_done_about_a_healthy_demand() -> None:
    """No low demand, no remedy, and the reason is told."""
    decision = Daemon().tick(make_reading(OK))
    assert (decision.remedy, decision.reading) == (None, None)
    assert decision.reason


def test_a_critical_demand_is_answered_at_once() -> None:
    """No hold time for critical."""
    daemon = Daemon().settled()
    assert daemon.tick(make_reading(CRITICAL)).remedy is Remedy.COMPACT
    assert daemon.state.counts[Remedy.COMPACT] == 1


@pytest.mark.parametrize(("seconds", "acts"), [(14.9, False), (15.0, True), (40.0, True)])
def test_a_warning_is_answered_after_the_hold_time(seconds: float, *, acts: bool) -> None:
    """Only what has been low for 15 s."""
    daemon = Daemon().settled()
    assert daemon.tick(make_reading(WARNING)).remedy is None
    assert (daemon.tick(make_reading(WARNING), after=seconds).remedy is not None) is acts


def test_the_first_look_counts_without_hold() -> None:
    """Nobody knows how long the demand had been low before the start."""
    assert Daemon().tick(make_reading(WARNING)).remedy is Remedy.COMPACT


def test_recovering_in_between_starts_the_hold_anew() -> None:
    """A dip shorter than the hold time is never answered."""
    daemon = Daemon().settled()
    for _ in range(20):
        assert daemon.tick(make_reading(WARNING), after=1).remedy is None
        assert daemon.tick(make_reading(WARNING), after=10).remedy is None
        assert daemon.tick(make_reading(LOW + 1), after=1).remedy is None
    assert daemon.said == []


def test_the_hold_counts_all_the_time_that_a_demand_is_low() -> None:
    """A critical moment that could not be answered does not start the hold anew."""
    daemon = Daemon(remedies=Remedies(compact=False)).settled()
    daemon.tick(make_reading(WARNING))
    daemon.tick(make_reading(CRITICAL), after=10)
    daemon.limits = daemon.limits._replace(remedies=Remedies())
    assert daemon.tick(make_reading(WARNING), after=4.9).remedy is None
    assert daemon.tick(make_reading(WARNING), after=0.1).remedy is Remedy.COMPACT


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.FRAGMENTATION])
@pytest.mark.parametrize("headroom", [WARNING, CRITICAL])
def test_compaction_answers_fragmentation_alone(cause: Cause, headroom: int) -> None:
    """It cannot mend a shortage, what is reserved stays so, what is impossible too."""
    daemon = Daemon()
    for _ in range(50):
        assert daemon.tick(make_reading(headroom, cause=cause), after=100).remedy is None


@pytest.mark.parametrize("request_", list(Request))
def test_compaction_is_not_for_cma(request_: Request) -> None:
    """Compaction moves data into the areas that a cma demand wants empty."""
    decision = Daemon().tick(make_reading(CRITICAL, request=request_))
    assert (decision.remedy is None) == (request_ is Request.CMA)


def test_what_is_unknown_is_never_acted_on() -> None:
    """Not even if headroom looks low (a lower bound), not at the first look either."""
    daemon = Daemon()
    readings = [
        make_reading(None),
        make_reading(0, severity=Severity.UNKNOWN),
        make_reading(0, severity=Severity.UNKNOWN)._replace(cause=Cause.FRAGMENTATION),
    ]
    for reading in readings * 10:
        assert daemon.tick(reading, after=20).remedy is None
    assert daemon.said == []


def test_the_worst_demand_is_answered() -> None:
    """Critical before warning, then the lowest headroom; one remedy for all of them."""
    decision = Daemon().tick(
        make_reading(1, name="a", cause=Cause.SHORTAGE),
        make_reading(12, name="b"),
        make_reading(3, name="c"),
        make_reading(2, name="d"),
    )
    assert decision.reading is not None
    assert decision.reading.demand.name == "d"


# --- What stands against it --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("daemon", "reason"),
    [
        (Daemon(remedies=Remedies(compact=False)), "switched off"),
        (Daemon(unavailable="dry-run: nothing is changed"), "dry-run"),
        (Daemon(remedies=Remedies(compact_per_hour=0)), "budget"),
    ],
)
def test_obstacles_are_told(daemon: Daemon, reason: str) -> None:
    """Nothing runs, and the decision says why; the demand is spoken of at once."""
    decision = daemon.tick(make_reading(CRITICAL))
    assert decision.remedy is None
    assert reason in decision.reason
    assert daemon.said == ["process headroom_critical"]


def test_never_two_at_once() -> None:
    """While one runs none starts, however long it takes and whoever is low."""
    daemon = Daemon()
    assert daemon.tick(make_reading(CRITICAL)).remedy is Remedy.COMPACT
    for _ in range(100):
        decision = daemon.tick(make_reading(0), make_reading(0, name="other"), after=1000)
        assert decision.remedy is None
        assert "under way" in decision.reason or "come back" in decision.reason


def test_never_before_the_last_one_was_judged() -> None:
    """It has to settle first, even if the spacing is over."""
    remedies = Remedies(compact_spacing_seconds=10)
    daemon = Daemon(poll=Poll(settle_seconds=100), remedies=remedies)
    daemon.tick(make_reading(CRITICAL))
    daemon.remedy_ends(after=20)
    assert daemon.tick(make_reading(CRITICAL), after=99).remedy is None
    assert daemon.outcomes == []
    daemon.tick(make_reading(OK), after=1)
    assert len(daemon.outcomes) == 1
    assert daemon.tick(make_reading(CRITICAL), after=1).remedy is Remedy.COMPACT


def test_never_within_the_spacing() -> None:
    """60 s from start to start, even if the last one helped."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.remedy_ends(after=1)
    assert daemon.tick(make_reading(OK), after=2).remedy is None
    assert daemon.outcomes[0].effective
    assert daemon.tick(make_reading(CRITICAL), after=56.9).remedy is None
    assert daemon.tick(make_reading(CRITICAL), after=0.1).remedy is Remedy.COMPACT


def test_never_beyond_the_hourly_budget() -> None:
    """Twelve an hour; the thirteenth when the first is an hour old."""
    daemon = Daemon(remedies=Remedies(backoff_min_seconds=1, backoff_max_seconds=1))
    started: list[float] = []
    for _ in range(2 * 3600):
        if daemon.tick(make_reading(CRITICAL), after=1).remedy is not None:
            started.append(daemon.now)
            daemon.remedy_ends(after=0)
    gaps = [later - earlier for earlier, later in zip(started, started[12:], strict=False)]
    assert len(started) == 24
    assert all(gap >= 3600 for gap in gaps)
    assert daemon.state.counts[Remedy.COMPACT] == 24


def test_a_clock_set_back_neither_opens_nor_closes_the_gate() -> None:
    """The spacing holds from where the clock now stands: no sooner, and not for ever."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.remedy_ends()
    daemon.tick(make_reading(OK), after=5)
    assert daemon.tick(make_reading(CRITICAL), after=-900).remedy is None
    assert daemon.tick(make_reading(CRITICAL), after=59).remedy is None
    assert daemon.tick(make_reading(CRITICAL), after=1).remedy is Remedy.COMPACT


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
    daemon.remedy_ends(after=3)
    daemon.tick(make_reading(after), after=2)
    (outcome,) = daemon.outcomes
    assert outcome.effective is effective
    assert (outcome.headroom_before, outcome.headroom_after) == (before, after)
    assert (outcome.remedy, outcome.demand) == (Remedy.COMPACT, "process")
    assert outcome.duration_seconds == 0.5
    assert daemon.state.running is None


def test_a_demand_that_is_gone_meanwhile_was_not_mended() -> None:
    """The configuration may have been read anew while the remedy ran."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.remedy_ends()
    daemon.tick(make_reading(OK, name="another"), after=2)
    assert daemon.outcomes[0].headroom_after is None
    assert not daemon.outcomes[0].effective


def test_pages_freed_are_counted() -> None:
    """Free pages after less free pages before; negative if others took more."""
    state = policy.observe(policy.initial(), make_assessment(make_reading(2)), Poll(), 1)
    before, after = (
        make_assessment(make_reading(2), free_pages=5000),
        make_assessment(make_reading(2), free_pages=4900),
    )
    state, decision = policy.decide(state, before, make_limits(Poll(), Remedies()), 1)
    assert decision.remedy is not None
    _, outcome = policy.judge(policy.finished(state, Run(1.0, None), 2), after)
    assert outcome is not None
    assert outcome.pages_freed == -100


def test_nothing_is_judged_that_has_not_ended() -> None:
    """Neither without a remedy nor while it runs; an end without a beginning is ignored."""
    initial = policy.initial()
    assert policy.finished(initial, Run(1.0, None), 1) == initial
    assert not policy.settled(initial, Poll(), 1)
    assert policy.judge(initial, make_assessment()) == (initial, None)
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    assert not policy.settled(daemon.state, Poll(), daemon.now + 1e9)
    assert policy.judge(daemon.state, make_assessment())[1] is None


def test_sixteen_outcomes_are_kept() -> None:
    """The status document holds the newest ones, newest last."""
    daemon = Daemon(remedies=Remedies(compact_per_hour=3600))
    for number in range(20):
        daemon.tick(make_reading(CRITICAL, name=f"n{number}"), after=100)
        daemon.remedy_ends()
    daemon.tick(make_reading(OK), after=100)
    assert [outcome.demand for outcome in daemon.state.outcomes] == [f"n{n}" for n in range(4, 20)]


# --- Standing ----------------------------------------------------------------------------------


def test_how_long_a_demand_has_stood() -> None:
    """Since its severity changed; recent headrooms are kept, oldest first, sixty of them."""
    daemon = Daemon(remedies=Remedies(compact=False))
    for headroom in [OK, OK + 1, WARNING, WARNING + 1, None]:
        daemon.tick(make_reading(headroom), after=10)
    standing = daemon.state.standings["process"]
    assert standing.since == daemon.now
    assert standing.history == (OK, OK + 1, WARNING, WARNING + 1, None)
    for headroom in range(100, 200):
        daemon.tick(make_reading(headroom), after=1)
    standing = daemon.state.standings["process"]
    assert daemon.now - standing.since == 99
    assert standing.history == tuple(range(140, 200))


def test_demands_that_are_gone_are_forgotten() -> None:
    """Only what is watched has a standing."""
    daemon = Daemon()
    daemon.tick(make_reading(OK, name="old"))
    daemon.tick(make_reading(OK, name="new"))
    assert list(daemon.state.standings) == ["new"]


# --- Speaking ----------------------------------------------------------------------------------


def test_a_low_demand_that_may_sleep_is_acted_on_first() -> None:
    """headroom_low while it is mended; an alarm when it is still low after settling."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    assert daemon.said == ["process headroom_low"]
    daemon.tick(make_reading(CRITICAL))
    daemon.remedy_ends()
    daemon.tick(make_reading(CRITICAL), after=1)
    assert daemon.said == ["process headroom_low"]
    daemon.tick(make_reading(CRITICAL), after=1)
    assert daemon.said == ["process headroom_low", "process headroom_critical"]


def test_a_remedy_that_helped_spares_the_alarm() -> None:
    """Low, mended, recovered: no warning is ever given."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.remedy_ends()
    for _ in range(100):
        daemon.tick(make_reading(OK))
    assert daemon.said == ["process headroom_low", "process headroom_recovered"]


def test_every_episode_is_told_of() -> None:
    """After a recovery the next low demand is low again, in the same words."""
    daemon = Daemon()
    for _ in range(3):
        daemon.tick(make_reading(CRITICAL))
        daemon.remedy_ends()
        for _ in range(100):
            daemon.tick(make_reading(OK))
    assert daemon.said == ["process headroom_low", "process headroom_recovered"] * 3


@pytest.mark.parametrize("request_", [Request.ATOMIC, Request.CMA])
def test_an_atomic_demand_speaks_at_once(request_: Request) -> None:
    """Nobody compacts for it in time, so the alarm does not wait for a remedy."""
    daemon = Daemon().settled()
    daemon.tick(make_reading(CRITICAL, name="dma", request=request_))
    assert daemon.said == ["dma headroom_critical"]


@pytest.mark.parametrize("request_", list(Request))
def test_without_a_remedy_the_alarm_is_at_once(request_: Request) -> None:
    """When no remedy may run there is nothing to wait for; a warning is held all the same."""
    daemon = Daemon(unavailable="no root").settled()
    daemon.tick(make_reading(WARNING, request=request_))
    daemon.tick(make_reading(WARNING, request=request_), after=14)
    assert daemon.said == []
    daemon.tick(make_reading(WARNING, request=request_), after=1)
    assert daemon.said == ["process headroom_warning"]
    daemon.tick(make_reading(CRITICAL, request=request_))
    assert daemon.said[1:] == ["process headroom_critical"]


def test_one_word_for_each_change() -> None:
    """Standing low says nothing new; worse does at once, better when it has lasted."""
    daemon = Daemon(unavailable="no root")
    for headroom in [CRITICAL] * 50 + [WARNING] * 70 + [CRITICAL] * 50:
        daemon.tick(make_reading(headroom), after=1)
    assert daemon.said == [
        "process headroom_critical",
        "process headroom_warning",
        "process headroom_critical",
    ]


def test_hovering_about_critical_is_told_once() -> None:
    """Up to warning and down again within the clearing time is no news."""
    daemon = Daemon(unavailable="no root")
    for headroom in [CRITICAL, WARNING] * 50:
        daemon.tick(make_reading(headroom), after=1)
    assert daemon.said == ["process headroom_critical"]


def test_a_remedy_that_never_comes_back_does_not_silence_its_demand() -> None:
    """It is counted on for the limit's time; then the alarm is raised all the same."""
    daemon = Daemon()
    for _ in range(int(policy.STUCK_SECONDS) + 2):
        daemon.tick(make_reading(CRITICAL), after=1)
    assert daemon.said == ["process headroom_low", "process headroom_critical"]


def test_an_unknown_moment_does_not_start_the_hold_anew() -> None:
    """A file that cannot be read now and then does not hide a demand that is low."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(OK), after=1)
    for _ in range(3):
        daemon.tick(make_reading(WARNING), after=4)
        daemon.tick(make_reading(None), after=1)
    assert daemon.said == []
    daemon.tick(make_reading(WARNING), after=4)
    assert daemon.said == ["process headroom_warning"]


@pytest.mark.parametrize(
    ("headroom", "seconds", "recovers"),
    [(33, 60, True), (33, 59, False), (32, 1000, False), (17, 1000, False), (None, 1000, False)],
)
def test_recovery_takes_time_above_twice_the_level(
    headroom: int | None, seconds: int, *, recovers: bool
) -> None:
    """Warning is 16: above 32 for 60 s."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    for _ in range(seconds + 1):
        daemon.tick(make_reading(headroom), after=1)
    assert (daemon.said[1:] == ["process headroom_recovered"]) is recovers


def test_flapping_never_recovers() -> None:
    """A dip to the clearing level starts the time anew."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    for _ in range(20):
        daemon.tick(make_reading(OK), after=1)
        daemon.tick(make_reading(OK), after=58)
        daemon.tick(make_reading(32), after=1)
    assert daemon.said == ["process headroom_critical"]


def test_demands_are_spoken_of_one_by_one() -> None:
    """Each has a word of its own."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL, name="a"), make_reading(WARNING, name="b"))
    assert daemon.said == ["a headroom_critical", "b headroom_warning"]


# --- What no sequence can bring about ----------------------------------------------------------

NAMES = ("kernel", "atomic", "cma", "movable")


class Step(NamedTuple):
    """What happens between two looks."""

    seconds: float
    remedy_ends: bool
    headrooms: tuple[int | None, ...]
    causes: tuple[Cause, ...]
    fresh: bool


SECONDS = st.one_of(
    st.integers(0, 5),
    st.integers(0, 100),
    st.integers(0, 5000),
    st.integers(-5000, 0),
    st.sampled_from((-(10**9), 10**9)),
).map(float)
STEPS = st.builds(
    Step,
    SECONDS,
    st.booleans(),
    st.tuples(*[st.none() | st.integers(0, 40)] * 4),
    st.tuples(*[st.sampled_from((Cause.FRAGMENTATION, Cause.FRAGMENTATION, *Cause))] * 4),
    st.booleans(),
)


def assessment_of(step: Step) -> Assessment:
    """Make the assessment of a step."""
    return make_assessment(
        *(
            make_reading(headroom, name=name, request=Request(name), cause=cause)
            for name, headroom, cause in zip(NAMES, step.headrooms, step.causes, strict=True)
        )
    )


@settings(deadline=None, max_examples=300)
@given(
    st.lists(STEPS, max_size=80),
    st.sampled_from((1.0, 60.0, 600.0)),
    st.integers(0, 4),
    st.sampled_from((0.0, 2.0, 600.0)),
)
def test_budgets_hold_whatever_happens(
    steps: list[Step], spacing: float, per_hour: int, settle: float
) -> None:
    """Never two at once, never under the spacing, never beyond the budget, never on unknowns.

    Time is what has passed for certain: the clock's steps forward. Where it was set back the
    time that passed is not known.
    """
    poll = Poll(settle_seconds=settle)
    remedies = Remedies(compact_spacing_seconds=spacing, compact_per_hour=per_hour)
    limits = make_limits(poll, remedies)
    state: State = policy.initial()
    now, passed = 0.0, 0.0
    starts: list[float] = []
    running = False
    assessment = make_assessment()
    for step in steps:
        now, passed = now + step.seconds, passed + max(0.0, step.seconds)
        if step.remedy_ends:
            state = policy.finished(state, Run(0.5, None), now)
        if step.fresh:
            assessment = assessment_of(step)
            state = policy.observe(state, assessment, poll, now)
        if policy.settled(state, poll, now):
            state, _ = policy.judge(state, assessment)
            running = False
        state, decision = policy.decide(state, assessment, limits, now)
        if decision.remedy is not None:
            assert decision.remedy is Remedy.COMPACT
            assert not running
            assert decision.reading is not None
            assert decision.reading.severity in (Severity.WARNING, Severity.CRITICAL)
            assert decision.reading.cause is Cause.FRAGMENTATION
            assert decision.reading.demand.request is not Request.CMA
            assert not starts or passed - starts[-1] >= spacing
            starts.append(passed)
            assert sum(passed - start < 3600 for start in starts) <= per_hour
            running = True
        state, news = policy.speak(state, assessment, poll, now)
        for word, reading in news:
            assert reading.severity is not Severity.UNKNOWN
            assert (word is Word.RECOVERED) == (reading.severity is Severity.OK)


@settings(deadline=None, max_examples=200)
@given(st.lists(STEPS, max_size=60))
def test_no_word_is_said_twice(steps: list[Step]) -> None:
    """Consecutive words of a demand differ, and the first one is never a recovery."""
    daemon = Daemon()
    for step in steps:
        if step.remedy_ends:
            daemon.remedy_ends(after=0)
        daemon.tick(*assessment_of(step).readings, after=step.seconds)
    for name in NAMES:
        words = [said for said in daemon.said if said.startswith(f"{name} ")]
        assert all(words[at] != words[at + 1] for at in range(len(words) - 1))
        assert words[:1] != [f"{name} headroom_recovered"]
        if not Request(name).may_sleep:
            assert f"{name} headroom_low" not in words
