"""A remedy from its start to the judgement: running, stuck, settled, effective."""

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Action, Outcome, Problem, Remedy, Run, Severity
from oomwatchd.policy.budget import waiting
from oomwatchd.policy.choice import SCATTERED, level_of
from oomwatchd.policy.state import COMPACTING, Running, Start, State
from oomwatchd.settings import Poll

STUCK_SECONDS = 120.0
"""Compaction of a slow board with slow flash takes seconds; no more than this is waited for."""
_OUTCOMES = 16
_CHANCE_PART = 32
"""Headroom goes up and down by as much by itself."""
_WORTHWHILE_PAGES = 256


def started(  # noqa: PLR0913 - what it is run for, and when
    state: State,
    action: Action,
    reading: Reading,
    assessment: Assessment,
    now: float,
    *,
    asked: bool = False,
) -> State:
    """Enter a remedy into the state; `asked`: it was asked for, whether or not a demand is low."""
    running = Running(
        action=action,
        demand=reading.demand.name,
        cause=reading.cause,
        level=level_of(reading),
        headroom_before=reading.headroom or 0,
        free_pages_before=_free_pages(assessment),
        free_cma_pages_before=_free_cma_pages(assessment),
        started_at=now,
        others=_others(state, action, assessment, now),
        asked=asked,
    )
    counts = {**state.counts, action.remedy: state.counts.get(action.remedy, 0) + 1}
    starts = (*state.starts, Start(action.remedy, now))
    return state._replace(running=running, starts=starts, counts=counts)


def finished(state: State, run: Run, now: float) -> State:
    """Take note that the running remedy has come to its end; it still has to settle."""
    if state.running is None:
        return state
    running = state.running._replace(
        finished_at=now, duration_seconds=run.duration_seconds, error=run.error
    )
    return state._replace(running=running)


def is_stuck(state: State, now: float) -> bool:
    """Whether the running remedy has not come back for so long that it is not counted on."""
    running = state.running
    return (
        running is not None
        and running.finished_at is None
        and now - running.started_at >= STUCK_SECONDS
    )


def doubts(state: State, now: float) -> list[Problem]:
    """List what is wrong with the remedies: one that does not come back, those that failed last."""
    found: list[Problem] = []
    if is_stuck(state, now):
        found.append(Problem("remedies", "the last one has not come back: no more are run"))
    last = {outcome.remedy: outcome.error for outcome in state.outcomes}
    found += [Problem(remedy.value, error) for remedy, error in last.items() if error is not None]
    return found


def settled(state: State, poll: Poll, now: float) -> bool:
    """Whether the running remedy's effect can be judged now."""
    running = state.running
    return (
        running is not None
        and running.finished_at is not None
        and now - running.finished_at >= poll.settle_seconds
    )


def judge(state: State, assessment: Assessment) -> tuple[State, Outcome | None]:
    """Measure what the settled remedy changed, on a sample taken after it settled.

    Effective is what raised its demand above the level that it was low by; what was asked for,
    if it raised headroom or, giving back, the free memory by more than chance would. Of the
    demands that it was meant for, those that are still low remember that it was tried.
    """
    running = state.running
    if running is None or running.finished_at is None:
        return state, None
    by_name = {reading.demand.name: reading for reading in assessment.readings}
    mine = by_name.get(running.demand)
    after = mine.headroom if mine else None
    pages_freed = _free_pages(assessment) - running.free_pages_before
    outcome = Outcome(
        remedy=running.action.remedy,
        node=running.action.node,
        demand=running.demand,
        cause=running.cause,
        headroom_before=running.headroom_before,
        headroom_after=after,
        pages_freed=pages_freed,
        cma_pages_taken=running.free_cma_pages_before - _free_cma_pages(assessment),
        duration_seconds=running.duration_seconds,
        effective=after is not None and _is_effective(running, after, pages_freed),
        finished_at=running.finished_at,
        error=running.error,
    )
    backoffs = dict(state.backoffs)
    if outcome.effective:
        backoffs.pop(running.demand, None)
    tried = dict(state.tried)
    for reading in assessment.readings:
        name = reading.demand.name
        if _was_for(running, reading):
            tried[name] = _with(tried.get(name, frozenset()), running.action.remedy)
    state = state._replace(
        running=None,
        outcomes=(*state.outcomes, outcome)[-_OUTCOMES:],
        backoffs=backoffs,
        tried=tried,
    )
    return state, outcome


def _is_effective(running: Running, after: int, pages_freed: int) -> bool:
    """Whether a remedy did what it was run for."""
    if not running.asked:
        return after > running.level
    if running.action.remedy not in COMPACTING:
        return pages_freed >= _WORTHWHILE_PAGES
    before = running.headroom_before
    return after - before > before // _CHANCE_PART


def _others(state: State, action: Action, assessment: Assessment, now: float) -> frozenset[str]:
    """Name the demands that a remedy is for, besides the one that it was chosen for.

    Compaction of all nodes is for every demand that is fragmented, unless it was given up for a
    while already.
    """
    if action.remedy is not Remedy.COMPACT or action.node is not None:
        return frozenset()
    return frozenset(
        reading.demand.name
        for reading in assessment.readings
        if _is_low(reading)
        and reading.cause in SCATTERED
        and waiting(state, reading.demand.name, now) is None
    )


def _was_for(running: Running, reading: Reading) -> bool:
    """Whether a demand is still low that the remedy should have helped."""
    if not _is_low(reading):
        return False
    if reading.demand.name == running.demand:
        return (reading.headroom or 0) <= running.level
    return reading.demand.name in running.others and reading.cause in SCATTERED


def _is_low(reading: Reading) -> bool:
    return reading.severity in (Severity.WARNING, Severity.CRITICAL)


def _with(tried: frozenset[Remedy], remedy: Remedy) -> frozenset[Remedy]:
    """Add a remedy to those that did not help.

    What was given back lies scattered: compaction is worth another try then.
    """
    return tried | {remedy} if remedy in COMPACTING else frozenset({remedy})


def _free_pages(assessment: Assessment) -> int:
    return sum(zone.free_pages or 0 for zone in assessment.system.zones)


def _free_cma_pages(assessment: Assessment) -> int:
    return sum(zone.free_cma_pages or 0 for zone in assessment.system.zones)
