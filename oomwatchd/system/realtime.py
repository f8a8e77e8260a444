"""Whether this is a real-time system, whose tasks a remedy would keep waiting."""

import os

from oomwatchd.errors import ParseError, quote
from oomwatchd.procfs import taskstat
from oomwatchd.procfs.taskstat import TaskStat
from oomwatchd.system.files import read_optional

_POLICIES = {1: "SCHED_FIFO", 2: "SCHED_RR", 6: "SCHED_DEADLINE"}
_RESET_ON_FORK = 0x40000000
"""Comes with the policy that the system call gives, and not with the one in stat."""
_STAT_BYTES = 4096


class RealTime:
    """Looks for the signs. Processes may come and go meanwhile: nothing raises."""

    def __init__(self, root: str = "/", own_pid: int | None = None) -> None:
        """Open `root`'s /proc for good; the daemon's own tasks do not count.

        Raises:
            OSError: there is none.
        """
        root = root.rstrip("/")
        self._own = str(os.getpid() if own_pid is None else own_pid)
        self._kernel = kernel_sign(root)
        self._kernel_threads: frozenset[str] = frozenset()
        self._searched: set[str] = set()
        """The processes of which all threads have been looked at."""
        """Those with real-time policies: few, and they stay."""
        self._proc = os.open(f"{root}/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def find(self) -> str | None:
        """Name the first sign: the kernel, else a task, any thread of any process; or None."""
        return self._kernel or self._find_task()

    def quick(self) -> str | None:
        """Look again right before acting: at the first thread of each process, and all of new ones.

        Of processes that were there when all threads were looked through nothing is opened but
        the stat of real-time tasks that are not known as the kernel's.
        """
        if self._kernel is not None:
            return self._kernel
        pids = self._pids()
        # A number that is free again may be given to anybody.
        self._kernel_threads &= frozenset(pids)
        self._searched.intersection_update(pids)
        for pid in pids:
            if pid in self._kernel_threads:
                continue
            if pid not in self._searched:
                if sign := self._find_thread(pid):
                    return sign
                continue
            try:
                policy = os.sched_getscheduler(int(pid)) & ~_RESET_ON_FORK
            except ProcessLookupError:
                continue
            except OSError:  # musl has no such call, a filter may forbid it
                return self._find_task()
            if policy not in _POLICIES:
                continue
            stat = self._first_thread(pid)
            if stat is not None and (sign := _sign(pid, stat)):
                return sign
        return None

    def close(self) -> None:
        """Close /proc; not to be used from then on."""
        os.close(self._proc)

    def _find_task(self) -> str | None:
        """Name the first real-time task, if there is one."""
        self._kernel_threads = frozenset()
        self._searched.clear()
        for pid in self._pids():
            if sign := self._find_thread(pid):
                return sign
        return None

    def _find_thread(self, pid: str) -> str | None:
        """Name a process's first real-time thread, if it has one."""
        self._searched.add(pid)
        stat = self._first_thread(pid)
        if stat is None:
            return None
        if sign := _sign(pid, stat):
            return sign
        # Most have one thread: theirs need not be listed.
        for tid in self._threads(pid) if stat.threads > 1 else ():
            other = self._stat(f"{pid}/task/{tid}/stat")
            if other is not None and (sign := _sign(tid, other)):
                return sign
        return None

    def _first_thread(self, pid: str) -> TaskStat | None:
        """Read what a process's first thread is; None if it is the kernel's, or gone."""
        stat = self._stat(f"{pid}/stat")
        if stat is not None and stat.kernel_thread:
            if stat.policy in _POLICIES:
                self._kernel_threads |= {pid}
            return None
        return stat

    def _pids(self) -> list[str]:
        """List the processes but ourselves."""
        try:
            # Listing by descriptor opens nothing.
            names = os.listdir(self._proc)
        except OSError:
            return []
        return [name for name in names if name.isdecimal() and name != self._own]

    def _threads(self, pid: str) -> list[str]:
        """List a process's threads; none if it is gone."""
        try:
            tasks = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._proc)
        except OSError:
            return []
        try:
            return os.listdir(tasks)
        except OSError:
            return []
        finally:
            os.close(tasks)

    def _stat(self, path: str) -> TaskStat | None:
        """Read and parse a stat; None if the task is gone."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except OSError:
            return None
        try:
            return taskstat.parse(os.read(descriptor, _STAT_BYTES))
        except (OSError, ParseError):
            return None
        finally:
            os.close(descriptor)


def _sign(tid: str, stat: TaskStat) -> str | None:
    """Describe a thread if it is a real-time one."""
    policy = _POLICIES.get(stat.policy)
    return f"task {quote(stat.name)} ({tid}) is {policy}" if policy else None


def kernel_sign(root: str) -> str | None:
    """Tell a kernel with PREEMPT_RT, which older patched ones call PREEMPT RT."""
    if (read_optional(f"{root}/sys/kernel/realtime") or b"").strip() == b"1":
        return "the kernel is PREEMPT_RT"
    version = read_optional(f"{root}/proc/version") or b""
    if b"PREEMPT_RT" in version or b"PREEMPT RT" in version:
        return "the kernel is PREEMPT_RT"
    return None
