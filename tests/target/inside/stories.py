"""Tells the host, in many states of memory, what oomwatchd counts and what the kernel grants.

For each state one event "indices", then for each request and order an event "probe": a fresh
sample, at once the probe. Atomic requests come last, and only in stories that say so: each may
turn a pageblock to HighAtomic, which then stays so.

Arguments: the names of the stories.
"""

import os
import sys
from pathlib import Path
from re import findall

from target.inside.states import anonymous, compact, free_pages, pipes, quiet
from target.inside.tools import Probe, Reporter

from oomwatchd.assess.assessment import assess
from oomwatchd.assess.headroom import headroom
from oomwatchd.model import Request
from oomwatchd.system.origin import live_kernel
from oomwatchd.system.sampler import Sampler

ORDERS = (0, 1, 2, 3, 4, 6, 9)
QUIET = (Request.KERNEL, Request.MOVABLE)
ALL = (*QUIET, Request.ATOMIC)
_TRIES = 20
# What Python itself may need in the next moment, in pages.
_SPARE = 400


class Teller:
    """Compares in one state after another."""

    def __init__(self) -> None:
        """Open everything, and rehearse: what is opened or grown later changes memory."""
        self.report = Reporter()
        self.probe = Probe()
        self._sampler = Sampler("/", live_kernel(), live=True)
        self._indices = {
            name: os.open(path, os.O_RDONLY)
            for name, path in (
                ("buddyinfo", "/proc/buddyinfo"),
                ("extfrag_index", "/sys/kernel/debug/extfrag/extfrag_index"),
                ("unusable_index", "/sys/kernel/debug/extfrag/unusable_index"),
            )
        }
        for _ in range(3):
            self._sampler.sample()
            self._compare_indices("rehearsal")

    def state(self, name: str, requests: tuple[Request, ...], *, drained: bool = True) -> None:
        """Compare in the present state."""
        self._compare_indices(name)
        for request in requests:
            for order in ORDERS:
                if drained:
                    self.probe.drain()
                else:
                    # What it gives back lies on the lists that the next one takes from first.
                    self.probe.take(request.value, order)
                zoneinfo = _text("/proc/zoneinfo")
                assessment = assess(self._sampler.sample(), ())
                system = assessment.system
                ours = headroom(system, request, order)
                answer = self.probe.take(request.value, order)
                self.report(
                    event="probe",
                    state=name,
                    request=request.value,
                    order=order,
                    headroom=None if ours is None else ours.blocks,
                    lower_bound=ours is not None and ours.lower_bound,
                    came=answer.came,
                    slowest_ns=answer.slowest_ns,
                    on_cpu_lists=sum(map(int, findall(r"count: +(\d+)", zoneinfo))),
                    batch=max(map(int, findall(r"batch: +(\d+)", zoneinfo))),
                    zones=[zone._asdict() for zone in system.zones if zone.free_blocks],
                    compiled=system.compiled,
                    release=assessment.kernel.release,
                )

    def _compare_indices(self, name: str) -> None:
        """Report the kernel's own indices, read while buddyinfo stood still."""
        for _ in range(_TRIES):
            texts = {key: os.pread(file, 4096, 0).decode() for key, file in self._indices.items()}
            if os.pread(self._indices["buddyinfo"], 4096, 0).decode() == texts["buddyinfo"]:
                self.report(event="indices", state=name, **texts)
                return
        self.report(event="indices", state=name, restless=True)


def _text(path: str) -> str:
    return Path(path).read_text()


def _protection() -> str:
    return " ".join(findall(r"protection: \(.*\)", _text("/proc/zoneinfo")))


def unmovable(tell: Teller, requests: tuple[Request, ...]) -> None:
    """Pipes fill, every second page is given back, and the large blocks go one order at a time."""
    tell.state("boot", requests)
    with pipes() as memory:
        memory.take(free_pages() // 2)
        tell.state("half full", requests)
        memory.take(free_pages() - 4000)
        tell.state("full", requests)
        memory.drain(0.1)
        tell.state("a tenth drained", requests)
        memory.drain(0.5)
        tell.state("half drained", requests)
        memory.drain()
        tell.state("drained", requests)
        tell.state("drained, CPU lists full", QUIET, drained=False)
        compact()
        tell.state("drained, compacted in vain", requests)
        for order, left in ((8, 0), (5, 0), (4, 4), (3, 30), (2, 60), (2, 10), (2, 0), (1, 100)):
            came = tell.probe.take("kernel", order).came
            tell.probe.hold("kernel", order, max(0, came - left))
            tell.state(f"order {order} taken but for {left}", requests)
        if Request.ATOMIC in requests:
            tell.probe.hold("atomic", 2, 1 << 20)
            tell.state("order 2 taken from the reserves as well", requests)
        tell.probe.release(3)
        tell.state("a third of the large blocks returned", requests)
        tell.probe.release()


def movable(tell: Teller, requests: tuple[Request, ...]) -> None:
    """Anonymous memory comes and goes page by page; compaction mends it."""
    with anonymous() as memory:
        memory.take(free_pages() // 3)
        tell.state("a third full", requests)
        memory.take(free_pages() - 3000)
        tell.state("full of movable", requests)
        memory.give_back(8)
        tell.state("an eighth given back", requests)
        memory.give_back(2)
        tell.state("half given back", requests)
        tell.probe.hold("kernel", 3, tell.probe.take("kernel", 3).came)
        tell.state("half given back, order 3 taken", requests)
        tell.probe.hold("kernel", 2, tell.probe.take("kernel", 2).came)
        tell.state("half given back, order 2 taken", requests)
        compact()
        tell.state("compacted", requests)
        tell.state("compacted, CPU lists full", QUIET, drained=False)
        memory.give_back(4, 1)
        tell.state("a quarter more given back", requests)
        compact()
        tell.state("compacted again", requests)
        tell.probe.release()
        tell.state("blocks returned", requests)
        compact()
        tell.state("blocks returned, compacted", requests)


def full(tell: Teller, requests: tuple[Request, ...]) -> None:
    """Memory runs short down to the mark, in one piece as far as it goes."""
    for spare in (8000, 3000, 1500, 800, _SPARE):
        can = tell.probe.take("kernel", 0).came
        tell.probe.hold("kernel", 0, max(0, can - spare))
        tell.state(f"{spare} pages above the mark", requests)
    tell.probe.release(5)
    tell.state("every fifth page back", requests)
    tell.probe.release(2)
    tell.state("every second page back", requests)
    tell.probe.release()
    tell.state("all back", requests)


def cma(tell: Teller, requests: tuple[Request, ...]) -> None:
    """Everything but CMA is taken; then user memory moves into it."""
    with anonymous() as memory:
        for order in (6, 2, 0):
            tell.probe.hold("kernel", order, tell.probe.take("kernel", order).came)
            tell.state(f"only CMA and pieces below order {order}", requests)
        memory.take(1024)
        tell.state("user memory in CMA", requests)
        memory.give_back(2)
        tell.state("CMA in pieces", requests)
        tell.probe.release(10)
        tell.state("CMA in pieces, a tenth returned", requests)
        tell.probe.release()


def marks(tell: Teller, requests: tuple[Request, ...]) -> None:
    """Marks that were raised, with HighAtomic pageblocks in use if atomic requests came."""
    file = Path("/proc/sys/vm/min_free_kbytes")
    before = file.read_text()
    file.write_text("16384")
    tell.state("high marks", requests)
    if Request.ATOMIC in requests:
        tell.probe.hold("atomic", 3, 400)
        tell.state("high marks, HighAtomic partly used", requests)
    tell.probe.hold("kernel", 4, max(0, tell.probe.take("kernel", 4).came - 100))
    tell.state("high marks, little above them", requests)
    tell.probe.hold("kernel", 0, max(0, tell.probe.take("kernel", 0).came - _SPARE))
    tell.state("high marks, nothing above them", requests)
    tell.probe.release()
    file.write_text(before)
    tell.state("marks as before", requests)


def reserve(tell: Teller, requests: tuple[Request, ...]) -> None:
    """HighMem runs out, and low memory is kept from those who could have used it."""
    ratio = Path("/proc/sys/vm/lowmem_reserve_ratio")
    before = ratio.read_text()
    for first in (256, 16, 4):
        words = before.split()
        ratio.write_text(" ".join([str(first), *words[1:]]))
        tell.state(f"reserve ratio {first}", requests)
        tell.probe.hold("movable", 0, max(0, tell.probe.take("movable", 0).came - 8000))
        tell.state(f"reserve ratio {first}, HighMem taken", requests)
        # What user memory may have of it, Python needs a little of.
        left = 100 + (max(map(int, findall(r"\d+", _protection()))) >> 4)
        tell.probe.hold("kernel", 4, max(0, tell.probe.take("kernel", 4).came - left))
        tell.state(f"reserve ratio {first}, low memory taken", requests)
        tell.probe.release()
    ratio.write_text(before)


def boosted(tell: Teller, requests: tuple[Request, ...]) -> None:
    """The marks are boosted as far as they go; nothing wakes kswapd, which would end that."""
    factor = Path("/proc/sys/vm/watermark_boost_factor")
    with anonymous() as memory:
        memory.take(free_pages() // 2)
        memory.give_back(2)
        factor.write_text("15000")
        tell.probe.take("kernel", 0)
        tell.state("boosted", requests)
        tell.probe.hold("kernel", 0, max(0, tell.probe.take("kernel", 0).came - 1500))
        tell.state("boosted, little above the mark", requests)
        tell.probe.release()
    quiet()


STORIES = {
    "unmovable": unmovable,
    "movable": movable,
    "full": full,
    "cma": cma,
    "marks": marks,
    "reserve": reserve,
    "boosted": boosted,
}


def main() -> None:
    """Tell the stories named: NAME, or NAME+atomic for one with atomic requests."""
    quiet()
    tell = Teller()
    for argument in sys.argv[1:]:
        name, plus, _ = argument.partition("+")
        tell.report(event="story", story=argument)
        STORIES[name](tell, ALL if plus else QUIET)
    tell.report(event="end")


if __name__ == "__main__":
    main()
