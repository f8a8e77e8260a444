"""Memory is locked, or it is told why not. What locks runs in processes of its own."""

import gc
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from oomwatchd.system import memory
from oomwatchd.system.memory import freeze_garbage, lock_memory

ROOT = os.geteuid() == 0
NO_CAPABILITY = "CapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffbfff\n"
CAPABILITY = "CapEff:\t0000000000004000\n"
LIMITED = "Limit                     Soft Limit           Hard Limit           Units     \n"
LIMITED += "Max locked memory         8388608              8388608              bytes     \n"
UNLIMITED = "Max locked memory         unlimited            unlimited            bytes     \n"


def run(script: str) -> str:
    """Run a script in a Python of its own; returns what it printed."""
    head = "import os, sys\nfrom oomwatchd.system import memory\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", head + script], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.strip()


def tree(root: Path, status: str | None, limits: str | None) -> str:
    """Make a root with files of /proc/self."""
    folder = root / "proc/self"
    folder.mkdir(parents=True)
    if status is not None:
        (folder / "status").write_text(status)
    if limits is not None:
        (folder / "limits").write_text(limits)
    return str(root)


@pytest.mark.parametrize("status", [NO_CAPABILITY, None, "CapEff:\tnonsense\n", "CapEff:\n"])
def test_a_limit_is_told_and_nothing_is_locked(tmp_path: Path, status: str | None) -> None:
    """Locked below a limit, every allocation past it would fail: worse than not being locked."""
    before = Path("/proc/self/status").read_text().split("VmLck:")[1].split()[0]
    told = lock_memory(tree(tmp_path, status, LIMITED))
    assert told == "no CAP_IPC_LOCK, and locked memory is limited to 8388608"
    assert Path("/proc/self/status").read_text().split("VmLck:")[1].split()[0] == before


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_another_user_is_told_the_limit() -> None:
    """The real files, read by a process that has given up its rights."""
    told = run(
        "import resource\n"
        "memory.escape('')  # its codec is loaded at its first use\n"
        "resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))\n"
        "os.seteuid(65534)\n"
        "print(memory.lock_memory())\n"
        "os.seteuid(0)\n"
    )
    assert told == "no CAP_IPC_LOCK, and locked memory is limited to 65536"


def test_python_without_ctypes_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Small images leave it out."""
    monkeypatch.setitem(sys.modules, "_ctypes", None)
    told = lock_memory(tree(tmp_path, CAPABILITY, LIMITED))
    assert told is not None
    assert told.startswith("mlockall cannot be called: import of _ctypes halted")
    assert told.isprintable()


@pytest.mark.parametrize("error", [MemoryError(), OSError("no such\nsymbol"), AttributeError("x")])
def test_a_libffi_or_libc_that_does_not_serve_is_told(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is wrong below, it is one line and no error."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(memory, "_find_mlockall", fail)
    told = lock_memory(tree(tmp_path, CAPABILITY, LIMITED))
    assert told is not None
    assert told.startswith("mlockall cannot be called: ")
    assert told.isprintable()


@pytest.mark.parametrize(
    ("machine", "answers", "told"),
    [
        ("armv7l", {7: 0}, None),
        ("armv7l", {7: 22, 3: 0}, None),
        ("armv7l", {7: 22, 3: 12}, "mlockall: cannot allocate memory"),
        ("armv7l", {7: 38}, "mlockall: function not implemented"),
        ("ppc", {0xE000: 22, 0x6000: 0}, None),
    ],
    ids=["4.4 on", "before 4.4", "no room", "no MMU", "PowerPC"],
)
def test_the_flags_are_what_the_kernel_takes(
    machine: str,
    answers: dict[int, int],
    told: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Locking as pages are touched is asked for first; where it is not known, all at once."""
    asked: list[int] = []

    def mlockall(flags: int) -> int:
        asked.append(flags)
        return answers[flags]

    monkeypatch.setattr(memory, "_find_mlockall", lambda: mlockall)
    uname = os.uname()
    faked = os.uname_result((*uname[:4], machine))
    monkeypatch.setattr(os, "uname", lambda: faked)
    assert lock_memory(tree(tmp_path, NO_CAPABILITY, UNLIMITED)) == told
    assert asked == list(answers)


@pytest.mark.skipif(not ROOT, reason="locking without a limit needs root")
def test_memory_is_locked_as_it_is_touched() -> None:
    """All there is counts as locked (VmLck), but a mapping that nobody touches takes nothing."""
    script = (
        "def field(name):\n"
        "    return int(open('/proc/self/status').read().split(name + ':')[1].split()[0])\n"
        "told = memory.lock_memory()\n"
        "import mmap\n"
        "before = field('VmRSS')\n"
        "room = mmap.mmap(-1, 64 << 20)\n"
        "print(told, field('VmLck') > 64 << 10, field('VmRSS') - before < 8 << 10)\n"
        "print('ctypes' in sys.modules)\n"
    )
    said = run(script)
    if said.startswith("no CAP_IPC_LOCK"):
        pytest.skip(said)
    assert said.split() == ["None", "True", "True", "False"]


@pytest.mark.skipif(platform.python_implementation() != "CPython", reason="CPython's modules")
def test_nothing_of_ctypes_is_resident_before() -> None:
    """A daemon that does not lock its memory does not pay for it."""
    assert run("print('_ctypes' in sys.modules, 'ctypes' in sys.modules)") == "False False"


def test_the_collector_passes_over_what_is_frozen() -> None:
    """What is there now is never looked at again; later garbage is still collected."""
    try:
        freeze_garbage()
        assert gc.get_freeze_count() > 1000
        assert gc.isenabled()
    finally:
        gc.unfreeze()
