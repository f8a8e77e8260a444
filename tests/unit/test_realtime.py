"""Signs of a real-time system: in made-up trees, and in real processes."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomwatchd.errors import ParseError
from oomwatchd.procfs import taskstat
from oomwatchd.procfs.taskstat import TaskStat
from oomwatchd.system.realtime import RealTime

NORMAL, FIFO, RR, BATCH, IDLE, DEADLINE, EXT = 0, 1, 2, 3, 5, 6, 7
KERNEL_THREAD = 0x00200000
MIGRATION = (
    b"18 (migration/0) S 2 0 0 0 -1 69238848 0 0 0 0 0 1 0 0 -100 0 1 0 9 0 0 4294967295 0 0 0 0"
    b" 0 0 0 2147483647 0 0 0 0 17 0 99 1 0 0 0 0 0 0 0 0 0 0 0\n"
)
"""As printed by 6.18; 2.6.18 prints 42 fields."""

name_bytes = st.binary(min_size=0, max_size=15).filter(lambda name: b"\0" not in name)


def stat(
    pid: int,
    name: bytes = b"task",
    flags: int = 0x400000,
    policy: int = NORMAL,
    threads: int = 1,
) -> bytes:
    """Print a stat as 2.6.18 does: 42 fields."""
    fields = [b"0"] * 43
    fields[1], fields[2], fields[3] = b"%d" % pid, b"(%s)" % name, b"S"
    fields[9], fields[20], fields[41] = b"%d" % flags, b"%d" % threads, b"%d" % policy
    return b" ".join(fields[1:]) + b"\n"


class Tree:
    """A root with processes."""

    def __init__(self, root: Path) -> None:
        """Make it, without any sign."""
        self.root = root
        (root / "proc").mkdir()
        (root / "sys/kernel").mkdir(parents=True)
        (root / "proc/version").write_text("Linux version 6.1.0 #1 SMP PREEMPT_DYNAMIC\n")
        (root / "proc/meminfo").write_text("")
        self.task(1)

    def task(self, pid: int, tid: int | None = None, data: bytes | None = None) -> None:
        """Add a thread: of its own process, if not said otherwise."""
        tid = pid if tid is None else tid
        folder = self.root / f"proc/{pid}/task/{tid}"
        folder.mkdir(parents=True, exist_ok=True)
        data = stat(tid) if data is None else data
        (folder / "stat").write_bytes(data)
        if tid == pid:
            (self.root / f"proc/{pid}/stat").write_bytes(data)

    def look(self, own_pid: int = 99) -> str | None:
        """Look for a sign."""
        real_time = RealTime(str(self.root), own_pid)
        try:
            return real_time.find()
        finally:
            real_time.close()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Make a tree."""
    return Tree(tmp_path)


# --- In a tree ---------------------------------------------------------------------------------


def test_a_tree_without_processes_is_an_error(tmp_path: Path) -> None:
    """Nothing can be said of it."""
    with pytest.raises(FileNotFoundError):
        RealTime(str(tmp_path))


@pytest.mark.parametrize(
    "data", [b"", b"7 (x", b"7 x) S", stat(7)[:-20], stat(7).replace(b" 0 0\n", b" y 0\n")]
)
def test_a_task_that_cannot_be_read_does_not_count(tree: Tree, data: bytes) -> None:
    """Nor does one that vanished, before its threads were listed or after."""
    tree.task(7, data=data)
    (tree.root / "proc/8").mkdir()
    tree.task(9, data=stat(9, threads=2))
    (tree.root / "proc/9/task/10").mkdir()
    tree.task(11, data=stat(11, threads=2))
    shutil.rmtree(tree.root / "proc/11/task")
    assert tree.look() is None


def test_a_system_of_normal_tasks_has_no_sign(tree: Tree) -> None:
    """Neither low priority nor a scheduler of one's own is real time; nor are kernel threads."""
    for pid, policy in enumerate((NORMAL, BATCH, IDLE, EXT), start=10):
        tree.task(pid, data=stat(pid, policy=policy))
    tree.task(18, data=MIGRATION)
    tree.task(20, data=stat(20, b"psimon", 0x200040 | KERNEL_THREAD, FIFO))
    assert tree.look() is None


def test_the_daemons_own_tasks_do_not_count(tree: Tree) -> None:
    """It may have been started with a priority."""
    tree.task(99, data=stat(99, b"oomwatchd", policy=RR))
    tree.task(99, 100, data=stat(100, b"remedy", policy=RR))
    assert tree.look(own_pid=99) is None
    assert tree.look(own_pid=98) is not None


@pytest.mark.parametrize(
    ("policy", "name"), [(FIFO, "SCHED_FIFO"), (RR, "SCHED_RR"), (DEADLINE, "SCHED_DEADLINE")]
)
def test_a_real_time_thread_is_named(tree: Tree, policy: int, name: str) -> None:
    """Any thread of any process: it is rarely the first."""
    tree.task(1234, data=stat(1234, b"pipewire", threads=2))
    tree.task(1234, 1240, data=stat(1240, b"data-loop.0", policy=policy))
    assert tree.look() == f'task "data-loop.0" (1240) is {name}'


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a) S 1 (b", "a) S 1 (b"),
        (b") S 1 1 1 0 -1", ") S 1 1 1 0 -1"),
        (b"two\nlines\x1b[0m", r"two\nlines\x1b[0m"),
        (b"caf\xc3", r"caf\xc3"),
        (b"", ""),
    ],
)
def test_a_hostile_name_is_shown_as_one_printable_line(tree: Tree, name: bytes, shown: str) -> None:
    """Parentheses, line breaks, halves of characters: the policy is found all the same."""
    tree.task(7, data=stat(7, name, policy=FIFO))
    assert tree.look() == f'task "{shown}" (7) is SCHED_FIFO'


@pytest.mark.parametrize(
    ("file", "text", "sign"),
    [
        ("sys/kernel/realtime", "1\n", True),
        ("sys/kernel/realtime", "0\n", False),
        ("proc/version", "Linux version 5.10.0-rt #1 SMP PREEMPT_RT Mon\n", True),
        ("proc/version", "Linux version 3.18.0-rt #1 SMP PREEMPT RT Mon\n", True),
        ("proc/version", "Linux version 6.18.0 #1 SMP PREEMPT Mon\n", False),
    ],
)
def test_a_real_time_kernel_is_a_sign(tree: Tree, file: str, text: str, *, sign: bool) -> None:
    """Without any such task yet; before tasks are looked at."""
    (tree.root / file).write_text(text)
    assert tree.look() == ("the kernel is PREEMPT_RT" if sign else None)


@given(st.binary())
def test_no_stat_raises_anything_else(data: bytes) -> None:
    """Whatever bytes stand there."""
    with suppress(ParseError):
        taskstat.parse(data)


@given(name_bytes, st.integers(0, 2**32 - 1), st.integers(0, 7), st.integers(0, 99))
def test_what_the_kernel_printed_is_read_back(
    name: bytes, flags: int, policy: int, threads: int
) -> None:
    """Whatever the task is called."""
    found = taskstat.parse(stat(4711, name, flags, policy, threads))
    assert found == TaskStat(name, bool(flags & KERNEL_THREAD), threads, policy)


def test_a_real_stat_is_read() -> None:
    """The running kernel's, and that of a kernel thread."""
    own = taskstat.parse(Path("/proc/thread-self/stat").read_bytes())
    assert own.threads >= 1
    assert own.policy == os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    assert not own.kernel_thread
    assert taskstat.parse(MIGRATION) == TaskStat(
        b"migration/0", kernel_thread=True, threads=1, policy=FIFO
    )


# --- In the running system ---------------------------------------------------------------------


@contextmanager
def child(*, reset: bool = False, thread: bool = False) -> Iterator[int]:
    """Run a process that becomes SCHED_RR, or a thread of which does; skip if none may."""
    policy = f"os.SCHED_RR{' | os.SCHED_RESET_ON_FORK' if reset else ''}"
    become = f"os.sched_setscheduler(0, {policy}, os.sched_param(1))"
    script = f"import os, sys, threading\ndef become(): {become}; print(1, flush=True); hold()\n"
    script += "def hold(): sys.stdin.read()\n"
    script += "threading.Thread(target=become).start()" if thread else "become()"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout is not None
        if not process.stdout.readline():
            pytest.skip("no task may be made a real-time one here")
        yield process.pid


@pytest.fixture
def live() -> Iterator[RealTime]:
    """Look at the running system; skip where it has signs of its own."""
    real_time = RealTime()
    if (sign := real_time.find()) or (sign := real_time.quick()):
        pytest.skip(f"a real-time system: {sign}")
    yield real_time
    real_time.close()


def test_what_vanishes_meanwhile_does_no_harm(live: RealTime) -> None:
    """Processes come and go while they are looked at."""
    over = threading.Event()

    def spawn() -> None:
        while not over.is_set():
            subprocess.run(["true"], check=True)

    spawner = threading.Thread(target=spawn)
    spawner.start()
    try:
        for _ in range(20):
            live.quick()
            live.find()
    finally:
        over.set()
        spawner.join()


@pytest.mark.parametrize("reset", [False, True])
def test_a_new_task_is_seen_right_before_acting(live: RealTime, *, reset: bool) -> None:
    """As rtkit makes them, with a flag beside the policy, too; it is gone when the task is."""
    with child(reset=reset) as pid:
        for sign in (live.quick(), live.find()):
            assert sign is not None
            assert sign.endswith(f"({pid}) is SCHED_RR")
    assert f"({pid})" not in str(live.quick())


def test_any_thread_of_a_new_process_is_seen_right_before_acting(live: RealTime) -> None:
    """An application that was started after the daemon."""
    with child(thread=True):
        sign = live.quick()
        assert sign is not None
        assert sign.endswith("is SCHED_RR")


def test_a_thread_is_found(live: RealTime) -> None:
    """It takes the whole look where the process was there before."""
    with child(thread=True):
        sign = live.find()
        assert sign is not None
        assert sign.endswith("is SCHED_RR")
        assert live.quick() is None


@pytest.mark.parametrize("error", [OSError(38, "not implemented"), PermissionError(1, "filtered")])
def test_without_the_system_call_stat_is_read(
    live: RealTime, error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The musl C library does not have it."""

    def fail(_pid: int) -> int:
        raise error

    with child() as pid:
        monkeypatch.setattr(os, "sched_getscheduler", fail)
        sign = live.quick()
        assert sign is not None
        assert sign.endswith(f"({pid}) is SCHED_RR")


def test_a_quick_look_opens_nothing(live: RealTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of processes that are known: kernel threads with real-time policies are, too."""
    known = set(os.listdir("/proc"))
    live.quick()
    opened: list[str] = []
    true_open = os.open

    def watched(path: str, flags: int, **more: int) -> int:
        opened.append(path)
        return true_open(path, flags, **more)

    monkeypatch.setattr(os, "open", watched)
    assert live.quick() is None
    assert [path for path in opened if path.partition("/")[0] in known] == []
