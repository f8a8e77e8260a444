"""What the daemon does about memory that nothing mends: it tries seldom, and goes on knowing so."""

import signal
import time

from target.inside.covered import Covered
from target.inside.device import Daemon, Facts
from target.inside.fragmented import CRITICAL, WARNING, config, prepare, tell_stories, unmovable

SPACING = "compact_spacing_seconds = 5\n"
BACKOFF = f"backoff_min_seconds = 20\n{SPACING}"
HOLD_SECONDS = 20.0
STOPPED_SECONDS = 60.0
BROKEN = "[poll]\ninterval_max_seconds = soon\n"


def _brief(daemon: Daemon) -> Facts:
    """Give what of the status tells of tries."""
    remedies = daemon.status()["remedies"]
    keys = ("backoff_remaining_seconds", "budget_left", "counts")
    return {key: remedies[key] for key in keys} | {"demand": daemon.demand("camera")}


def at_warning() -> Facts:
    """A demand at its warning level: both compactions are tried."""
    daemon = Daemon("warning", config(2, BACKOFF))
    backed_off = daemon.wait("remedy_backed_off")
    daemon.listen(3.0)
    return {"backed_off": backed_off, "status": daemon.status(), "lines": daemon.stop()}


def at_critical() -> Facts:
    """A demand at its critical level, until it is given up twice; then a reload, and an heir.

    What follows the second time lies within its back-off.
    """
    facts: Facts = {}
    daemon = Daemon("critical", config(CRITICAL, BACKOFF))
    facts["backed_off_twice"] = daemon.wait("remedy_backed_off", 2)
    facts["times"] = {
        event: daemon.times(event) for event in ("remedy_started", "remedy_backed_off")
    }
    facts["before"] = _brief(daemon)
    daemon.reload(BROKEN)
    facts["rejected"] = daemon.wait("config_rejected")
    daemon.listen(3.0)
    facts["refused"] = _brief(daemon)
    daemon.reload(config(CRITICAL, BACKOFF, warning=WARNING + 1))
    facts["taken"] = daemon.wait("config_reloaded")
    daemon.listen(3.0)
    facts["reloaded"] = _brief(daemon)
    facts["lines"] = daemon.kill()
    heir = Daemon("heir", config(CRITICAL, BACKOFF), heir=True)
    facts["heir"] = _brief(heir)
    begin = time.monotonic()
    facts["tries_again"] = heir.wait("remedy_started")
    facts["heir_waited_seconds"] = time.monotonic() - begin
    facts["heir_backed_off"] = heir.wait("remedy_backed_off")
    facts["heir_lines"] = heir.stop()
    return facts


def _low_for(name: str, seconds: float) -> Daemon:
    """Start one whose demand is well, and becomes low with a hold time that has yet to pass."""
    daemon = Daemon(name, config(2, BACKOFF, warning=3, hold=HOLD_SECONDS))
    daemon.reload(config(2, BACKOFF, hold=HOLD_SECONDS))
    daemon.wait("config_reloaded")
    daemon.listen(seconds)
    return daemon


def held() -> Facts:
    """A demand that becomes low is acted on when the hold time has passed."""
    daemon = _low_for("held", 0.0)
    begin = time.monotonic()
    daemon.wait("remedy_started")
    return {"seconds_held": time.monotonic() - begin, "lines": daemon.stop()}


def stopped() -> Facts:
    """Nobody looks for a minute, while a demand is low."""
    daemon = _low_for("stopped", HOLD_SECONDS * 0.7)
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)
    daemon.process.send_signal(signal.SIGCONT)
    begin = time.monotonic()
    status = daemon.status()
    daemon.wait("remedy_started")
    seconds = time.monotonic() - begin
    return {"severity": status["severity"], "seconds_held": seconds, "lines": daemon.stop()}


def clock_stepped() -> Facts:
    """The wall clock goes forward and back by hours, while a demand is low."""
    daemon = _low_for("clock", 1.0)
    begin = time.monotonic()
    now = time.clock_gettime(time.CLOCK_REALTIME)
    for hours in (5, -5, 0):
        time.clock_settime(time.CLOCK_REALTIME, now + 3600 * hours)
        daemon.listen(2.0)
    uptime = daemon.status()["uptime_seconds"]
    daemon.wait("remedy_started")
    seconds = time.monotonic() - begin
    return {"uptime": uptime, "seconds_held": seconds, "lines": daemon.stop()}


def unreadable() -> Facts:
    """Files of the kernel are empty for a while, one after the other, while a demand is critical.

    The daemon reads copies of them all along.
    """
    facts: Facts = {}
    for name in ("buddyinfo", "zoneinfo"):
        with Covered(name) as covered:
            covered.show()
            daemon = Daemon(name, config(CRITICAL, "backoff_min_seconds = 1\n" + SPACING))
            daemon.wait("remedy_backed_off")
            covered.hide()
            daemon.wait("degraded")
            begin = time.monotonic()
            daemon.listen(30.0)
            hidden = daemon.status()
            covered.show()
            daemon.wait("restored")
            daemon.wait("remedy_backed_off", daemon.count("remedy_backed_off") + 1)
            starts = [at for at in daemon.times("remedy_started") if at >= begin]
            facts[name] = {
                "hidden": {key: hidden[key] for key in ("severity", "degraded", "demands")},
                "remedies_while_hidden": sum(at < begin + 30.0 for at in starts),
                "remedies_after": sum(at >= begin + 30.0 for at in starts),
                "lines": daemon.stop(),
            }
    return facts


def main() -> None:
    """Tell all of it in one state of memory."""
    prepare()
    with unmovable():
        tell_stories(
            "unmovable", (at_warning, at_critical, held, stopped, clock_stepped, unreadable)
        )


if __name__ == "__main__":
    main()
