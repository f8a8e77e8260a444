"""Measures what daemon and client cost, in a guest that counts instructions.

Arguments: how many ticks the daemon lives through in the search for leaks, and how many ticks of
each kind are looked at. One event for each subject; costs are in instructions.
"""

import os
import sys
import time
from collections.abc import Callable
from statistics import median

from target.inside import client
from target.inside.flipper import Flipper
from target.inside.meter import Meter
from target.inside.running import EARLYOOM, daemon, process
from target.inside.ticks import kinds_of_ticks
from target.inside.tools import Reporter

from oomwatchd.assess.assessment import assess
from oomwatchd.assess.watched import demands_of
from oomwatchd.settings import Config
from oomwatchd.system.origin import live_kernel
from oomwatchd.system.sampler import Needs, Sampler

_FILES = ("buddyinfo", "meminfo", "zoneinfo")
_IDLE_SECONDS = 60.0
_FLOOR_SECONDS = 0.05
"""The shortest interval that can be configured."""
# The first changes are past by then, and every path has been taken.
_WARM_TICKS = 400
_FLIP_EVERY_TICKS = 20
_STAGES = 10
_REPEATS = 50


def idle(meter: Meter) -> dict[str, float]:
    """Watch a process while nothing happens."""
    instructions, wakeups = meter.instructions(), meter.wakeups()
    time.sleep(_IDLE_SECONDS)
    instructions, wakeups = meter.instructions() - instructions, meter.wakeups() - wakeups
    return {
        "seconds": _IDLE_SECONDS,
        "per_second": instructions / _IDLE_SECONDS,
        "per_wakeup": instructions / max(1, wakeups),
        "wakeups": wakeups,
    }


def endurance(count: int) -> dict[str, object]:
    """Let the daemon tick often, with changes now and then, and look whether it grows."""
    with daemon(_FLOOR_SECONDS) as meter, Flipper() as flipper:
        first = meter.wakeups() + _WARM_TICKS
        seen: dict[str, list[int]] = {"rss_kib": [], "anonymous_kib": [], "descriptors": []}
        for stage in range(_STAGES + 1):
            while meter.wakeups() < first + count * stage // _STAGES:
                flipper.flip()
                time.sleep(_FLIP_EVERY_TICKS * _FLOOR_SECONDS)
            memory = meter.memory()
            seen["rss_kib"].append(memory.rss_kib)
            seen["anonymous_kib"].append(memory.anonymous_kib)
            seen["descriptors"].append(meter.descriptors())
        return {"ticks": meter.wakeups() - first, **seen}


def reading() -> dict[str, float]:
    """Compare reading three files with a whole assessment, both in this interpreter.

    What an assessment reads besides while a demand is near (pagetypeinfo) is measured apart.
    """
    files = [os.open(f"/proc/{name}", os.O_RDONLY) for name in _FILES]
    sampler = Sampler("/", live_kernel(), live=True)
    first = sampler.sample()
    plain = Needs(types=False, cma_chunks=False)
    demands = demands_of(Config(), first.kernel, first.meminfo)

    def bare() -> None:
        for file in files:
            os.pread(file, 16384, 0)

    return {
        "bare": cost(bare),
        "sample": cost(lambda: sampler.sample(plain)),
        "assessment": cost(lambda: assess(sampler.sample(plain), demands)),
        "assessment_by_type": cost(lambda: assess(sampler.sample(), demands)),
    }


def cost(action: Callable[[], object]) -> float:
    """Measure one call: the one in the middle of many."""
    costs: list[int] = []
    for _ in range(_REPEATS):
        begin = time.thread_time_ns()
        action()
        costs.append(time.thread_time_ns() - begin)
    return median(costs)


def main() -> None:
    """Measure everything."""
    report = Reporter()
    count, samples = map(int, sys.argv[1:])
    with process(EARLYOOM) as meter:
        report(subject="earlyoom", **idle(meter))
    with daemon() as meter:
        report(subject="daemon", **idle(meter))
    report(subject="ticks", **kinds_of_ticks(samples))
    report(subject="reading", **reading())
    report(subject="client", **client.costs())
    report(subject="endurance", **endurance(count))


if __name__ == "__main__":
    main()
