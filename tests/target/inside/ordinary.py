"""A device with CMA and a configuration that was there all along; memory fragments under way.

The daemon sees memory being taken and given back, and must not act in the middle of that.
"""

from target.inside.device import Daemon, Facts, until
from target.inside.fragmented import config, movable, prepare, tell_stories


def _mended(name: str, warning: int, critical: int) -> Facts:
    """Fragment memory, and wait until the demand has recovered."""
    daemon = Daemon(name, config(critical, warning=warning))
    with movable():
        recovered = until(lambda: daemon.count("headroom_recovered") > 0)
        status = daemon.status()
    lines = daemon.stop()
    return {"recovered": recovered, "remedies": status["remedies"], "lines": lines}


def at_warning() -> Facts:
    """The demand comes to its warning level."""
    return _mended("ordinary-warning", 200, 20)


def at_critical() -> Facts:
    """The demand comes to its critical level at once."""
    return _mended("ordinary-critical", 210, 200)


if __name__ == "__main__":
    prepare()
    tell_stories("ordinary", (at_warning, at_critical))
