"""Compaction of all zones, in a thread of its own: a write to compact_memory takes its time."""

import os
import queue
import threading
import time

from oomwatchd.model import Run
from oomwatchd.system.files import reason

_PATH = "/proc/sys/vm/compact_memory"
_STACK_BYTES = 256 * 1024
"""A default stack of 8 MB would be locked into memory whole."""


class Compactor:
    """Runs compaction in one worker thread; at most one run at a time.

    `fileno()` becomes readable when a run has ended.
    """

    def __init__(self) -> None:
        """Open the file and start the worker, so that nothing has to be opened later.

        Raises:
            OSError: the kernel cannot compact, or this process may not ask it to.
        """
        self._descriptor = os.open(_PATH, os.O_WRONLY | os.O_CLOEXEC)
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._orders: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        before = threading.stack_size(_STACK_BYTES)
        try:
            # A daemon thread: stopping does not wait for a kernel that does not come back.
            threading.Thread(target=self._work, name="remedy", daemon=True).start()
        finally:
            threading.stack_size(before)

    def fileno(self) -> int:
        """Give the descriptor that tells the end of a run."""
        return self._event

    def start(self) -> None:
        """Start a run; the caller sees to it that none is under way."""
        self._orders.put(None)

    def result(self) -> Run | None:
        """Take the run that has ended, if one has."""
        try:
            os.eventfd_read(self._event)
            return self._runs.get_nowait()
        except (BlockingIOError, queue.Empty):
            return None

    def _work(self) -> None:
        """Compact whenever told to."""
        while True:
            self._orders.get()
            started = time.monotonic()
            error = None
            try:
                # At offset 0: since 4.5 a write further on is ignored. Kernels before 3.7
                # return 3 whatever was written; since 6.5 nothing but 1 is accepted.
                os.pwrite(self._descriptor, b"1", 0)
            except OSError as failure:
                error = reason(failure)
            self._runs.put(Run(time.monotonic() - started, error))
            os.eventfd_write(self._event, 1)
