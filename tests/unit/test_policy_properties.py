"""What no sequence of events can bring about."""

from typing import NamedTuple

from builders import make_assessment, make_reading
from hypothesis import given, settings
from hypothesis import strategies as st
from policies import BOOT, missing_all_but

from oomwatchd import policy
from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.assess.demands import measures_available
from oomwatchd.assess.memory import Memory
from oomwatchd.model import Cause, Remedy, Request, Run, Severity
from oomwatchd.policy import Decision, Limits, State, Word
from oomwatchd.policy.pace import pause
from oomwatchd.settings import Hours, Poll, Remedies

SCATTERED = (Cause.FRAGMENTATION, Cause.RESERVED)
COMPACTING = (Remedy.COMPACT, Remedy.COMPACT_ASYNC)
KINDS = (
    (Remedy.COMPACT,),
    (Remedy.COMPACT_ASYNC,),
    (Remedy.RECLAIM,),
    (Remedy.DROP_PAGECACHE, Remedy.DROP_SLAB, Remedy.DROP_ALL),
)
HOUR, DAY = 3600.0, 86_400.0
QUIET = Hours(60, 120)


class Step(NamedTuple):
    """What happens before a look, and what is seen."""

    seconds: float
    times: int
    event: str
    headrooms: tuple[int | None, ...]
    causes: tuple[Cause, ...]
    watched: frozenset[str]
    limits: Limits
    memory: Memory
    free_pages: int


SECONDS = st.one_of(
    st.sampled_from((0, 1, 2, 60)),
    st.integers(0, 5),
    st.integers(0, 100),
    st.integers(0, 5000),
    st.integers(-5000, 0),
    st.sampled_from((-(10**9), 10**9)),
).map(float)
NAMES = {
    "kernel": (Request.KERNEL, 2),
    "atomic": (Request.ATOMIC, 2),
    "cma": (Request.CMA, 2),
    "movable": (Request.MOVABLE, 2),
    "memory": (Request.KERNEL, 0),
}
EVENTS = ("ends", "ends", "ends", "fails", "runs", "runs", "gap", "restart", "inhibit", "stale")
REMEDIES = st.builds(
    Remedies,
    compact=st.sampled_from((True, True, True, False)),
    compact_async=st.booleans(),
    compact_spacing_seconds=st.sampled_from((1.0, 60.0, 600.0)),
    compact_per_hour=st.integers(0, 5),
    compact_per_day=st.integers(0, 8),
    reclaim=st.booleans(),
    reclaim_spacing_seconds=st.sampled_from((1.0, 60.0, 600.0)),
    reclaim_per_hour=st.integers(0, 5),
    reclaim_per_day=st.integers(0, 8),
    drop_caches=st.booleans(),
    drop_spacing_seconds=st.sampled_from((1.0, 60.0, 1800.0)),
    drop_per_hour=st.integers(0, 4),
    drop_per_day=st.integers(0, 6),
    backoff_min_seconds=st.sampled_from((1.0, 60.0)),
    backoff_max_seconds=st.sampled_from((60.0, 3600.0)),
    realtime=st.booleans(),
    quiet_hours=st.sampled_from(((), (), (QUIET,))),
)
LIMITS = st.builds(
    Limits,
    poll=st.builds(
        Poll,
        interval_min_seconds=st.just(0.5),
        interval_max_seconds=st.just(10.0),
        hold_seconds=st.sampled_from((0.0, 15.0)),
        clear_seconds=st.sampled_from((0.0, 60.0)),
        settle_seconds=st.sampled_from((0.0, 2.0, 600.0)),
    ),
    remedies=REMEDIES,
    unavailable=st.sampled_from((None,) * 9 + ("no rights",)),
    missing=st.frozensets(st.sampled_from(Remedy), min_size=2).map(missing_all_but),
    nodes=st.sampled_from(((), (), (0, 1))),
    realtime=st.sampled_from((None,) * 5 + ("a task",)),
    minute_of_day=st.sampled_from((0, 60, 600)),
    dry_run=st.sampled_from((False,) * 9 + (True,)),
)
KIB = st.sampled_from((None, 0, 1500, 5000, 1 << 20))
STEPS = st.builds(
    Step,
    seconds=SECONDS,
    times=st.integers(1, 6),
    event=st.sampled_from(EVENTS),
    headrooms=st.tuples(*[st.none() | st.integers(0, 4) | st.integers(0, 40)] * len(NAMES)),
    causes=st.tuples(
        *[st.sampled_from((Cause.FRAGMENTATION, Cause.FRAGMENTATION, *Cause))] * len(NAMES)
    ),
    watched=st.sampled_from((frozenset(NAMES),) * 5 + (frozenset(("kernel", "cma")), frozenset())),
    limits=LIMITS,
    memory=st.tuples(KIB, KIB).map(
        lambda kib: Memory(droppable_pagecache_kib=kib[0], droppable_slab_kib=kib[1])
    ),
    free_pages=st.sampled_from((5099, 5099, 5000, 4000, 1000, 0)),
)


def assessment_of(step: Step) -> Assessment:
    """Make the assessment of a step."""
    readings: list[Reading] = []
    for (name, (request, order)), headroom, cause in zip(
        NAMES.items(), step.headrooms, step.causes, strict=True
    ):
        reading = make_reading(headroom, name=name, request=request, cause=cause)
        if name in step.watched:
            readings.append(reading._replace(demand=reading.demand._replace(order=order)))
    return make_assessment(*readings, free_pages=step.free_pages)._replace(memory=step.memory)


class Witness:
    """Goes through the steps as the loop does, and keeps books of its own.

    Time is what has passed for certain: the clock's steps forward. Where it was set back the
    time that passed is not known.
    """

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self.state: State = policy.initial()
        self.now = self.passed = 0.0
        self.starts: list[tuple[float, Remedy]] = []
        self.is_running = False
        self.words: dict[str, Word] = {}
        self.assessment = make_assessment()
        self.inhibited_until = 0.0
        self.free_pages: int | None = None
        self.moved_at = float("-inf")

    def go(self, step: Step) -> None:
        """Take a step, and check all that must hold."""
        self.now = max(0.0, self.now + step.seconds)
        self.passed += max(0.0, step.seconds)
        self.happen(step)
        poll = step.limits.poll
        if step.event != "stale" or not self.state.standings:
            self.assessment = assessment_of(step)
            self.watch_free_pages(step)
            self.state = policy.observe(self.state, self.assessment, poll, self.now)
        if policy.settled(self.state, poll, self.now):
            self.state, outcome = policy.judge(self.state, self.assessment)
            assert outcome is not None
            self.is_running = False
        before = self.state
        self.state, decision = policy.decide(before, self.assessment, step.limits, self.now)
        self.check_backoffs(before, decision)
        if decision.action is not None:
            self.check_action(before, decision, step)
        self.listen(poll)
        seconds = pause(self.state, self.assessment, poll, self.now).seconds
        assert poll.interval_min_seconds <= seconds <= poll.interval_max_seconds
        left = policy.budget_left(self.state, step.limits.remedies, self.now)
        assert min(left.values()) >= 0
        if policy.is_idle(self.state):
            self.check_idle(step.limits)

    def happen(self, step: Step) -> None:
        """Let the event of a step come true."""
        if step.event in ("ends", "fails"):
            error = "an error" if step.event == "fails" else None
            self.state = policy.finished(self.state, Run(0.5, error), self.now)
        elif step.event == "gap":
            self.state = policy.after_gap(self.state, max(0.0, step.seconds), self.now)
        elif step.event == "restart":
            memo = policy.memo_of(self.state, BOOT)
            self.state = policy.recalled(policy.initial(), memo, BOOT, self.now)
            self.is_running = False
            self.words.clear()
            self.free_pages, self.moved_at = None, float("-inf")
        elif step.event == "inhibit":
            self.inhibited_until = self.passed + 50
            self.state = self.state._replace(inhibited_until=self.now + 50)

    def watch_free_pages(self, step: Step) -> None:
        """Take note of when free memory changed much, from the second look on."""
        if step.free_pages == 0:
            return  # not known
        known, self.free_pages = self.free_pages, step.free_pages
        if known is not None and 8 * abs(step.free_pages - known) > max(step.free_pages, known):
            self.moved_at = self.now

    def is_in_motion(self, reading: Reading, poll: Poll) -> bool:
        """Whether it is too soon for a demand that may sleep."""
        low_since = self.state.standings[reading.demand.name].low_since
        return (
            reading.demand.request.may_sleep
            and 0 <= self.now - self.moved_at < poll.interval_min_seconds
            and low_since is not None
            and self.now - low_since < poll.settle_seconds
        )

    def check_action(self, before: State, decision: Decision, step: Step) -> None:
        """Check that nothing stood against a remedy that is to be run."""
        action, reading, limits = decision.action, decision.reading, step.limits
        assert action is not None
        assert reading is not None
        remedy, remedies = action.remedy, limits.remedies
        assert not self.is_running
        assert limits.unavailable is None
        assert not limits.dry_run
        assert limits.realtime is None or remedies.realtime
        assert not (remedies.quiet_hours and limits.minute_of_day == QUIET.from_minute)
        assert self.passed >= self.inhibited_until
        self.check_remedy(remedy, limits)
        assert policy.waiting(before, reading.demand.name, self.now) is None
        assert reading.severity in (Severity.WARNING, Severity.CRITICAL)
        assert reading.demand.request is not Request.CMA
        assert reading.cause in (*SCATTERED, Cause.SHORTAGE)
        asleep = reading.demand.request.may_sleep
        assert reading.cause in SCATTERED or not asleep
        assert not self.is_in_motion(reading, limits.poll)
        if remedy in COMPACTING:
            assert reading.cause in SCATTERED
            self.check_cma(reading)
        else:
            system, demand = self.assessment.system, reading.demand
            assert reading.severity is Severity.CRITICAL
            assert not measures_available(system, demand.request, demand.order)
            assert sum(kib or 0 for kib in self.assessment.memory) >= 2048
        self.starts.append((self.passed, remedy))
        self.is_running = True

    def check_remedy(self, remedy: Remedy, limits: Limits) -> None:
        """Check that a remedy is there, allowed, and within its bounds."""
        remedies = limits.remedies
        assert remedy not in limits.missing
        compacts = remedy in COMPACTING
        drops = remedies.reclaim if remedy is Remedy.RECLAIM else remedies.drop_caches
        assert remedies.compact if compacts else drops
        assert remedies.compact_async or remedy is not Remedy.COMPACT_ASYNC
        (kind,) = (kind for kind in KINDS if remedy in kind)
        key = "compact" if compacts else "reclaim" if remedy is Remedy.RECLAIM else "drop"
        bounds = remedies._asdict()
        spacing = bounds[f"{key}_spacing_seconds"]
        ages = [self.passed - at for at, other in self.starts if other in kind]
        assert min(ages, default=spacing) >= spacing
        sharing = COMPACTING if compacts else kind
        shared = [self.passed - at for at, other in self.starts if other in sharing]
        assert sum(age < HOUR for age in shared) < bounds[f"{key}_per_hour"]
        assert sum(age < DAY for age in shared) < bounds[f"{key}_per_day"]

    def check_cma(self, reading: Reading) -> None:
        """Check that no cma demand is near where compaction is at leisure."""
        near = any(
            other.demand.request is Request.CMA
            and other.cause is not Cause.UNSATISFIABLE
            and other.headroom is not None
            and other.headroom <= 2 * other.demand.warning
            for other in self.assessment.readings
        )
        assert reading.severity is Severity.CRITICAL or not near

    def check_backoffs(self, before: State, decision: Decision) -> None:
        """Check that each back-off is announced once, when it begins, and begins then."""
        announced = {reading.demand.name: backoff for reading, backoff in decision.backed_off}
        assert len(announced) == len(decision.backed_off)
        for reading, backoff in decision.backed_off:
            name = reading.demand.name
            assert reading.demand.request is not Request.CMA
            assert policy.waiting(before, name, self.now) is None
            assert backoff.until > self.now
            assert decision.reading is not None
            assert decision.action is None or decision.reading.demand.name != name
            assert name in before.tried
            known = before.backoffs.get(name)
            assert backoff.failures == min(16, known.failures + 1 if known else 1)
        changed = {
            name: backoff
            for name, backoff in self.state.backoffs.items()
            if name not in before.backoffs or backoff.failures != before.backoffs[name].failures
        }
        assert changed.keys() <= announced.keys()

    def listen(self, poll: Poll) -> None:
        """Check what is said."""
        self.words = {
            name: word for name, word in self.words.items() if name in self.state.standings
        }
        self.state, news = policy.speak(self.state, self.assessment, poll, self.now)
        for word, reading in news:
            name = reading.demand.name
            assert self.words.get(name, Word.RECOVERED) is not word
            assert reading.severity is not Severity.UNKNOWN
            assert (word is Word.RECOVERED) == (reading.severity is Severity.OK)
            assert word is not Word.LOW or (self.is_running and reading.demand.request.may_sleep)
            assert word is not Word.CRITICAL or reading.severity is Severity.CRITICAL
            if name not in self.words or self.words[name] is Word.RECOVERED:
                self.check_first_word(word, reading, poll)
            self.words[name] = word

    def check_first_word(self, word: Word, reading: Reading, poll: Poll) -> None:
        """Check that no alarm is raised of what the kernel ends by itself, or too soon."""
        demand = reading.demand
        if word is Word.LOW or not demand.request.may_sleep:
            return
        assert not self.is_in_motion(reading, poll)
        if reading.cause is Cause.SHORTAGE and not measures_available(
            self.assessment.system, demand.request, demand.order
        ):
            assert sum(kib or 0 for kib in self.assessment.memory) < 2048

    def check_idle(self, limits: Limits) -> None:
        """Check that nothing happens as long as nothing changes."""
        assert all(reading.severity is Severity.OK for reading in self.assessment.readings)
        state = self.state
        for seconds in (0.5, 100.0, 1e6):
            later = self.now + seconds
            state = policy.observe(state, self.assessment, limits.poll, later)
            state, decision = policy.decide(state, self.assessment, limits, later)
            state, news = policy.speak(state, self.assessment, limits.poll, later)
            assert (decision.action, decision.backed_off, news) == (None, (), [])
            assert policy.is_idle(state)


@settings(deadline=None, max_examples=300)
@given(st.lists(STEPS, max_size=40))
def test_nothing_is_done_against_the_theory(steps: list[Step]) -> None:
    """Never two at once, none against a budget, a bound or a word; whatever happens."""
    witness = Witness()
    for step in steps:
        for _ in range(step.times):
            witness.go(step)


@settings(deadline=None, max_examples=150)
@given(st.lists(STEPS, max_size=40), LIMITS)
def test_nothing_is_done_against_the_theory_with_one_configuration(
    steps: list[Step], limits: Limits
) -> None:
    """The same, with limits that stay as they are: deeper into back-offs and budgets."""
    witness = Witness()
    for step in steps:
        for _ in range(step.times):
            witness.go(step._replace(limits=limits, watched=frozenset(NAMES)))
