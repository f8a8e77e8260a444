"""The PSI trigger: what is written, and how the running kernel takes it."""

import os
import select
from pathlib import Path

import pytest

from oomwatchd.system.pressure import TRIGGER, PressureTrigger

FILE = Path("/proc/pressure/memory")


def usable() -> bool:
    """Whether this process may set a trigger on the running kernel."""
    try:
        PressureTrigger().close()
    except OSError:
        return False
    return True


needs_psi = pytest.mark.skipif(not usable(), reason="no PSI trigger may be set here")


def descriptors() -> int:
    """Count what is open."""
    return len(os.listdir("/proc/self/fd"))


def test_a_kernel_without_pressure_is_an_error(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(FileNotFoundError) as caught:
        PressureTrigger(str(tmp_path / "memory"))
    assert caught.value.filename == f"{tmp_path}/memory"


def test_a_refused_trigger_is_an_error_and_leaves_nothing_open(tmp_path: Path) -> None:
    """As where others than root may not ask for one: the error names the file."""
    path = "/dev/full"
    before = descriptors()
    with pytest.raises(OSError, match="No space left") as caught:
        PressureTrigger(path)
    assert caught.value.filename == path
    assert descriptors() == before
    assert not list(tmp_path.iterdir())


@needs_psi
def test_the_kernel_refuses_a_window_too_long() -> None:
    """The real kernel's answer is handed on: EINVAL beyond 10 s."""
    with pytest.raises(OSError, match="Invalid argument"):
        PressureTrigger(trigger=b"some 200000 12000000\0")


def test_the_last_byte_may_be_lost(tmp_path: Path) -> None:
    """The kernel overwrites it: it is no digit. The window is a whole multiple of 2 s."""
    path = tmp_path / "memory"
    path.write_bytes(b"")
    PressureTrigger(str(path)).close()
    assert path.read_bytes() == TRIGGER == b"some 200000 2000000\0"
    assert len(TRIGGER) <= 32


@needs_psi
def test_without_pressure_nobody_is_woken() -> None:
    """With a threshold that only a dying machine reaches, EPOLLPRI alone does not spin."""
    trigger = PressureTrigger(trigger=b"some 2000000 2000000\0")
    epoll = select.epoll()
    try:
        epoll.register(trigger.fileno(), select.EPOLLPRI)
        assert epoll.poll(0.3) == []
    finally:
        epoll.close()
        trigger.close()


@needs_psi
def test_closing_gives_the_descriptor_back() -> None:
    """And with it the trigger; no child inherits it."""
    before = descriptors()
    trigger = PressureTrigger()
    assert not os.get_inheritable(trigger.fileno())
    assert not os.get_blocking(trigger.fileno())
    trigger.close()
    assert descriptors() == before
