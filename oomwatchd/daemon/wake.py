"""Waiting: one epoll for signals, the socket and the end of a remedy, bounded by the next tick."""

import os
import select
import signal
from typing import NamedTuple


class Wakeup(NamedTuple):
    """Why the wait ended: signals received, and descriptors that are ready."""

    signals: frozenset[int]
    descriptors: tuple[int, ...]


class Waiter:
    """Owns the epoll and the signals' pipe."""

    def __init__(self) -> None:
        """Catch TERM, INT and HUP from now on; PIPE is ignored by Python already."""
        self.epoll = select.epoll()
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.epoll.register(self._read, select.EPOLLIN)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _noticed)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def wait(self, seconds: float) -> Wakeup:
        """Wait until something happens, at most `seconds`."""
        ready = [descriptor for descriptor, _ in self.epoll.poll(max(0.0, seconds))]
        signals: frozenset[int] = frozenset()
        if self._read in ready:
            ready.remove(self._read)
            signals = frozenset(os.read(self._read, 256))
        return Wakeup(signals, tuple(ready))


def _noticed(_number: int, _frame: object) -> None:
    """Do nothing: the number arrives by the pipe."""
