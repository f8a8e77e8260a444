"""The control FIFO: words from a shell's echo, whatever else is written there."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.status.control import Control
from oomwatchd.status.protocol import MAX_REQUEST_BYTES, Request


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    """Have a FIFO."""
    made = Control(str(tmp_path / "control"))
    yield made
    made.close()


def say(control: Control, data: bytes) -> list[Request]:
    """Write as a shell does, and take what came."""
    writer = os.open(f"/proc/self/fd/{control.fileno()}", os.O_WRONLY | os.O_NONBLOCK)
    try:
        os.write(writer, data)
    finally:
        os.close(writer)
    return control.requests()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_something_else_at_the_path_is_left_alone(tmp_path: Path, kind: str) -> None:
    """Only a FIFO is ever replaced."""
    path, other = tmp_path / "control", tmp_path / "other"
    other.write_text("precious")
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
    with pytest.raises(OSError, match="something else"):
        Control(str(path))
    assert other.read_text() == "precious"
    assert os.path.lexists(path)


def test_a_fifo_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    """Whoever had it open does not reach us by it; ours is for its owner alone."""
    path = tmp_path / "control"
    os.mkfifo(path, 0o666)
    old = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    before = os.umask(0)
    try:
        made = Control(str(path))
    finally:
        os.umask(before)
    os.write(old, b"reload\n")
    assert made.requests() == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made.close()
    os.close(old)
    assert not path.exists()


NOTHING: list[Request] = []
SAID = {
    b"reload\n": [Request("reload")],
    b"reload": [Request("reload")],
    b"  compact 0 \n\n": [Request("compact", {"node": 0})],
    b"reload\ntest-alert\n": [Request("reload"), Request("test-alert")],
    b'{"method":"inhibit","seconds":5}\n': [Request("inhibit", {"seconds": 5})],
    b"nonsense\nreload\n": [Request("reload")],
    b"\n": NOTHING,
    b"reload now\n": NOTHING,
    b"\xff\0\n": NOTHING,
    b"x" * MAX_REQUEST_BYTES: NOTHING,
}


@pytest.mark.parametrize("data", SAID)
def test_each_line_is_a_request(control: Control, data: bytes) -> None:
    """The words of the socket; what is none is passed over."""
    assert say(control, data) == SAID[data]
    assert control.requests() == []


def test_what_was_not_understood_is_remembered(control: Control) -> None:
    """Until something is understood again."""
    assert say(control, b"relaod\n") == []
    assert control.problem == 'unknown request "relaod"'
    assert say(control, b"reload\n") == [Request("reload")]
    assert control.problem is None


def test_a_flood_is_not_worked_off_at_once(control: Control) -> None:
    """The loop has other things to do."""
    assert len(say(control, b"reload\n" * 500)) == 16


@settings(deadline=None, max_examples=200)
@given(st.binary(min_size=1, max_size=MAX_REQUEST_BYTES))
def test_any_bytes_are_survived(data: bytes) -> None:
    """Nothing is raised, and what is wrong can be told in one line."""
    path = f"/tmp/oomwatchd-control-{os.getpid()}"  # noqa: S108 - a FIFO of this test's own
    control = Control(path)
    try:
        say(control, data)
        assert control.problem is None or control.problem.isprintable()
    finally:
        control.close()
