"""Who is put against a failing memory: how each is started, and what it says and does."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from target.inside.proof.groups import Manager
from target.inside.tools import write

_CONFIG = Path("/run/oomwatchd.conf")
_SLIM = """\
import sys
sys.modules["psutil"] = None
from oomwatchd.daemon.main import main
sys.argv[1:] = ["--config", "/run/oomwatchd.conf", "--log-to", "stderr"]
main()
"""
DRIVER = """\
[demand driver]
order = 4
request = atomic
warning = 72
critical = 64
"""
"""What the device needs where a driver asks for blocks in bursts: 16 at once, and 48 on top, as a
burst that falls back to another type's pageblock raises the min mark (boost) while it lasts."""


class Contestant(NamedTuple):
    """One of those that are compared."""

    command: tuple[str, ...] = ()
    """Nothing to run where it is empty."""
    prepare: Callable[[], object] = lambda: None
    alert: str = r"(?!)"
    """What the first line of its log that warns somebody looks like."""
    config: bool = False
    """Whether it is told what the device needs."""
    environment: Mapping[str, str] | None = None
    settings: str = ""
    """A drop-in of ours."""
    managed: bool = False
    """Whether a service manager has to tell it what to do."""


OOMWATCHD_ALERT = "^headroom_(warning|critical) "
CONTESTANTS: Mapping[str, Contestant] = {
    "nothing": Contestant(),
    "proactiveness": Contestant(
        prepare=lambda: write("/proc/sys/vm/compaction_proactiveness", 100)
    ),
    "loop": Contestant(
        ("/bin/sh", "-c", "while sleep 60; do echo 1 >/proc/sys/vm/compact_memory; done")
    ),
    "earlyoom": Contestant(("/job/earlyoom", "-r", "0"), alert="low memory!"),
    "nohang": Contestant(
        ("python3", "/job/nohang", "--monitor", "--config", "/job/nohang.conf"),
        alert="(?i)low memory|MemAvail.*<=|threshold exceeded",
    ),
    "systemd-oomd": Contestant(
        ("/job/oomd/systemd-oomd",),
        alert="^Killed .* due to memory",
        environment={
            "LD_LIBRARY_PATH": "/job/oomd",
            "SYSTEMD_LOG_TARGET": "console",
            "SYSTEMD_LOG_LEVEL": "info",
        },
        managed=True,
    ),
    "oomwatchd": Contestant(
        ("oomwatchd", "--config", str(_CONFIG), "--log-to", "stderr"),
        alert=OOMWATCHD_ALERT,
        config=True,
    ),
    "slim": Contestant(("python3", "-c", _SLIM), alert=OOMWATCHD_ALERT, config=True),
    "undemanding": Contestant(
        ("oomwatchd", "--config", str(_CONFIG), "--log-to", "stderr"), alert=OOMWATCHD_ALERT
    ),
}

_OURS = CONTESTANTS["oomwatchd"]
VARIANTS: Mapping[str, Contestant] = {
    **{
        f"spacing-{seconds}": _OURS._replace(
            settings=f"[remedies]\ncompact_spacing_seconds = {seconds}\n"
        )
        for seconds in (60, 30, 20, 10)
    },
    "async": _OURS._replace(settings="[demand driver]\ncritical = 0\nwarning = 72\n"),
    "sync": _OURS._replace(
        settings="[demand driver]\ncritical = 0\nwarning = 72\n[remedies]\ncompact_async = no\n"
    ),
}
"""Ours with other settings, to choose the defaults by."""


class Run:
    """A contestant that was started."""

    def __init__(self, name: str, demands: str) -> None:
        """Start it; `demands` is what the device needs, as a configuration of ours."""
        self.contestant = contestant = {**CONTESTANTS, **VARIANTS}[name]
        contestant.prepare()
        _CONFIG.write_text(demands if contestant.config else "")
        drop_in = _CONFIG.parent / "conf.d/variant.conf"
        drop_in.parent.mkdir()
        drop_in.write_text(contestant.settings)
        self.log = os.open("/run/contestant.log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.process: subprocess.Popen[bytes] | None = None
        self._manager = Manager() if contestant.managed else None
        if contestant.command:
            self.process = subprocess.Popen(
                contestant.command,
                env=contestant.environment,
                stdout=self.log,
                stderr=self.log,
                stdin=subprocess.DEVNULL,
            )
            if self._manager:
                self._manager.adopt(self.process.pid)

    @property
    def pid(self) -> int | None:
        """The process's; None where there is none."""
        return self.process.pid if self.process else None

    def has_ended(self) -> bool:
        """Whether its process has ended, though it should not."""
        return self.process is not None and self.process.poll() is not None

    def is_alert(self, line: str) -> bool:
        """Whether a line of its log warns somebody."""
        return re.search(self.contestant.alert, line) is not None
