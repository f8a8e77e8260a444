"""The hook's process: nothing of ours goes along, its time is limited, nothing is left of it."""

import errno
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hooks import children

from oomwatchd.system.hook import GRACE_SECONDS, End, Process

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs CAP_IPC_LOCK")
LIMIT = 10.0
PATIENCE_SECONDS = 20.0
GLIBCS_OWN = 0b11 << 31
"""Signals 32 and 33 belong to the C library; nobody else can set them."""
GOOD = End("/bin/sh", is_good=True, trouble=None)
FOREVER = "while :; do sleep 1; done"


def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, be it waited for or not."""
    try:
        return b") Z " in Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return True


def pid_in(path: Path) -> int:
    """Wait for a script to write a number."""
    eventually(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def open_descriptors() -> set[str]:
    """List what is open."""
    return set(os.listdir("/proc/self/fd"))


def status_of(text: str, name: str) -> int:
    """Read a set of signals from the text of /proc/PID/status."""
    return int(text.partition(f"{name}:")[2].split()[0], 16)


class Runner:
    """A process on a clock of the test's own: its limit comes when the test says so."""

    def __init__(self) -> None:
        """Nothing runs."""
        self.epoll = select.epoll()
        self.process = Process(self.epoll)
        self.now = 1000.0

    def sh(self, script: str, **environment: str) -> int:
        """Start a script, which is in no file of its own; returns its number."""
        self.process.start(("/bin/sh", "-c", script), environment, LIMIT, self.now)
        pid = self.process._pid  # noqa: SLF001 - nobody else needs it
        assert pid is not None
        return pid

    def wait(self) -> End:
        """Wait for the end, by real time."""
        ends: list[End] = []

        def has_ended() -> bool:
            end = self.process.look(self.now)
            ends.extend([end] if end else [])
            return end is not None

        eventually(has_ended)
        return ends[0]

    def run(self, script: str, **environment: str) -> End:
        """Run a script to its end."""
        self.sh(script, **environment)
        return self.wait()

    def is_stuck(self) -> bool:
        """Whether it was killed in vain."""
        return self.process.is_stuck

    def pass_time(self, seconds: float) -> End | None:
        """Let time pass, and look."""
        self.now += seconds
        return self.process.look(self.now)


@pytest.fixture
def runner() -> Iterator[Runner]:
    """Have a process, and leave nothing behind."""
    made = Runner()
    yield made
    pid = made.process._pid  # noqa: SLF001 - for those that a test has left running
    if pid is not None:
        made.process.stop()
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
    made.epoll.close()


# --- Ends that are not good --------------------------------------------------------------------


@pytest.mark.parametrize("code", [1, 2, 127, 255])
def test_an_exit_status_is_told(runner: Runner, code: int) -> None:
    """Anything but 0."""
    assert runner.run(f"exit {code}") == End("/bin/sh", False, f"exit status {code}")  # noqa: FBT003 - a field


def test_a_signal_is_told(runner: Runner) -> None:
    """Here it sends one to itself."""
    assert runner.run("kill -9 $$").trouble == "killed by signal 9"


@pytest.mark.parametrize(
    ("command", "number"),
    [
        ("/nowhere/hook", errno.ENOENT),
        ("/etc/passwd", errno.EACCES),
        ("/", errno.EACCES),
        ("/etc/passwd/hook", errno.ENOTDIR),
    ],
)
def test_what_cannot_be_started_is_an_error(runner: Runner, command: str, number: int) -> None:
    """Nothing runs then, and nothing has to be waited for."""
    before, others = open_descriptors(), children()
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        runner.process.start((command,), {}, LIMIT, runner.now)
    assert caught.value.errno == number
    assert not runner.process.is_running
    assert not runner.process.may_start_later(caught.value)
    assert open_descriptors() == before
    assert children() == others


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE])
def test_what_is_short_may_be_there_later(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Memory, processes and descriptors come and go."""

    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    here = os.getcwd()
    monkeypatch.setattr(os, "posix_spawn", fail)
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        runner.sh("exit 0")
    monkeypatch.undo()
    assert runner.process.may_start_later(caught.value)
    assert not runner.process.is_running
    assert os.getcwd() == here
    assert runner.run("exit 0") == GOOD


def test_a_file_that_is_no_program_is_an_error(runner: Runner, tmp_path: Path) -> None:
    """It is not given to a shell instead."""
    path = tmp_path / "hook"
    path.write_text("echo without a first line\n")
    path.chmod(0o755)
    with pytest.raises(OSError, match=os.strerror(errno.ENOEXEC)):
        runner.process.start((str(path),), {}, LIMIT, runner.now)


# --- The time limit ----------------------------------------------------------------------------


def test_one_that_never_ends_is_told_to_and_then_made_to_with_its_children(
    runner: Runner, tmp_path: Path
) -> None:
    """They ignore what they are told."""
    child = tmp_path / "child"
    pid = runner.sh(f"trap '' TERM; sh -c '{FOREVER}' & echo $! >{child}; {FOREVER}")
    pids = pid, pid_in(child)
    assert runner.process.due_at(runner.now) == runner.now + LIMIT
    assert runner.pass_time(LIMIT - 0.1) is None
    assert runner.pass_time(0.1) is None
    assert runner.process.due_at(runner.now) == runner.now + GRACE_SECONDS
    assert runner.pass_time(GRACE_SECONDS - 0.1) is None
    assert not any(map(is_gone, pids)), "they were told only"
    end = runner.pass_time(0.1) or runner.wait()
    assert end.trouble == "stopped after 10 s"
    eventually(lambda: all(map(is_gone, pids)))


def test_one_that_obeys_is_over_at_once(runner: Runner) -> None:
    """Unless it has left others behind."""
    runner.sh("exec sleep 600")
    assert runner.pass_time(LIMIT) is None
    assert runner.wait().trouble == "stopped after 10 s"


def test_one_that_obeys_is_over_when_its_children_have_had_their_time(
    runner: Runner, tmp_path: Path
) -> None:
    """It is gone at once, but they may still be putting things in order."""
    child = tmp_path / "child"
    pid = runner.sh(f"sh -c 'trap : TERM; {FOREVER}' & echo $! >{child}; {FOREVER}")
    last = pid_in(child)
    time.sleep(0.1)  # for its trap
    runner.pass_time(LIMIT)
    eventually(lambda: is_gone(pid))
    assert runner.pass_time(0) is None
    assert not is_gone(last)
    # Meanwhile nothing wakes us, again and again.
    assert runner.epoll.poll(0) == []
    end = runner.pass_time(GRACE_SECONDS)
    assert end == End("/bin/sh", False, "stopped after 10 s")  # noqa: FBT003 - a field
    eventually(lambda: is_gone(last))


def test_one_that_was_stopped_by_a_signal_is_over_in_time(runner: Runner) -> None:
    """It cannot even be told; but it can be killed."""
    pid = runner.sh("kill -STOP $$")
    eventually(lambda: b") T " in Path(f"/proc/{pid}/stat").read_bytes())
    assert runner.pass_time(LIMIT) is None
    runner.pass_time(GRACE_SECONDS)
    eventually(lambda: is_gone(pid))


def test_one_that_does_not_even_die_is_said_to_be_stuck(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one may be that waits for a broken disk."""
    pid = runner.sh(FOREVER)
    monkeypatch.setattr(os, "waitid", lambda *_: None)
    assert runner.pass_time(LIMIT) is None
    assert not runner.is_stuck()
    assert runner.pass_time(GRACE_SECONDS) is None
    assert runner.is_stuck()
    monkeypatch.undo()
    eventually(lambda: is_gone(pid))
    assert runner.wait().trouble == "stopped after 10 s"
    assert not runner.is_stuck()


def test_one_that_becomes_a_daemon_is_over_when_it_says_so(runner: Runner, tmp_path: Path) -> None:
    """What lives in a session of its own is no more of ours, and nothing is waited for."""
    script = tmp_path / "daemon.py"
    script.write_text(
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n')\n"
        "    time.sleep(600)\n"
    )
    end = runner.run(f"exec {sys.executable} -I {script}")
    assert end == GOOD
    pid = pid_in(tmp_path / "pid")
    assert not is_gone(pid)
    os.kill(pid, signal.SIGKILL)


def test_one_that_joins_another_group_is_stopped_nevertheless(
    runner: Runner, tmp_path: Path
) -> None:
    """Its own group has nobody in it then."""
    script = tmp_path / "joiner.py"
    script.write_text(
        "import os, time\n"
        f"os.setpgid(0, {os.getpgrp()})\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n')\n"
        "time.sleep(600)\n"
    )
    pid = runner.sh(f"exec {sys.executable} -I {script}")
    assert pid_in(tmp_path / "pid") == pid
    runner.pass_time(LIMIT)
    eventually(lambda: is_gone(pid))


# --- What goes along ---------------------------------------------------------------------------


def test_the_environment_is_what_was_said_and_nothing_else(runner: Runner, tmp_path: Path) -> None:
    """Byte by byte, whatever it holds."""
    facts = {"A": "", "B": "$(reboot) ; ' \" \\", "C": "é\n=", "LD_NOTHING": "x"}
    assert runner.run(f"cp /proc/$$/environ {tmp_path}/env", **facts) == GOOD
    found = (tmp_path / "env").read_bytes().decode()
    assert found == "".join(f"{name}={value}\0" for name, value in facts.items())


def test_words_are_not_split_or_expanded_again(runner: Runner, tmp_path: Path) -> None:
    """There is no shell but the one that is named."""
    words = ("/bin/sh", "-c", f'printf "%s\\n" "$@" >{tmp_path}/words', "x", "$HOME", "*", "é")
    runner.process.start(words, {}, LIMIT, runner.now)
    assert runner.wait() == GOOD
    assert (tmp_path / "words").read_text(encoding="utf-8") == "$HOME\n*\né\n"


def test_no_descriptor_of_ours_goes_along(tmp_path: Path) -> None:
    """Neither what we were given open nor what we have opened; the streams lead nowhere."""
    inherited = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(inherited, True)  # noqa: FBT003 - the standard library's
    own = os.open("/etc/passwd", os.O_RDONLY)
    runner = Runner()
    lister = (
        "import os, sys\n"
        "found = [f'{fd} ' + os.readlink(f'/proc/self/fd/{fd}') for fd in range(1024)"
        " if os.path.lexists(f'/proc/self/fd/{fd}')]\n"
        "open(sys.argv[1], 'w').write('\\n'.join(found))\n"
    )
    words = (sys.executable, "-I", "-c", lister, str(tmp_path / "fds"))
    runner.process.start(words, {}, LIMIT, runner.now)
    assert runner.wait().is_good
    for descriptor in (inherited, own):
        os.close(descriptor)
    runner.process.stop()
    assert (tmp_path / "fds").read_text().splitlines() == [f"{fd} /dev/null" for fd in range(3)]


def test_signals_are_as_for_a_new_process(runner: Runner, tmp_path: Path) -> None:
    """Whatever we block or ignore."""
    before = signal.getsignal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
    try:
        words = "/bin/cp", "/proc/self/status", f"{tmp_path}/status"
        runner.process.start(words, {}, LIMIT, runner.now)
        assert runner.wait().is_good
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1, signal.SIGTERM})
        signal.signal(signal.SIGHUP, before)
    status = (tmp_path / "status").read_text()
    assert status_of(status, "SigBlk") == 0
    assert status_of(status, "SigIgn") & ~GLIBCS_OWN == 0


def test_it_runs_in_the_root_folder_and_we_stay_where_we_are(
    runner: Runner, tmp_path: Path
) -> None:
    """So that it holds no file system that is to be unmounted."""
    before = os.getcwd()
    assert runner.run(f"pwd >{tmp_path}/pwd") == GOOD
    assert (tmp_path / "pwd").read_text() == "/\n"
    assert os.getcwd() == before


def test_it_has_a_group_of_its_own(runner: Runner, tmp_path: Path) -> None:
    """What is sent to ours does not reach it."""
    pid = runner.sh(f"cp /proc/$$/stat {tmp_path}/stat")
    assert runner.wait() == GOOD
    group = (tmp_path / "stat").read_text().rpartition(")")[2].split()[2]
    assert int(group) == pid != os.getpgrp()


def test_much_is_printed_in_vain(runner: Runner) -> None:
    """Nobody reads it, and nobody waits."""
    script = "i=0; while [ $i -lt 20000 ]; do echo 0123456789; echo err >&2; i=$((i+1)); done"
    assert runner.run(script) == GOOD


def test_nothing_comes_from_its_stdin(runner: Runner) -> None:
    """It is at its end at once."""
    assert runner.run("cat") == GOOD


def run_python(script: str) -> str:
    """Run a script in a Python of its own, whose score and memory nobody minds."""
    # What measures coverage would load modules of its own.
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    command = [sys.executable, "-I", "-c", script]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def in_python(setup: str, code: str, folder: Path) -> str:
    """Make the script that sets something of its own, and starts the hook."""
    return (
        "import select, time\n"
        "from oomwatchd.system.hook import Process\n"
        f"{setup}\n"
        "process = Process(select.epoll())\n"
        f"process.start(('/bin/sh', '-c', {code!r}), {{'OUT': {str(folder)!r}}}, 60.0, 0.0)\n"
        "while not (end := process.look(0.0)):\n"
        "    time.sleep(0.01)\n"
        "print(end)\n"
    )


def may_lower_scores() -> bool:
    """Whether we have CAP_SYS_RESOURCE."""
    return bool(status_of(Path("/proc/self/status").read_text(), "CapEff") & 1 << 24)


@pytest.mark.skipif(not may_lower_scores(), reason="needs CAP_SYS_RESOURCE to lower a score")
def test_our_score_stays_ours(tmp_path: Path) -> None:
    """Neither it nor what it starts first of all is spared by the OOM killer, as we are."""
    setup = "from oomwatchd.system.oom_score import protect\nassert protect(-700) is None"
    code = (
        "sleep 600 & first=$!; sleep 1; cd /proc;"
        " cat $$/oom_score_adj $first/oom_score_adj self/oom_score_adj >$OUT/scores; kill $first"
    )
    own = "print(open('/proc/self/oom_score_adj').read())"
    said = run_python(in_python(setup, code, tmp_path) + own)
    assert "trouble=None" in said
    assert said.split()[-1] == "-700"
    assert (tmp_path / "scores").read_text().split() == ["0", "0", "0"]


@needs_root
def test_our_memory_stays_locked_and_its_is_not(tmp_path: Path) -> None:
    """Locks are not inherited by a new program (mlockall(2))."""
    setup = "from oomwatchd.system.memory import lock_memory\nassert lock_memory() is None"
    code = "cp /proc/$$/status $OUT/status"
    own = "print([line for line in open('/proc/self/status') if 'VmLck' in line])"
    said = run_python(in_python(setup, code, tmp_path) + own)
    assert "'VmLck:\\t       0 kB" not in said
    assert "VmLck:\t       0 kB\n" in (tmp_path / "status").read_text()


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_our_memory_is_not_copied(tmp_path: Path) -> None:
    """The new process runs in it until its program is loaded."""
    trace = tmp_path / "trace"
    words = ("strace", "-o", str(trace), "-e", "trace=clone,clone3,fork,vfork")
    script = in_python("", "exit 0", tmp_path)
    subprocess.run([*words, sys.executable, "-I", "-c", script], check=True, timeout=60)
    calls = [line for line in trace.read_text().splitlines() if "SIGCHLD" not in line.split(" ")[0]]
    made = [line for line in calls if line.startswith(("clone", "fork", "vfork"))]
    assert len(made) == 1
    assert made[0].startswith("vfork") or "CLONE_VM|CLONE_VFORK" in made[0]


# --- Seeing it off -----------------------------------------------------------------------------


def test_nothing_is_left_of_a_run(runner: Runner) -> None:
    """No zombie, no descriptor, no event."""
    before, others = open_descriptors(), children()
    for _ in range(3):
        assert runner.run("exit 0") == GOOD
    assert open_descriptors() == before
    assert runner.epoll.poll(0) == []
    assert runner.process.due_at(runner.now) == float("inf")
    assert children() == others


def test_the_end_is_told_by_the_epoll(runner: Runner) -> None:
    """Where the kernel can: nobody has to ask."""
    if not hasattr(os, "pidfd_open"):
        pytest.skip("this Python has no pidfd_open")
    runner.sh("exit 0")
    ((descriptor, _),) = runner.epoll.poll(PATIENCE_SECONDS)
    assert runner.process.handles(descriptor)
    assert runner.process.look(runner.now) == GOOD
    assert not runner.process.handles(descriptor)


@pytest.mark.parametrize("lacking", ["kernel", "Python", "memory"])
def test_where_it_is_not_told_it_is_asked_for(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    """Twice a second; before Linux 5.3, by a Python built for one, or where memory is short."""

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    before = open_descriptors()
    if lacking == "kernel":
        monkeypatch.setattr(os, "pidfd_open", fail, raising=False)
    elif lacking == "Python":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    else:
        runner.process._epoll = type("Full", (), {"register": fail})()  # noqa: SLF001 - an epoll cannot be made to fail
    runner.sh("exit 0")
    assert runner.process.due_at(runner.now) == runner.now + 0.5
    assert not runner.process.handles(-1)
    assert runner.wait() == GOOD
    assert open_descriptors() == before


def test_ends_are_seen_though_whoever_started_us_ignores_them(runner: Runner) -> None:
    """Else the kernel would throw them away."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    runner.process.stop()
    runner.process = Process(runner.epoll)
    assert runner.run("exit 3").trouble == "exit status 3"


def test_an_end_that_somebody_else_has_waited_for_is_an_end(runner: Runner) -> None:
    """How it was nobody knows."""
    os.waitpid(runner.sh("exit 3"), 0)
    assert runner.process.look(runner.now) == GOOD
    assert not runner.process.is_running


def test_a_stop_tells_the_whole_group_and_does_not_wait(runner: Runner, tmp_path: Path) -> None:
    """Nothing is left open."""
    before, others = open_descriptors(), children()
    process = Process(runner.epoll)
    script = f"sh -c '{FOREVER}' & echo $! >{tmp_path}/child; {FOREVER}"
    process.start(("/bin/sh", "-c", script), {}, LIMIT, runner.now)
    child = pid_in(tmp_path / "child")
    (leader,) = children() - others
    process.stop()
    assert open_descriptors() == before
    eventually(lambda: is_gone(child))
    with suppress(ChildProcessError):  # it may have ended while we stopped
        os.waitpid(int(leader), 0)  # else init would, once we have ended


def test_a_rehearsal_starts_nothing(runner: Runner) -> None:
    """But goes all the way to where the kernel finds no program."""
    before = os.getcwd(), open_descriptors()
    runner.process.rehearse()
    assert not runner.process.is_running
    assert (os.getcwd(), open_descriptors()) == before


def test_neither_subprocess_nor_the_like_is_loaded() -> None:
    """It would stay in memory for years."""
    loaded = json.loads(
        run_python(
            "import json, sys\nimport oomwatchd.system.hook\nprint(json.dumps(list(sys.modules)))"
        )
    )
    assert not {"subprocess", "selectors", "threading", "asyncio", "shutil"} & set(loaded)
