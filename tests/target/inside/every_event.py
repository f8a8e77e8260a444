"""Each event once, with facts as the daemon gives them; in a guest: to the real syslogd.

As a program: all of them, or as many of one kind as the argument says; what became of them
stands on stdout. After many it waits for a byte, and then until the log takes lines again.
"""

import json
import os
import sys
import time
from typing import Any

from oomwatchd.alerts.log import Log
from oomwatchd.settings import Alerts

HOSTILE = 'evil"\n<0>kernel: \x1b[2Jpanic\0 headroom_critical demand=x\u2028é\ud800'
"""What a process may call itself."""
_PAUSE_SECONDS = 0.05
_DEMAND = {
    "demand": "camera",
    "headroom": 3,
    "warning": 16,
    "critical": 4,
    "order": 4,
    "request": "kernel",
    "cause": "fragmentation",
    "lower_bound": False,
    "exhaustion_seconds": 12.34567,
    "remedy": "compact",
}
FACTS: dict[str, dict[str, Any]] = {
    "started": {"version": "1.0", "kernel": "6.1.0", "pid": 7, "dry_run": False, "root": None},
    "stopped": {"uptime_seconds": 86400.5},
    "degraded": {"what": "psi", "why": HOSTILE},
    "restored": {"what": "psi"},
    "headroom_low": _DEMAND,
    "headroom_warning": {**_DEMAND, "remedy": "backed off for 62 s: the last did not help"},
    "headroom_critical": {**_DEMAND, "headroom": 0},
    "headroom_recovered": {**_DEMAND, "headroom": 40, "cause": None, "remedy": None},
    "remedy_started": {
        "remedy": "compact",
        "demand": "camera",
        "headroom": 3,
        "node": None,
        "why": "camera is critical",
    },
    "remedy_finished": {
        "remedy": "compact",
        "demand": "camera",
        "effective": True,
        "headroom_before": 3,
        "headroom_after": 40,
        "duration_seconds": 0.25,
        "pages_freed": -12,
        "cause": "fragmentation",
        "error": None,
    },
    "remedy_backed_off": {
        "demand": "camera",
        "headroom": 3,
        "cause": "reserved",
        "seconds": 60.0,
        "failures": 1,
        "why": "compaction did not help",
    },
    "oom_kill": {"kills": 2, "lowest_demand": "camera"},
    "allocation_failure": {"order": 4, "process": HOSTILE},
    "ensure_finished": {"demand": "camera", "effective": True},
    "config_reloaded": {"needs_restart": "socket"},
    "config_rejected": {"why": "oomwatchd.conf:2: [poll]: " + "unknown key; " * 30},
    "test_alert": {},
}


def send_all(log: Log) -> None:
    """Send each event once; the socket's queue holds eleven, and the reader needs its time."""
    for name, facts in FACTS.items():
        log(name, **facts)
        time.sleep(_PAUSE_SECONDS)


def main() -> None:
    """Send, then say what became of it."""
    log = Log("syslog", Alerts(lines_per_hour=100_000), None)
    before = time.monotonic()
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    if not many:
        send_all(log)
    for number in range(many):
        log("headroom_warning", demand="camera", headroom=number)
    facts = {"lost": log.lost, "seconds": time.monotonic() - before, "trouble": log.trouble}
    os.write(1, json.dumps(facts).encode() + b"\n")
    if many:
        os.read(0, 1)
        until = time.monotonic() + 30
        while time.monotonic() < until and log.trouble:
            log.catch_up()
            time.sleep(0.1)
        log("test_alert", lost=log.lost)
        os.write(1, json.dumps({"trouble": log.trouble, "lost": log.lost}).encode() + b"\n")


if __name__ == "__main__":
    main()
