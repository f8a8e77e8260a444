"""A device with the daemon on it, as its user has them: command, configuration, log, status."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oomwatchd.ctl.client import ask
from oomwatchd.errors import OomwatchdError

Facts = dict[str, Any]

CONFIG = Path("/run/watch.conf")
SOCKET = "/run/oomwatchd/oomwatchd.sock"
_LEDGER = Path("/run/oomwatchd/ledger")
PROACTIVENESS = Path("/proc/sys/vm/compaction_proactiveness")
_EVERY_LINE = "\n[alerts]\nrepeat_seconds = 0\nlines_per_hour = 1000\n"
"""The stories count what comes again, too."""
_PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.1
_EVERY_LINE = "[alerts]\nrepeat_seconds = 0\nlines_per_hour = 1000\n"
"""Lines are counted: none may be spared."""


class Daemon:
    """One run of the daemon, with its log in /out."""

    def __init__(self, name: str, config: str = "", *, heir: bool = False) -> None:
        """Start it, and wait until it answers; only an heir knows what the one before tried."""
        if not heir:
            _LEDGER.unlink(missing_ok=True)
        self.log = Path(f"/out/{name}.log")
        CONFIG.write_text(config + _EVERY_LINE)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["oomwatchd", "--config", str(CONFIG), "--log-to", "stderr"], stderr=log
            )
        self.pid = self.process.pid
        self._heard: list[tuple[float, str]] = []
        if not until(self._answers):
            raise RuntimeError(f"no answer: {self.log.read_text()}")

    def heard(self) -> list[tuple[float, str]]:
        """List what it has said, and when that was noticed."""
        now = time.monotonic()
        lines = self.log.read_text().splitlines()
        self._heard += [(now, line) for line in lines[len(self._heard) :]]
        return self._heard

    def times(self, event: str) -> list[float]:
        """List when the events of a name were noticed."""
        return [at for at, line in self.heard() if line.split()[0] == event]

    def count(self, event: str) -> int:
        """Count the events of a name."""
        return len(self.times(event))

    def wait(self, event: str, times: int = 1, seconds: float = _PATIENCE_SECONDS) -> bool:
        """Wait until an event has come so many times."""
        return until(lambda: self.count(event) >= times, seconds)

    def status(self) -> Facts:
        """Ask it, without starting a process."""
        status: Facts = json.loads(ask(SOCKET, b"status\n"))
        return status

    def demand(self, name: str) -> Facts:
        """Give how a demand stands."""
        (demand,) = (one for one in self.status()["demands"] if one["name"] == name)
        return {key: value for key, value in demand.items() if key != "history"}

    def reload(self, config: str) -> None:
        """Give it another configuration."""
        CONFIG.write_text(config + _EVERY_LINE)
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> list[str]:
        """Kill it; give all that it said."""
        self.process.kill()
        self.process.wait()
        return [line for _, line in self.heard()]

    def listen(self, seconds: float) -> None:
        """Note what it says for a while."""
        until(lambda: self.heard() is None, seconds)

    def stop(self) -> list[str]:
        """Stop it; give all that it said."""
        self.process.terminate()
        self.process.wait()
        return [line for _, line in self.heard()]

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"ended with {self.process.returncode}: {self.log.read_text()}")
        try:
            return bool(self.status()["pid"] == self.pid)
        except OomwatchdError:
            return False


def until(what: Callable[[], object], seconds: float = _PATIENCE_SECONDS) -> bool:
    """Wait until something is so; returns whether it came."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() >= end:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def command(*words: str) -> Facts:
    """Run a command as a user does."""
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}


def own_facts(pid: int) -> Facts:
    """Tell how a process is protected."""
    status = Path(f"/proc/{pid}/status").read_text()
    return {
        "locked_kib": int(status.split("VmLck:")[1].split()[0]),
        "rss_kib": int(status.split("VmRSS:")[1].split()[0]),
        "score": int(Path(f"/proc/{pid}/oom_score_adj").read_text()),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
    }


def kills() -> int:
    """Count the kernel's kills."""
    text = Path("/proc/vmstat").read_text()
    return int(text.split("\noom_kill ")[1].split()[0])


def tell(name: str, facts: object) -> None:
    """Leave facts for the host."""
    Path(f"/out/{name}.json").write_text(json.dumps(facts))
