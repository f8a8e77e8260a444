"""What the init script does on a device: each story's facts, as /out/init.json.

BusyBox init is process 1, syslogd and klogd run, the script lies in /etc/init.d. The stories run
one after another and leave nothing running. Processes are counted from /proc here, not by the
script under test.

Arguments: the names of the stories; none for all.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCRIPT = "/etc/init.d/S90oomwatchd"
DEFAULTS = Path("/etc/default/oomwatchd")
CONFIG = Path("/etc/oomwatchd/oomwatchd.conf")
PID_FILE = Path("/var/run/oomwatchd.pid")
SOCKET = Path("/run/oomwatchd/oomwatchd.sock")
LOG = Path("/out/messages")
PYTHON = "/usr/bin/python3"
GOOD = "[poll]\ninterval_max_seconds = 2\n"
BAD = "[poll]\ninterval_max_seconds = soon\n\n[demand camera]\norder = big\n"
# Stands in for Python: notes when it is started, and ends as it is told.
STUB = """\
#!/bin/sh
case "$*" in *--check-config*) exit 0 ;; esac
read -r up _ </proc/uptime
echo "$up" >>/job/starts
how=$(cat /job/how)
case "$how" in
    SEGV) kill -SEGV $$ ;;
    *) exit "$how" ;;
esac
"""
# Demands that are low on any device of 256 MB, with the longest names.
_LOW = """\
[poll]
interval_min_seconds = 0.2
interval_max_seconds = 1
hold_seconds = 0
[demand warning-aaaaaaaaaaaaaaaaaaaaaaaa]
order = 2
request = atomic
warning = 15000
critical = 2
[demand critical-aaaaaaaaaaaaaaaaaaaaaaa]
order = 2
request = atomic
warning = 15000
critical = 15000
"""
_LENGTHS = range(20, 60)
_LOW_EVENTS = ("headroom_warning", "headroom_critical")
_PATIENCE_SECONDS = 40.0
_CRASH_LOOP_SECONDS = 18.0

Facts = dict[str, Any]


def run(action: str) -> Facts:
    """Run the script as a user at the console does."""
    begin = time.monotonic()
    done = subprocess.run(
        [SCRIPT, action], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    seconds = time.monotonic() - begin
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr, "seconds": seconds}


def command_lines() -> dict[int, list[str]]:
    """Give the words of every process that has some."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")[:-1]
        except OSError:
            continue
        if words:
            found[int(folder.name)] = words
    return found


def daemons() -> list[int]:
    """List the processes that run the daemon, or what stands in for it."""
    lines = command_lines().items()
    return [pid for pid, words in lines if "-m" in words and "oomwatchd" in words]


def supervisors() -> list[int]:
    """List the processes of the script."""
    return [pid for pid, words in command_lines().items() if SCRIPT in words]


def ours() -> Facts:
    """Tell what there is of us."""
    return {
        "daemons": daemons(),
        "supervisors": supervisors(),
        "pid_file": PID_FILE.read_text().strip() if PID_FILE.exists() else None,
        "socket": SOCKET.exists(),
        "run": sorted(str(path) for path in Path("/run").iterdir() if path.name != "oomwatchd"),
    }


def until(what: Callable[[], object], seconds: float = _PATIENCE_SECONDS) -> float | None:
    """Wait until something is so; return how long that took, None if it did not come."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if what():
            return time.monotonic() - begin
        time.sleep(0.05)
    return None


class Log:
    """The log from here on."""

    def __init__(self) -> None:
        """Begin at its end."""
        self._start = LOG.stat().st_size if LOG.exists() else 0

    def lines(self) -> list[str]:
        """List what has come since."""
        if not LOG.exists():
            return []
        text = LOG.read_bytes()[self._start :]
        return text[: text.rfind(b"\n") + 1].decode().splitlines()

    def wait(self, part: str, seconds: float = _PATIENCE_SECONDS) -> bool:
        """Wait for a line with this in it."""
        return until(lambda: any(part in line for line in self.lines()), seconds) is not None


def bystander(*words: str) -> "subprocess.Popen[bytes]":
    """Start a process that is none of ours."""
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)


def stand_in(how: str) -> None:
    """Let something else than Python be started, which ends this way."""
    Path("/job/how").write_text(how)
    Path("/job/starts").unlink(missing_ok=True)
    DEFAULTS.write_text('PYTHON="/job/stub"\n')


def starts() -> list[float]:
    """List when the stand-in was started."""
    file = Path("/job/starts")
    return [float(line) for line in file.read_text().split()] if file.exists() else []


def started() -> bool:
    """Start, and wait until the daemon has said so."""
    log = Log()
    return run("start")["code"] == 0 and log.wait("]: started")


def adjustments() -> Facts:
    """Tell how likely each of ours is to be killed when memory is out."""
    return {
        name: [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in pids]
        for name, pids in (("daemons", daemons()), ("supervisors", supervisors()))
    }


def own_kib(pid: int) -> int:
    """Tell how much memory a process has for itself."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))


def life() -> Facts:
    """One life: stopped, started, started again, reloaded, stopped, stopped again."""
    facts: Facts = {"init": command_lines()[1], "status_before": run("status")}
    facts["stop_before"] = run("stop")
    log = Log()
    facts["start"] = run("start")
    facts["said_started"] = log.wait("]: started")
    facts["running"] = ours()
    facts["adjustments"] = adjustments()
    facts["supervisor_kib"] = [own_kib(pid) for pid in supervisors()]
    facts["status"] = run("status")
    facts["start_again"] = run("start")
    time.sleep(3)
    facts["running_still"] = ours()
    log = Log()
    facts["reload"] = run("reload")
    facts["said_reloaded"] = log.wait("config_reloaded")
    CONFIG.write_text(BAD)
    log = Log()
    facts["reload_bad"] = run("reload")
    facts["said_rejected"] = log.wait("config_rejected")
    facts["rejected"] = log.lines()
    facts["restart_bad"] = run("restart")
    facts["running_after"] = ours()
    CONFIG.write_text(GOOD)
    facts["restart"] = run("restart")
    facts["restarted"] = ours()
    until(SOCKET.exists)
    log = Log()
    facts["stop"] = run("stop")
    facts["left"] = ours()
    facts["said_stopped"] = log.wait("stopped", 2)
    facts["status_after"] = run("status")
    facts["stop_again"] = run("stop")
    facts["reload_stopped"] = run("reload")
    return facts


def broken() -> Facts:
    """A start with a configuration that is at fault."""
    CONFIG.write_text(BAD)
    facts: Facts = {"start": run("start"), "left": ours()}
    CONFIG.write_text(GOOD)
    DEFAULTS.write_text('OOMWATCHD_ARGS="--config /nowhere"\n')
    facts["start_nowhere"] = run("start")
    DEFAULTS.write_text('PYTHON="/nowhere/python3"\n')
    facts["start_without_python"] = run("start")
    facts["left_after"] = ours()
    return facts


def respawn() -> Facts:
    """The daemon is killed twice."""
    facts: Facts = {"started": started(), "deaths": []}
    for number in (signal.SIGKILL, signal.SIGSEGV):
        log = Log()
        (old,) = daemons()
        os.kill(old, number)
        seconds = until(lambda old=old: [pid for pid in daemons() if pid != old])  # type: ignore[misc]
        said = log.wait("]: started")
        facts["deaths"].append(
            {"old": old, "seconds": seconds, "said": said, "log": log.lines(), "now": ours()}
        )
    facts["stop"] = run("stop")
    facts["left"] = ours()
    return facts


def crash_loop() -> Facts:
    """The daemon dies as soon as it is started; it is stopped between two deaths."""
    stand_in("SEGV")
    log = Log()
    facts: Facts = {"start": run("start")}
    time.sleep(_CRASH_LOOP_SECONDS)
    facts["starts"] = starts()
    facts["status"] = run("status")
    facts["start_again"] = run("start")
    facts["running"] = ours()
    facts["log"] = log.lines()
    facts["stop"] = run("stop")
    facts["left"] = ours()
    time.sleep(3)
    facts["starts_after"] = len(starts())
    return facts


def exits() -> Facts:
    """Which exit codes lead to another start."""
    facts: Facts = {}
    for how in ("0", "1", "64", "75", "78"):
        stand_in(how)
        log = Log()
        begun = run("start")
        time.sleep(2.5)
        facts[how] = {"start": begun, "starts": len(starts()), "now": ours(), "log": log.lines()}
        run("stop")
    return facts


def stale() -> Facts:
    """The pid file names a process that is none of ours, or there is none."""
    facts: Facts = {"bystanders": []}
    kinds = {
        "sleep": ["/bin/sleep", "1000"],
        "shell": ["/bin/sh", "-c", "while :; do sleep 100; done"],
        "python": [PYTHON, "-I", "-c", "import time; time.sleep(1000)"],
    }
    for kind, words in kinds.items():
        other = bystander(*words)
        PID_FILE.write_text(f"{other.pid}\n")
        before = run("status")
        begun = started()
        running = ours()
        PID_FILE.write_text(f"{other.pid}\n")
        ended = run("stop")
        facts["bystanders"].append(
            {
                "kind": kind,
                "pid": other.pid,
                "status_before": before,
                "started": begun,
                "running": running,
                "stop": ended,
                "left": ours(),
                "survived": other.poll() is None,
            }
        )
        other.kill()
        other.wait()
    started()
    PID_FILE.unlink()
    facts["missing"] = {"status": run("status"), "start": run("start"), "running": ours()}
    facts["missing"] |= {"stop": run("stop"), "left": ours()}
    return facts


def foreign() -> Facts:
    """Somebody runs the daemon by hand."""
    other = bystander(PYTHON, "-I", "-m", "oomwatchd", "--log-to", "syslog")
    until(SOCKET.exists)
    log = Log()
    facts: Facts = {"pid": other.pid, "start": run("start")}
    facts["gave_way"] = until(lambda: not supervisors())
    facts["running"] = ours()
    time.sleep(0.5)
    facts["log"] = log.lines()
    facts["stop"] = run("stop")
    facts["survived"] = other.poll() is None
    other.terminate()
    other.wait()
    return facts


def orphan() -> Facts:
    """The supervisor is killed and the daemon is not; a start puts that right."""
    started()
    (old,) = daemons()
    (supervisor,) = supervisors()
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not supervisors())
    facts: Facts = {"old": old, "status": run("status"), "alone": ours(), "started": started()}
    facts["running"] = ours()
    for pid in supervisors():
        os.kill(pid, signal.SIGKILL)
    facts["stop"] = run("stop")
    facts["left"] = ours()
    return facts


def stuck() -> Facts:
    """The daemon does not answer to TERM, then neither does the supervisor."""
    facts: Facts = {}
    for name, which in (("daemon", daemons), ("supervisor", supervisors)):
        started()
        for pid in which():
            os.kill(pid, signal.SIGSTOP)
        facts[name] = {"stop": run("stop"), "left": ours()}
    return facts


def at_once() -> Facts:
    """Two starts at the same moment, then a stop while the daemon is still loading."""
    words = [SCRIPT, "start"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(2)]
    codes = [one.wait() for one in both]
    alone = until(lambda: len(daemons()) == 1 and len(supervisors()) == 1 and SOCKET.exists())
    facts: Facts = {"codes": codes, "alone": alone, "running": ours(), "status": run("status")}
    facts["stop"] = run("stop")
    facts["left"] = ours()
    facts["start"] = run("start")
    facts["reload_early"] = run("reload")["code"]
    facts["running_after"] = ours()
    facts["stop_early"] = run("stop")
    facts["left_early"] = ours()
    return facts


def without_processes() -> Facts:
    """No process can be made when the daemon has died (a limit does it here, as memory might)."""
    started()
    group = Path("/sys/fs/cgroup/ours")
    group.mkdir()
    for pid in supervisors():
        (group / "cgroup.procs").write_text(str(pid))
    (group / "pids.max").write_text("1")
    (old,) = daemons()
    os.kill(old, signal.SIGKILL)
    time.sleep(4)
    facts: Facts = {"meanwhile": ours(), "status": run("status"), "refused": _refused(group)}
    spent = _ticks(supervisors()[0]) if supervisors() else 0
    time.sleep(2)
    facts["ticks"] = (_ticks(supervisors()[0]) if supervisors() else 0) - spent
    log = Log()
    (group / "pids.max").write_text("max")
    facts["said"] = log.wait("]: started")
    facts["running"] = ours()
    facts["stop"] = run("stop")
    facts["left"] = ours()
    return facts


def _refused(group: Path) -> int:
    """Count how often the limit was met."""
    return int((group / "pids.events").read_text().split()[1])


def _ticks(pid: int) -> int:
    """Tell the processor time of a process, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def records() -> Facts:
    """Long records on their way through syslogd: every length around the limit."""
    facts: Facts = {"kept": _kept()}
    # The longest header: as if the device had been up for long.
    Path("/proc/sys/kernel/ns_last_pid").write_text("32000")
    CONFIG.write_text(_LOW)
    log = Log()
    started()
    facts["pid"] = pid = daemons()[0]
    facts["said"] = [log.wait(f"{word} demand={word[9:]}") for word in _LOW_EVENTS]
    facts["rejections"] = []
    for length in _LENGTHS:
        reject(length)
        log = Log()
        os.kill(pid, signal.SIGHUP)
        said = log.wait("config_rejected", 5)
        facts["rejections"].append({"length": length, "said": said, "lines": log.lines()})
    CONFIG.write_text(GOOD)
    facts["stop"] = run("stop")
    return facts


def reject(length: int) -> None:
    """Write a configuration that is refused in many words."""
    key = "k" * length
    CONFIG.write_text(f"[poll]\n{key} = 1\n{key[:50]} = 2\n{key[:50]}x = 3\n")


def datagrams() -> Facts:
    """What comes out of the daemon itself, byte by byte, where syslogd would listen."""
    end_syslogd()
    Path("/proc/sys/kernel/ns_last_pid").write_text("32000")
    taken: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("/dev/log")
        listener.settimeout(_PATIENCE_SECONDS)
        run("start")
        taken.append(listener.recv(65536).decode("latin-1"))
        (pid,) = daemons()
        for length in _LENGTHS:
            reject(length)
            os.kill(pid, signal.SIGHUP)
            taken.append(listener.recv(65536).decode("latin-1"))
    CONFIG.write_text(GOOD)
    facts: Facts = {"pid": pid, "taken": taken, "stop": run("stop"), "left": ours()}
    Path("/dev/log").unlink()
    bystander(*SYSLOGD)
    until(Path("/dev/log").exists)
    return facts


def end_syslogd() -> None:
    """End syslogd, and with it its socket."""
    syslogd = int(Path("/run/syslogd.pid").read_text())
    os.kill(syslogd, signal.SIGTERM)
    until(lambda: syslogd not in command_lines())
    Path("/dev/log").unlink(missing_ok=True)


def _kept() -> int:
    """Measure how many bytes of a record syslogd keeps, its priority included."""
    head = b"<30>probe: "
    log = Log()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.connect("/dev/log")
        link.send(head + b"x" * (1000 - len(head)))
    log.wait("probe: ")
    time.sleep(0.5)
    (line, *_) = (line for line in log.lines() if "probe: " in line)
    return len(head) + line.partition("probe: ")[2].count("x")


def late_syslog() -> Facts:
    """The daemon is there before syslogd is."""
    end_syslogd()
    log = Log()
    facts: Facts = {"start": run("start"), "up": until(SOCKET.exists)}
    time.sleep(4)  # until it has looked for a log
    bystander(*SYSLOGD)
    until(Path("/dev/log").exists)
    time.sleep(2)
    run("reload")
    facts["said"] = log.wait("config_reloaded", 5)
    facts["lines"] = log.lines()
    facts["stop"] = run("stop")
    facts["left"] = ours()
    return facts


def every_event() -> Facts:
    """Each event once, into a file and into the ring that logread shows; then a stuck syslogd."""
    log = Log()
    command = [PYTHON, "-m", "target.inside.every_event"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    facts: Facts = {"sent": json.loads(done.stdout), "said": log.wait("]: test_alert")}
    facts["lines"] = log.lines()
    facts["stuck"] = _stuck_syslogd(command)
    end_syslogd()
    bystander("/bin/syslogd", "-n", "-C64")
    until(Path("/dev/log").exists)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ring = ["/bin/logread"]
    until(lambda: b"]: test_alert" in subprocess.run(ring, check=False, capture_output=True).stdout)
    facts["ring"] = (
        subprocess.run(ring, check=True, capture_output=True).stdout.decode().split("\n")
    )
    return facts


def _stuck_syslogd(command: list[str]) -> Facts:
    """Send many events to a syslogd that is stopped, then let it go on, then restart it."""
    log = Log()
    syslogd = int(Path("/run/syslogd.pid").read_text())
    os.kill(syslogd, signal.SIGSTOP)
    with subprocess.Popen(
        [*command, "3000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        facts: Facts = {"stopped": json.loads(sender.stdout.readline())}
        os.kill(syslogd, signal.SIGCONT)
        end_syslogd()
        bystander(*SYSLOGD)
        until(Path("/dev/log").exists)
        sender.stdin.write("x")
        sender.stdin.flush()
        facts["after"] = json.loads(sender.stdout.readline())
    log.wait("]: test_alert")
    facts["lines"] = log.lines()
    return facts


SYSLOGD = ("/bin/syslogd", "-n", "-O", str(LOG))
STORIES: tuple[Callable[[], Facts], ...] = (
    life,
    broken,
    respawn,
    crash_loop,
    exits,
    stale,
    foreign,
    orphan,
    stuck,
    at_once,
    without_processes,
    records,
    datagrams,
    late_syslog,
    every_event,
)


def prepare() -> None:
    """Make of the guest the device that the script is for."""
    for folder in ("/etc/init.d", "/etc/default", "/etc/oomwatchd", "/run", "/var"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    if not Path("/var/run").exists():
        Path("/var/run").symlink_to("/run")
    shutil.copy("/job/S90oomwatchd", SCRIPT)
    Path(SCRIPT).chmod(0o755)
    Path("/job/stub").write_text(STUB)
    Path("/job/stub").chmod(0o755)
    CONFIG.write_text(GOOD)
    subprocess.run(["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"], check=True)
    Path("/sys/fs/cgroup/cgroup.subtree_control").write_text("+pids")


def main() -> None:
    """Live through all stories."""
    prepare()
    bystander(*SYSLOGD)
    bystander("/bin/klogd", "-n")
    until(Path("/dev/log").exists)
    facts: Facts = {}
    wanted = sys.argv[1:] or [story.__name__ for story in STORIES]
    for story in (story for story in STORIES if story.__name__ in wanted):
        shutil.copy("/job/oomwatchd.default", DEFAULTS)
        CONFIG.write_text(GOOD)
        begin = time.monotonic()
        try:
            told = story()
        except Exception as error:  # noqa: BLE001 - the other stories are still worth telling
            told = {"error": repr(error), "now": ours()}
            run("stop")
        facts[story.__name__] = told | {"seconds": time.monotonic() - begin}
        Path("/out/init.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
