"""What is said of the demands: one word for each change."""

from typing import NamedTuple

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.assess.demands import measures_available
from oomwatchd.model import Cause, Remedy, Severity
from oomwatchd.policy.choice import SCATTERED, can_give_back
from oomwatchd.policy.effect import is_stuck
from oomwatchd.policy.standing import eased_seconds, is_clear, is_held, is_in_motion, low_seconds
from oomwatchd.policy.state import COMPACTING, Decision, State, Word
from oomwatchd.settings import Poll


class _Case(NamedTuple):
    """What the words go by."""

    state: State
    assessment: Assessment
    poll: Poll
    now: float


def speak(
    state: State, assessment: Assessment, poll: Poll, now: float
) -> tuple[State, list[tuple[Word, Reading]]]:
    """Say what is new of the demands, once for each change; called after `decide`."""
    words = dict(state.words)
    news: list[tuple[Word, Reading]] = []
    for reading in assessment.readings:
        name = reading.demand.name
        said = words.get(name, Word.RECOVERED)
        word = _word(reading, said, _Case(state, assessment, poll, now)) or said
        if word is not said:
            words[name] = word
            news.append((word, reading))
    return state._replace(words=words, first_look=False), news


def is_unspoken(state: State) -> bool:
    """Whether a demand is low of which nothing was said yet: a remedy may be about to come."""
    low = (Severity.WARNING, Severity.CRITICAL)
    return any(
        standing.severity in low and state.words.get(name, Word.RECOVERED) is Word.RECOVERED
        for name, standing in state.standings.items()
    )


def against(reading: Reading, decision: Decision) -> str:
    """Say why no remedy is run for a demand that is low."""
    return decision.against.get(reading.demand.name, decision.reason)


def _word(reading: Reading, said: Word, case: _Case) -> Word | None:
    """Choose the word for a demand; None to leave the last one standing."""
    state, poll, now = case.state, case.poll, case.now
    standing = state.standings[reading.demand.name]
    if not is_held(reading, state, poll, now):
        return Word.RECOVERED if is_clear(standing, poll, now) else None
    if reading.demand.request.may_sleep:
        if _is_being_mended(reading, state, now):
            return Word.LOW if said is Word.RECOVERED else None
        if said is Word.RECOVERED and (
            is_in_motion(reading, state, poll, now) or _kernel_reclaims(reading, case)
        ):
            return None
    if reading.severity is Severity.CRITICAL:
        return Word.CRITICAL
    # A demand that hovers about its critical level is not told of each time.
    hovers = said is Word.CRITICAL and eased_seconds(standing, now) < poll.clear_seconds
    return None if hovers else Word.WARNING


def _is_being_mended(reading: Reading, state: State, now: float) -> bool:
    """Whether a remedy is under way for the demand, and none before it failed.

    Compaction is for all zones, and so for all demands that are fragmented. Where only the
    gentle one did not do, the real one is still to come.
    """
    running, name = state.running, reading.demand.name
    if running is None or is_stuck(state, now):
        return False
    if state.tried.get(name, frozenset()) - {Remedy.COMPACT_ASYNC}:
        return False
    compacting = running.action.remedy in COMPACTING and running.action.node is None
    return running.demand == name or (compacting and reading.cause in SCATTERED)


def _kernel_reclaims(reading: Reading, case: _Case) -> bool:
    """Whether this is a shortage that the kernel's own reclaim ends as soon as anybody asks.

    Where too little can be reclaimed it has the settling time all the same. Memory measured as
    available counts what can be reclaimed already.
    """
    demand, assessment = reading.demand, case.assessment
    if reading.cause is not Cause.SHORTAGE:
        return False
    if measures_available(assessment.system, demand.request, demand.order):
        return False
    lasts = low_seconds(reading, case.state, case.now) >= case.poll.settle_seconds
    return not lasts or can_give_back(reading, assessment)
