"""What happens in a run: the scenario acts through it, and it notes what comes of that."""

import os
import random
import re
import time
from pathlib import Path
from typing import Any

from target.inside.device import kills
from target.inside.meter import Meter
from target.inside.proof.application import Application
from target.inside.proof.contestants import Run
from target.inside.states import free_pages
from target.inside.tools import Probe

ORDER = 4
"""Of the blocks that a driver asks for."""
BURST_BLOCKS = 16
"""A megabyte."""
_CALM_SECONDS = (15.0, 30.0)
"""From the moment when memory is as it is to the first burst: who looks every ten seconds has seen
it, and has had some seconds to act. Polling promises nothing for a burst that comes before."""
_LOOK_SECONDS = 1.0
_WATCH_US = 1_000_000
_EVENT = re.compile(r"^(?P<event>[a-z_]+) ")
_FACT = re.compile(r'\b([a-z_]+)=("[^"]*"|\S+)')


class Scene:
    """One run of one scenario with one contestant."""

    def __init__(self, probe: Probe, contestant: Run, seed: int) -> None:
        """Begin: the contestant has settled."""
        self.probe = probe
        self.chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self.seed = seed
        self._contestant = contestant
        self._meters = {
            name: Meter(pid)
            for name, pid in (
                ("contestant", contestant.pid),
                ("kcompactd", _kernel_thread("kcompactd0")),
                ("kswapd", _kernel_thread("kswapd0")),
            )
            if pid is not None
        }
        self._said = os.fstat(contestant.log).st_size
        self._begin = time.monotonic()
        self._before = _meminfo()
        self._kills_before = kills()
        self._instructions = {name: one.instructions() for name, one in self._meters.items()}
        self.lines: list[tuple[float, int, str]] = []
        """When, with how many processes started, the contestant said what."""
        self.bursts: list[dict[str, Any]] = []
        self.started = 0
        self.started_at_kill: int | None = None
        self.facts: dict[str, Any] = {}
        """What the scenario itself found."""
        self._late_ns = 0
        self.probe.watch(_WATCH_US)
        self.application = Application(seed)

    def do(self, what: str, *arguments: object) -> bool:
        """Have the application do something."""
        return self.application.do(what, *arguments, meanwhile=self.listen)

    def now(self) -> float:
        """Say how many seconds have passed."""
        return time.monotonic() - self._begin

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.probe.late_ns()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))
            self.listen()
        self._late_ns = max(self._late_ns, self.probe.late_ns())

    def calm_down(self) -> None:
        """Let as much time pass as there is before the first burst."""
        self.wait(self.chance.uniform(*_CALM_SECONDS))

    def listen(self) -> None:
        """Note what the contestant has said since, and whether the kernel has killed."""
        now = self.now()
        text = os.pread(self._contestant.log, 1 << 20, self._said)
        whole = text[: text.rfind(b"\n") + 1]
        self._said += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self.lines.append((round(now, 3), self.started, line))
        if self.started_at_kill is None and self.kills():
            self.started_at_kill = self.started

    def burst(self, blocks: int = BURST_BLOCKS) -> None:
        """Have a driver that cannot wait ask for its blocks at once."""
        self._burst("driver", blocks)

    def sleeping_burst(self, blocks: int = BURST_BLOCKS) -> None:
        """Have one ask that may sleep: the kernel reclaims and compacts for it."""
        self._burst("kernel_noretry", blocks)

    def _burst(self, kind: str, blocks: int) -> None:
        came, slowest_ns = self.probe.take(kind, ORDER, blocks)
        # Only now: such a question raises the marks (boost) and turns pageblocks to HighAtomic.
        available = self.probe.take("atomic", ORDER).came if came == blocks else came
        self.bursts.append(
            {
                "kind": kind,
                "available": available,
                "asked": blocks,
                "came": came,
                "slowest_ns": slowest_ns,
            }
        )

    def fill_memory(self, left_pages: int) -> None:
        """Have the application take memory until so many pages are left outside of CMA."""
        while free_pages() > left_pages and self.do("take", 256):
            pass

    def hold_blocks(self) -> None:
        """Take every block of four pages and more that GFP_KERNEL could have."""
        for order in (10, 8, 6, 4, 3, 2):
            self.probe.hold("kernel", order, 1 << 20)

    def take_large_blocks(self, left: int) -> None:
        """Have other drivers hold the large blocks that are still there, but for some."""
        came = self.probe.take("atomic", ORDER).came
        self.probe.hold("atomic", ORDER, max(0, came - left))

    def start_process(self) -> bool:
        """Have the application start a process that stays; whether it could."""
        could = self.do("start")
        self.started += could
        return could and self.started_at_kill is None

    def start_processes(self, count: int) -> None:
        """Start one each second, until one fails or somebody is killed."""
        for _ in range(count):
            if not self.start_process():
                break
            self.wait(1.0)

    def kills(self) -> int:
        """Count the kernel's kills since the beginning."""
        return kills() - self._kills_before

    def figures(self) -> dict[str, Any]:
        """Sum up."""
        self.listen()
        self.probe.watch(0)
        after = _meminfo()
        alerts = [one for one in self.lines if self._contestant.is_alert(one[2])]
        cost = {
            name: one.instructions() - self._instructions[name]
            for name, one in self._meters.items()
            if name != "contestant" or not self._contestant.has_ended()
        }
        return {
            "seconds": self.now(),
            "bursts": self.bursts,
            "kills": self.kills(),
            "application_killed_by": self.application.killed_by
            if not self.application.is_alive()
            else None,
            "started": self.started,
            "started_at_kill": self.started_at_kill,
            "alerts": alerts[:4],
            "events": [
                (at, found["event"]) for at, _, line in self.lines if (found := _EVENT.match(line))
            ],
            "causes": [
                (at, dict(_FACT.findall(line)).get("cause"))
                for at, _, line in self.lines
                if re.match(r"headroom_(low|warning|critical) ", line)
            ],
            "remedies": [
                {"at": at, **dict(_FACT.findall(line))}
                for at, _, line in self.lines
                if line.startswith("remedy_finished ")
            ],
            "instructions": cost,
            "pss_kib": self._meters["contestant"].pss_kib()
            if "contestant" in self._meters and not self._contestant.has_ended()
            else None,
            "contestant_ended": self._contestant.has_ended(),
            "late_ns": self._late_ns,
            "cached_lost_kib": self._before["Cached"] - after["Cached"],
            "cma_taken_kib": self._before["CmaFree"] - after["CmaFree"],
            "log": [f"{at:.1f} {line}" for at, _, line in self.lines][:200],
            **self.facts,
        }


def _meminfo() -> dict[str, int]:
    """Read what is compared before and after, in KiB."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    pairs = (line.replace(":", "").split()[:2] for line in lines)
    return {"CmaFree": 0} | {name: int(value) for name, value in pairs}


def _kernel_thread(name: str) -> int | None:
    """Find a thread of the kernel by its name."""
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and (place / "comm").read_text() == f"{name}\n":
            return int(place.name)
    return None
