"""The loop: sample → assess → decide → act → report, until it is told to stop.

It looks at fixed moments (ticks); between them it answers the socket. `now` is read once a
tick and handed on.
"""

import os
import signal
import time

from oomwatchd import __version__, policy
from oomwatchd.alerts.log import Log
from oomwatchd.assess.assessment import Assessment
from oomwatchd.assess.sample import Sample
from oomwatchd.daemon import doctor
from oomwatchd.daemon.answers import Answers
from oomwatchd.daemon.hands import Hands
from oomwatchd.daemon.lifeline import Lifeline
from oomwatchd.daemon.options import Options
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.daemon.place import Place, settle
from oomwatchd.daemon.platform import find_platform
from oomwatchd.daemon.rehearsal import rehearse
from oomwatchd.daemon.reporter import Reporter, described, summary
from oomwatchd.daemon.view import View
from oomwatchd.daemon.wake import Waiter, Wakeup
from oomwatchd.errors import Exit, OomwatchdError
from oomwatchd.model import Problem
from oomwatchd.policy import Decision, Word
from oomwatchd.policy.pace import Pause, pause
from oomwatchd.settings import Config
from oomwatchd.status.protocol import unknown_method
from oomwatchd.system.clock import suspended_seconds
from oomwatchd.system.configfile import load
from oomwatchd.system.lock import release_lock
from oomwatchd.system.memory import collect_garbage
from oomwatchd.system.sampler import Sampler

GAP_SECONDS = 10.0
"""Waking so much later than due means that nobody looked: stopped, or hopelessly thrashing."""
_SUSPENDED_SECONDS = 1.0
_COLLECTED_LOOKS = 16
_READ_AT_START = {"socket": "socket", "alerts": "alerts", "daemon": "survival"}
"""Sections that take effect at a start only, and their fields of the configuration."""
_KILLS_SECONDS = 30.0
"""While all is well the kernel's count of its kills is looked at this seldom."""


def watch(config: Config, options: Options) -> int:
    """Run the daemon in the foreground until TERM or INT.

    Raises:
        BusyError: another daemon is already running.
    """
    waiter = Waiter()
    place = settle(config.socket, copied=options.root is not None, epoll=waiter.epoll)
    daemon: Daemon | None = None
    try:
        daemon = Daemon(config, options, waiter, place)
        daemon.run()
    finally:
        if daemon is not None:
            daemon.let_go()
        if place.server is not None:
            place.server.close()
        if place.lock is not None:
            release_lock(place.lock)
    return Exit.OK


class Daemon:
    """The loop's belongings: what is open, what is remembered, what was last seen."""

    def __init__(self, config: Config, options: Options, waiter: Waiter, place: Place) -> None:
        """Open everything that will be needed."""
        self._started = time.monotonic()
        self._config = config
        self._options = options
        self._waiter = waiter
        self._server = place.server
        live = options.root is None
        acting = live and not options.dry_run
        self._platform = platform = find_platform(options.root)
        self._lifeline = Lifeline(config.survival, acting=acting)
        self._outlook = Outlook()
        self._reporter = Reporter(Log(options.log_to or config.alerts.log_to), self._outlook)
        self._hands = Hands(options, place, platform, waiter.epoll)
        self._sampler = Sampler(options.root or "/", platform.kernel, live=live)
        self._view = View(self._sampler, platform.kernel, config)
        self._answers = Answers(platform, self._outlook, self._started)
        self._problems = list(place.problems)
        if acting and config.poll.psi and (problem := waiter.watch_pressure()):
            self._problems.append(problem)
        self._state = self._hands.recall(policy.initial(), self._started)
        self._suspended_seconds = suspended_seconds()
        self._changed = self._pressed = self._idle = self._judged = self._stopping = False
        self._kills_unknown = False
        self._looks = 0
        self._chore_at = self._kills_at = 0.0
        self._pause = Pause(0.0, 0.0)

    def run(self) -> None:
        """Loop."""
        self._reporter.emit(
            "started",
            version=__version__,
            kernel=self._platform.kernel.release,
            pid=os.getpid(),
            dry_run=self._options.dry_run,
            root=self._options.root,
        )
        rehearse(self._view, self._answers, self._config, time.monotonic())
        self._lifeline.hold()
        now = time.monotonic()
        self._hands.look_for_realtime(now, idle=True)
        while not self._stopping:
            if not self._is_quiet(now):
                sample = self._sample(now)
                assessment = self._assess(sample, now)
                decision, assessment = self._decide(assessment, now, fresh=sample is not None)
                self._act(decision)
                self._report(assessment, decision, now)
                self._pause = pause(self._state, assessment, self._config.poll, now)
            now = self._wait(now, self._pause.seconds)
        self._lifeline.stopping()
        self._reporter.emit("stopped", uptime_seconds=time.monotonic() - self._started)

    def let_go(self) -> None:
        """Put back what is raised, however it ended."""
        self._hands.close()

    def _is_quiet(self, now: float) -> bool:
        """Whether this tick ends here: nothing is near its level, and no timer runs."""
        text = self._sampler.glance()
        self._changed = text is not None
        if text is not None:
            self._view.text = text
            self._kills_unknown = True
        if not self._idle or self._pressed:
            return False
        if self._kills_unknown and now >= self._kills_at:
            # A kill and what it gave back may lie between two looks.
            self._report_kills(now)
        if text is None:
            if self._pause.seconds < self._pause.calm_seconds:
                self._pause = self._pause.longer()
            return True
        if (pause_if_far := self._view.pause_if_far(now)) is not None:
            self._pause = pause_if_far
        return pause_if_far is not None

    def _sample(self, now: float) -> Sample | None:
        """Read the kernel's files; None if what was seen last still holds."""
        slept = suspended_seconds() - self._suspended_seconds
        if slept >= _SUSPENDED_SECONDS:
            # The loop's clock stands still in suspend, so that nothing has to be made up for.
            self._suspended_seconds += slept
            self._resume(0.0, now)
        judging = policy.settled(self._state, self._config.poll, now)
        if self._changed or self._pressed or judging or self._view.is_blind:
            return self._view.sample(now)
        return None

    def _assess(self, sample: Sample | None, now: float) -> Assessment:
        """Measure every demand."""
        if sample is None and self._view.assessment is not None:
            return self._view.assessment
        assessment = self._view.assess(sample or self._view.sample(now), now)
        self._outlook.note(assessment, now)
        self._state = policy.observe(self._state, assessment, self._config.poll, now)
        return assessment

    def _decide(
        self, assessment: Assessment, now: float, *, fresh: bool
    ) -> tuple[Decision, Assessment]:
        """Judge a remedy that has settled, and decide on the next one."""
        state = self._state
        if policy.settled(state, self._config.poll, now):
            state, outcome = policy.judge(state, assessment)
            if outcome is not None:
                self._reporter.finished(outcome)
                self._outlook.forget()
                self._judged = True
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
        self._state = decided
        return decision, assessment

    def _act(self, decision: Decision) -> None:
        """Start the remedy that was decided on, after writing down that it was."""
        self._hands.remember(self._state)
        if decision.action is not None:
            self._hands.start(decision.action)

    def _report(self, assessment: Assessment, decision: Decision, now: float) -> None:
        """Tell what is new."""
        self._state, news = policy.speak(self._state, assessment, self._config.poll, now)
        self._idle = policy.is_idle(self._state)
        for word, reading in news:
            self._reporter.demand(word, reading, decision, self._state, now)
            if word is Word.CRITICAL and self._lifeline.kernel_panics:
                self._lifeline.last_words(f"{described(reading)}; the kernel panics on OOM", now)
        self._reporter.decision(decision, now)
        if self._pressed or not self._idle:
            self._report_kills(now)
        self._pressed = False
        problems = (*self._own_problems(now), *assessment.problems)
        self._reporter.problems(tuple(dict.fromkeys(problems)))
        self._lifeline.tell(summary(assessment))
        self._looks += 1
        if self._looks % _COLLECTED_LOOKS == 0:
            collect_garbage()
        if self._judged:
            # Only now: it opens files, and the next remedy may have been waiting for its turn.
            self._answers.gather()
            self._judged = False

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

    def _own_problems(self, now: float) -> tuple[Problem, ...]:
        """List what the daemon itself could not have."""
        problems = [*self._problems, *self._lifeline.problems(), *self._hands.problems]
        if trouble := self._reporter.emit.trouble:
            problems.append(Problem("log", trouble))
        return (*problems, *policy.doubts(self._state, now))

    def _wait(self, now: float, seconds: float) -> float:
        """Answer the socket until the next tick is due; returns the time then."""
        until = now + seconds
        while now < until:
            if now >= self._chore_at:
                self._do_chores(now)
            ready = self._waiter.poll(min(until, self._chore_at) - now)
            now = time.monotonic()
            if ready and self._heed(self._waiter.wakeup(ready), now):
                break
        if now - until >= GAP_SECONDS:
            self._resume(now - until, now)
        return now

    def _do_chores(self, now: float) -> None:
        """Do what is seldom due, in the time between two looks."""
        fed = self._lifeline.feed(now)
        searched = self._hands.look_for_realtime(now, idle=self._idle)
        expired = self._server.expire(now) if self._server else searched
        self._chore_at = min(fed, searched, expired)

    def _heed(self, woken: Wakeup, now: float) -> bool:
        """Do what woke us; returns whether that calls for a tick."""
        self._pressed = self._pressed or woken.pressure
        if woken.signals:
            self._obey(woken.signals, now)
        called = [self._take(descriptor, now) for descriptor in woken.descriptors]
        self._do_chores(now)
        return bool(woken.signals) or woken.pressure or any(called)

    def _resume(self, missed_seconds: float, now: float) -> None:
        """Go on after a time that nobody saw pass."""
        self._state = policy.after_gap(self._state, missed_seconds, now)
        self._outlook.forget()

    def _take(self, descriptor: int, now: float) -> bool:
        """Do what a ready descriptor asks for; returns whether that calls for a tick."""
        if self._server and self._server.handles(descriptor):
            self._server.handle(descriptor, now, self._answer)
            # Whoever asks looks closely, and may have seen something.
            was_idle = self._idle
            # What it may have seen to be well again is for the next tick to tell.
            self._idle = was_idle and policy.is_idle(self._state)
            return was_idle and not self._idle
        run = self._hands.result() if descriptor == self._hands.fileno() else None
        if run is not None:
            self._state = policy.finished(self._state, run, now)
        return run is not None

    def _obey(self, signals: frozenset[int], now: float) -> None:
        """Stop or reload; stopping goes first."""
        if signals - {signal.SIGHUP}:
            self._stopping = True
        else:
            self._reload(now)

    def _answer(self, method: str) -> bytes:
        """Answer one request on the socket."""
        if method not in ("status", "doctor"):
            raise unknown_method(method)
        now = time.monotonic()
        assessment = self._view.look_closely(now)
        if assessment is not None:
            self._state = policy.observe(self._state, assessment, self._config.poll, now)
        last = self._view.last(now)
        if method == "doctor":
            self._hands.doubt_realtime(now)
            return doctor.answer(last, self._config, self._options, self._hands.realtime)
        problems = self._own_problems(now)
        return self._answers.status(last, self._state, self._config, problems, now)

    def _reload(self, now: float) -> None:
        """Read the configuration again; a bad one is refused whole and the old one stays."""
        self._lifeline.reloading(now)
        try:
            config = load(self._options.config)
        except OomwatchdError as error:
            self._reporter.emit("config_rejected", why=str(error).replace("\n", "; "))
            self._lifeline.tell("the new configuration is refused")
            return
        kept = [
            section
            for section, name in _READ_AT_START.items()
            if getattr(config, name) != getattr(self._config, name)
        ]
        if config.poll.psi != self._config.poll.psi:
            kept.append("poll")
        self._config = config
        self._view.reconfigure(config)
        self._idle = False
        self._reporter.emit("config_reloaded", needs_restart=",".join(kept) or None)
        self._lifeline.tell("configuration read again")
