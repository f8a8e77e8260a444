"""What the daemon acts with: the remedies, what bounds them, and the memory of both."""

import math
import os
import select

from oomwatchd import policy
from oomwatchd.daemon.options import Options
from oomwatchd.daemon.place import Place
from oomwatchd.daemon.platform import Platform
from oomwatchd.model import Action, Capabilities, Kernel, Problem, Remedy, Run
from oomwatchd.policy import Limits, State
from oomwatchd.settings import Config
from oomwatchd.system.clock import minute_of_day
from oomwatchd.system.files import reason
from oomwatchd.system.ledger import Ledger
from oomwatchd.system.realtime import RealTime
from oomwatchd.system.remedies import Means, Worker, open_means

_REALTIME_SECONDS = 600.0
_DOUBT_SECONDS = 30.0
"""Threads of all processes are looked through for real-time ones this seldom."""


class Hands:
    """Opened once, at start; what could not be had is in `problems`."""

    def __init__(
        self,
        options: Options,
        place: Place,
        platform: Platform,
        epoll: select.epoll,
    ) -> None:
        """Open what may be used."""
        self._problems: list[Problem] = []
        self._boot_id = platform.boot_id
        self._dry_run = options.dry_run
        self._unavailable: str | None = None
        self._means: Means | None = None
        self._worker: Worker | None = None
        self._ledger: Ledger | None = None
        self._remembered: object = None
        self._unwritten: Problem | None = None
        self._searcher: RealTime | None = None
        self.realtime: str | None = None
        """The first sign of real-time tasks."""
        self._search_at = 0.0
        self._missing = _missing(platform.capabilities)
        if options.root is not None:
            self._unavailable = "a copied tree is never acted on"
            return
        if place.lock is None and Remedy.COMPACT in self._missing:
            self._problems.append(Problem("compaction", self._missing[Remedy.COMPACT]))
        if options.dry_run:
            self._problems.append(Problem("remedies", "dry-run: nothing is changed"))
        elif place.lock is None:
            self._unavailable = "without the lock another daemon may be acting"
        else:
            self._open(place, platform.kernel, epoll)
        try:
            self._searcher = RealTime()
        except OSError as error:
            self._problems.append(Problem("realtime", f"/proc: {reason(error)}"))

    @property
    def problems(self) -> list[Problem]:
        """What could not be had."""
        return [*self._problems, self._unwritten] if self._unwritten else self._problems

    def fileno(self) -> int | None:
        """Give the descriptor that tells the end of a remedy; None where none can run."""
        return self._worker.fileno() if self._worker else None

    def limits(self, config: Config) -> Limits:
        """Say what bounds the decisions now."""
        quiet = config.remedies.quiet_hours
        return Limits(
            poll=config.poll,
            remedies=config.remedies,
            unavailable=self._unavailable,
            missing=self._missing,
            nodes=self._means.nodes if self._means else (),
            realtime=self.realtime,
            minute_of_day=minute_of_day() if quiet else 0,
            dry_run=self._dry_run,
        )

    def look_for_realtime(self, now: float, *, idle: bool) -> float:
        """Look through all threads for real-time ones if that is due; returns when it is again.

        That opens files, so that it is put off while a demand may be low.
        """
        if self._searcher is None:
            return math.inf
        due = self._search_at if idle else self._search_at + _REALTIME_SECONDS
        if now >= due:
            self.realtime = self._searcher.find()
            due = self._search_at = now + _REALTIME_SECONDS
        return due

    def doubt_realtime(self, now: float) -> None:
        """Look whether what keeps us from acting is still there; called while a demand is low."""
        searched_at = self._search_at - _REALTIME_SECONDS
        if self._searcher and self.realtime and now - searched_at >= _DOUBT_SECONDS:
            self.realtime = self._searcher.find()
            self._search_at = now + _REALTIME_SECONDS

    def look_again(self) -> None:
        """Look for real-time processes that have come since, right before acting."""
        if self._searcher is not None:
            self.realtime = self.realtime or self._searcher.quick()

    def start(self, action: Action) -> None:
        """Start a remedy."""
        if self._worker is not None:
            self._worker.start(action)

    def result(self) -> Run | None:
        """Take the run that has ended, if one has."""
        return self._worker.result() if self._worker else None

    def recall(self, state: State, now: float) -> State:
        """Add what the last daemon has left."""
        memo = self._ledger.read().partition(b"\n")[0] if self._ledger else b""
        return policy.recalled(state, memo, self._boot_id, now)

    def remember(self, state: State) -> None:
        """Write down what the next daemon has to know, before anything is started."""
        facts = state.starts, state.backoffs, state.inhibited_until
        if self._ledger is None or facts == self._remembered:
            return
        self._unwritten = None
        try:
            self._ledger.write(policy.memo_of(state, self._boot_id))
            self._remembered = facts
        except OSError as error:
            # Tried again at the next look.
            self._unwritten = Problem("ledger", f"budgets end with us: {reason(error)}")

    def close(self) -> None:
        """Put back what is raised, without waiting for a remedy."""
        if self._worker is not None:
            self._worker.stop()

    def _open(self, place: Place, kernel: Kernel, epoll: select.epoll) -> None:
        """Open the remedies."""
        restore_path = os.path.join(place.folder, "proactiveness")
        self._means = open_means(version=kernel.version, restore_path=restore_path)
        self._missing = dict(self._means.missing)
        for what, remedy in (("compaction", Remedy.COMPACT), ("drop_caches", Remedy.DROP_ALL)):
            if remedy in self._missing:
                self._problems.append(Problem(what, self._missing[remedy]))
        try:
            self._ledger = Ledger(os.path.join(place.folder, "ledger"))
        except OSError as error:
            self._problems.append(Problem("ledger", f"budgets end with us: {reason(error)}"))
        if len(self._missing) == len(Remedy):
            return
        try:
            self._worker = Worker(self._means)
        except (OSError, RuntimeError) as error:
            self._unavailable = f"no thread for remedies: {error}"
            self._problems.append(Problem("remedies", self._unavailable))
            return
        epoll.register(self._worker.fileno(), select.EPOLLIN)


def _missing(capabilities: Capabilities) -> dict[Remedy, str]:
    """Say what a dry-run could not do, without opening anything for writing."""
    there = {
        Remedy.COMPACT: capabilities.compaction,
        Remedy.COMPACT_ASYNC: capabilities.compact_async,
        Remedy.RECLAIM: capabilities.reclaim,
        Remedy.DROP_PAGECACHE: capabilities.drop_caches,
        Remedy.DROP_SLAB: capabilities.drop_caches,
        Remedy.DROP_ALL: capabilities.drop_caches,
    }
    return {
        remedy: f"cannot {remedy.value}: no such file, or no right to it"
        for remedy, usable in there.items()
        if not usable
    }
