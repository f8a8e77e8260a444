"""What a daemon lives through that is not fragmentation: each story's facts."""

import subprocess
from pathlib import Path

from target.inside.covered import Covered
from target.inside.device import Daemon, Facts, command, kills, own_facts, until
from target.inside.fragmented import tell_stories
from target.inside.states import anonymous, free_pages

KILLS = 100
HOG = ("/bin/busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=220M", "count=1")
_LEFT_PAGES = 8000
"""What the hogs have for themselves, CMA apart."""
FILES = ("buddyinfo", "zoneinfo", "meminfo", "pagetypeinfo")


def killed_around() -> Facts:
    """The kernel kills one process after another for want of memory."""
    daemon = Daemon("kills")
    Path("/proc/self/oom_score_adj").write_text("-999")
    before, protected = kills(), own_facts(daemon.pid)
    with anonymous() as memory:
        memory.take(free_pages() - _LEFT_PAGES)
        while kills() - before < KILLS:
            hog = subprocess.Popen(HOG, stderr=subprocess.DEVNULL)
            Path(f"/proc/{hog.pid}/oom_score_adj").write_text("0")
            hog.wait()
        happened = kills() - before
    daemon.listen(60.0)
    return {
        "pid": daemon.pid,
        "kills": happened,
        "protected": protected,
        "after": own_facts(daemon.pid),
        "command": command("oomwatchctl", "status", "--json"),
        "check": command("oomwatchctl", "check"),
        "lines": daemon.stop(),
    }


def started_blind() -> Facts:
    """A file of the kernel is empty when the daemon starts; later it is as it should be."""
    facts: Facts = {}
    for name in FILES:
        with Covered(name) as covered:
            daemon = Daemon(f"blind-{name}")
            daemon.listen(2.0)
            status = daemon.status()
            covered.uncover()
            healed = until(lambda daemon=daemon: not daemon.status()["degraded"])  # type: ignore[misc]
            restored = daemon.wait("restored", seconds=30.0)
            facts[name] = {
                "status": {key: status[key] for key in ("severity", "degraded", "demands")},
                "healed": healed,
                "restored": restored,
                "after": daemon.status()["severity"],
                "lines": daemon.stop(),
            }
    return facts


if __name__ == "__main__":
    tell_stories("trouble", (killed_around, started_blind))
