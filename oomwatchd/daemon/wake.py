"""Waiting: one epoll for signals, memory pressure, the socket and the end of a remedy."""

import errno
import os
import select
import signal
from typing import NamedTuple

from oomwatchd.model import Problem
from oomwatchd.system.files import reason
from oomwatchd.system.pressure import PressureTrigger

_NOT_HERE = frozenset({errno.ENOENT, errno.EOPNOTSUPP})
"""Kernels before 5.2 or without CONFIG_PSI: the capability says so."""


class Wakeup(NamedTuple):
    """Why the wait ended: signals received, tasks that wait for memory, ready descriptors."""

    signals: frozenset[int]
    pressure: bool
    descriptors: tuple[int, ...]


class Waiter:
    """Owns the epoll, the signals' pipe and the pressure trigger."""

    def __init__(self) -> None:
        """Catch TERM, INT and HUP from now on; PIPE is ignored by Python already."""
        self.epoll = select.epoll()
        self.poll = self.epoll.poll
        """Waits so many seconds at most; gives (descriptor, events) of what happened."""
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._trigger: PressureTrigger | None = None
        self.epoll.register(self._read, select.EPOLLIN)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _noticed)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def watch_pressure(self) -> Problem | None:
        """Wake from now on when tasks wait for memory; says why not, if that is odd."""
        try:
            self._trigger = PressureTrigger()
        except OSError as error:
            odd = error.errno not in _NOT_HERE
            return Problem("psi", f"/proc/pressure/memory: {reason(error)}") if odd else None
        self.epoll.register(self._trigger.fileno(), select.EPOLLPRI)
        return None

    def wakeup(self, ready: list[tuple[int, int]]) -> Wakeup:
        """Sort what `poll` gave."""
        signals: frozenset[int] = frozenset()
        pressure = False
        descriptors: list[int] = []
        for descriptor, events in ready:
            if descriptor == self._read:
                signals = frozenset(os.read(self._read, 256))
            elif self._trigger is not None and descriptor == self._trigger.fileno():
                pressure = not events & select.EPOLLERR
                if not pressure:
                    self._drop_trigger()
            else:
                descriptors.append(descriptor)
        return Wakeup(signals, pressure, tuple(descriptors))

    def _drop_trigger(self) -> None:
        """Give the trigger up: its source is gone, and it would wake us for ever."""
        if self._trigger is not None:
            self.epoll.unregister(self._trigger.fileno())
            self._trigger.close()
            self._trigger = None


def _noticed(_number: int, _frame: object) -> None:
    """Do nothing: the number arrives by the pipe."""
