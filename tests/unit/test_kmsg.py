"""Last words, written to a FIFO that stands for /dev/kmsg."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from oomwatchd.system.kmsg import KernelLog


class Fifo:
    """A FIFO with a reader."""

    def __init__(self, path: Path) -> None:
        """Make it."""
        self.path = str(path)
        os.mkfifo(path)
        self.reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.log = KernelLog(self.path)

    def read(self) -> bytes:
        """Read what was written."""
        try:
            return os.read(self.reader, 1 << 20)
        except BlockingIOError:
            return b""


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    """Give a FIFO, opened for writing by the log."""
    made = Fifo(tmp_path / "kmsg")
    yield made
    made.log.close()
    os.close(made.reader)


def test_a_file_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """Nothing raises, nothing is written, and the reason is one line."""
    log = KernelLog(str(tmp_path / "none"))
    assert log.problem == f"{tmp_path}/none: no such file or directory"
    assert not log.last_words("gone", 1.0)
    log.close()


def test_what_was_left_in_its_place_is_not_written_to(tmp_path: Path) -> None:
    """A regular file would grow, on a root file system that may be the memory itself."""
    path = tmp_path / "kmsg"
    path.write_bytes(b"")
    log = KernelLog(str(path))
    assert log.problem == f"{path}: not a device"
    assert not log.last_words("gone", 1.0)
    assert path.read_bytes() == b""


def test_a_line_that_is_refused_is_told_and_may_be_tried_again(fifo: Fifo) -> None:
    """A full pipe stands for a kernel that takes no more: the next attempt counts as the first."""
    filler = os.open(fifo.path, os.O_WRONLY | os.O_NONBLOCK)
    os.write(filler, b"x" * (1 << 20))  # as much as goes in
    os.close(filler)
    assert not fifo.log.last_words("gone", 1.0)
    assert fifo.log.problem == "not written: resource temporarily unavailable"
    fifo.read()
    assert fifo.log.last_words("gone", 2.0)
    assert fifo.log.problem is None


def test_one_line_a_minute(fifo: Fifo) -> None:
    """On the way down the same is said over and over, and the kernel's log is small."""
    assert fifo.log.last_words("first", 0.0)
    assert not fifo.log.last_words("second", 59.9)
    assert fifo.log.last_words("third", 60.0)
    assert fifo.read() == b"<2>oomwatchd: first\n<2>oomwatchd: third\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines\r\0\x1b[31m\x7f", b"<2>oomwatchd: twolines[31m\n"),
        ("caf\xe9 \u2028 \udcff", b"<2>oomwatchd: caf? ? ?\n"),
        ("x" * 5000, b"<2>oomwatchd: " + b"x" * 185 + b"\n"),
        ("", b"<2>oomwatchd: \n"),
    ],
    ids=["control characters", "not ASCII", "long", "empty"],
)
def test_a_line_is_one_short_record_of_printable_ascii(fifo: Fifo, text: str, line: bytes) -> None:
    """At most 200 bytes with the line break; nothing begins a record of its own."""
    assert fifo.log.last_words(text, 1.0)
    assert fifo.read() == line
    assert len(line) <= 200


def test_the_file_is_open_for_writing_alone(fifo: Fifo) -> None:
    """Reading is what costs the kernel 16 KiB in one piece; and no child inherits it."""
    descriptors = [
        number
        for number in map(int, os.listdir("/proc/self/fd"))
        if os.path.exists(f"/proc/self/fd/{number}")
        and os.readlink(f"/proc/self/fd/{number}") == fifo.path
        and number != fifo.reader
    ]
    assert len(descriptors) == 1
    info = Path(f"/proc/self/fdinfo/{descriptors[0]}").read_text()
    flags = int(info.split("flags:")[1].split()[0], 8)
    assert flags & os.O_ACCMODE == os.O_WRONLY
    assert flags & os.O_CLOEXEC
    assert flags & os.O_NONBLOCK
