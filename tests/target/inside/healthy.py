"""A healthy device under way: a boot, a full page cache, processes; the daemon has nothing to say.

The daemon was started before this module; it runs with its default configuration. The arguments
are how often all files are read, and for how many seconds the device then rests.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from target.inside.device import kills, tell

from oomwatchd.ctl.client import ask

_PROCESSES = 40
_ALIVE = 20


class Witness:
    """What the daemon's status said all along, and the kernel's files at the lowest."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.severities: dict[str, int] = {}
        self.lowest: dict[str, int] = {}
        self.evidence: dict[str, Any] = {}

    def look(self) -> None:
        """Ask once."""
        status = json.loads(ask(None, b"status\n"))
        severity = status["severity"]
        self.severities[severity] = self.severities.get(severity, 0) + 1
        for demand in status["demands"]:
            name, headroom = demand["name"], demand["headroom"]
            if headroom < self.lowest.get(name, 1 << 30):
                self.lowest[name] = headroom
                self.evidence[name] = {
                    "demand": demand,
                    "memory": status["memory"],
                    "zoneinfo": Path("/proc/zoneinfo").read_text(),
                    "buddyinfo": Path("/proc/buddyinfo").read_text(),
                }


def main() -> None:
    """Read the disk, with processes starting meanwhile, then rest."""
    rounds, rest_seconds = int(sys.argv[1]), int(sys.argv[2])
    witness = Witness()
    alive: list[subprocess.Popen[bytes]] = []
    files = sorted(Path("/mnt/files").iterdir())
    started = 0
    for _ in range(rounds):
        for number, file in enumerate(files):
            file.read_bytes()
            if number % (len(files) // _PROCESSES) == 0:
                alive.append(subprocess.Popen(["/bin/busybox", "sleep", "1000"]))
                started += 1
                if len(alive) > _ALIVE:
                    oldest = alive.pop(0)
                    oldest.kill()
                    oldest.wait()
            if number % 16 == 0:
                witness.look()
        witness.look()
    end = time.monotonic() + rest_seconds
    while time.monotonic() < end:
        time.sleep(5.0)
        witness.look()
    tell(
        "healthy",
        {
            "severities": witness.severities,
            "lowest": witness.lowest,
            "evidence": witness.evidence,
            "started": started,
            "kills": kills(),
            "uptime_seconds": time.clock_gettime(time.CLOCK_BOOTTIME),
            "status": json.loads(ask(None, b"status\n")),
        },
    )


if __name__ == "__main__":
    main()
