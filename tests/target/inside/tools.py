"""What a script in a guest needs: reporting to the host, and asking the probe."""

import json
import os
from pathlib import Path
from typing import NamedTuple

_PROBE = "/proc/oomwatchd_probe"


class Reporter:
    """The channel to the host, opened once: reporting needs no memory then."""

    def __init__(self) -> None:
        """Open the port."""
        self._port = os.open("/dev/events", os.O_WRONLY)

    def __call__(self, **facts: object) -> None:
        """Tell the host: one event."""
        data = json.dumps(facts).encode() + b"\n"
        while data:
            data = data[os.write(self._port, data) :]


class Answer(NamedTuple):
    """What the probe got."""

    came: int
    slowest_ns: int


class Probe:
    """The probe module (see probe/oomwatchd_probe.c for the kinds)."""

    def __init__(self) -> None:
        """Open its file."""
        self._file = os.open(_PROBE, os.O_RDWR)

    def take(self, kind: str, order: int, most: int = 1 << 24) -> Answer:
        """Allocate blocks until one is refused, and give them back."""
        answer = self._ask(f"{kind} {order} {most}")
        return Answer(int(answer["came"]), int(answer["slowest_ns"]))

    def hold(self, kind: str, order: int, count: int) -> int:
        """Allocate blocks and keep them; return how many came."""
        return int(self._ask(f"hold {kind} {order} {count}")["came"])

    def release(self, every: int = 1) -> int:
        """Give back every so manieth block that is held."""
        return int(self._ask(f"release {every}")["released"])

    def scatter(self, seed: int, part: float) -> int:
        """Give back a part of the single pages that are held, by chance."""
        return int(self._ask(f"scatter {seed} {int(part * 1000)}")["released"])

    def give_back(self, order: int, count: int) -> int:
        """Give back so many of the blocks of an order that are held, the last ones first."""
        return int(self._ask(f"return {order} {count}")["released"])

    def watch(self, period_us: int) -> None:
        """Have a thread under SCHED_FIFO wake up that often; 0: no more."""
        self._ask(f"watch {period_us}")

    def late_ns(self) -> int:
        """Say how late that thread was at worst since the last time."""
        return int(self._ask("late")["worst_ns"])

    def drain(self) -> None:
        """Give the pages on per-CPU lists back to the free lists."""
        self._ask("drain")

    def _ask(self, request: str) -> dict[str, int]:
        os.write(self._file, request.encode())
        answer: dict[str, int] = json.loads(os.pread(self._file, 4096, 0))
        return answer


def write(path: str, value: object) -> None:
    """Write a value to a file of the kernel, if this kernel has it."""
    if Path(path).exists():
        Path(path).write_text(f"{value}\n")
