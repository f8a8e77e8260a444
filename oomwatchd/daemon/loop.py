"""The loop: sample → assess → decide → act → report, until it is told to stop.

It looks at fixed moments (ticks); between them it answers the socket. `now` is read once a
tick and handed on.
"""

import os
import select
import signal
import time

from oomwatchd import __version__, policy
from oomwatchd.alerts.log import Log
from oomwatchd.assess.assessment import Assessment, assess
from oomwatchd.assess.sample import Sample
from oomwatchd.daemon.demands import demands_of
from oomwatchd.daemon.facts import remedy_facts, standings
from oomwatchd.daemon.options import Options
from oomwatchd.daemon.place import Place, settle
from oomwatchd.daemon.reporter import Reporter
from oomwatchd.daemon.wake import Waiter
from oomwatchd.errors import Exit, OomwatchdError
from oomwatchd.model import Action, Cause, DemandSpec, Problem, Process, Remedy
from oomwatchd.policy import Decision, Limits
from oomwatchd.settings import Config
from oomwatchd.status.document import Facts, document
from oomwatchd.status.protocol import encode, unknown_method
from oomwatchd.system.capabilities import find_capabilities
from oomwatchd.system.configfile import load
from oomwatchd.system.lock import release_lock
from oomwatchd.system.origin import boot_id, copied_kernel, live_kernel
from oomwatchd.system.processes import Processes
from oomwatchd.system.remedies import Worker, open_means
from oomwatchd.system.sampler import Sampler


def watch(config: Config, options: Options) -> int:
    """Run the daemon in the foreground until TERM or INT.

    Raises:
        BusyError: another daemon is already running.
    """
    waiter = Waiter()
    place = settle(config.socket, copied=options.root is not None, epoll=waiter.epoll)
    try:
        Daemon(config, options, waiter, place).run()
    finally:
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
        self._locked = place.lock is not None
        self._problems = list(place.problems)
        self._reporter = Reporter(Log(options.log_to or config.alerts.log_to))
        root = options.root
        self._kernel = live_kernel() if root is None else copied_kernel(root)
        self._capabilities = find_capabilities(root or "/", self._kernel, live=root is None)
        self._boot_id = boot_id(root)
        self._sampler = Sampler(root or "/", self._kernel, live=root is None)
        self._worker, self._unavailable = self._open_worker()
        self._state = policy.initial()
        self._specs: tuple[DemandSpec, ...] | None = None
        self._assessment: Assessment | None = None
        self._evidence = Processes() if root is None else None
        self._processes: tuple[Process, ...] = ()
        self._stopping = False

    def run(self) -> None:
        """Loop."""
        self._reporter.emit(
            "started",
            version=__version__,
            kernel=self._kernel.release,
            pid=os.getpid(),
            dry_run=self._options.dry_run,
            root=self._options.root,
        )
        now = time.monotonic()
        while not self._stopping:
            fresh = self._look_due(now)
            assessment = self._assess(self._sample()) if fresh else self._seen()
            decision, assessment = self._decide(assessment, now, fresh=fresh)
            self._act(decision)
            self._report(assessment, decision, now)
            now = self._wait(now + self._interval(assessment))
        self._reporter.emit("stopped", uptime_seconds=time.monotonic() - self._started)

    def _look_due(self, now: float) -> bool:
        """Whether there is something new to assess: other free blocks, or a remedy to judge."""
        changed = self._sampler.changed()
        return (
            changed
            or self._assessment is None
            or policy.settled(self._state, self._config.poll, now)
        )

    def _sample(self) -> Sample:
        """Read the kernel's files."""
        return self._sampler.sample()

    def _assess(self, sample: Sample) -> Assessment:
        """Measure every demand."""
        if self._specs is None:
            self._specs = demands_of(self._config, self._kernel, sample.meminfo)
        self._assessment = assess(sample, self._specs)
        return self._assessment

    def _seen(self) -> Assessment:
        """Give the last assessment again: nothing has changed since."""
        return self._assessment or self._assess(self._sample())

    def _decide(
        self, assessment: Assessment, now: float, *, fresh: bool
    ) -> tuple[Decision, Assessment]:
        """Judge a remedy that has settled, and decide on the next one."""
        poll = self._config.poll
        limits = Limits(poll, self._config.remedies, self._unavailable)
        state = policy.observe(self._state, assessment, now) if fresh else self._state
        if policy.settled(state, poll, now):
            state = self._judge(state, assessment)
        decided, decision = policy.decide(state, assessment, limits, now)
        if decision.remedy is not None and not fresh:
            # Never act on what was seen some ticks ago.
            assessment = self._assess(self._sample())
            state = policy.observe(state, assessment, now)
            decided, decision = policy.decide(state, assessment, limits, now)
        self._state = decided
        return decision, assessment

    def _judge(self, state: policy.State, assessment: Assessment) -> policy.State:
        """Measure what the remedy changed, tell it, and gather evidence now that it is over."""
        state, outcome = policy.judge(state, assessment)
        if outcome is not None:
            self._reporter.finished(outcome)
            if self._evidence is not None:
                self._processes = self._evidence.largest()
        return state

    def _act(self, decision: Decision) -> None:
        """Start the remedy that was decided on."""
        if decision.remedy is None or decision.reading is None or self._worker is None:
            return
        self._worker.start(Action(Remedy.COMPACT))

    def _report(self, assessment: Assessment, decision: Decision, now: float) -> None:
        """Tell what is new."""
        self._state, news = policy.speak(self._state, assessment, self._config.poll, now)
        for word, reading in news:
            self._reporter.demand(word, reading, decision)
        self._reporter.started(decision)
        problems = (*self._own_problems(), *assessment.problems)
        self._reporter.problems(tuple(dict.fromkeys(problems)))

    def _own_problems(self) -> tuple[Problem, ...]:
        """List what the daemon itself could not have."""
        problems = list(self._problems)
        if trouble := self._reporter.emit.trouble:
            problems.append(Problem("log", trouble))
        if policy.is_stuck(self._state, time.monotonic()):
            problems.append(Problem("remedies", "the last one has not come back: no more are run"))
        return tuple(problems)

    def _interval(self, assessment: Assessment) -> float:
        """Look often while a demand is near its level or a remedy is under way."""
        poll = self._config.poll
        near = any(
            reading.headroom is not None
            and reading.headroom <= 2 * reading.demand.warning
            and reading.cause is not Cause.UNSATISFIABLE
            for reading in assessment.readings
        )
        if near or self._state.running is not None:
            return poll.interval_min_seconds
        return poll.interval_max_seconds

    def _wait(self, until: float) -> float:
        """Answer the socket until the next tick is due; returns the time then."""
        while True:
            now = time.monotonic()
            idle_until = self._server.expire(now) if self._server else None
            if now >= until:
                return now
            woken = self._waiter.wait(min(until, idle_until or until) - now)
            now = time.monotonic()
            if woken.signals:
                self._obey(woken.signals)
                return now
            for descriptor in woken.descriptors:
                if self._server and self._server.handles(descriptor):
                    self._server.handle(descriptor, now, self._answer)
                elif self._worker and descriptor == self._worker.fileno():
                    self._finish(now)
                    return now

    def _obey(self, signals: frozenset[int]) -> None:
        """Stop or reload; stopping goes first."""
        if signals - {signal.SIGHUP}:
            self._stopping = True
        else:
            self._reload()

    def _finish(self, now: float) -> None:
        """Take note that the remedy has ended."""
        run = self._worker.result() if self._worker else None
        if run is None:
            return
        self._state = policy.finished(self._state, run.duration_seconds, now)
        if run.error is not None:
            self._problems.append(Problem("compaction", run.error))
            self._unavailable = f"compaction failed: {run.error}"

    def _answer(self, method: str) -> bytes:
        """Answer one request on the socket."""
        if method != "status":
            raise unknown_method(method)
        now = time.monotonic()
        facts = Facts(
            pid=os.getpid(),
            uptime_seconds=now - self._started,
            boot_id=self._boot_id,
            now=now,
            capabilities=self._capabilities,
            problems=self._own_problems(),
            standings=standings(self._state, now),
            remedies=remedy_facts(self._state, self._config.remedies),
            processes=self._processes,
        )
        return encode(document(self._seen(), facts))

    def _reload(self) -> None:
        """Read the configuration again; a bad one is refused whole and the old one stays."""
        try:
            config = load(self._options.config)
        except OomwatchdError as error:
            self._reporter.emit("config_rejected", why=str(error).replace("\n", "; "))
            return
        kept = [
            name
            for name in ("socket", "alerts")
            if getattr(config, name) != getattr(self._config, name)
        ]
        self._config = config
        self._specs = None
        self._assessment = None
        self._reporter.emit("config_reloaded", needs_restart=",".join(kept) or None)

    def _open_worker(self) -> tuple[Worker | None, str | None]:
        """Make ready to compact; without it, say why."""
        if self._options.root is not None:
            return None, "a copied tree is never acted on"
        if self._options.dry_run:
            self._problems.append(Problem("remedies", "dry-run: nothing is changed"))
            return None, "would compact, but for the dry-run"
        if not self._locked:
            return None, "without the lock another daemon may be acting"
        means = open_means(version=self._kernel.version, restore_path=None)
        if why := means.missing.get(Remedy.COMPACT):
            self._problems.append(Problem("compaction", why))
            return None, f"cannot compact: {why}"
        worker = Worker(means)
        self._waiter.epoll.register(worker.fileno(), select.EPOLLIN)
        return worker, None
