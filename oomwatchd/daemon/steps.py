"""The five steps of a tick: sample, assess, decide, act, report; and what they remember."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from oomwatchd import policy
from oomwatchd.assess.assessment import Assessment
from oomwatchd.assess.sample import Sample
from oomwatchd.daemon.answers import Answers
from oomwatchd.daemon.hands import Hands
from oomwatchd.daemon.lifeline import Lifeline
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.daemon.reporter import Reporter, described, summary
from oomwatchd.daemon.view import View
from oomwatchd.model import Action, Outcome, Problem
from oomwatchd.policy import Decision, Refusal, Word
from oomwatchd.policy.pace import Pause, pause
from oomwatchd.settings import Config
from oomwatchd.system.clock import suspended_seconds
from oomwatchd.system.memory import collect_garbage

_SUSPENDED_SECONDS = 1.0
_COLLECTED_LOOKS = 16
_KILLS_SECONDS = 30.0
"""While all is well the kernel's count of its kills is looked at this seldom."""


class Parts(NamedTuple):
    """What the steps work with."""

    view: View
    hands: Hands
    reporter: Reporter
    outlook: Outlook
    answers: Answers
    lifeline: Lifeline


class Steps:
    """Takes the steps one after the other; between ticks others may ask what was seen last."""

    def __init__(
        self,
        config: Config,
        parts: Parts,
        problems: Callable[[float], Iterable[Problem]],
        now: float,
    ) -> None:
        """Begin; `problems` lists what the daemon itself could not have."""
        self._config = config
        self._view, self._hands, self._reporter, self._outlook, self._answers, self._lifeline = (
            parts
        )
        self._problems = problems
        self.state = self._hands.recall(policy.initial(), now)
        self.outcome: Outcome | None = None
        """Of the remedy that was judged in this tick."""
        self.why_not: str | None = None
        """Why nothing is done for the demand that stands worst."""
        self.troubles: tuple[Problem, ...] = ()
        """What the daemon itself could not have, as last reported."""
        self.pressed = False
        """Whether tasks have been seen to wait for memory since the last tick."""
        self.watched = False
        """Whether somebody looks on, who wants to see each tick."""
        self._suspended_seconds = suspended_seconds()
        self._changed = self._idle = self._kills_unknown = False
        self._looks = 0
        self._kills_at = 0.0
        self.pause = Pause(0.0, 0.0)
        """How long until the next tick."""

    @property
    def is_idle(self) -> bool:
        """Whether time alone can change nothing."""
        return self._idle

    def disturb(self) -> None:
        """See that the next tick is not a quiet one: there is something to tell."""
        self._idle = False

    def reconfigure(self, config: Config) -> None:
        """Take another configuration; what is remembered stays."""
        self._config = config
        self._view.reconfigure(config)
        self.disturb()

    def is_quiet(self, now: float) -> bool:
        """Whether this tick ends here: nothing is near its level, and no timer runs."""
        text = self._view.glance()
        self._changed = text is not None
        if text is not None:
            self._kills_unknown = True
        if not self._idle or self.pressed or self.watched:
            return False
        if self._kills_unknown and now >= self._kills_at:
            # A kill and what it gave back may lie between two looks.
            self._report_kills(now)
        if text is None:
            if self.pause.seconds < self.pause.calm_seconds:
                self.pause = self.pause.longer()
            return True
        if (pause_if_far := self._view.pause_if_far(now)) is not None:
            self.pause = pause_if_far
        return pause_if_far is not None

    def sample(self, now: float) -> Sample | None:
        """Read the kernel's files; None if what was seen last still holds."""
        slept = suspended_seconds() - self._suspended_seconds
        if slept >= _SUSPENDED_SECONDS:
            # The loop's clock stands still in suspend, so that nothing has to be made up for.
            self._suspended_seconds += slept
            self.resume(0.0, now)
        judging = policy.settled(self.state, self._config.poll, now)
        if self._changed or self.pressed or judging or self._view.is_blind:
            return self._view.sample(now)
        return None

    def assess(self, sample: Sample | None, now: float) -> Assessment:
        """Measure every demand."""
        if sample is None and self._view.assessment is not None:
            return self._view.assessment
        assessment = self._view.assess(sample or self._view.sample(now), now)
        self._outlook.note(assessment, now)
        self.state = policy.observe(self.state, assessment, self._config.poll, now)
        return assessment

    def decide(
        self, assessment: Assessment, now: float, *, fresh: bool
    ) -> tuple[Decision, Assessment]:
        """Judge a remedy that has settled, and decide on the next one."""
        state = self.state
        self.outcome = None
        if policy.settled(state, self._config.poll, now):
            state, self.outcome = policy.judge(state, assessment)
            if self.outcome is not None:
                self._reporter.finished(self.outcome)
                self._outlook.forget()
        self._hands.doubt_realtime(now)
        decided, decision = policy.decide(state, assessment, self._hands.limits(self._config), now)
        if decision.action is not None:
            # Not beside a task that has come since, and never on what was seen some ticks ago.
            self._hands.look_again()
            if not fresh:
                assessment = self._view.assess(self._view.sample(now), now)
                state = policy.observe(state, assessment, self._config.poll, now)
            limits = self._hands.limits(self._config)
            decided, decision = policy.decide(state, assessment, limits, now)
        self.state = decided
        return decision, assessment

    def act(self, decision: Decision) -> None:
        """Start the remedy that was decided on, after writing down that it was."""
        self._hands.remember(self.state)
        if decision.action is not None:
            self._hands.start(decision.action)

    def report(self, assessment: Assessment, decision: Decision, now: float) -> None:
        """Tell what is new."""
        self.state, news = policy.speak(self.state, assessment, self._config.poll, now)
        self._idle = policy.is_idle(self.state)
        self.why_not = decision.reason if decision.reading and not decision.action else None
        if any(word is Word.CRITICAL for word, _ in news) and self.state.running is None:
            self._answers.gather()
        for word, reading in news:
            processes = self._answers.processes
            self._reporter.demand(word, reading, decision, self.state, now, processes=processes)
            if word is Word.CRITICAL and self._lifeline.kernel_panics:
                self._lifeline.last_words(f"{described(reading)}; the kernel panics on OOM", now)
        self._reporter.decision(decision, now)
        if self.pressed or not self._idle:
            self._report_kills(now)
        self.pressed = False
        self.troubles = self.problems(now)
        self._reporter.problems(tuple(dict.fromkeys((*self.troubles, *assessment.problems))))
        self._lifeline.tell(summary(assessment))
        self._looks += 1
        if self._looks % _COLLECTED_LOOKS == 0:
            collect_garbage()
        if self.outcome is not None:
            # Only now: it opens files, and the next remedy may have been waiting for its turn.
            self._answers.gather()
        self.pause = pause(self.state, assessment, self._config.poll, now)

    def problems(self, now: float) -> tuple[Problem, ...]:
        """List what the daemon itself could not have."""
        return (*self._problems(now), *policy.doubts(self.state, now))

    def ask_for(self, action: Action, now: float) -> Refusal | None:
        """Start a remedy that is asked for; says why not, if it is not."""
        self._hands.look_again()
        assessment = self._view.assess(self._view.sample(now), now)
        state = policy.observe(self.state, assessment, self._config.poll, now)
        limits = self._hands.limits(self._config)
        self.state, decision = policy.ask_for(state, assessment, action, limits, now)
        if isinstance(decision, Refusal):
            return decision
        self.disturb()
        self.act(decision)
        self._reporter.decision(decision, now)
        return None

    def inhibit(self, seconds: float, now: float) -> None:
        """Have no remedy run for so many seconds; 0 ends that."""
        self.state = policy.inhibited(self.state, seconds, now)
        self._hands.remember(self.state)

    def look_closely(self, now: float) -> Assessment:
        """Look for somebody who asks; what was seen then may call for a tick."""
        assessment = self._view.look_closely(now)
        if assessment is not None:
            self.state = policy.observe(self.state, assessment, self._config.poll, now)
            self._idle = self._idle and policy.is_idle(self.state)
        return self._view.last(now)

    def take_result(self, now: float) -> bool:
        """Take note that a remedy has come to its end; returns whether one has."""
        run = self._hands.result()
        if run is not None:
            self.state = policy.finished(self.state, run, now)
        return run is not None

    def resume(self, missed_seconds: float, now: float) -> None:
        """Go on after a time that nobody saw pass."""
        self.state = policy.after_gap(self.state, missed_seconds, now)
        self._outlook.forget()

    def _report_kills(self, now: float) -> None:
        """Tell of processes that the kernel has killed for want of memory."""
        self._kills_at, self._kills_unknown = now + _KILLS_SECONDS, False
        kills = self._view.new_kills()
        if kills:
            worst = self._view.lowest()
            name = worst.demand.name if worst else None
            self._reporter.emit("oom_kill", kills=kills, lowest_demand=name)
            stands = described(worst) if worst else "no demand is low"
            self._lifeline.last_words(f"{kills} OOM kills seen; {stands}", now)
