"""Remedies: plain files below a folder stand for the kernel's, os.pwrite for its answers."""

import errno
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oomwatchd.model import Action, Remedy, Run, Version
from oomwatchd.system.remedies import Means, Worker, open_means, proactive, reclaim

BOOT_ID = "0b9ffd2c-2b7e-4d7c-9a43-7ac3ae0e5e4d"
OTHER_BOOT = "11111111-2222-3333-4444-555555555555"
NEW: Version = (5, 15, 0)
SETTING = "proc/sys/vm/compaction_proactiveness"
COMPACT = "proc/sys/vm/compact_memory"
DROP = "proc/sys/vm/drop_caches"
RECLAIM = "sys/fs/cgroup/memory.reclaim"
NODES = "sys/devices/system/node"
PATIENCE_SECONDS = 10.0
ASYNC = Action(Remedy.COMPACT_ASYNC)
BROKEN: dict[Action, str] = {
    Action(Remedy.COMPACT): COMPACT,
    Action(Remedy.COMPACT, node=1): f"{NODES}/node1/compact",
    ASYNC: SETTING,
    Action(Remedy.RECLAIM, amount_kib=4): RECLAIM,
    Action(Remedy.DROP_PAGECACHE): DROP,
    Action(Remedy.DROP_SLAB): DROP,
    Action(Remedy.DROP_ALL): DROP,
}

Answer = Callable[[bytes], int | None]
"""What the kernel returns or raises; None: it takes the text."""


class Kernel:
    """A folder with the kernel's files, what was written to them, and how writing is answered."""

    def __init__(self, folder: Path) -> None:
        """Make the files of a kernel that can do everything."""
        self.root = str(folder / "root")
        self.note = str(folder / "note")
        self.written: list[tuple[str, bytes]] = []
        self.answers: dict[str, Answer] = {}
        self._pwrite, self._pread = os.pwrite, os.pread
        self._lock = threading.Lock()
        self.put("proc/sys/kernel/random/boot_id", f"{BOOT_ID}\n")
        self.put(SETTING, "20\n")
        for name in (COMPACT, DROP, RECLAIM, f"{NODES}/node1/compact"):
            self.put(name, "")

    def put(self, name: str, text: str) -> None:
        """Put a file there."""
        path = Path(self.root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def remove(self, name: str) -> None:
        """Take a file away."""
        Path(self.root, name).unlink()

    def setting(self) -> str:
        """Tell what is set."""
        with self._lock:
            return Path(self.root, SETTING).read_text().strip()

    def noted(self) -> bytes:
        """Tell what is noted."""
        return Path(self.note).read_bytes()

    def open(self, version: Version | None = NEW) -> Means:
        """Open what there is."""
        return open_means(self.root, version=version, restore_path=self.note)

    def pwrite(self, descriptor: int, text: bytes, offset: int) -> int:
        """Stand for os.pwrite: the kernel's files are written as a whole."""
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if not path.startswith(f"{self.root}/"):
            answer = self.answers.get(path)
            return (answer(text) if answer else None) or self._pwrite(descriptor, text, offset)
        name = os.path.relpath(path, self.root)
        assert offset == 0
        self.written.append((name, text))
        if answer := self.answers.get(name):
            result = answer(text)
            if result is not None:
                return result
        with self._lock:
            os.ftruncate(descriptor, 0)
            return self._pwrite(descriptor, text, 0)

    def pread(self, descriptor: int, length: int, offset: int) -> bytes:
        """Stand for os.pread: a file is never seen between two texts."""
        with self._lock:
            return self._pread(descriptor, length, offset)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A kernel that can do everything, and three seconds that pass quickly."""
    made = Kernel(tmp_path)
    monkeypatch.setattr(os, "pwrite", made.pwrite)
    monkeypatch.setattr(os, "pread", made.pread)
    monkeypatch.setattr(proactive, "ASYNC_SECONDS", 0.05)
    return made


@pytest.fixture
def worker(kernel: Kernel) -> Iterator[Worker]:
    """A worker with all means."""
    means = kernel.open()
    assert means.missing == {}
    made = Worker(means)
    yield made
    made.close()
    means.close()


def finish(worker: Worker) -> Run:
    """Wait for the end of a run."""
    assert select.select([worker], [], [], PATIENCE_SECONDS)[0], "the run does not end"
    run = worker.result()
    assert run is not None
    return run


def do(worker: Worker, action: Action) -> Run:
    """Run a remedy."""
    worker.start(action)
    return finish(worker)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until something has come about."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.002)


def fail(number: int) -> Answer:
    """Refuse as the kernel does."""

    def answer(_text: bytes) -> int:
        raise OSError(number, os.strerror(number))

    return answer


def descriptors() -> int:
    """Count what is open."""
    return len(os.listdir("/proc/self/fd"))


# Opening


def test_a_kernel_without_anything_has_each_remedy_missing_with_its_file(tmp_path: Path) -> None:
    """An empty tree: nothing raises, every remedy says which file is not there."""
    means = open_means(str(tmp_path), version=NEW, restore_path=str(tmp_path / "note"))
    assert means.missing == {
        Remedy.COMPACT: f"{tmp_path}/{COMPACT}: no such file or directory",
        Remedy.COMPACT_ASYNC: f"{tmp_path}/{SETTING}: no such file or directory",
        Remedy.RECLAIM: f"{tmp_path}/{RECLAIM}: no such file or directory",
        Remedy.DROP_PAGECACHE: f"{tmp_path}/{DROP}: no such file or directory",
        Remedy.DROP_SLAB: f"{tmp_path}/{DROP}: no such file or directory",
        Remedy.DROP_ALL: f"{tmp_path}/{DROP}: no such file or directory",
    }
    assert means.nodes == ()


@pytest.mark.parametrize("remedy", Remedy)
def test_a_missing_remedy_that_is_run_all_the_same_says_why_not(
    kernel: Kernel, remedy: Remedy
) -> None:
    """The run ends with the reason, and nothing is written."""
    for name in (COMPACT, DROP, RECLAIM, SETTING):
        kernel.remove(name)
    means = kernel.open()
    worker = Worker(means)
    assert do(worker, Action(remedy, amount_kib=4)).error == means.missing[remedy]
    assert kernel.written == []
    worker.close()
    means.close()


@pytest.mark.parametrize("name", [COMPACT, DROP, RECLAIM, SETTING, "note"])
def test_a_fifo_in_the_place_of_a_file_does_not_hold_the_opening(kernel: Kernel, name: str) -> None:
    """It is named as missing; nobody reads from it, so that opening it would wait forever."""
    path = kernel.note if name == "note" else f"{kernel.root}/{name}"
    Path(path).unlink(missing_ok=True)
    os.mkfifo(path)
    whys = set(kernel.open().missing.values())
    assert len(whys) == 1
    assert whys.pop().startswith(f"{path}: n")


def test_a_link_in_the_place_of_the_note_is_not_followed(kernel: Kernel, tmp_path: Path) -> None:
    """What it points at stays as it is."""
    target = tmp_path / "target"
    target.write_text("kept")
    os.symlink(target, kernel.note)
    assert kernel.open().missing == {
        Remedy.COMPACT_ASYNC: f"{kernel.note}: too many levels of symbolic links"
    }
    assert target.read_text() == "kept"


@pytest.mark.parametrize(
    ("version", "why"),
    [(None, "the kernel's version is not known"), ((5, 14, 21), "kernel before 5.15: ")],
)
def test_a_kernel_whose_setting_wakes_nobody_does_not_have_compact_async(
    kernel: Kernel, version: Version | None, why: str
) -> None:
    """The setting is there since 5.9, but only since 5.15 does writing it do something."""
    assert kernel.open(version).missing[Remedy.COMPACT_ASYNC].startswith(why)
    assert not os.path.exists(kernel.note)


def test_without_a_place_for_the_note_there_is_no_compact_async(kernel: Kernel) -> None:
    """A raised value that nobody would put back after a crash is not raised."""
    means = open_means(kernel.root, version=NEW, restore_path=None)
    assert means.missing == {Remedy.COMPACT_ASYNC: "no place to note the value to restore"}


def test_a_path_that_no_file_can_have_is_a_missing_remedy(kernel: Kernel) -> None:
    """A null byte makes Python raise ValueError instead of OSError."""
    means = open_means(kernel.root, version=NEW, restore_path="a\0b")
    assert means.missing == {Remedy.COMPACT_ASYNC: "'a\\x00b': embedded null byte"}
    assert len(open_means("/a\0b", version=NEW, restore_path=kernel.note).missing) == len(Remedy)


@pytest.mark.parametrize("value", ["", "\n", "101\n", "-1\n", "020\n", "20 20\n", "x\n", "20\n\n"])
def test_a_setting_that_is_no_percentage_is_never_written(kernel: Kernel, value: str) -> None:
    """It is missing from the start, and a valid note stays for later."""
    kernel.put(SETTING, value)
    Path(kernel.note).write_text(f"{BOOT_ID} 20 100\n")
    assert kernel.open().missing == {
        Remedy.COMPACT_ASYNC: f"{kernel.root}/{SETTING}: not a number from 0 to 100"
    }
    assert kernel.written == []
    assert kernel.noted()


def test_a_boot_without_identifier_has_no_compact_async(kernel: Kernel) -> None:
    """A note could not be told from an older boot's."""
    kernel.put("proc/sys/kernel/random/boot_id", "short\n")
    assert kernel.open().missing == {
        Remedy.COMPACT_ASYNC: f"{kernel.root}/proc/sys/kernel/random/boot_id: not a boot identifier"
    }


def test_what_failed_to_open_leaves_no_descriptor(kernel: Kernel) -> None:
    """Neither a file that is not regular nor a setting that cannot be used stays open."""
    kernel.put(SETTING, "x")
    kernel.remove(DROP)
    os.mkdir(f"{kernel.root}/{DROP}")
    before = descriptors()
    means = kernel.open()
    means.close()
    assert descriptors() == before
    assert len(means.missing) == 4


def test_nodes_are_sorted_by_number_and_strange_names_left_out(kernel: Kernel) -> None:
    """node10 comes after node2; a node without its file, and what is no node, is no fault."""
    for name in ("node10", "node2", "node02", "nodes", "node-1", "xnode3", "node99999"):
        kernel.put(f"{NODES}/{name}/compact", "")
    kernel.put(f"{NODES}/node5/meminfo", "")
    means = kernel.open()
    assert means.nodes == (1, 2, 10)
    assert means.missing == {}


def test_reclaim_is_found_in_a_hybrid_hierarchy(kernel: Kernel) -> None:
    """Where version 1 is mounted beside it, the root of version 2 is called unified."""
    kernel.remove(RECLAIM)
    kernel.put("sys/fs/cgroup/unified/memory.reclaim", "")
    means = kernel.open()
    assert means.missing == {}
    worker = Worker(means)
    assert do(worker, Action(Remedy.RECLAIM, amount_kib=4)).error is None
    assert kernel.written == [("sys/fs/cgroup/unified/memory.reclaim", b"4096")]
    worker.close()
    means.close()


# Running


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EROFS, errno.ENOSPC, errno.EPERM])
@pytest.mark.parametrize(("action", "name"), BROKEN.items())
def test_what_the_kernel_refuses_is_an_error_that_names_file_and_reason(
    kernel: Kernel, worker: Worker, action: Action, name: str, number: int
) -> None:
    """One short lower-case text; the worker lives on and the next run works."""
    kernel.answers[name] = fail(number)
    assert do(worker, action).error == f"{kernel.root}/{name}: {os.strerror(number).lower()}"
    kernel.answers.clear()
    assert do(worker, action).error is None
    assert kernel.setting() == "20"
    assert kernel.noted() == b""


@pytest.mark.parametrize(
    "raised", [RuntimeError("Odd\nthing"), MemoryError(), ValueError("x" * 999)]
)
@pytest.mark.parametrize("action", BROKEN)
def test_whatever_goes_wrong_ends_in_the_run_and_the_worker_lives_on(
    kernel: Kernel, worker: Worker, action: Action, raised: Exception
) -> None:
    """Also what nobody thought of: a dead worker would be a daemon that can do nothing."""

    def answer(_text: bytes) -> int:
        raise raised

    kernel.answers[BROKEN[action]] = answer
    error = do(worker, action).error
    assert error
    assert error == error.lower()
    assert len(error) <= 200
    assert "\n" not in error
    kernel.answers.clear()
    assert do(worker, action).error is None


def test_a_kernel_that_takes_nothing_is_an_error(kernel: Kernel, worker: Worker) -> None:
    """0 bytes written is neither success nor a refusal."""
    kernel.answers[COMPACT] = lambda _text: 0
    error = do(worker, Action(Remedy.COMPACT)).error
    assert error == f"{kernel.root}/{COMPACT}: nothing was written"


@pytest.mark.parametrize("amount_kib", [None, 0, -4096])
def test_reclaiming_no_amount_does_nothing_and_says_so(
    kernel: Kernel, worker: Worker, amount_kib: int | None
) -> None:
    """There is no default: how much is for the policy to say."""
    run = do(worker, Action(Remedy.RECLAIM, amount_kib=amount_kib))
    assert run.error == "no amount to reclaim was given"
    assert kernel.written == []


def test_reclaim_ends_without_error_when_there_is_no_more(kernel: Kernel, worker: Worker) -> None:
    """EAGAIN: less than was asked for could be reclaimed."""
    kernel.answers[RECLAIM] = fail(errno.EAGAIN)
    assert do(worker, Action(Remedy.RECLAIM, amount_kib=40960)).error is None
    assert len(kernel.written) == 1


def test_reclaim_goes_on_after_a_signal(kernel: Kernel, worker: Worker) -> None:
    """EINTR is no error, and the slice counts: the run stays bounded."""
    kernel.answers[RECLAIM] = fail(errno.EINTR)
    assert do(worker, Action(Remedy.RECLAIM, amount_kib=8192)).error is None
    assert len(kernel.written) == 2


def test_reclaim_ends_when_its_time_is_up(
    kernel: Kernel, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is left to do."""
    monkeypatch.setattr(reclaim, "RECLAIM_SECONDS", 0.5)
    kernel.answers[RECLAIM] = lambda _text: time.sleep(0.3)
    assert do(worker, Action(Remedy.RECLAIM, amount_kib=1 << 20)).error is None
    assert 1 <= len(kernel.written) <= 2


def test_reclaim_ends_when_the_daemon_stops(kernel: Kernel, worker: Worker) -> None:
    """No further slice is begun."""
    kernel.answers[RECLAIM] = lambda _text: worker.stop()
    assert do(worker, Action(Remedy.RECLAIM, amount_kib=1 << 20)).error is None
    assert len(kernel.written) == 1


def test_reclaim_is_written_in_slices_of_4_mib(kernel: Kernel, worker: Worker) -> None:
    """The last slice is what is left, in bytes."""
    assert do(worker, Action(Remedy.RECLAIM, amount_kib=8192 + 12)).error is None
    assert kernel.written == [(RECLAIM, b"4194304"), (RECLAIM, b"4194304"), (RECLAIM, b"12288")]


def test_old_kernels_return_3_for_the_1_that_is_written(kernel: Kernel, worker: Worker) -> None:
    """More than was written is success too, and nothing is written twice."""
    kernel.answers[COMPACT] = lambda _text: 3
    assert do(worker, Action(Remedy.COMPACT)).error is None
    assert kernel.written == [(COMPACT, b"1")]


@pytest.mark.parametrize(
    ("action", "name", "text"),
    [
        (Action(Remedy.COMPACT), COMPACT, b"1"),
        (Action(Remedy.COMPACT, node=1), f"{NODES}/node1/compact", b"1"),
        (Action(Remedy.COMPACT, node=7), COMPACT, b"1"),
        (Action(Remedy.DROP_PAGECACHE), DROP, b"1"),
        (Action(Remedy.DROP_SLAB), DROP, b"2"),
        (Action(Remedy.DROP_ALL), DROP, b"3"),
    ],
)
def test_each_remedy_writes_its_text_to_its_file(
    kernel: Kernel, worker: Worker, action: Action, name: str, text: bytes
) -> None:
    """A node that has no file of its own is compacted with all others."""
    run = do(worker, action)
    assert run.error is None
    assert 0 <= run.duration_seconds < 5
    assert kernel.written == [(name, text)]
    assert worker.result() is None


def test_two_runs_after_another_have_a_result_each(kernel: Kernel, worker: Worker) -> None:
    """The end of the first is not taken for the end of the second."""
    assert worker.result() is None
    for count in (1, 2):
        assert do(worker, ASYNC).error is None
        assert worker.result() is None
        assert kernel.written == [(SETTING, b"100"), (SETTING, b"20")] * count


def test_a_run_opens_and_imports_nothing(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """When memory is short, opening and importing would be what fails."""
    seen: list[object] = []

    def spy(original: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            if threading.current_thread().name == "remedy":
                seen.append(arguments[0])
            return original(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for target in ("os.open", "builtins.open", "builtins.__import__"):
            module, _, name = target.partition(".")
            patch.setattr(target, spy(getattr(sys.modules[module], name)))
        errors = [do(worker, action).error for action in BROKEN]
    assert errors == [None] * len(BROKEN)
    assert seen == []


def test_descriptors_do_not_leak(kernel: Kernel) -> None:
    """After closing as many are open as before."""
    before = descriptors()
    for _ in range(3):
        means = kernel.open()
        worker = Worker(means)
        assert descriptors() > before
        assert do(worker, ASYNC).error is None
        worker.close()
        means.close()
        assert descriptors() == before


def test_without_a_thread_the_worker_keeps_no_descriptor(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller learns of it, and can go on without remedies."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    means = kernel.open()
    before = descriptors()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        Worker(means)
    assert descriptors() == before
    assert threading.stack_size() == 0
    means.close()


# compact_async and its note


@pytest.mark.parametrize(("call", "path"), [("pread", SETTING), ("ftruncate", "note")])
def test_a_setting_or_note_that_cannot_be_used_means_that_nothing_is_raised(
    kernel: Kernel,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    path: str,
) -> None:
    """An input/output error of either is named with its file."""

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        error = do(worker, ASYNC).error
    where = kernel.note if path == "note" else f"{kernel.root}/{path}"
    assert error == f"{where}: input/output error"
    assert kernel.written == []
    assert do(worker, ASYNC).error is None


def test_a_note_that_cannot_be_written_means_that_nothing_is_raised(
    kernel: Kernel, worker: Worker
) -> None:
    """Raised without a note, it might stay so for the rest of the boot."""
    kernel.answers[kernel.note] = fail(errno.ENOSPC)
    assert do(worker, ASYNC).error == f"{kernel.note}: no space left on device"
    assert kernel.written == []


def test_a_note_that_is_written_in_part_means_that_nothing_is_raised(
    kernel: Kernel, worker: Worker
) -> None:
    """A file system that is full takes a part."""
    kernel.answers[kernel.note] = lambda _text: 5
    assert do(worker, ASYNC).error == f"{kernel.note}: the note cannot be read back"
    assert kernel.written == []


def test_a_value_that_could_not_be_put_back_is_put_back_by_the_next_run(
    kernel: Kernel, worker: Worker
) -> None:
    """It does not take its own 100 for the administrator's."""
    kernel.answers[SETTING] = lambda text: None if text == b"100" else fail(errno.EROFS)(text)
    assert do(worker, ASYNC).error == f"{kernel.root}/{SETTING}: read-only file system"
    assert kernel.noted() == f"{BOOT_ID} 20 100\n".encode()
    kernel.answers.clear()
    assert do(worker, ASYNC).error is None
    assert kernel.setting() == "20"
    assert kernel.noted() == b""


def test_a_value_that_could_not_be_put_back_is_put_back_when_stopping(
    kernel: Kernel, worker: Worker
) -> None:
    """Stopping tries once more; it does not raise while it still cannot."""
    kernel.answers[SETTING] = lambda text: None if text == b"100" else fail(errno.EROFS)(text)
    do(worker, ASYNC)
    worker.stop()
    assert kernel.setting() == "100"
    assert kernel.noted()
    kernel.answers.clear()
    worker.stop()
    assert kernel.setting() == "20"
    assert kernel.noted() == b""


@pytest.mark.parametrize("theirs", ["0", "60"])
def test_a_value_that_somebody_else_has_set_meanwhile_is_theirs(
    kernel: Kernel, worker: Worker, monkeypatch: pytest.MonkeyPatch, theirs: str
) -> None:
    """Neither the end of the run nor stopping touches it."""
    monkeypatch.setattr(proactive, "ASYNC_SECONDS", 60.0)
    worker.start(ASYNC)
    wait_until(lambda: kernel.setting() == "100")
    kernel.put(SETTING, f"{theirs}\n")
    worker.stop()
    assert finish(worker).error is None
    assert kernel.setting() == theirs
    assert kernel.written == [(SETTING, b"100")]
    assert kernel.noted() == b""


def test_what_a_killed_daemon_left_raised_is_put_back_by_the_next(kernel: Kernel) -> None:
    """A process is killed with the value raised; opening the means puts it back."""
    program = (
        "import sys, time\n"
        "from oomwatchd.model import Action, Remedy\n"
        "from oomwatchd.system.remedies import Worker, open_means\n"
        "means = open_means(sys.argv[1], version=(6, 1, 0), restore_path=sys.argv[2])\n"
        "Worker(means).start(Action(Remedy.COMPACT_ASYNC))\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, kernel.root, kernel.note]) as process:
        wait_until(lambda: kernel.setting() == "100")
        process.send_signal(signal.SIGKILL)
    assert kernel.setting() == "100"
    assert kernel.noted() == f"{BOOT_ID} 20 100\n".encode()
    assert os.stat(kernel.note).st_mode & 0o777 == 0o600
    means = kernel.open()
    assert means.missing == {}
    assert kernel.setting() == "20"
    assert kernel.noted() == b""
    means.close()


@pytest.mark.parametrize(
    ("present", "note"),
    [
        ("60", f"{BOOT_ID} 20 100\n"),
        ("100", f"{OTHER_BOOT} 20 100\n"),
        ("100", f"{BOOT_ID} 20 100"),
        ("100", f"{BOOT_ID} 20 100\n\n"),
        ("100", f"{BOOT_ID} 020 100\n"),
        ("100", f"{BOOT_ID} 101 100\n"),
        ("100", f"{BOOT_ID} -1 100\n"),
        ("100", f"{BOOT_ID}  20 100\n"),
        ("100", f"{BOOT_ID} 20 100\n" + " " * 5000),
        ("100", "\0" * 45),
        ("100", ""),
    ],
)
def test_a_note_that_is_not_credible_is_struck_and_not_followed(
    kernel: Kernel, present: str, note: str
) -> None:
    """Another boot's, a damaged one, one with impossible values, or one that is outdated."""
    kernel.put(SETTING, f"{present}\n")
    Path(kernel.note).write_text(note)
    means = kernel.open()
    assert means.missing == {}
    assert kernel.written == []
    assert kernel.noted() == b""
    means.close()


def test_a_left_value_that_the_kernel_does_not_take_back_leaves_the_note(kernel: Kernel) -> None:
    """The remedy is missing then: it could not be undone."""
    kernel.put(SETTING, "100\n")
    Path(kernel.note).write_text(f"{BOOT_ID} 20 100\n")
    kernel.answers[SETTING] = fail(errno.EROFS)
    assert kernel.open().missing == {
        Remedy.COMPACT_ASYNC: f"{kernel.root}/{SETTING}: read-only file system"
    }
    assert kernel.noted()


PERCENT = st.integers(-1, 130).map(lambda number: str(number).encode())
NOTES = st.binary(max_size=120) | st.builds(
    lambda *parts: b"".join(parts),
    st.sampled_from([BOOT_ID.encode(), OTHER_BOOT.encode(), b""]),
    st.sampled_from([b" ", b"  ", b"\n"]),
    PERCENT,
    st.sampled_from([b" ", b"\0"]),
    PERCENT | st.just(b"100"),
    st.sampled_from([b"\n", b"", b"\n\n", b" "]),
)
CREDIBLE = re.compile(BOOT_ID.encode() + rb" ([0-9]|[1-9][0-9]|100) ([0-9]|[1-9][0-9]|100)\n")


@settings(deadline=None, max_examples=150)
@given(note=NOTES, present=st.sampled_from([b"0", b"20", b"100"]))
@example(note=f"{BOOT_ID} 7 100\n".encode(), present=b"100")
@example(note=f"{BOOT_ID} 7 100\n".encode(), present=b"20")
def test_whatever_is_noted_only_a_valid_old_value_is_ever_written(
    note: bytes, present: bytes
) -> None:
    """Any bytes: nothing raises, the note is empty then, the kernel gets an old value or none."""
    with tempfile.TemporaryDirectory() as folder:
        kernel = Kernel(Path(folder))
        kernel.put(SETTING, f"{present.decode()}\n")
        Path(kernel.note).write_bytes(note)
        with mock.patch("os.pwrite", kernel.pwrite):
            means = kernel.open()
        means.close()
        match = CREDIBLE.fullmatch(note)
        expected = [(SETTING, match[1])] if match and match[2] == present else []
        assert kernel.written == expected
        assert means.missing == {}
        assert kernel.noted() == b""


def test_a_value_that_is_as_high_already_is_written_again_and_left(
    kernel: Kernel, worker: Worker
) -> None:
    """The write itself wakes the kernel's thread; there is nothing to note or to put back."""
    kernel.put(SETTING, "100\n")
    notes: list[bytes] = []
    kernel.answers[SETTING] = lambda _text: notes.append(kernel.noted())
    assert do(worker, ASYNC).error is None
    assert kernel.written == [(SETTING, b"100")]
    assert notes == [b""]


@pytest.mark.parametrize("old", ["0", "5", "20", "99"])
def test_the_value_is_noted_raised_and_put_back(kernel: Kernel, worker: Worker, old: str) -> None:
    """The note is there before the value is raised, and gone after it is put back."""
    kernel.put(SETTING, f"{old}\n")
    notes: list[bytes] = []
    kernel.answers[SETTING] = lambda _text: notes.append(kernel.noted())
    run = do(worker, ASYNC)
    assert run.error is None
    assert run.duration_seconds >= 0.05
    assert kernel.written == [(SETTING, b"100"), (SETTING, old.encode())]
    assert notes == [f"{BOOT_ID} {old} 100\n".encode()] * 2
    assert kernel.noted() == b""


# Stopping


def test_nothing_is_run_once_the_daemon_is_stopping(kernel: Kernel, worker: Worker) -> None:
    """What is ordered late says so."""
    worker.stop()
    assert do(worker, ASYNC).error == "the daemon is stopping"
    assert kernel.written == []


def test_a_run_that_has_begun_raises_nothing_once_the_daemon_is_stopping(kernel: Kernel) -> None:
    """Not even when it was told to stop between its start and the raising."""
    setting = proactive.Proactive(
        f"{kernel.root}/{SETTING}", kernel.note, f"{kernel.root}/proc/sys/kernel/random/boot_id"
    )
    stopping = threading.Event()
    stopping.set()
    setting.run(stopping)
    setting.close()
    assert kernel.written == []


def test_stopping_waits_a_moment_for_a_worker_that_is_about_to_raise(
    kernel: Kernel, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When stop() returns it has been raised and put back: the process may end then."""
    monkeypatch.setattr(proactive, "_PATIENCE_SECONDS", PATIENCE_SECONDS)
    noting = threading.Event()

    def answer(_text: bytes) -> None:
        noting.set()
        time.sleep(0.02)

    kernel.answers[kernel.note] = answer
    worker.start(ASYNC)
    assert noting.wait(PATIENCE_SECONDS)
    worker.stop()
    assert kernel.setting() == "20"
    assert kernel.written[0] == (SETTING, b"100")
    assert kernel.noted() == b""
    assert finish(worker).error is None
    assert kernel.setting() == "20"


@pytest.mark.parametrize("stuck_in", [b"100", b"20"])
def test_stopping_puts_back_what_a_stuck_worker_has_raised(
    kernel: Kernel, worker: Worker, stuck_in: bytes
) -> None:
    """The worker hangs in raising the value, or in putting it back, and stopping does not."""
    hanging, go_on = threading.Event(), threading.Event()

    def answer(text: bytes) -> int | None:
        if text != stuck_in or threading.current_thread().name != "remedy":
            return None
        if text == b"100":
            kernel.put(SETTING, "100\n")
        hanging.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return len(text) if text == b"100" else None

    kernel.answers[SETTING] = answer
    worker.start(ASYNC)
    assert hanging.wait(PATIENCE_SECONDS)
    assert kernel.setting() == "100"
    started = time.monotonic()
    worker.stop()
    took = time.monotonic() - started
    value = kernel.setting()
    go_on.set()
    assert took < 1.0
    assert value == "20"
    assert finish(worker).error is None
    assert kernel.setting() == "20"
    assert kernel.noted() == b""


def test_a_worker_that_raises_only_after_stopping_puts_back_itself(
    kernel: Kernel, worker: Worker
) -> None:
    """The note stays meanwhile, in case that the daemon has ended by then."""
    hanging, go_on = threading.Event(), threading.Event()

    def answer(text: bytes) -> None:
        if text == b"100":
            hanging.set()
            assert go_on.wait(PATIENCE_SECONDS)

    kernel.answers[SETTING] = answer
    worker.start(ASYNC)
    assert hanging.wait(PATIENCE_SECONDS)
    worker.stop()
    noted = kernel.noted()
    go_on.set()
    assert noted == f"{BOOT_ID} 20 100\n".encode()
    assert finish(worker).error is None
    assert kernel.written == [(SETTING, b"100"), (SETTING, b"20")]
    assert kernel.noted() == b""


def test_stopping_does_not_wait_for_a_compaction_that_does_not_come_back(
    kernel: Kernel, worker: Worker
) -> None:
    """Nothing is raised: it returns at once, and again."""
    hanging, go_on = threading.Event(), threading.Event()

    def answer(_text: bytes) -> None:
        hanging.set()
        assert go_on.wait(PATIENCE_SECONDS)

    kernel.answers[COMPACT] = answer
    worker.start(Action(Remedy.COMPACT))
    assert hanging.wait(PATIENCE_SECONDS)
    started = time.monotonic()
    worker.stop()
    worker.stop()
    took = time.monotonic() - started
    go_on.set()
    assert took < 1.0
    assert finish(worker).error is None


def test_stopping_while_it_is_raised_puts_it_back_at_once(
    kernel: Kernel, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is back when stop() returns; the worker wakes up, and writes nothing more."""
    monkeypatch.setattr(proactive, "ASYNC_SECONDS", 60.0)
    worker.start(ASYNC)
    wait_until(lambda: kernel.setting() == "100")
    worker.stop()
    assert kernel.setting() == "20"
    assert kernel.noted() == b""
    run = finish(worker)
    assert run.error is None
    assert run.duration_seconds < 5
    worker.stop()
    assert kernel.setting() == "20"
    assert set(kernel.written) == {(SETTING, b"100"), (SETTING, b"20")}


def test_stopping_at_the_moment_of_putting_back_is_safe(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both may write the old value; it is the old value in the end, every time."""
    for attempt in range(30):
        monkeypatch.setattr(proactive, "ASYNC_SECONDS", 0.01)
        means = kernel.open()
        worker = Worker(means)
        worker.start(ASYNC)
        time.sleep(attempt * 0.0005)
        worker.stop()
        assert kernel.setting() == "20"
        assert finish(worker).error in (None, "the daemon is stopping")
        assert kernel.setting() == "20"
        assert kernel.noted() == b""
        worker.close()
        means.close()
