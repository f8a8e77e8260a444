"""To run a remedy or to wait, and why."""

from typing import NamedTuple

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Action, Cause, Remedy, Severity
from oomwatchd.policy.budget import backed_off, exhausted, pruned, silence, too_soon, waiting
from oomwatchd.policy.choice import needs_cma, no_rung, rungs
from oomwatchd.policy.effect import is_stuck, started
from oomwatchd.policy.standing import is_held, is_in_motion, low_seconds
from oomwatchd.policy.state import COMPACTING, Backoff, Decision, Limits, State


class _Case(NamedTuple):
    """What a decision goes by."""

    state: State
    assessment: Assessment
    limits: Limits
    now: float


class _Answer(NamedTuple):
    """The remedy for one low demand; without one, what stands against it."""

    action: Action | None
    why: str
    is_spent: bool = False
    """Whether everything that may be tried was tried in vain."""


def decide(
    state: State, assessment: Assessment, limits: Limits, now: float
) -> tuple[State, Decision]:
    """Decide whether a remedy runs now. The state returned knows of it as running.

    A demand that everything was tried for in vain is backed off, once.
    """
    state = pruned(state, limits.remedies, now)
    low = [reading for reading in assessment.readings if is_held(reading, state, limits.poll, now)]
    if not low:
        return state, Decision(None, None, "no demand calls for a remedy")
    low.sort(key=lambda reading: (-reading.severity.rank, reading.headroom or 0))
    against: dict[str, str] = {}
    spent: list[tuple[Reading, Backoff]] = []
    chosen: tuple[Action, Reading] | None = None
    for reading in low:
        name = reading.demand.name
        answer = _answer(reading, _Case(state, assessment, limits, now))
        if answer.is_spent:
            backoff = backed_off(state, name, limits.remedies, now)
            spent.append((reading, backoff))
            state = state._replace(
                backoffs={**state.backoffs, name: backoff},
                tried={key: tried for key, tried in state.tried.items() if key != name},
            )
        if answer.action is None:
            against[name] = answer.why
        elif chosen is None:
            chosen = answer.action, reading
    if chosen is None:
        reason = against[low[0].demand.name]
        return state, Decision(None, low[0], reason, against, tuple(spent))
    action, reading = chosen
    reason = f"{reading.demand.name} is {reading.severity.value}"
    state = started(state, action, reading, assessment, now)
    return state, Decision(action, reading, reason, against, tuple(spent))


def _answer(reading: Reading, case: _Case) -> _Answer:
    """Choose the remedy for one low demand."""
    in_vain = _nodes_in_vain(reading, case)
    possible = list(rungs(reading, case.assessment, case.limits, in_vain))
    if not possible:
        return _Answer(None, no_rung(reading, case.limits))
    if why := _veto(reading, case):
        return _Answer(None, why)
    tried = case.state.tried.get(reading.demand.name, frozenset())
    for action in possible:
        if action.remedy in tried and not _is_elsewhere(action, in_vain, case.limits):
            continue
        if _gives_back(action.remedy) and any(map(_gives_back, tried)):
            continue
        why = _obstacle(action.remedy, reading, case)
        if not why and case.limits.dry_run:
            why = f"would run {action.remedy.value}, but for the dry-run"
        if why and tried and _gives_back(action.remedy):
            continue  # too long to wait for, when compaction can be tried again before
        # A rung that only has to wait is waited for: the next ones are harsher.
        return _Answer(None, why) if why else _Answer(action, "")
    return _Answer(None, _in_vain(reading, tried, case.state), is_spent=True)


def _nodes_in_vain(reading: Reading, case: _Case) -> frozenset[int | None]:
    """Give the nodes that were compacted in vain since the demand became low; None is all.

    None of them where there is but one, which is all: that it was tried says enough.
    """
    state = case.state
    if len(case.limits.nodes) < 2:  # noqa: PLR2004 - of one there is nothing to choose
        return frozenset()
    standing = state.standings.get(reading.demand.name)
    since = standing.low_since if standing else None
    if since is None:
        return frozenset()
    return frozenset(
        one.node
        for one in state.outcomes
        if one.remedy is Remedy.COMPACT
        and one.demand == reading.demand.name
        and not one.effective
        and one.finished_at >= since
    )


def _is_elsewhere(action: Action, in_vain: frozenset[int | None], limits: Limits) -> bool:
    """Whether it is a compaction of a node that was not compacted yet."""
    if action.remedy is not Remedy.COMPACT or len(limits.nodes) < 2:  # noqa: PLR2004 - one is all
        return False
    return None not in in_vain and action.node not in in_vain


def _in_vain(reading: Reading, tried: frozenset[Remedy], state: State) -> str:
    """Say what it means that everything was tried."""
    if not tried & COMPACTING:
        return "nothing helped"
    # The last run of each.
    errors = {it.remedy: it.error for it in state.outcomes if it.remedy in tried & COMPACTING}
    if errors and None not in errors.values():
        return f"compaction failed: {errors.get(Remedy.COMPACT) or errors[Remedy.COMPACT_ASYNC]}"
    # Enough is free, and what can be moved was: the rest holds it apart.
    unmovable = "unmovable: " if reading.cause is Cause.FRAGMENTATION else ""
    return f"{unmovable}compaction did not help"


def _veto(reading: Reading, case: _Case) -> str | None:
    """Say why nothing is run for a demand now, whatever it would be."""
    state, limits, now = case.state, case.limits, case.now
    if why := silence(state, limits, now):
        return why
    if state.running is not None:
        stuck = is_stuck(state, now)
        return "the last remedy does not come back" if stuck else "a remedy is under way"
    if (seconds := waiting(state, reading.demand.name, now)) is not None:
        return f"backed off for {seconds:.0f} s: the last remedy did not help"
    if is_in_motion(reading, state, limits.poll, now):
        return "memory is being taken or given back right now"
    return "the kernel's own reclaim comes first" if _is_left_to_kernel(reading, case) else None


def _obstacle(remedy: Remedy, reading: Reading, case: _Case) -> str | None:
    """Say what stands against one remedy now."""
    return (
        exhausted(case.state, remedy, case.limits, case.now)
        or too_soon(case.state, remedy, case.limits, case.now)
        or (needs_cma(reading, case.assessment) if remedy in COMPACTING else None)
    )


def _gives_back(remedy: Remedy) -> bool:
    return remedy not in COMPACTING


def _is_left_to_kernel(reading: Reading, case: _Case) -> bool:
    """Whether the kernel's own reclaim still has its time."""
    return (
        reading.cause is Cause.SHORTAGE
        and reading.severity is Severity.CRITICAL
        and low_seconds(reading, case.state, case.now) < case.limits.poll.settle_seconds
    )
