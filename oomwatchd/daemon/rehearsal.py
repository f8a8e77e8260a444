"""The rehearsal: once through what will be needed when memory is short, the error paths too.

What Python loads, compiles or allocates at the first use is there afterwards, and locked with
the rest: nothing is imported between a low demand and its remedy.
"""

from oomwatchd import policy
from oomwatchd.alerts.text import render
from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.daemon.answers import Answers
from oomwatchd.daemon.board import Board
from oomwatchd.daemon.reporter import described
from oomwatchd.daemon.view import View
from oomwatchd.errors import ConfigError, Exit, ParseError
from oomwatchd.model import Action, Cause, Remedy, Run, Severity
from oomwatchd.policy import Limits, Refusal
from oomwatchd.policy.pace import pause
from oomwatchd.procfs import buddyinfo
from oomwatchd.settings import Config, Poll, Remedies
from oomwatchd.status.document import outcome_of
from oomwatchd.status.protocol import RequestError, encode_error, parse_request
from oomwatchd.system.clock import minute_of_day


def rehearse(view: View, answers: Answers, board: Board, config: Config, now: float) -> None:
    """Go through a whole case on a state of its own; nothing is changed and nothing told."""
    assessment = view.last(now)
    view.pause_if_far(now)
    view.new_kills()
    minute_of_day()
    _mend(assessment, now)
    answers.gather()
    answers.status(assessment, policy.initial(), config, (), now)
    board.rehearse(assessment, policy.initial(), now)
    for request in (b"{", b'{"method":1}', b"\xff", b"inhibit x", b"compact 0"):
        try:
            parse_request(request)
        except RequestError as error:
            encode_error(error)
    try:
        buddyinfo.parse(b"nothing\xff that a kernel prints")
    except ParseError as error:
        render("degraded", {"why": str(ConfigError([str(error)])), "code": Exit.DATA})


def _mend(assessment: Assessment, now: float) -> None:
    """Let every demand be low, be compacted for in vain, and be backed off."""
    readings = tuple(_low(reading) for reading in assessment.readings)
    low = assessment._replace(readings=readings, severity=Severity.CRITICAL)
    limits = Limits(Poll(hold_seconds=0.0, settle_seconds=0.0), Remedies())
    state = policy.initial()
    for tick in range(4):
        at = now + tick * limits.remedies.compact_spacing_seconds
        state = policy.observe(state, low, limits.poll, at)
        state, _ = policy.judge(state, low)
        state, decision = policy.decide(state, low, limits, at)
        state, news = policy.speak(state, low, limits.poll, at)
        for word, reading in news:
            described(reading)
            render(word.value, {"demand": reading.demand.name, "remedy": decision.reason})
        policy.doubts(state, at)
        pause(state, low, limits.poll, at)
        state = policy.finished(state, Run(0.1, f"{Remedy.COMPACT.value}: rehearsed"), at)
    _, answer = policy.ask_for(state, low, Action(Remedy.COMPACT), limits, now)
    if isinstance(answer, Refusal):
        encode_error(RequestError(Exit.BUSY, answer.why))
    for outcome in state.outcomes:
        outcome_of(outcome, now)
    memo = policy.memo_of(state, "boot")
    policy.recalled(policy.after_gap(state, 1.0, now), memo, "boot", now)


def _low(reading: Reading) -> Reading:
    """Make a reading one of a fragmented demand."""
    return reading._replace(headroom=0, severity=Severity.CRITICAL, cause=Cause.FRAGMENTATION)
