"""The status file: whole at every moment, and safe for a shell to take in."""

import os
import resource
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.status.shelltext import shell_text
from oomwatchd.system.replaced import ReplacedFile


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """As one named like ours may lie in a folder that is not ours alone."""
    path = tmp_path / "status"
    path.write_text("precious")
    with pytest.raises(OSError, match="not oomwatchd's"):
        ReplacedFile(str(path), b"schema=")
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["status"]


@pytest.mark.parametrize("kind", ["folder", "fifo", "link"])
def test_something_else_at_the_path_is_left_alone(tmp_path: Path, kind: str) -> None:
    """Nothing is opened that could block, and no link is followed."""
    path, other = tmp_path / "status", tmp_path / "other"
    other.write_text("schema=1\n")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(other)
    with pytest.raises(OSError, match="not oomwatchd's"):
        ReplacedFile(str(path), b"schema=")


def test_what_a_killed_daemon_left_is_replaced(tmp_path: Path) -> None:
    """The text itself, and one that was not renamed any more."""
    path = tmp_path / "status"
    path.write_text("schema=1\nold\n")
    (tmp_path / ".status.new0").write_text("half")
    made = ReplacedFile(str(path), b"schema=")
    assert path.read_text() == "schema=1\nold\n"
    assert made.write(b"schema=1\nnew\n")
    assert path.read_text() == "schema=1\nnew\n"
    made.close()
    assert os.listdir(tmp_path) == []


def test_the_mode_is_for_all_to_read(tmp_path: Path) -> None:
    """Whatever the umask."""
    before = os.umask(0o077)
    try:
        made = ReplacedFile(str(tmp_path / "status"), b"x")
    finally:
        os.umask(before)
    made.write(b"x")
    assert (tmp_path / "status").stat().st_mode & 0o777 == 0o644
    made.close()


def test_two_texts_are_written_without_opening_anything(tmp_path: Path) -> None:
    """The third one waits until the next file is there."""
    path = tmp_path / "status"
    made = ReplacedFile(str(path), b"x")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        assert made.write(b"x1")
        assert made.write(b"x1"), "it stands there already"
        assert made.write(b"x2")
        assert not made.write(b"x3")
        with pytest.raises(OSError, match="open files"):
            made.prepare()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert path.read_bytes() == b"x2"
    made.prepare()
    assert made.write(b"x3")
    assert path.read_bytes() == b"x3"
    made.close()


def test_a_folder_that_has_gone_is_told_and_tried_again(tmp_path: Path) -> None:
    """The text is not taken for written."""
    folder = tmp_path / "run"
    folder.mkdir()
    made = ReplacedFile(str(folder / "status"), b"x")
    for spare in folder.iterdir():
        spare.unlink()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            made.write(b"x1")
    made.prepare()
    assert made.write(b"x1")
    assert (folder / "status").read_bytes() == b"x1"
    made.close()


def test_no_descriptor_is_lost(tmp_path: Path) -> None:
    """However often it is replaced."""
    made = ReplacedFile(str(tmp_path / "status"), b"x")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(100):
        made.write(b"x%d" % number)
        made.prepare()
    assert len(os.listdir("/proc/self/fd")) == before
    made.close()
    assert len(os.listdir("/proc/self/fd")) == before - 2


def test_readers_see_whole_texts_only(tmp_path: Path) -> None:
    """While it is replaced again and again."""
    path = tmp_path / "status"
    made = ReplacedFile(str(path), b"x")
    made.write(b"x" * 1000)
    done = threading.Event()
    seen: set[int] = set()

    def look() -> None:
        while not done.is_set():
            text = path.read_bytes()
            seen.add(len(text) if text == text[:1] * len(text) else -1)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(2000):
            made.prepare()
            made.write((b"x", b"y")[number % 2] * 1000)
    finally:
        done.set()
        reader.join()
    assert seen == {1000}
    made.close()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=40),
    st.sampled_from(("a b", "it's", "$(reboot)", "`x`", "a;b", '"', "\\", "\n", "", "\ud800", "é")),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(VALUES, max_size=8))
def test_a_shell_takes_every_value_as_it_is(values: list[object]) -> None:
    """Sourced by `.`, nothing is run and nothing is split; what is not ASCII comes escaped."""
    text = shell_text([(f"key{at}", value) for at, value in enumerate(values)])
    names = " ".join(f'"$key{at}"' for at in range(len(values)))
    script = f"{text.decode()}\nprintf '%s\\n' {names} end"
    done = subprocess.run(["/bin/sh", "-uc", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    expected = [_shown(value) for value in values]
    assert done.stdout.split("\n")[:-2] == expected


def _shown(value: object) -> str:
    """Say what a shell should see."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).encode("unicode_escape").decode("ascii")
