"""The daemon as a process: start, answer, obey signals, change nothing where it must not."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from audited import AUDITED, imported_after_rehearsal
from loopbench import FAR, LOW, write_memory
from rootlib import ROOTS

from oomwatchd.ctl.client import ask
from oomwatchd.errors import OomwatchdError

ROOT = ROOTS / "armv7l-sama5d3-linux4.19-shortage"
HEALTHY = "aarch64-virt-linux6.1-boot"
POLL = """[poll]
interval_min_seconds = 0.05
interval_max_seconds = 0.1
hold_seconds = 0
clear_seconds = 0.2
settle_seconds = 0
"""
AS_NOBODY = """
import os, sys
# All that is read while root: nobody may not be allowed to read this Python's own folder.
import encodings.unicode_escape, structlog, psutil
import oomwatchd.daemon.loop, oomwatchd.alerts.log
from oomwatchd.daemon.main import main
from oomwatchd.settings import Alerts
oomwatchd.alerts.log.Log("stderr", Alerts(), None)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(main())
"""


class Daemon:
    """A daemon with its socket, configuration and stderr below one folder."""

    def __init__(self, folder: Path) -> None:
        """Write the configuration."""
        self.socket = folder / "run" / "s.sock"
        self.config = folder / "oomwatchd.conf"
        self.log = folder / "stderr"
        self.write_config()
        self.processes: list[subprocess.Popen[bytes]] = []

    def write_config(self, more: str = "") -> None:
        """Write the configuration anew."""
        self.config.write_text(f"{POLL}[socket]\npath = {self.socket}\n{more}")

    def start(self, *options: str, command: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a daemon and wait until it answers."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [
                    *(command or (sys.executable, "-m", "oomwatchd")),
                    *("--config", str(self.config)),
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
            )
        self.processes.append(process)
        wait_for(lambda: self.answers() or process.poll() is not None)
        return process

    def answers(self) -> bool:
        """Whether the socket answers."""
        try:
            self.status()
        except OomwatchdError:
            return False
        return True

    def status(self) -> dict[str, Any]:
        """Ask for the status document."""
        document = json.loads(ask(str(self.socket), b"status\n"))
        assert isinstance(document, dict)
        return document

    def severity(self, name: str) -> str:
        """Ask how a demand stands."""
        demands = {demand["name"]: demand for demand in self.status()["demands"]}
        return str(demands[name]["severity"])

    def said(self) -> str:
        """Read what was written to stderr."""
        return self.log.read_text()


def environment() -> dict[str, str]:
    """Give an environment in which Python itself writes nothing."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"}


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Make a daemon's place; none survives the test, and none has written a traceback."""
    made = Daemon(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
    assert "Traceback" not in made.said()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Copy a root whose files may be replaced."""
    return Path(shutil.copytree(ROOT, tmp_path / "root"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start_status_stop(daemon: Daemon, number: int) -> None:
    """It answers, exits with 0 within 2 s, and takes its socket away."""
    process = daemon.start("--root", str(ROOT))
    status = daemon.status()
    assert (status["schema"], status["pid"]) == (1, process.pid)
    assert status["kernel"]["release"].startswith("4.19.78")
    assert status["severity"] == "critical"
    process.send_signal(number)
    assert process.wait(timeout=2) == 0
    assert not daemon.socket.exists()
    lines = daemon.said().splitlines()
    assert (lines[0].split()[0], lines[-1].split()[0]) == ("started", "stopped")


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("name", ["zoneinfo", "meminfo"])
def test_a_file_that_comes_back_is_told_of(
    daemon: Daemon, tmp_path: Path, name: str, *, asked: bool
) -> None:
    """Though nothing else has changed, and even if somebody asks before it is looked at again."""
    root = Path(shutil.copytree(ROOTS / HEALTHY, tmp_path / "root"))
    file = root / "proc" / name
    text = file.read_bytes()
    file.write_bytes(b"")
    daemon.start("--root", str(root))
    wait_for(lambda: f"degraded what={name}" in daemon.said())
    file.write_bytes(text)
    if asked:
        wait_for(lambda: not daemon.status()["degraded"])
    wait_for(lambda: f"restored what={name}" in daemon.said())
    assert daemon.status()["severity"] == "ok"


def test_a_second_daemon_is_refused(daemon: Daemon) -> None:
    """It exits with 75 and one line; the first one goes on."""
    first = daemon.start("--dry-run")
    command = [sys.executable, "-m", "oomwatchd", "--config", str(daemon.config), "--dry-run"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert second.returncode == 75
    assert second.stdout == ""
    assert len(second.stderr.splitlines()) == 1
    assert str(first.pid) in second.stderr
    assert daemon.status()["pid"] == first.pid


def test_a_copied_tree_does_not_push_the_daemon_aside(daemon: Daemon) -> None:
    """A daemon with --root takes no lock, and leaves a socket that is served alone."""
    first = daemon.start("--dry-run")
    second = daemon.start("--root", str(ROOT))
    wait_for(lambda: "in use" in daemon.said())
    assert daemon.status()["pid"] == first.pid
    second.terminate()
    assert second.wait(timeout=2) == 0
    assert daemon.status()["pid"] == first.pid


def test_a_killed_daemon_does_not_stand_in_the_way(daemon: Daemon) -> None:
    """The lock goes with the process, the stale socket is replaced."""
    daemon.start("--dry-run").kill()
    daemon.processes[0].wait()
    second = daemon.start("--dry-run")
    assert daemon.status()["pid"] == second.pid


def test_hup_reads_the_configuration_again(daemon: Daemon) -> None:
    """A good one is taken, a bad one refused whole; the daemon lives on."""
    process = daemon.start("--root", str(ROOT))
    daemon.write_config("[demand camera]\norder = 4\n")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config_reloaded" in daemon.said())
    assert "camera" in [demand["name"] for demand in daemon.status()["demands"]]
    daemon.write_config("[demand other]\norder = 4\n[demand camera]\norder = big\n")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config_rejected" in daemon.said())
    names = [demand["name"] for demand in daemon.status()["demands"]]
    assert "camera" in names
    assert "other" not in names
    process.terminate()
    assert process.wait(timeout=2) == 0


@pytest.mark.parametrize(
    "replace",
    [
        True,
        False,
    ],
)
def test_what_changes_below_the_root_is_seen(daemon: Daemon, root: Path, *, replace: bool) -> None:
    """A demand becomes low and recovers, whether a file is renamed into place or rewritten."""
    low = b"Node 0, zone   Normal     80     40      1      0      0      0      0      0 \n"
    high = b"Node 0, zone   Normal    900    900    900    900    900    900    900    900 \n"
    zoneinfo = root / "proc" / "zoneinfo"
    zoneinfo.write_text(zoneinfo.read_text().replace("pages free     292", "pages free     90000"))
    (root / "proc" / "pagetypeinfo").unlink()
    buddyinfo = root / "proc" / "buddyinfo"
    buddyinfo.write_bytes(high)
    daemon.start("--root", str(root))
    assert daemon.severity("process") == "ok"
    for content, severity in ((low, "critical"), (high, "ok")):
        if replace:
            (root / "new").write_bytes(content)
            os.replace(root / "new", buddyinfo)
        else:
            with buddyinfo.open("r+b") as file:
                file.write(content)
        wait_for(lambda wanted=severity: daemon.severity("process") == wanted, seconds=3)  # type: ignore[misc] # bound early
    wait_for(lambda: "headroom_recovered demand=process" in daemon.said())
    assert "headroom_critical demand=process" in daemon.said()


def test_nothing_is_imported_when_memory_is_short(daemon: Daemon, tmp_path: Path) -> None:
    """Far, critical, unreadable and recovered; requests and reloads, the bad ones too."""
    root = tmp_path / "memory"
    write_memory(root, FAR)
    process = daemon.start("--root", str(root), command=AUDITED)
    write_memory(root, LOW)
    wait_for(lambda: "headroom_critical" in daemon.said())
    for request in (b"status\n", b"{\n", b'{"method":7}\n', b"\xff\n", b"nonsense\n", b"x" * 5000):
        with suppress(OomwatchdError):
            ask(str(daemon.socket), request)
    (root / "proc/buddyinfo").write_bytes(b"Node \xff\n")
    (root / "proc/zoneinfo").unlink()
    wait_for(lambda: "what=buddyinfo" in daemon.said())
    daemon.write_config("[demand big]\norder = big\n")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config_rejected" in daemon.said())
    daemon.write_config("[demand big]\norder = 5\n")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config_reloaded" in daemon.said())
    write_memory(root, FAR)
    wait_for(lambda: "headroom_recovered" in daemon.said())
    assert daemon.status()["severity"] == "ok"
    process.terminate()
    assert process.wait(timeout=5) == 0
    assert imported_after_rehearsal(daemon.said()) == []


def test_a_reader_of_stderr_that_left_is_survived(daemon: Daemon) -> None:
    """Events are lost, the daemon is not."""
    read, write = os.pipe()
    command = [sys.executable, "-m", "oomwatchd", "--config", str(daemon.config)]
    daemon.log.touch()
    process = subprocess.Popen([*command, "--root", str(ROOT)], stdout=write, stderr=write)
    daemon.processes.append(process)
    os.close(write)
    os.close(read)
    wait_for(daemon.answers)
    process.terminate()
    assert process.wait(timeout=2) == 0


def test_closed_standard_descriptors_are_kept_free(daemon: Daemon) -> None:
    """Started without 0, 1 and 2, no line of the log may land in a file of the daemon's own."""
    shell = ("/bin/sh", "-c", f'exec "{sys.executable}" -m oomwatchd "$@" <&- >&- 2>&-', "sh")
    process = daemon.start("--dry-run", command=shell)
    assert process.poll() is None
    for number in (0, 1, 2):
        link = Path(f"/proc/{process.pid}/fd/{number}")
        assert not os.path.lexists(link) or str(link.readlink()) == os.devnull


def test_exit_codes_hold_without_stderr(tmp_path: Path) -> None:
    """Nobody can read the line, the code still tells: no such configuration is 66."""
    missing = tmp_path / "missing.conf"
    command = f'exec "{sys.executable}" -m oomwatchd --config {missing} 2>&-'
    assert subprocess.run(["/bin/sh", "-c", command], timeout=10, check=False).returncode == 66


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become nobody")
def test_without_root_it_runs_and_says_what_it_cannot_do(daemon: Daemon, tmp_path: Path) -> None:
    """As nobody: status is answered, compaction is not available and named as degraded."""
    daemon.socket.parent.mkdir()
    os.chown(daemon.socket.parent, 65534, 65534)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    process = daemon.start(command=(sys.executable, "-c", AS_NOBODY))
    assert process.poll() is None, daemon.said()
    status = daemon.status()
    assert os.stat(f"/proc/{process.pid}").st_uid == 65534
    assert status["capabilities"]["compaction"] is False
    assert status["capabilities"]["drop_caches"] is False
    assert "compaction" in [entry["what"] for entry in status["degraded"]]
    process.terminate()
    assert process.wait(timeout=2) == 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("options", [("--dry-run",), ("--root", str(ROOT)), ("--once",)])
def test_nothing_is_opened_for_writing(
    daemon: Daemon, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Outside the folder of the socket, and compact_memory and drop_caches not at all."""
    trace = tmp_path / "trace"
    strace = ("strace", "-f", "-qq", "-o", str(trace), "-e", "trace=open,openat,creat")
    process = daemon.start(*options, command=(*strace, sys.executable, "-m", "oomwatchd"))
    if process.poll() is None:
        os.kill(daemon.status()["pid"], signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    opened = [line for line in trace.read_text().splitlines() if "open" in line]
    assert len(opened) > 10
    writing = [
        line
        for line in opened
        if any(flag in line for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "creat("))
    ]
    allowed = (f'"{daemon.socket.parent}/', '"/dev/null"')
    assert [line for line in writing if not any(place in line for place in allowed)] == []
    assert not any("compact_memory" in line or "drop_caches" in line for line in opened)
