"""The loop: sample → assess → decide → act → report, until it is told to stop.

It looks at fixed moments (ticks); between them it answers the socket. `now` is read once a
tick and handed on.
"""

import math
import os
import signal
import time

from oomwatchd import __version__
from oomwatchd.alerts.log import Log
from oomwatchd.assess.assessment import Assessment
from oomwatchd.daemon.answers import Answers
from oomwatchd.daemon.board import Board
from oomwatchd.daemon.desk import Desk
from oomwatchd.daemon.hands import Hands
from oomwatchd.daemon.hooking import Hooking
from oomwatchd.daemon.lifeline import Lifeline
from oomwatchd.daemon.options import Options
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.daemon.place import Place, settle
from oomwatchd.daemon.platform import find_platform
from oomwatchd.daemon.rehearsal import rehearse
from oomwatchd.daemon.reporter import Reporter
from oomwatchd.daemon.steps import Parts, Steps
from oomwatchd.daemon.view import View
from oomwatchd.daemon.wake import Waiter, Wakeup
from oomwatchd.errors import Exit, OomwatchdError
from oomwatchd.model import Problem
from oomwatchd.policy import Decision
from oomwatchd.settings import Config
from oomwatchd.status.document import AlertFacts
from oomwatchd.system.configfile import load
from oomwatchd.system.sampler import Sampler

GAP_SECONDS = 10.0
"""Waking so much later than due means that nobody looked: stopped, or hopelessly thrashing."""
_READ_AT_START = {"socket": "socket", "daemon": "survival"}
"""Sections that take effect at a start only, and their fields of the configuration."""
_MOST_AT_ONCE = 4
"""So many that ask are answered before it is seen whether a tick is due; then others get a turn."""
_WATCHED_SECONDS = 1.0
"""While somebody looks on, he is shown how things stand so often."""


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
        place.leave()
    return Exit.OK


class Daemon:
    """The loop's belongings: what is open, and what has to be done when."""

    def __init__(self, config: Config, options: Options, waiter: Waiter, place: Place) -> None:
        """Open everything that will be needed."""
        self._started = time.monotonic()
        self._config = config
        self.options = options
        self._waiter = waiter
        self._server = place.server
        self._control = place.control
        live = options.root is None
        acting = live and not options.dry_run
        self._platform = platform = find_platform(options.root)
        self._lifeline = Lifeline(config.survival, acting=acting)
        self._log = Log(options.log_to or config.alerts.log_to, config.alerts, platform.boot_id)
        outlook = Outlook()
        self._reporter = Reporter(self._log, outlook)
        self._hands = Hands(options, place, platform, waiter.epoll)
        sampler = Sampler(options.root or "/", platform.kernel, live=live)
        self._view = View(sampler, platform.kernel, config)
        self._answers = Answers(platform, outlook, self._started)
        self._problems = list(place.problems)
        if acting and config.poll.psi and (problem := waiter.watch_pressure()):
            self._problems.append(problem)
        parts = Parts(
            self._view, self._hands, self._reporter, outlook, self._answers, self._lifeline
        )
        self._steps = Steps(config, parts, self._own_problems, self._started)
        self._board = Board(place.status_file, outlook)
        self._hook = Hooking(config.hook, acting=acting, epoll=waiter.epoll)
        if place.server is not None:
            self._log.listener = self._tell
        self._desk = Desk(self._steps, parts, self._board, self._log, self)
        self._disobeyed: str | None = None
        self._stopping = False
        self._chore_at = 0.0

    def run(self) -> None:
        """Loop."""
        self._reporter.emit(
            "started",
            version=__version__,
            kernel=self._platform.kernel.release,
            pid=os.getpid(),
            dry_run=self.options.dry_run,
            root=self.options.root,
        )
        rehearse(self._view, self._answers, self._board, self._config, time.monotonic())
        self._hook.rehearse(self._view.last(time.monotonic()))
        self._lifeline.hold()
        now = time.monotonic()
        self._hands.look_for_realtime(now, idle=True)
        steps = self._steps
        while not self._stopping:
            if not steps.is_quiet(now):
                sample = steps.sample(now)
                assessment = steps.assess(sample, now)
                decision, assessment = steps.decide(assessment, now, fresh=sample is not None)
                steps.act(decision)
                self._report(assessment, decision, now)
            now = self._wait(now, steps.pause.seconds)
        self._lifeline.stopping()
        self._reporter.emit("stopped", uptime_seconds=time.monotonic() - self._started)

    def let_go(self) -> None:
        """Put back what is raised, and end what runs, however it ended."""
        self._hands.close()
        self._hook.stop()

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._config

    def reload(self, now: float) -> list[str]:
        """Read the configuration again; returns the sections that need a restart.

        Raises:
            OomwatchdError: it is at fault: it is refused whole, and the old one stays.
        """
        self._lifeline.reloading(now)
        try:
            config = load(self.options.config)
        except OomwatchdError as error:
            self._reporter.emit("config_rejected", why=str(error).replace("\n", "; "))
            self._lifeline.tell("the new configuration is refused")
            raise
        kept = [
            section
            for section, name in _READ_AT_START.items()
            if getattr(config, name) != getattr(self._config, name)
        ]
        if config.alerts.log_to != self._config.alerts.log_to:
            kept.append("alerts")
        if config.poll.psi != self._config.poll.psi:
            kept.append("poll")
        self._config = config
        self._log.reconfigure(config.alerts)
        self._hook.reconfigure(config.hook)
        self._steps.reconfigure(config)
        self._reporter.emit("config_reloaded", needs_restart=",".join(kept) or None)
        self._lifeline.tell("configuration read again")
        return kept

    def alert_facts(self) -> AlertFacts:
        """Say what became of the events."""
        return AlertFacts(
            sink=self._log.sink,
            lines_lost=self._log.lost,
            lines_withheld=self._log.withheld - self._log.repeated,
            lines_repeated=self._log.repeated,
            hook_runs=self._hook.runs,
            hook_suppressed=self._hook.suppressed,
            hook_problem=self._hook.problem,
        )

    def _report(self, assessment: Assessment, decision: Decision, now: float) -> None:
        """Tell what is new, and put up how things stand for those who look on."""
        steps = self._steps
        steps.report(assessment, decision, now)
        server = self._server
        if server is not None:
            self._desk.settle(steps.outcome, server, now)
            steps.watched = server.is_watched
            if steps.watched:
                server.tell(self._board.line(assessment, steps.state, now), now)
        self._board.update(assessment, steps, now)
        self._chore_at = min(self._chore_at, self._hook.note(steps.state, assessment, now))

    def _tell(self, line: bytes) -> None:
        """Send an event to those who watch."""
        if self._server is not None:
            self._server.tell(line, time.monotonic())

    def _own_problems(self, _now: float) -> list[Problem]:
        """List what the daemon itself could not have."""
        problems = [*self._problems, *self._lifeline.problems(), *self._hands.problems]
        problems += self._hook.problems
        if trouble := self._log.trouble:
            problems.append(Problem("log", trouble))
        if self._board.problem:
            problems.append(self._board.problem)
        if self._disobeyed:
            problems.append(Problem("control", self._disobeyed))
        return problems

    def _wait(self, now: float, seconds: float) -> float:
        """Answer the socket until the next tick is due; returns the time then."""
        until = now + (min(seconds, _WATCHED_SECONDS) if self._steps.watched else seconds)
        while now < until:
            if now >= self._chore_at and self._do_chores(now):
                break
            # A time below 0 would be one without an end.
            ready = self._waiter.poll(max(0.0, min(until, self._chore_at) - now), _MOST_AT_ONCE)
            now = time.monotonic()
            if ready and self._heed(self._waiter.wakeup(ready), now):
                break
        if now - until >= GAP_SECONDS:
            self._steps.resume(now - until, now)
        return now

    def _do_chores(self, now: float) -> bool:
        """Do what is seldom due, between two looks; returns whether that calls for a tick."""
        self._chore_at = min(
            self._lifeline.feed(now),
            self._log.catch_up(),
            self._hands.look_for_realtime(now, idle=self._steps.is_idle),
            self._hook.chore(self._steps.state, now),
            self._server.expire(now) if self._server else math.inf,
        )
        if self._hook.has_news:
            self._steps.disturb()
        return self._hook.has_news

    def _heed(self, woken: Wakeup, now: float) -> bool:
        """Do what woke us; returns whether that calls for a tick."""
        self._steps.pressed = self._steps.pressed or woken.pressure
        if woken.signals:
            self._obey(woken.signals, now)
        called = [self._take(descriptor, now) for descriptor in woken.descriptors]
        called.append(self._do_chores(now))
        return bool(woken.signals) or woken.pressure or any(called)

    def _take(self, descriptor: int, now: float) -> bool:
        """Do what a ready descriptor asks for; returns whether that calls for a tick."""
        steps = self._steps
        if self._server and self._server.handles(descriptor):
            before = steps.is_idle, steps.watched, self._config
            self._server.handle(descriptor, now, self._desk.answer)
            # Whoever asks looks closely, and may have seen something, wants to see more, or has
            # had other levels read.
            return before != (steps.is_idle, steps.watched, self._config)
        if self._control and descriptor == self._control.fileno():
            requests = self._control.requests()
            disobeyed = self._desk.obey(requests, now) or self._control.problem
            if disobeyed != self._disobeyed:
                # There is no reply: the tick that is called for must not be a quiet one.
                self._disobeyed = disobeyed
                steps.disturb()
            return True
        if self._hook.handles(descriptor):
            self._hook.take(now)
            return False
        return descriptor == self._hands.fileno() and steps.take_result(now)

    def _obey(self, signals: frozenset[int], now: float) -> None:
        """Stop or reload; stopping goes first."""
        if signals - {signal.SIGHUP}:
            self._stopping = True
            return
        try:
            self.reload(now)
        except OomwatchdError:
            pass  # told already
