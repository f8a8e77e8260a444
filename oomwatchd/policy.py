"""(State, Assessment, now) → (State, Decision). Pure: time comes in, nothing goes out.

The theory. A demand is low while its headroom is at or below `warning`. Low demands are acted
on before they are worth a word, because compacting in time is cheap and usually ends it:

- a critical demand at once, a warning one when it has been low for the hold time; the first
  assessment after the start counts without hold, since nobody knows how long it was low;
- only fragmentation is answered, and only by compaction: it cannot mend a shortage, and what
  is reserved stays so;
- for requests that compaction can help: not cma, whose area compaction fills;
- never two remedies at once, never within the spacing, never beyond the hourly budget, even
  if it helps; never before the last one has settled and been judged;
- what cannot be assessed is never acted on.

An outcome is effective when the demand rose above the level that it was low by.

What is said of a demand: `headroom_low` while it is being mended and may sleep meanwhile; warning
or critical when no remedy runs for it, or the one that runs does not come back; critical again at
once, back to warning only when that has lasted for the clearing time; recovered when it has been
above twice its warning level for that time. What is unknown changes nothing that was said.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Cause, Outcome, Remedy, Request, Severity
from oomwatchd.settings import Poll, Remedies

_HOUR_SECONDS = 3600.0
_HISTORY = 60
"""Recent headrooms kept for each demand."""
_OUTCOMES = 16
STUCK_SECONDS = 120.0
"""Compaction of a slow board with slow flash takes seconds; no more than this is waited for."""


class Running(NamedTuple):
    """A remedy that was started, until it has settled and been judged."""

    remedy: Remedy
    demand: str
    cause: Cause
    level: int
    headroom_before: int
    free_pages_before: int
    started_at: float
    finished_at: float | None = None
    duration_seconds: float = 0.0


class Standing(NamedTuple):
    """How a demand stands, since when, and its recent headrooms, oldest first."""

    severity: Severity
    since: float
    history: tuple[int | None, ...]
    clear_since: float | None
    """Since when it has been above twice its warning level; None while it is not."""
    low_since: float | None
    """Since when it has been low, be it warning or critical; None while it is not."""


class Word(Enum):
    """What was last said of a demand; each but RECOVERED stands until another is said."""

    RECOVERED = "headroom_recovered"
    LOW = "headroom_low"
    WARNING = "headroom_warning"
    CRITICAL = "headroom_critical"


class State(NamedTuple):
    """What is remembered between ticks. Times are monotonic seconds."""

    standings: Mapping[str, Standing]
    words: Mapping[str, Word]
    running: Running | None
    starts: tuple[float, ...]
    """When remedies of the last hour were started."""
    counts: Mapping[Remedy, int]
    outcomes: tuple[Outcome, ...]
    first_look: bool


class Limits(NamedTuple):
    """What bounds the decisions."""

    poll: Poll
    remedies: Remedies
    unavailable: str | None
    """Why nothing can be compacted here (dry-run, no root, no such file); None if it can."""


class Decision(NamedTuple):
    """To run a remedy, or (None) to wait, with the reason."""

    remedy: Remedy | None
    reading: Reading | None
    reason: str


def initial() -> State:
    """Give the state before the first tick."""
    return State({}, {}, None, (), dict.fromkeys(Remedy, 0), (), first_look=True)


def observe(state: State, assessment: Assessment, now: float) -> State:
    """Take note of an assessment: who is low since when, and the recent headrooms."""
    standings: dict[str, Standing] = {}
    for reading in assessment.readings:
        name, headroom = reading.demand.name, reading.headroom
        known = state.standings.get(name)
        changed = known is None or known.severity is not reading.severity
        clear_since = known.clear_since if known else None
        if headroom is None or headroom <= 2 * reading.demand.warning:
            clear_since = None
        elif clear_since is None:
            clear_since = now
        low_since = known.low_since if known else None
        if reading.severity is Severity.OK:
            low_since = None
        elif low_since is None and reading.severity is not Severity.UNKNOWN:
            low_since = now
        standings[name] = Standing(
            severity=reading.severity,
            since=now if known is None or changed else known.since,
            history=(*(known.history if known else ()), headroom)[-_HISTORY:],
            clear_since=clear_since,
            low_since=low_since,
        )
    words = {name: word for name, word in state.words.items() if name in standings}
    return state._replace(standings=standings, words=words)


def decide(
    state: State, assessment: Assessment, limits: Limits, now: float
) -> tuple[State, Decision]:
    """Decide whether a remedy runs now. The state returned knows of it as running."""
    # A clock set back makes none of them young again: they count from where it now stands.
    starts = tuple(min(start, now) for start in state.starts if now - start < _HOUR_SECONDS)
    state = state._replace(starts=starts)
    low = [reading for reading in assessment.readings if _calls(reading, state, limits, now)]
    if not low:
        return state, Decision(None, None, "no demand calls for a remedy")
    reading = min(low, key=lambda reading: (-reading.severity.rank, reading.headroom or 0))
    obstacle = _obstacle(state, limits, now)
    if obstacle is not None:
        return state, Decision(None, reading, obstacle)
    reason = f"{reading.demand.name} is {reading.severity.value}"
    return _started(state, reading, assessment, now), Decision(Remedy.COMPACT, reading, reason)


def speak(
    state: State, assessment: Assessment, poll: Poll, now: float
) -> tuple[State, list[tuple[Word, Reading]]]:
    """Say what is new of the demands, once for each change; called after `decide`."""
    words = dict(state.words)
    news: list[tuple[Word, Reading]] = []
    for reading in assessment.readings:
        name = reading.demand.name
        said = words.get(name, Word.RECOVERED)
        word = _word(reading, state, poll, now) or said
        if word is not said:
            words[name] = word
            news.append((word, reading))
    return state._replace(words=words, first_look=False), news


def _word(reading: Reading, state: State, poll: Poll, now: float) -> Word | None:
    """Choose the word for a demand; None to leave the last one standing."""
    standing = state.standings[reading.demand.name]
    if _held(reading, state, poll, now):
        # Compaction is for all zones, and so for all demands that are fragmented.
        being_mended = (
            state.running is not None
            and not is_stuck(state, now)
            and reading.cause is Cause.FRAGMENTATION
        )
        if being_mended and reading.demand.request.may_sleep:
            # The kernel helps such a request along meanwhile: no alarm before the remedy failed.
            said = state.words.get(reading.demand.name, Word.RECOVERED)
            return Word.LOW if said is Word.RECOVERED else None
        if reading.severity is Severity.CRITICAL:
            return Word.CRITICAL
        was_critical = state.words.get(reading.demand.name) is Word.CRITICAL
        # A demand that hovers about its critical level is not told of each time.
        return None if was_critical and now - standing.since < poll.clear_seconds else Word.WARNING
    if standing.clear_since is not None and now - standing.clear_since >= poll.clear_seconds:
        return Word.RECOVERED
    return None


def against(reading: Reading, decision: Decision) -> str:
    """Say why no remedy is run for a demand that is low."""
    if reading.cause is not None and reading.cause is not Cause.FRAGMENTATION:
        return f"none helps against {reading.cause.value}"
    if reading.demand.request is Request.CMA:
        return "compaction would fill CMA"
    return decision.reason


def finished(state: State, duration_seconds: float, now: float) -> State:
    """Take note that the running remedy has come to its end; it still has to settle."""
    if state.running is None:
        return state
    running = state.running._replace(finished_at=now, duration_seconds=duration_seconds)
    return state._replace(running=running)


def is_stuck(state: State, now: float) -> bool:
    """Whether the running remedy has not come back for so long that it is not counted on."""
    running = state.running
    return (
        running is not None
        and running.finished_at is None
        and now - running.started_at >= STUCK_SECONDS
    )


def settled(state: State, poll: Poll, now: float) -> bool:
    """Whether the running remedy's effect can be judged now."""
    running = state.running
    return (
        running is not None
        and running.finished_at is not None
        and now - running.finished_at >= poll.settle_seconds
    )


def judge(state: State, assessment: Assessment) -> tuple[State, Outcome | None]:
    """Measure what the settled remedy changed, on a sample taken after it settled."""
    running = state.running
    if running is None or running.finished_at is None:
        return state, None
    after = next((r.headroom for r in assessment.readings if r.demand.name == running.demand), None)
    outcome = Outcome(
        remedy=running.remedy,
        node=None,
        demand=running.demand,
        cause=running.cause,
        headroom_before=running.headroom_before,
        headroom_after=after,
        pages_freed=_free_pages(assessment) - running.free_pages_before,
        duration_seconds=running.duration_seconds,
        effective=after is not None and after > running.level,
        finished_at=running.finished_at,
    )
    outcomes = (*state.outcomes, outcome)[-_OUTCOMES:]
    return state._replace(running=None, outcomes=outcomes), outcome


def _calls(reading: Reading, state: State, limits: Limits, now: float) -> bool:
    """Whether a demand is low, for long enough, in a way that compaction answers."""
    return (
        reading.cause is Cause.FRAGMENTATION
        and reading.demand.request is not Request.CMA
        and _held(reading, state, limits.poll, now)
    )


def _held(reading: Reading, state: State, poll: Poll, now: float) -> bool:
    """Whether a demand is low and has been so for the hold time."""
    if reading.severity is Severity.CRITICAL:
        return True
    standing = state.standings.get(reading.demand.name)
    return (
        reading.severity is Severity.WARNING
        and standing is not None
        and standing.low_since is not None
        and (state.first_look or now - standing.low_since >= poll.hold_seconds)
    )


def _obstacle(state: State, limits: Limits, now: float) -> str | None:
    """Say what stands against compacting now; None where nothing does."""
    if not limits.remedies.compact:
        return "compaction is switched off by the configuration"
    if limits.unavailable is not None:
        return limits.unavailable
    if state.running is not None:
        return "a remedy is running or settling"  # or stuck: then for good
    spacing = limits.remedies.compact_spacing_seconds
    if state.starts and now - state.starts[-1] < spacing:
        return f"the last compaction was less than {spacing:g} s ago"
    if len(state.starts) >= limits.remedies.compact_per_hour:
        return "the budget of compactions for this hour is used up"
    return None


def _started(state: State, reading: Reading, assessment: Assessment, now: float) -> State:
    """Enter the remedy into the state."""
    demand = reading.demand
    critical = reading.severity is Severity.CRITICAL
    running = Running(
        remedy=Remedy.COMPACT,
        demand=demand.name,
        cause=reading.cause or Cause.FRAGMENTATION,
        level=demand.critical if critical else demand.warning,
        headroom_before=reading.headroom or 0,
        free_pages_before=_free_pages(assessment),
        started_at=now,
    )
    counts = {**state.counts, Remedy.COMPACT: state.counts.get(Remedy.COMPACT, 0) + 1}
    return state._replace(running=running, starts=(*state.starts, now), counts=counts)


def _free_pages(assessment: Assessment) -> int:
    return sum(zone.free_pages or 0 for zone in assessment.system.zones)
