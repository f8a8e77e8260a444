"""The OOM killer is kept off: files that stand for /proc/self, and our own."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oomwatchd.system import oom_score
from oomwatchd.system.oom_score import expose, protect


def tree(root: Path, **files: str) -> str:
    """Make a root with files of /proc/self, and of /proc/sys/vm for the rest."""
    for folder in ("proc/self", "proc/sys/vm"):
        (root / folder).mkdir(parents=True)
    for name, text in files.items():
        folder = "self" if name.startswith("oom_score") or name == "oom_adj" else "sys/vm"
        (root / "proc" / folder / name).write_text(text)
    return str(root)


def run(script: str) -> str:
    """Run a script in a Python of its own; returns what it wrote."""
    command = [sys.executable, "-I", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def score(root: Path, name: str = "oom_score_adj") -> str:
    """Read what was set."""
    return (root / "proc/self" / name).read_text().strip()


def test_a_setting_that_does_not_take_is_told(tmp_path: Path) -> None:
    """Where the file swallows what is written, as in some containers, reading back shows it."""
    root = tree(tmp_path)
    os.symlink("/dev/null", tmp_path / "proc/self/oom_score_adj")
    # /dev/null is no regular file, and what cannot be read back is not believed.
    assert protect(None, root) == "oom_score_adj: not a regular file"


def test_a_number_that_was_changed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel, or what stands for it, keeps another one."""
    root = tree(tmp_path, oom_score_adj="0\n")
    monkeypatch.setattr(os, "write", lambda _descriptor, data: len(data))
    assert protect(-500, root) == "oom_score_adj: reads no number after -500 was written"


def test_no_file_at_all_is_told(tmp_path: Path) -> None:
    """Nothing is made where nothing was."""
    assert protect(None, tree(tmp_path)) == "oom_adj: no such file or directory"
    assert list((tmp_path / "proc/self").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_without_rights_it_says_so() -> None:
    """Going down needs CAP_SYS_RESOURCE."""
    script = (
        "import os, sys\n"
        "from oomwatchd.system.oom_score import protect\n"
        "os.seteuid(65534)\n"
        "sys.stdout.write(str(protect(-900)))\n"
        "os.seteuid(0)\n"
    )
    assert run(script) == "oom_score_adj: permission denied"


@pytest.mark.parametrize(
    ("before", "allocating", "value", "after"),
    [
        ("0", "0", None, "-900"),
        ("0", None, None, "-900"),
        ("0", "1", None, "-1000"),
        ("-900", "1", None, "-1000"),
        ("-950", "0", None, "-950"),
        ("-1000", "0", None, "-1000"),
        ("500", "0", None, "-900"),
        ("-950", "0", -100, "-100"),
        ("-950", "1", 0, "0"),
        ("nonsense", "0", None, "-900"),
    ],
)
def test_the_score_is_lowered_but_never_raised_unasked(
    tmp_path: Path, before: str, allocating: str | None, value: int | None, after: str
) -> None:
    """-1000 where the kernel kills whoever allocates; what a unit file set lower stays."""
    files = {"oom_score_adj": before + "\n"}
    if allocating is not None:
        files["oom_kill_allocating_task"] = allocating + "\n"
    assert protect(value, tree(tmp_path, **files)) is None
    assert score(tmp_path) == after


@pytest.mark.parametrize(
    ("value", "allocating", "after"),
    [
        (None, "0", "-16"),
        (None, "1", "-17"),
        (-1000, "0", "-17"),
        (-999, "0", "-16"),
        (-1, "0", "-1"),
        (0, "0", "0"),
        (500, "0", "7"),
        (1000, "0", "15"),
    ],
)
def test_an_old_kernel_has_another_scale(
    tmp_path: Path, value: int | None, allocating: str, after: str
) -> None:
    """oom_adj runs from -16 to 15, and -17 is never."""
    root = tree(tmp_path, oom_adj="3\n", oom_kill_allocating_task=allocating)
    assert protect(value, root) is None
    assert score(tmp_path, "oom_adj") == after


def test_a_score_of_our_own_is_set() -> None:
    """Upwards anybody may."""
    script = (
        "import sys\n"
        "from oomwatchd.system.oom_score import protect\n"
        "sys.stdout.write(f\"{protect(700)} {open('/proc/self/oom_score_adj').read()}\")\n"
    )
    assert run(script) == "None 700\n"


# --- What we have started ----------------------------------------------------------------------


@pytest.fixture
def group() -> Iterator[tuple[int, int]]:
    """Start a process and a child of its, in a group of their own."""
    script = "sleep 600 & echo $!; wait"
    command = ["/bin/sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGKILL)


def processes(proc: Path, *pids: int, value: int = -900) -> str:
    """Make what stands for /proc, with processes of that score."""
    for pid in pids:
        (proc / str(pid)).mkdir()
        (proc / str(pid) / "oom_score_adj").write_text(f"{value}\n")
    (proc / "self").mkdir()
    return str(proc)


def score_of(proc: Path, pid: int) -> int:
    """Read a score."""
    return int((proc / str(pid) / "oom_score_adj").read_text())


def test_what_we_have_started_is_not_spared_nor_what_it_has_started(
    tmp_path: Path, group: tuple[int, int]
) -> None:
    """Whoever else is there keeps its score."""
    proc = processes(tmp_path, *group, os.getpid())
    assert expose(group[0], proc) is None
    assert [score_of(tmp_path, pid) for pid in (*group, os.getpid())] == [0, 0, -900]


def test_what_is_started_meanwhile_is_found_as_well(
    tmp_path: Path, group: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By looking again until nobody is new."""
    proc = processes(tmp_path, *group)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "oom_score_adj").write_text("-900\n")
    looks = iter([set(group), {*group, 7}, {*group, 7}])
    monkeypatch.setattr(oom_score, "members", lambda *_: next(looks))
    assert expose(group[0], proc) is None
    assert [score_of(tmp_path, pid) for pid in (*group, 7)] == [0, 0, 0]


def test_a_group_that_never_stops_growing_is_left_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing here goes on for ever."""
    proc = processes(tmp_path, 1)
    found: set[int] = {1}

    def grow(*_: object) -> set[int]:
        found.add(len(found) + 1)
        return set(found)

    monkeypatch.setattr(oom_score, "members", grow)
    assert expose(1, proc) is None
    assert len(found) < 20


@pytest.mark.parametrize("value", [0, 1, 1000])
def test_a_score_that_is_not_below_0_is_left(
    tmp_path: Path, group: tuple[int, int], value: int
) -> None:
    """It may be wished for, and to go down takes rights."""
    proc = processes(tmp_path, *group, value=value)
    assert expose(group[0], proc) is None
    assert [score_of(tmp_path, pid) for pid in group] == [value, value]


def test_what_has_ended_meanwhile_is_no_fault(tmp_path: Path) -> None:
    """It needs no score any more."""
    assert expose(1, processes(tmp_path)) is None
    assert expose(1, str(tmp_path / "nowhere")) is None


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_score_that_cannot_be_set_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The process has become another user's, or a sandbox forbids it."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    proc = processes(tmp_path, 1)
    monkeypatch.setattr(oom_score, "_write", fail)
    assert expose(1, proc) == f"oom_score_adj: {os.strerror(number).lower()}"
