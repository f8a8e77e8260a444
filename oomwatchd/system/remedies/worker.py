"""The thread that runs remedies: a write to compact_memory can take seconds, or not return."""

import os
import queue
import threading
import time

from oomwatchd.model import Action, Remedy, Run
from oomwatchd.system.remedies.control import explain
from oomwatchd.system.remedies.means import DROPS, Means
from oomwatchd.system.remedies.reclaim import reclaim

_STACK_BYTES = 256 * 1024
"""A default stack of 8 MB would be locked into memory whole."""


class Worker:
    """Runs remedies in one worker thread; at most one run at a time.

    `fileno()` becomes readable when a run has ended.
    """

    def __init__(self, means: Means) -> None:
        """Start the thread, so that nothing has to be made later.

        Raises:
            OSError, RuntimeError: there is no descriptor or no thread to be had.
        """
        self._means = means
        self._stopping = threading.Event()
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._actions: queue.SimpleQueue[Action | None] = queue.SimpleQueue()
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        # A daemon thread: stopping does not wait for a kernel that does not come back.
        self._thread = threading.Thread(target=self._work, name="remedy", daemon=True)
        before = threading.stack_size(_STACK_BYTES)
        try:
            self._thread.start()
        except BaseException:
            os.close(self._event)
            raise
        finally:
            threading.stack_size(before)

    def fileno(self) -> int:
        """Give the descriptor that tells the end of a run."""
        return self._event

    def start(self, action: Action) -> None:
        """Start a run; the caller sees to it that none is under way."""
        self._actions.put(action)

    def result(self) -> Run | None:
        """Take the run that has ended, if one has."""
        try:
            os.eventfd_read(self._event)
            return self._runs.get_nowait()
        except (BlockingIOError, queue.Empty):
            return None

    def stop(self) -> None:
        """Run nothing more, and put back what is raised, without waiting for the worker."""
        self._stopping.set()
        if self._means.proactive is not None:
            try:
                self._means.proactive.put_back()
            except OSError:
                pass  # the note stays: the next daemon tries again

    def close(self) -> None:
        """Stop, and end the thread; one that is stuck keeps its descriptor."""
        self.stop()
        self._actions.put(None)
        self._thread.join(timeout=1.0)
        if not self._thread.is_alive():
            os.close(self._event)

    def _work(self) -> None:
        """Run whatever is ordered, until told to end."""
        while (action := self._actions.get()) is not None:
            started = time.monotonic()
            try:
                error = self._run(action)
            except Exception as failure:  # noqa: BLE001 - whatever fails, the thread lives on
                error = explain(failure)
            self._runs.put(Run(time.monotonic() - started, error))
            os.eventfd_write(self._event, 1)

    def _run(self, action: Action) -> str | None:
        """Run one remedy; gives what was wrong with the order.

        Raises:
            OSError: the kernel refuses.
        """
        means, remedy = self._means, action.remedy
        if self._stopping.is_set():
            return "the daemon is stopping"
        compact = means.compact_for(action.node)
        if remedy is Remedy.COMPACT and compact is not None:
            # Since 6.5 nothing but 1 is accepted; before, anything was.
            compact.write(b"1")
        elif remedy in means.missing:
            return means.missing[remedy]
        elif remedy is Remedy.COMPACT_ASYNC and means.proactive is not None:
            means.proactive.run(self._stopping)
        elif remedy is Remedy.RECLAIM and means.reclaim is not None:
            if action.amount_kib is None or action.amount_kib <= 0:
                return "no amount to reclaim was given"
            reclaim(means.reclaim, action.amount_kib, self._stopping)
        elif remedy in DROPS and means.drop_caches is not None:
            means.drop_caches.write(DROPS[remedy])
        return None
