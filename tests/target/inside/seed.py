"""The seed's failure: the kernel kills with memory left, and what oomwatchd saw and said before.

Of unmovable pages in pipes every third stays: no four neighbours; then the large blocks go; then
processes start, each with a page directory of four pages. One event "step" at each stage,
"said" for each line of the daemon's log, "kernel" for what the kernel says of a kill. Where it
panics instead of killing, the events end there. Arguments are for the daemon (`--dry-run`).
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from target.inside.states import PAGE, Pipes, free_pages, quiet
from target.inside.tools import Reporter

from oomwatchd.ctl.client import ask
from oomwatchd.errors import OomwatchdError
from oomwatchd.procfs import buddyinfo, extfrag, vmstat

ORDER = 2
_CONFIG = "/run/oomwatchd.conf"
_SOCKET = "/run/oomwatchd.sock"
_RINGS = (1 << 24, 1 << 23)
# Above the marks of this device, some 600.
_LEFT_PAGES = 1600
_MOST_STARTS = 4000
_SETTLE_SECONDS = 1.0


class Device:
    """The device, its daemon, and what is told of them."""

    def __init__(self, arguments: list[str]) -> None:
        """Start the daemon, and open what is read at each step."""
        self.report = Reporter()
        self.started = 0
        Path(_CONFIG).write_text(
            f"[socket]\npath = {_SOCKET}\n"
            "[poll]\ninterval_min_seconds = 0.2\ninterval_max_seconds = 1\nhold_seconds = 1\n"
            "[alerts]\nrepeat_seconds = 0\nlines_per_hour = 1000\n"
        )
        self._log = os.memfd_create("log")
        self._kernel_log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._kernel_log, 0, os.SEEK_END)
        self._daemon = subprocess.Popen(
            ["oomwatchd", "--config", _CONFIG, "--log-to", "stderr", *arguments], stderr=self._log
        )
        # As a service manager does for the daemon; what reports is the last to be killed.
        Path(f"/proc/{self._daemon.pid}/oom_score_adj").write_text("-900")
        Path("/proc/self/oom_score_adj").write_text("-999")
        while not Path(_SOCKET).exists():
            time.sleep(0.1)
        self._said = 0

    def step(self, name: str) -> None:
        """Tell how things stand now."""
        (lists,) = (zone.free_blocks for zone in buddyinfo.parse(_read("/proc/buddyinfo")))
        (index,) = extfrag.parse(_read("/sys/kernel/debug/extfrag/extfrag_index"))
        facts: dict[str, Any] = {
            "step": name,
            "started": self.started,
            "free_kib": sum(count << at for at, count in enumerate(lists)) * PAGE // 1024,
            "free_blocks": lists,
            "kernel_index_thousandths": index.index_thousandths[ORDER],
            "oom_kills": self.kills(),
        }
        try:
            status = json.loads(ask(_SOCKET, b"status\n"))
        except OomwatchdError as error:
            facts["unreachable"] = str(error)
        else:
            (demand,) = (one for one in status["demands"] if one["name"] == "process")
            facts |= {key: demand[key] for key in ("headroom", "severity", "cause", "advice")}
            facts["compactions"] = status["remedies"]["counts"]["compact"]
        self.report(event="step", **facts)
        self.listen()

    def listen(self) -> None:
        """Tell what the daemon and the kernel have said since."""
        text = os.pread(self._log, 1 << 20, self._said)
        whole = text[: text.rfind(b"\n") + 1]
        self._said += len(whole)
        for line in whole.decode().splitlines():
            self.report(event="said", line=line)
        while True:
            try:
                record = os.read(self._kernel_log, 8192).decode(errors="replace")
            except BlockingIOError:
                break
            except BrokenPipeError:  # records were lost
                continue
            line = record.partition(";")[2].partition("\n")[0]
            if "oom-killer" in line or "Out of memory" in line or line.startswith("DMA free:"):
                self.report(event="kernel", line=line)

    def kills(self) -> int:
        """Count the kernel's kills."""
        return vmstat.parse(_read("/proc/vmstat"))["oom_kill"]

    def start(self) -> None:
        """Start a process that stays."""
        pid = os.posix_spawn("/bin/busybox", ["sleep", "1000"], {})
        Path(f"/proc/{pid}/oom_score_adj").write_text("0")
        self.started += 1


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def take_large_blocks() -> list[tuple[int, int]]:
    """Take the blocks of order 5, then 4, as ring arrays of pipes, until they are refused."""
    rings: list[tuple[int, int]] = []
    for size in _RINGS:
        while True:
            ends = os.pipe()
            rings.append(ends)
            try:
                fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, size)
            except OSError:
                break
    return rings


def main() -> None:
    """Bring the device down."""
    quiet()
    device = Device(sys.argv[1:])
    time.sleep(_SETTLE_SECONDS)
    device.step("healthy")
    pipes = Pipes(sets=3)
    while free_pages() > _LEFT_PAGES:
        pipes.take(_LEFT_PAGES // 4)
    time.sleep(_SETTLE_SECONDS)
    device.step("pipes full")
    pipes.drain(number=0)
    pipes.drain(number=1)
    time.sleep(_SETTLE_SECONDS)
    device.step("two of three pages given back")
    rings = take_large_blocks()
    time.sleep(_SETTLE_SECONDS)
    device.step(f"{len(rings)} large blocks taken")
    while device.started < _MOST_STARTS and not device.kills():
        device.start()
        time.sleep(_SETTLE_SECONDS / 4)
        device.step("a process started")
    device.listen()
    device.report(event="end")


if __name__ == "__main__":
    main()
