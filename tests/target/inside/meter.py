"""Measures another process: instructions, wake-ups, memory, descriptors.

Which clock is precise. Under icount the guest's time is its count of instructions, and the
scheduler adds up each thread's in nanoseconds. A file and a clock give that sum: the first
field of /proc/PID/schedstat for one thread alone, and the process's CPU clock
(clock_getcpuclockid(3)) for all threads, those that have ended included. They agree to the
nanosecond while the process sleeps; the clock is taken here. It moves in steps of 16, since the
virt board's timer runs at 62.5 MHz. utime and stime of /proc/PID/stat are of no use: they come in
hundredths of a second. Interrupts that come while the process runs are on its account.
"""

import os
import time
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """From smaps_rollup, which counts pages: the sums in `status` lag behind by up to 64 each."""

    rss_kib: int
    anonymous_kib: int


class Meter:
    """Looks at one process."""

    def __init__(self, pid: int) -> None:
        """Look at a process that runs."""
        self._place = Path(f"/proc/{pid}")
        # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of the C library; Python has it for threads.
        self._clock = (~pid << 3) | 2

    def instructions(self) -> int:
        """Say how many instructions it has run, in its own code and in the kernel for it."""
        return time.clock_gettime_ns(self._clock)

    def wakeups(self) -> int:
        """Count how often its threads have gone to sleep, and so been woken."""
        return sum(
            int(self._field(f"task/{thread}/status", "voluntary_ctxt_switches"))
            for thread in os.listdir(self._place / "task")
        )

    def memory(self) -> Memory:
        """Measure its memory."""
        return Memory(
            int(self._field("smaps_rollup", "Rss")),
            int(self._field("smaps_rollup", "Anonymous")),
        )

    def pss_kib(self) -> int:
        """Measure its share of what it uses together with others, and what it has alone."""
        return int(self._field("smaps_rollup", "Pss"))

    def descriptors(self) -> int:
        """Count its open descriptors."""
        return len(os.listdir(self._place / "fd"))

    def _field(self, file: str, name: str) -> str:
        """Give the first word after a name that begins a line."""
        for line in (self._place / file).read_text().splitlines():
            key, _, rest = line.partition(":")
            if key == name:
                return rest.split()[0]
        raise LookupError(f"{self._place}/{file} has no {name}")
