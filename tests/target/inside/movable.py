"""What the daemon does about memory that user pages fragment: it mends it, and says little."""

import time

from target.inside.device import PROACTIVENESS, Daemon, Facts, until
from target.inside.fragmented import CRITICAL, config, movable, prepare, tell_stories


def _mended(name: str, critical: int) -> Facts:
    """Let it mend the memory, and note the setting that it raises meanwhile."""
    daemon = Daemon(name, config(2, warning=3))
    raised = set()

    def has_recovered() -> bool:
        raised.add(int(PROACTIVENESS.read_text()))
        return daemon.count("headroom_recovered") > 0

    with movable():
        daemon.reload(config(critical))
        recovered = until(has_recovered)
        status = daemon.status()
    lines = daemon.stop()
    return {
        "recovered": recovered,
        "raised": sorted(raised),
        "proactiveness": int(PROACTIVENESS.read_text()),
        "remedies": status["remedies"],
        "lines": lines,
    }


def at_warning() -> Facts:
    """A demand at its warning level."""
    return _mended("warning", critical=2)


def at_critical() -> Facts:
    """A demand at its critical level."""
    return _mended("critical", critical=CRITICAL)


def killed_while_raised() -> Facts:
    """The daemon is killed while the kernel compacts for it, and another one is started."""
    daemon = Daemon("killed", config(2, warning=3))
    with movable():
        daemon.reload(config(2))
        started = daemon.wait("remedy_started")
        raised = until(lambda: int(PROACTIVENESS.read_text()) == 100)
        before = daemon.kill()
        left = int(PROACTIVENESS.read_text())
        heir = Daemon("heir", config(2), heir=True)
        restored = int(PROACTIVENESS.read_text())
        status = heir.status()
        time.sleep(5.0)
        after = heir.stop()
    return {
        "started": started,
        "raised": raised,
        "before": before,
        "left": left,
        "restored": restored,
        "remedies": status["remedies"],
        "after": after,
    }


if __name__ == "__main__":
    prepare()
    tell_stories("movable", (at_warning, at_critical, killed_while_raised))
