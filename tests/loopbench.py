"""The daemon's loop on a clock of the test's own: hours pass in no time, and nothing is acted on.

Real are the sampler, on a copied tree whose files the test writes, and all that decides and
tells. Made up are the clock, the epoll, the thread of the remedies and the places of events.
"""

import json
import math
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from oomwatchd.daemon import desk, hands, lifeline, loop, steps
from oomwatchd.daemon.loop import Daemon
from oomwatchd.daemon.options import Options
from oomwatchd.daemon.place import Place
from oomwatchd.daemon.wake import Wakeup
from oomwatchd.model import Action, DemandSpec, Kernel, Remedy, Request, Run
from oomwatchd.settings import Alerts, Config, Poll, Remedies, Survival
from oomwatchd.status.protocol import RequestError, encode_error, parse_request
from oomwatchd.status.server import Reply, Then
from oomwatchd.system.sampler import Needs, Sampler

START = 1000.0
WORKER = 77
CLIENT = 88
KERNEL = Kernel("6.1.0", (6, 1, 0), "armv7l", 4096)
FAR = (100,) * 11
"""Free blocks by order: far from any level."""
NEAR = (4000, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0)
"""Above the warning level of 16 blocks, and below twice that."""
WARNING = (4000, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0)
LOW = (4000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
"""Much is free, in single pages: critical for want of larger ones."""
PROCESS = DemandSpec("process", 2, None, Request.KERNEL, 16, 4)
POLL = Poll(interval_min_seconds=0.5, interval_max_seconds=10.0)
CONFIG = Config(
    poll=POLL,
    remedies=Remedies(compact_async=False, reclaim=False, drop_caches=False),
    survival=Survival(lock_memory=False, kmsg=False),
    builtin_demands=False,
    demands=(PROCESS,),
)


def write_memory(root: Path, blocks: tuple[int, ...], *, least: int = 500) -> None:
    """Write the files of one zone below a root; `least` is its min mark."""
    proc = root / "proc"
    proc.mkdir(parents=True, exist_ok=True)
    pages = sum(count << order for order, count in enumerate(blocks))
    counts = "".join(f"{count:7d}" for count in blocks)
    (proc / "buddyinfo").write_text(f"Node 0, zone   Normal{counts} \n")
    (proc / "zoneinfo").write_text(
        f"Node 0, zone   Normal\n  pages free     {pages}\n        boost    0\n"
        f"        min      {least}\n        low      {least * 5 // 4}\n"
        f"        high     {least * 3 // 2}\n        present  262144\n        managed  260000\n"
        "        cma      0\n        protection: (0, 0)\n      nr_free_cma  0\n"
    )
    (proc / "pagetypeinfo").write_text(
        "Page block order: 10\nPages per block:  1024\n\n"
        "Free pages count per migrate type at order "
        + "".join(f"{order:6d} " for order in range(len(blocks)))
        + f"\nNode    0, zone   Normal, type    Unmovable {counts} \n"
        + "Node    0, zone   Normal, type   HighAtomic "
        + "     0 " * len(blocks)
        + "\n\nNumber of blocks type     Unmovable   HighAtomic \nNode 0, zone   Normal  254  0 \n"
    )
    (proc / "meminfo").write_text(
        f"MemTotal: 1040000 kB\nMemFree: {4 * pages} kB\nMemAvailable: {4 * pages} kB\n"
        "CmaTotal: 0 kB\nCmaFree: 0 kB\n"
    )
    (proc / "vmstat").write_text("oom_kill 0\n")


class Told(NamedTuple):
    """An event, and when it came."""

    at: float
    event: str
    facts: Mapping[str, object]


class CountingSampler(Sampler):
    """Counts the readings of each kind, with their times."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        """Read below `root`."""
        super().__init__(str(root), KERNEL, live=False)
        self.looks: list[tuple[float, Needs]] = []
        self._clock = clock

    def sample(self, needs: Needs = Needs()) -> Any:  # noqa: ANN401, B008 - as it is overridden
        """Take note, and read."""
        self.looks.append((self._clock(), needs))
        return super().sample(needs)


class Clients:
    """Stands for the server: takes requests at moments of the test's, and keeps the replies."""

    def __init__(self, bench: "Bench") -> None:
        """Have nobody ask yet."""
        self._bench = bench
        self._asked: list[bytes] = []
        self._count = 0
        self.replies: dict[int, tuple[float, dict[str, Any]]] = {}
        """By client, counted from 1: when the reply came, and what it says."""
        self.told: list[tuple[float, dict[str, Any]]] = []
        """What those who watch were told."""
        self.is_watched = False

    def asks(self, moment: float, request: bytes) -> None:
        """Let a client ask, some time after the start."""

        def ask() -> None:
            self._asked.append(request)
            self._bench.wake(CLIENT)

        self._bench.at(START + moment, ask)

    # What the daemon takes for its server.

    def handles(self, descriptor: int) -> bool:
        """Whether it is for us."""
        return descriptor == CLIENT

    def handle(self, _descriptor: int, now: float, answer: Any) -> None:  # noqa: ANN401 - as the server's
        """Answer who has asked."""
        for request in self._asked:
            self._count += 1
            try:
                reply = answer(parse_request(request), self._count)
            except RequestError as error:
                reply = Reply(encode_error(error))
            if reply.line:
                self.replies[self._count] = now - START, json.loads(reply.line)
            self.is_watched = self.is_watched or reply.then is Then.WATCH
        self._asked.clear()

    def reply(self, number: int, line: bytes, now: float) -> None:
        """Answer later."""
        assert number not in self.replies
        self.replies[number] = now - START, json.loads(line)

    def tell(self, line: bytes, now: float) -> None:
        """Tell those who watch."""
        if self.is_watched:
            self.told.append((now - START, json.loads(line)))

    def expire(self, _now: float) -> float:
        """Have nothing to expire."""
        return math.inf


class Bench:
    """A daemon, its clock, and what is to happen when."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make what is free plenty."""
        self.now = START
        self.root = root
        self.told: list[Told] = []
        self.trouble: str | None = None
        self.sink = "stderr"
        self.recent: list[bytes] = []
        self.listener: object = None
        self.lost = self.withheld = self.repeated = 0
        self.is_full = False
        self.limits: Alerts | None = None
        """What the log was told at a reload."""
        self.started: list[tuple[float, Action]] = []
        self.run_seconds: float | None = 1.0
        """How long a remedy runs; None for ever."""
        self.cure: Callable[[], None] = lambda: None
        """What a remedy does."""
        self.waits = 0
        self.epoll = SimpleNamespace(register=lambda *_: None)
        self._script: list[tuple[float, Callable[[], object]]] = []
        self._runs: list[tuple[float, Run]] = []
        self._awake: set[int] = set()
        self._ready: list[tuple[int, int]] = []
        write_memory(root, FAR)
        self.sampler = CountingSampler(root, lambda: self.now)
        nothing = lambda *_, **__: None  # noqa: E731 - in many places
        monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(desk, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(steps, "suspended_seconds", lambda: 0.0)
        monkeypatch.setattr(loop, "Log", lambda *_: self)
        monkeypatch.setattr(loop, "Sampler", lambda *_, **__: self.sampler)
        monkeypatch.setattr(lifeline, "protect", nothing)
        monkeypatch.setattr(lifeline, "freeze_garbage", nothing)
        monkeypatch.setattr(
            hands, "open_means", lambda **_: SimpleNamespace(missing=self.missing(), nodes=())
        )
        monkeypatch.setattr(hands, "Worker", lambda _: self)
        monkeypatch.setattr(hands, "RealTime", lambda: self)
        self.server: Clients | None = None
        self.status_file: Any = None
        self.control: Any = None
        self.sign: str | None = None
        self.quick_sign: str | None = None
        self.searches: list[float] = []

    def missing(self) -> dict[Remedy, str]:
        """Have compaction and dropping."""
        return dict.fromkeys((Remedy.COMPACT_ASYNC, Remedy.RECLAIM), "not here")

    # What the daemon takes for its log, its worker, its searcher and its waiter.

    def catch_up(self) -> float:
        """Have nothing to catch up with."""
        return math.inf

    def reconfigure(self, alerts: Alerts) -> None:
        """Take the log's new limits."""
        self.limits = alerts

    def __call__(self, event: str, /, **facts: object) -> None:
        """Take an event."""
        self.told.append(Told(self.now, event, facts))

    def fileno(self) -> int:
        """Give the worker's descriptor."""
        return WORKER

    def start(self, action: Action) -> None:
        """Start a remedy."""
        self.started.append((self.now, action))
        if self.run_seconds is not None:
            self._runs.append((self.now + self.run_seconds, Run(self.run_seconds, None)))
            self.at(self.now + self.run_seconds, self._finish)

    def result(self) -> Run | None:
        """Give the run that has ended."""
        return self._runs.pop(0)[1] if self._runs else None

    def stop(self) -> None:
        """Stop the worker."""

    def find(self) -> str | None:
        """Look through all threads for real-time ones."""
        self.searches.append(self.now)
        return self.sign

    def quick(self) -> str | None:
        """Look through the processes for real-time ones."""
        return self.quick_sign or self.sign

    def poll(self, seconds: float, most: int) -> list[tuple[int, int]]:
        """Wait: the clock goes on until something happens."""
        self.waits += 1
        assert seconds >= 0
        assert most > 0
        until = self.now + seconds
        while self._script and self._script[0][0] <= until:
            at, happening = self._script.pop(0)
            self.now = max(self.now, at)
            happening()
            if self._ready or self._awake:
                return [*self._ready, (0, 0)]
        self.now = max(self.now, until)
        assert self._script, "nothing stops this daemon"
        return []

    def wakeup(self, _: object) -> Wakeup:
        """Say what has happened."""
        woken = Wakeup(frozenset(self._awake), False, tuple(fd for fd, _ in self._ready))  # noqa: FBT003 - a field
        self._awake, self._ready = set(), []
        return woken

    def watch_pressure(self) -> None:
        """Have no pressure."""

    # What a test does.

    def at(self, moment: float, happening: Callable[[], object]) -> None:
        """Let something happen at a moment."""
        self._script.append((moment, happening))
        self._script.sort(key=lambda step: step[0])

    def wake(self, descriptor: int) -> None:
        """Have a descriptor ready."""
        self._ready.append((descriptor, 1))

    def signal(self, number: int) -> Callable[[], None]:
        """Make a signal."""
        return lambda: self._awake.add(number)

    def free(self, blocks: tuple[int, ...], *, least: int = 500) -> Callable[[], None]:
        """Make a change of what is free."""
        return lambda: write_memory(self.root, blocks, least=least)

    def skip(self, seconds: float) -> Callable[[], None]:
        """Make a time that nobody sees pass."""

        def pass_unseen() -> None:
            self.now += seconds

        return pass_unseen

    def run(
        self, seconds: float, config: Config = CONFIG, *, dry_run: bool = False, locked: bool = True
    ) -> Daemon:
        """Run the daemon from START on, and stop it; gives it as it ended."""
        options = Options(config=str(self.root / "oomwatchd.conf"), dry_run=dry_run)
        server: Any = self.server
        place = Place(
            str(self.root), 5 if locked else None, server, (), self.control, self.status_file
        )
        daemon = Daemon(config, options, self, place)  # type: ignore[arg-type] # a made-up waiter
        self.at(START + seconds, self.signal(signal.SIGTERM))
        daemon.run()
        return daemon

    def times(self, event: str) -> list[float]:
        """Say how long after the start an event came, each time."""
        return [told.at - START for told in self.told if told.event == event]

    def facts(self, event: str) -> Mapping[str, Any]:
        """Give the facts of an event that came once."""
        (told,) = (told for told in self.told if told.event == event)
        return told.facts

    def demand_events(self) -> list[str]:
        """List what was told of the demands, in order."""
        return [told.event for told in self.told if told.event.startswith("headroom_")]

    def _finish(self) -> None:
        self.cure()
        self._ready.append((WORKER, 1))
