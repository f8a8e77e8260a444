"""Telling: each change as one event, by the fixed names, and nothing twice."""

from oomwatchd.alerts.log import Log
from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.model import Outcome, Problem, Process, Severity
from oomwatchd.policy import Decision, State, Word, against

_SHOWN_PROCESSES = 3


class Reporter:
    """Turns what the loop found into events; remembers which problems have been told."""

    def __init__(self, emit: Log, outlook: Outlook) -> None:
        """Nothing has been told yet."""
        self.emit = emit
        self._outlook = outlook
        self._told: tuple[Problem, ...] = ()

    def demand(  # noqa: PLR0913 - all that is told of it
        self,
        word: Word,
        reading: Reading,
        decision: Decision,
        state: State,
        now: float,
        *,
        processes: tuple[Process, ...] = (),
    ) -> None:
        """Tell how a demand stands now, and what is done about it or why nothing is."""
        demand = reading.demand
        evidence = {"largest": _largest(processes)} if word is Word.CRITICAL else {}
        self.emit(
            word.value,
            demand=demand.name,
            headroom=reading.headroom,
            warning=demand.warning,
            critical=demand.critical,
            order=demand.order,
            request=demand.request.value,
            cause=reading.cause.value if reading.cause else None,
            lower_bound=reading.lower_bound,
            exhaustion_seconds=self._outlook.seconds(demand.name, now),
            remedy=_remedy(word, reading, decision, state),
            **evidence,
        )

    def decision(self, decision: Decision, now: float) -> None:
        """Tell that a remedy begins, and for which demands nothing is tried for a while."""
        for reading, backoff in decision.backed_off:
            self.emit(
                "remedy_backed_off",
                demand=reading.demand.name,
                headroom=reading.headroom,
                cause=reading.cause.value if reading.cause else None,
                seconds=backoff.until - now,
                failures=backoff.failures,
                why=against(reading, decision),
            )
        if decision.action is not None and decision.reading is not None:
            self.emit(
                "remedy_started",
                remedy=decision.action.remedy.value,
                demand=decision.reading.demand.name,
                headroom=decision.reading.headroom,
                node=decision.action.node,
                why=decision.reason,
            )

    def finished(self, outcome: Outcome) -> None:
        """Tell what a remedy changed."""
        self.emit(
            "remedy_finished",
            remedy=outcome.remedy.value,
            demand=outcome.demand,
            effective=outcome.effective,
            headroom_before=outcome.headroom_before,
            headroom_after=outcome.headroom_after,
            duration_seconds=outcome.duration_seconds,
            pages_freed=outcome.pages_freed,
            cma_pages_taken=outcome.cma_pages_taken,
            node=outcome.node,
            cause=outcome.cause.value if outcome.cause else None,
            error=outcome.error,
        )

    def problems(self, problems: tuple[Problem, ...]) -> None:
        """Tell what could not be had since last time, and what can be had again."""
        if problems == self._told:
            return
        known = {problem.what for problem in self._told}
        left = {problem.what for problem in problems}
        for problem in problems:
            # What is still amiss, in other words or figures, is no news.
            if problem.what not in known:
                self.emit("degraded", what=problem.what, why=problem.why)
        for what in sorted(known - left):
            self.emit("restored", what=what)
        self._told = problems


def described(reading: Reading) -> str:
    """Say in one line how a demand stands, with its units."""
    demand = reading.demand
    headroom = "unknown" if reading.headroom is None else reading.headroom
    cause = f", {reading.cause.value}" if reading.cause else ""
    return (
        f"demand {demand.name} {reading.severity.value}: headroom {headroom} blocks of order "
        f"{demand.order} (warning {demand.warning}, critical {demand.critical}){cause}"
    )


def summary(assessment: Assessment) -> str:
    """Say in one line how all demands stand."""
    low = [
        f"{reading.demand.name} {reading.severity.value} (headroom {reading.headroom})"
        for reading in assessment.readings
        if reading.severity is not Severity.OK
    ]
    return ", ".join(low) or f"ok, {len(assessment.readings)} demands watched"


def _largest(processes: tuple[Process, ...]) -> str | None:
    """Name the largest processes, with their resident memory; None where none are known."""
    shown = processes[:_SHOWN_PROCESSES]
    return ", ".join(f"{process.name} {process.rss_kib} KiB" for process in shown) or None


def _remedy(word: Word, reading: Reading, decision: Decision, state: State) -> str | None:
    """Say what is done about a demand, or why nothing is."""
    if word is Word.RECOVERED:
        return None
    if decision.action is not None:
        return decision.action.remedy.value
    if word is Word.LOW and state.running is not None:
        return state.running.action.remedy.value
    return against(reading, decision)
