"""What somebody asks for: a remedy now, or none for a while.

Whoever may ask knows why: spacing, hold, back-off and quiet hours do not stand against it. The
budgets, a remedy that is under way and what rules remedies out altogether do. What is asked for
counts for the budgets and for the spacing of what comes by itself.
"""

from typing import NamedTuple

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Action, Cause, Request
from oomwatchd.policy.budget import beside_realtime, exhausted, inhibition, pruned
from oomwatchd.policy.choice import obstacle
from oomwatchd.policy.effect import started
from oomwatchd.policy.state import Decision, Limits, State


class Refusal(NamedTuple):
    """Why a remedy that was asked for is not run; `lasting`: nor will it be if asked again."""

    why: str
    lasting: bool


def ask_for(
    state: State, assessment: Assessment, action: Action, limits: Limits, now: float
) -> tuple[State, Decision | Refusal]:
    """Decide on a remedy that is asked for. The state returned knows of it as running."""
    state = pruned(state, limits.remedies, now)
    if refusal := _refusal(state, action, limits, now):
        return state, refusal
    reading = _most_needy(assessment)
    if reading is None:
        return state, Refusal("no demand could be measured, to judge it by", lasting=False)
    state = started(state, action, reading, assessment, now, asked=True)
    return state, Decision(action, reading, "asked for")


def inhibited(state: State, seconds: float, now: float) -> State:
    """Have no remedy run for so many seconds; 0 ends that."""
    return state._replace(inhibited_until=now + seconds if seconds > 0 else None)


def _refusal(state: State, action: Action, limits: Limits, now: float) -> Refusal | None:
    """Say what stands against it."""
    lasting = (
        limits.unavailable
        or obstacle(action.remedy, limits)
        or ("a dry-run changes nothing" if limits.dry_run else None)
        or _no_such_node(action, limits)
        or beside_realtime(limits)
    )
    if lasting:
        return Refusal(lasting, lasting=True)
    passing = (
        ("a remedy is under way" if state.running is not None else None)
        or inhibition(state, now)
        or exhausted(state, action.remedy, limits, now)
    )
    return Refusal(passing, lasting=False) if passing else None


def _no_such_node(action: Action, limits: Limits) -> str | None:
    if action.node is None or action.node in limits.nodes:
        return None
    return f"node {action.node} cannot be compacted by itself"


def _most_needy(assessment: Assessment) -> Reading | None:
    """Choose the demand that it is judged by: of blocks rather than pages, the lowest first."""
    measured = [
        reading
        for reading in assessment.readings
        if reading.headroom is not None and reading.cause is not Cause.UNSATISFIABLE
    ]
    return min(measured, key=_neediness, default=None)


def _neediness(reading: Reading) -> tuple[bool, bool, float]:
    """Order demands: those that a remedy may help, by how near they are to their levels."""
    demand = reading.demand
    distance = (reading.headroom or 0) / max(1, demand.warning)
    return demand.request is Request.CMA, demand.order == 0, distance
