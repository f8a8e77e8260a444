"""Control groups as a service manager sets them up, and what systemd-oomd asks one for."""

import json
import os
import socket
import subprocess
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MANAGER = Path("/run/systemd/io.system.ManagedOOM")
_KEPT_FREE = "64M"
"""As Debian's unit has it for systemd-oomd."""
_CONFIG = "[OOM]\nDefaultMemoryPressureDurationSec=20s\n"
"""As Debian ships it; the limit is the default, 60 %."""
_MONITORED = {"mode": "kill", "path": "/app", "property": "ManagedOOMMemoryPressure"}


def mount() -> None:
    """Mount the hierarchy."""
    subprocess.run(["mount", "-t", "cgroup2", "none", _ROOT], check=True)


class Manager:
    """The part of systemd's PID 1 that systemd-oomd cannot do without: it says what to monitor."""

    def __init__(self) -> None:
        """Set up a group for the watcher and one for the application, and listen."""
        (_ROOT / "cgroup.subtree_control").write_text("+memory")
        for name in ("oomd", "app"):
            (_ROOT / name).mkdir()
        (_ROOT / "oomd/memory.min").write_text(_KEPT_FREE)
        (_ROOT / "app/cgroup.subtree_control").write_text("+memory")
        (_ROOT / "app/work").mkdir()
        Path("/etc/systemd").mkdir()
        Path("/etc/systemd/oomd.conf").write_text(_CONFIG)
        Path("/run/systemd/oom").mkdir(parents=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(_MANAGER))
        self._listener.listen(1)
        self._connection: socket.socket | None = None

    def adopt(self, pid: int) -> None:
        """Answer the watcher that was started; the connection has to stay."""
        (_ROOT / "oomd/cgroup.procs").write_text(str(pid))
        Path(f"/proc/{pid}/oom_score_adj").write_text("-900")
        self._connection, _ = self._listener.accept()
        self._connection.recv(4096)
        answer = {"parameters": {"cgroups": [_MONITORED]}, "continues": True}
        self._connection.sendall(json.dumps(answer).encode() + b"\0")


def join_application() -> None:
    """Put this process where the watcher looks, if there is such a place."""
    group = _ROOT / "app/work/cgroup.procs"
    if group.exists():
        group.write_text(str(os.getpid()))
