"""What keeps the daemon alive in a shortage, and tells others that it lives."""

import math
import os

from oomwatchd.model import Problem
from oomwatchd.settings import Survival
from oomwatchd.system.files import read_tiny
from oomwatchd.system.kmsg import KernelLog
from oomwatchd.system.memory import freeze_garbage, lock_memory
from oomwatchd.system.notify import Notifier
from oomwatchd.system.oom_score import protect


class Lifeline:
    """The service manager's watchdog, the kernel's log, our score and our memory."""

    def __init__(self, survival: Survival, *, acting: bool) -> None:
        """Open what will be needed; a dry-run or one on a copied tree leaves the system alone."""
        self._survival = survival
        self._acting = acting
        self._notifier = Notifier(os.environ)
        self._kernel_log = KernelLog() if acting and survival.kmsg else None
        self._problems: list[Problem] = []
        self._is_ready = False
        self._due_at = 0.0
        # Read once: whoever sets it does so at boot.
        panics = read_tiny("/proc/sys/vm/panic_on_oom") if acting else None
        self.kernel_panics = (panics or b"0").strip() != b"0"
        """Whether the kernel panics instead of killing."""

    def hold(self) -> None:
        """Protect us from the OOM killer and keep our memory; called when all is loaded."""
        freeze_garbage()
        if not self._acting:
            return
        if why := protect(self._survival.oom_score_adj):
            self._problems.append(Problem("oom_score", why))
        if self._survival.lock_memory and (why := lock_memory()):
            self._problems.append(Problem("lock_memory", why))

    def problems(self) -> list[Problem]:
        """List what could not be had."""
        found = list(self._problems)
        if self._notifier.problem:
            found.append(Problem("notify", self._notifier.problem))
        if self._kernel_log and self._kernel_log.problem:
            found.append(Problem("kmsg", self._kernel_log.problem))
        return found

    def feed(self, now: float) -> float:
        """Tell the service manager that we are alive if that is due; returns when it is again."""
        pause_seconds = self._notifier.watchdog_seconds
        if pause_seconds is None:
            return math.inf
        if now >= self._due_at:
            self._notifier.watchdog()
            self._due_at = now + pause_seconds
        return self._due_at

    def tell(self, status: str) -> None:
        """Tell the service manager how things are; for the first time, that we are ready."""
        if self._is_ready:
            self._notifier.status(status)
        else:
            self._notifier.ready(status)
            self._is_ready = True

    def reloading(self, now: float) -> None:
        """Tell that the configuration is being read; the next `tell` ends that."""
        self._notifier.reloading(int(now * 1_000_000))
        self._is_ready = False

    def stopping(self) -> None:
        """Tell that the end is near."""
        self._notifier.stopping()

    def last_words(self, text: str, now: float) -> None:
        """Leave a line in the kernel's log, which outlives us where there is a pstore."""
        if self._kernel_log is not None:
            self._kernel_log.last_words(text, now)
