"""Captures states of memory as roots in /out, each with what the kernel grants in it.

Beside each root's files lies `granted`: lines of order, request and the number of blocks that
the probe got right after the capture, atomic requests last. The first argument names the machine
and the kernel, with which the roots' names begin.
"""

import subprocess
import sys
from pathlib import Path

from target.inside.states import anonymous, compact, free_pages, pipes, quiet
from target.inside.tools import Probe

ORDERS = (1, 2, 3, 4, 6, 9)
REQUESTS = ("kernel", "movable", "atomic")


class Capture:
    """Takes pictures of the present state."""

    def __init__(self, prefix: str) -> None:
        """Open the probe."""
        self.probe = Probe()
        self._prefix = prefix

    def state(self, name: str, situation: str) -> None:
        """Capture the present state, and ask the kernel."""
        root = Path("/out") / f"{self._prefix}-granted-{name}"
        self.probe.drain()
        command = ["sh", "oomwatchd-capture", "-b", "virt", str(root), situation]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        lines: list[str] = []
        for request in REQUESTS:
            for order in ORDERS:
                self.probe.drain()
                lines.append(f"{order} {request} {self.probe.take(request, order).came}\n")
        (root / "granted").write_text("".join(lines))


def main() -> None:
    """Go through the states."""
    quiet()
    capture = Capture(sys.argv[1])
    capture.state("boot", "fresh after boot")
    with anonymous() as memory:
        memory.take(free_pages() - 4000)
        capture.state("movable-full", "full of anonymous memory")
        memory.give_back(2)
        capture.state("movable-fragmented", "every second page of anonymous memory given back")
        compact()
        capture.state("movable-compacted", "the same, compacted")
    with pipes() as pages:
        pages.take(free_pages() - 4000)
        pages.drain()
        capture.state("unmovable-fragmented", "every second page of pipe memory given back")
        probe = capture.probe
        probe.hold("kernel", 2, max(0, probe.take("kernel", 2).came - 60))
        capture.state("unmovable-brink", "the same, with 60 blocks of order 2 left to the kernel")
        probe.hold("kernel", 0, max(0, probe.take("kernel", 0).came - 1500))
        capture.state("cma-left", "what is free in large blocks is CMA")
        probe.release()
    capture.probe.hold("atomic", 3, 400)
    capture.state("highatomic", "HighAtomic pageblocks, partly used")
    capture.probe.release()


if __name__ == "__main__":
    main()
