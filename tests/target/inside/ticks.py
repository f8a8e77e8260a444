"""What a tick of the daemon costs: one that sees what it saw before, and one that sees a change.

An idle guest does not change its free lists; a change is made between two ticks where one is
wanted. What looks on does so between the ticks as well: on one processor it is not in the way.
"""

import os
import time
from collections.abc import Callable, Iterator
from statistics import median

from target.inside.flipper import Flipper
from target.inside.meter import Meter
from target.inside.running import daemon

_TICK_SECONDS = 0.5


def kinds_of_ticks(samples: int) -> dict[str, float]:
    """Measure both kinds: the one in the middle of many, and the dearest."""
    figures: dict[str, float] = {}
    with daemon(_TICK_SECONDS) as meter, Flipper() as flipper:
        for name, wanted, between in (
            ("unchanged", False, lambda: None),
            ("changed", True, flipper.flip),
        ):
            costs = [cost for kind, cost in _ticks(meter, samples, between) if kind is wanted]
            figures |= {name: median(costs), f"{name}_most": max(costs), f"{name}_n": len(costs)}
    return figures


def _ticks(meter: Meter, samples: int, between: Callable[[], object]) -> Iterator[tuple[bool, int]]:
    """Give for each tick whether the free lists had changed since the one before, and its cost.

    `between` is called between two ticks. Where not exactly one wake-up lies between two looks,
    they have drifted past a tick, and there is nothing to tell.
    """
    file = os.open("/proc/buddyinfo", os.O_RDONLY)
    earlier = before = b""
    for _ in range(samples):
        between()
        now = os.pread(file, 4096, 0)
        instructions, wakeups = meter.instructions(), meter.wakeups()
        time.sleep(_TICK_SECONDS)
        instructions = meter.instructions() - instructions
        if meter.wakeups() == wakeups + 1 and earlier:
            # The tick before this one lies between the looks `before` and `now`; if it saw
            # something else than both, three equal looks would have come by chance.
            if earlier == before == now == os.pread(file, 4096, 0):
                yield False, instructions
            elif before != now:
                yield True, instructions
        earlier, before = before, now
    os.close(file)
