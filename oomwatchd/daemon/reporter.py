"""Telling: each change as one event, by the fixed names, and nothing twice."""

from oomwatchd.alerts.log import Log
from oomwatchd.assess.assessment import Reading
from oomwatchd.model import Outcome, Problem
from oomwatchd.policy import Decision, Word, against


class Reporter:
    """Turns what the loop found into events; remembers which problems have been told."""

    def __init__(self, emit: Log) -> None:
        """Nothing has been told yet."""
        self.emit = emit
        self._told: tuple[Problem, ...] = ()

    def demand(self, word: Word, reading: Reading, decision: Decision) -> None:
        """Tell how a demand stands now, and what is done about it or why nothing is."""
        demand = reading.demand
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
            remedy=decision.remedy.value if decision.remedy else against(reading, decision),
        )

    def started(self, decision: Decision) -> None:
        """Tell that a remedy begins."""
        if decision.remedy is not None and decision.reading is not None:
            self.emit(
                "remedy_started",
                remedy=decision.remedy.value,
                demand=decision.reading.demand.name,
                headroom=decision.reading.headroom,
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
            cause=outcome.cause.value,
        )

    def problems(self, problems: tuple[Problem, ...]) -> None:
        """Tell what could not be had since last time, and what can be had again."""
        for problem in problems:
            if problem not in self._told:
                self.emit("degraded", what=problem.what, why=problem.why)
        for problem in self._told:
            if problem not in problems:
                self.emit("restored", what=problem.what)
        self._told = problems
