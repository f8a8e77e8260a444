"""The hook's process: started without a copy of ours, limited in time, and seen off.

Never more than one at a time. Nothing here waits for it: the kernel tells its end by a descriptor
(pidfd_open(2), Linux 5.3), else it is asked for.
"""

import errno
import math
import os
import select
import signal
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from oomwatchd.system.files import reason
from oomwatchd.system.group import members, send
from oomwatchd.system.oom_score import expose
from oomwatchd.system.trust import distrust

GRACE_SECONDS = 2.0
"""From SIGTERM to SIGKILL."""
_PASSING = frozenset({errno.ENOMEM, errno.EAGAIN, errno.ENFILE, errno.EMFILE, errno.ETXTBSY})
"""What may be over soon: no memory, no room for a process or a file, a file being written."""
_ASK_SECONDS = 0.5
_STREAMS = range(3)
_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_NOWHERE = "/dev/null/nothing"
"""There can never be a program."""


class End(NamedTuple):
    """How a run ended: whether as it should, and what is to be said of it, if anything."""

    command: str
    is_good: bool
    trouble: str | None


class _Stage(Enum):
    """How far a run has come."""

    RUNNING = auto()
    TOLD = auto()
    """It was told to end, for its time was up."""
    KILLED = auto()


class Process:
    """Starts the command and sees to its end."""

    def __init__(self, epoll: select.epoll) -> None:
        """Open what every start needs; what we were given open is not passed on from now on.

        Raises:
            OSError: descriptors are short, or there is no /dev/null.
        """
        self._epoll = epoll
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._home = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._actions = [(os.POSIX_SPAWN_DUP2, self._null, stream) for stream in _STREAMS]
        self._pid: int | None = None
        self._pidfd: int | None = None
        self._stage = _Stage.RUNNING
        self._limit_at = math.inf
        self._timeout_seconds = 0.0
        self._command = ""
        self._not_exposed: str | None = None
        _close_on_exec()
        # Whoever started us may have ignored it: then the kernel throws each end away.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    @property
    def is_running(self) -> bool:
        """Whether there is a run that has not been seen off."""
        return self._pid is not None

    @property
    def is_stuck(self) -> bool:
        """Whether a run was killed and does not end nevertheless."""
        return self._pid is not None and self._stage is _Stage.KILLED

    def handles(self, descriptor: int) -> bool:
        """Whether an event on the descriptor tells the end of a run."""
        return descriptor == self._pidfd

    def refusal(self, command: Sequence[str]) -> str | None:
        """Say why a command must not be run; None where it may."""
        return distrust(command[0])

    def may_start_later(self, error: OSError) -> bool:
        """Whether what kept a command from being started may be over soon."""
        return error.errno in _PASSING

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        timeout_seconds: float,
        now: float,
    ) -> None:
        """Start the command in the root folder and in a process group of its own.

        Raises:
            OSError: it could not be started.
        """
        self._pid = pid = self._spawn(command, environment)
        self._command = command[0]
        # At once: until then what it starts itself has our score as well.
        self._not_exposed = expose(pid)
        self._stage, self._limit_at = _Stage.RUNNING, now + timeout_seconds
        self._timeout_seconds = timeout_seconds
        self._pidfd = self._watch(pid)

    def look(self, now: float) -> End | None:
        """Enforce the time limit, and see off a run that has ended; returns how it did."""
        pid = self._pid
        if pid is None:
            return None
        try:
            # Not waited for yet: as long as it is not, nobody else can have its number.
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # somebody else has waited for it
            return self._see_off(pid, None)
        if ended is not None and self._stage is _Stage.RUNNING:
            return self._see_off(pid, _trouble(ended))
        if now >= self._limit_at:
            self._press(pid, now)
        if ended is None:
            return None
        if self._stage is _Stage.KILLED or members(pid) <= {pid}:
            return self._see_off(pid, f"stopped after {self._timeout_seconds:g} s")
        # It has obeyed; what it has started has its time as well.
        self._unwatch()
        return None

    def due_at(self, now: float) -> float:
        """Say when to look again though nothing is told; infinity for never."""
        if self._pid is None:
            return math.inf
        return (
            self._limit_at if self._pidfd is not None else min(self._limit_at, now + _ASK_SECONDS)
        )

    def stop(self) -> None:
        """Tell a run to end, and leave it to itself; not to be used from then on."""
        if self._pid is not None:
            told = self._stage is not _Stage.RUNNING
            send(self._pid, signal.SIGKILL if told else signal.SIGTERM)
            self._see_off(self._pid, None)
        os.close(self._null)
        os.close(self._home)

    def rehearse(self) -> None:
        """Go once through a start that fails, so that all that it needs is there."""
        try:
            self._spawn((_NOWHERE,), {})
        except OSError as error:
            reason(error)
            self.may_start_later(error)
        distrust(_NOWHERE)

    def _spawn(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Make the process.

        The C library lets the new process run in our memory until it has loaded the program, so
        that nothing of it, locked as it is, has to be copied.

        Raises:
            OSError: it could not be made, or the program not be loaded.
        """
        words = [word.encode() for word in command]
        os.chdir("/")  # there is no way to say it of the new process alone
        try:
            return os.posix_spawn(
                words[0],
                words,
                environment,
                file_actions=self._actions,
                setpgroup=0,
                setsigmask=(),
                setsigdef=_SIGNALS,
            )
        finally:
            os.fchdir(self._home)

    def _press(self, pid: int, now: float) -> None:
        """Tell a run to end whose time is up; make it if it was told."""
        if self._stage is _Stage.RUNNING:
            send(pid, signal.SIGTERM)
            self._stage, self._limit_at = _Stage.TOLD, now + GRACE_SECONDS
        else:
            send(pid, signal.SIGKILL)
            self._stage, self._limit_at = _Stage.KILLED, math.inf

    def _watch(self, pid: int) -> int | None:
        """Have the end told by epoll; None where it has to be asked for."""
        try:
            pidfd = os.pidfd_open(pid)
        except (OSError, AttributeError):  # an old kernel or a filter, or Python was built for one
            return None
        try:
            self._epoll.register(pidfd, select.EPOLLIN)
        except OSError:
            os.close(pidfd)
            return None
        return pidfd

    def _unwatch(self) -> None:
        """Have nothing told any more: the end of a run would be told again and again."""
        if self._pidfd is not None:
            self._epoll.unregister(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _see_off(self, pid: int, trouble: str | None) -> End:
        """Wait for what has ended, which takes no time."""
        self._unwatch()
        self._pid, self._limit_at = None, math.inf
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass  # somebody else has waited for it
        return End(self._command, trouble is None, trouble or self._not_exposed)


def _trouble(ended: os.waitid_result) -> str | None:
    """Say what was not good about an end."""
    if ended.si_code == os.CLD_EXITED:
        return f"exit status {ended.si_status}" if ended.si_status else None
    return f"killed by signal {ended.si_status}"


def _close_on_exec() -> None:
    """Keep what we were given open from being passed on; Python's own are not anyway."""
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return
    for name in names:
        if int(name) not in _STREAMS:
            try:
                os.set_inheritable(int(name), False)  # noqa: FBT003 - the standard library's
            except OSError:
                pass  # the one by which they were listed
