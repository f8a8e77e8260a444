"""What the daemon lives through a shortage by, tried on a device: one event for each."""

import mmap
import os
import select
import subprocess
import sys
import time
from pathlib import Path

from target.inside.tools import Reporter

from oomwatchd.system.kmsg import KernelLog
from oomwatchd.system.memory import freeze_garbage, lock_memory
from oomwatchd.system.oom_score import protect
from oomwatchd.system.pressure import TRIGGER, PressureTrigger
from oomwatchd.system.realtime import RealTime

GROUP = Path("/tmp/cgroup/stalled")  # noqa: S108 - the guest is ours alone
LIMIT_KIB = 6 << 10
FILE_BYTES = 32 << 20
SECONDS = 9.0
SENSITIVE = b"some 10000 2000000\0"
"""10 ms in 2 s: what one task that thrashes is sure to reach."""


def locked() -> dict[str, object]:
    """Lock memory."""
    before = _status("VmRSS")
    why = lock_memory()
    freeze_garbage()
    room = mmap.mmap(-1, 32 << 20)
    locked_kib, grown_kib = _status("VmLck"), _status("VmRSS") - before
    room.close()
    return {"why": why, "locked_kib": locked_kib, "grown_kib": grown_kib}


def stalls() -> dict[str, object]:
    """Make a task thrash, and note when a trigger wakes us, and how often poll returns."""
    PressureTrigger(trigger=TRIGGER).close()
    trigger = PressureTrigger(trigger=SENSITIVE)
    epoll = select.epoll()
    epoll.register(trigger.fileno(), select.EPOLLPRI)
    at_rest = len(epoll.poll(1.0))
    GROUP.parent.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "none", str(GROUP.parent)], check=True)
    (GROUP.parent / "cgroup.subtree_control").write_text("+memory")
    GROUP.mkdir()
    (GROUP / "memory.max").write_text(f"{LIMIT_KIB}K")
    wakes: list[tuple[float, int]] = []
    command = [sys.executable, "-m", "target.inside.survival", "thrash"]
    with subprocess.Popen(command) as thrasher:
        end = time.monotonic() + SECONDS
        while (left := end - time.monotonic()) > 0:
            woken = epoll.poll(left)
            wakes += [(time.monotonic(), events) for _, events in woken]
        thrasher.kill()
    trigger.close()
    return {"at_rest": at_rest, "wakes": wakes}


def thrash() -> None:
    """Read more of a disk than may stay in memory, over and over."""
    (GROUP / "cgroup.procs").write_text(str(os.getpid()))
    pages = mmap.mmap(os.open("/dev/vda", os.O_RDONLY), FILE_BYTES, prot=mmap.PROT_READ)
    pages.madvise(mmap.MADV_RANDOM)
    while True:
        for offset in range(0, FILE_BYTES, mmap.PAGESIZE):
            pages[offset]


def _status(name: str) -> int:
    """Read a field of /proc/self/status, in KiB."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0])


def main() -> None:
    """Try everything."""
    report = Reporter()
    real_time = RealTime()
    report(what="real time", find=real_time.find(), quick=real_time.quick())
    why = protect(None)
    report(what="score", why=why, reads=Path("/proc/self/oom_score_adj").read_text().strip())
    log = KernelLog()
    report(what="kmsg", why=log.problem, written=log.last_words("the end is near", 1.0))
    report(what="lock", **locked())
    report(what="pressure", **stalls())


if __name__ == "__main__":
    thrash() if sys.argv[1:] == ["thrash"] else main()
