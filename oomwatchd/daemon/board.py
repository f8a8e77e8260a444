"""What is put up for those who look on: the status file, and lines for those who watch."""

import os
import time

from oomwatchd import policy
from oomwatchd.assess.assessment import Assessment
from oomwatchd.daemon.facts import standings
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.daemon.steps import Steps
from oomwatchd.model import Problem
from oomwatchd.policy import State
from oomwatchd.status.protocol import encode
from oomwatchd.status.shelltext import shell_text
from oomwatchd.status.short import Said, file_facts, short_status
from oomwatchd.system.files import reason
from oomwatchd.system.replaced import ReplacedFile


class Board:
    """Keeps the status file up to date, and puts together the line of a tick."""

    def __init__(self, file: ReplacedFile | None, outlook: Outlook) -> None:
        """Put nothing up yet."""
        self._file = file
        self._outlook = outlook
        self._shown: tuple[object, ...] | None = None
        self.problem: Problem | None = None
        """Why the status file is not up to date."""

    def line(
        self, assessment: Assessment, state: State, now: float, *, history: bool = False
    ) -> bytes:
        """Give the line of a tick; the first one has the recent headrooms with it."""
        said = self._said(state, (), now, forecast=True)
        return encode(short_status(assessment, said, time.time(), history=history))

    def rehearse(self, assessment: Assessment, state: State, now: float) -> None:
        """Put together what would be put up."""
        self.line(assessment, state, now, history=True)
        shell_text(file_facts(assessment, self._said(state, (), now), 0, 0.0))

    def update(self, assessment: Assessment, steps: Steps, now: float) -> None:
        """Replace the status file if more than figures has changed."""
        if self._file is None:
            return
        state, problems = steps.state, steps.troubles
        stands = _without_figures(assessment, state, problems)
        if stands == self._shown and self._file.is_prepared:
            return
        # Nothing is opened between a low demand and the end of its remedy.
        may_open = state.running is None and not policy.is_unspoken(state)
        try:
            if may_open:
                self._file.prepare()
            if stands != self._shown and self._file.write(
                shell_text(
                    file_facts(
                        assessment, self._said(state, problems, now), os.getpid(), time.time()
                    )
                )
            ):
                self._shown = stands
                if may_open:
                    self._file.prepare()
            self.problem = None
        except OSError as error:
            self.problem = Problem("status_file", f"not up to date: {reason(error)}")

    def _said(
        self, state: State, problems: tuple[Problem, ...], now: float, *, forecast: bool = False
    ) -> Said:
        """Gather what is known besides the assessment."""
        return Said(
            words={name: word.value for name, word in state.words.items()},
            standings=standings(state, self._outlook, now) if forecast else {},
            running=state.running.action.remedy if state.running else None,
            inhibited_seconds=policy.inhibited_seconds(state, now),
            last=state.outcomes[-1] if state.outcomes else None,
            problems=problems,
        )


def _without_figures(
    assessment: Assessment, state: State, problems: tuple[Problem, ...]
) -> tuple[object, ...]:
    """Give what the status file is replaced for: its figures are as they were then."""
    last = state.outcomes[-1] if state.outcomes else None
    return (
        [(reading.demand, reading.severity, reading.cause) for reading in assessment.readings],
        assessment.severity,
        state.words,
        state.running and state.running.action.remedy,
        last and (last.remedy, last.effective),
        [problem.what for problem in (*assessment.problems, *problems)],
    )
