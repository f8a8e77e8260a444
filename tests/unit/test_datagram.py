"""Syslog and journal: local datagrams to who may be missing, stuck, or restarted at any time."""

import errno
import os
import re
import socket
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.alerts.datagram import DatagramSink
from oomwatchd.alerts.journal import encode_journal
from oomwatchd.alerts.syslog import encode_syslog
from oomwatchd.alerts.text import render
from oomwatchd.alerts.vocabulary import EVENTS, Entry

LINE = Entry("test_alert", "test_alert", {})


def entry(name: str, **facts: object) -> Entry:
    """Make an event."""
    return Entry(name, render(name, facts), facts)


Listen = Callable[[], "Syslogd"]


class Syslogd:
    """The other side of /dev/log."""

    def __init__(self, path: Path) -> None:
        """Listen."""
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        os.set_blocking(self.socket.fileno(), False)

    def taken(self) -> list[bytes]:
        """Read what has come."""
        datagrams: list[bytes] = []
        try:
            while True:
                datagrams.append(self.socket.recv(65536))
        except BlockingIOError:
            return datagrams

    def end(self) -> None:
        """Go, and take the socket along."""
        self.socket.close()
        self.path.unlink(missing_ok=True)


@pytest.fixture
def listen(path: Path) -> Iterator[Listen]:
    """Give what makes another side."""
    made: list[Syslogd] = []

    def make() -> Syslogd:
        made.append(Syslogd(path))
        return made[-1]

    yield make
    for one in made:
        one.end()


class Time:
    """Stands in for the module's time."""

    def __init__(self) -> None:
        """Begin at a time like any other."""
        self.now = 1000.0

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Give the sink a clock that the test sets."""
    clock = Time()
    monkeypatch.setattr("oomwatchd.alerts.datagram.time", clock)
    return clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a socket."""
    return tmp_path / "log"


@pytest.fixture
def sink(path: Path, time: Time) -> Iterator[DatagramSink]:
    """Make a sink for it; there is nobody yet."""
    assert time.now
    sink = DatagramSink("syslog", str(path), encode_syslog)
    yield sink
    sink.disconnect()


def test_nobody_is_there_yet(sink: DatagramSink, listen: Listen, time: Time) -> None:
    """Looked for again after a second, then after twice as long, at most a minute."""
    tries = []
    for _ in range(3000):
        before = sink._retry_at  # noqa: SLF001 - when it is tried next
        assert not sink.send(LINE)
        if sink._retry_at != before:  # noqa: SLF001
            tries.append(time.now)
        time.now += 0.1
    assert [round(later - sooner) for sooner, later in pairwise(tries)] == [
        *(1, 2, 4, 8, 16, 32, 60, 60, 60)
    ]
    there = [sink.is_there]
    syslogd = listen()
    assert [*there, sink.is_there] == [False, True]
    time.now += 60
    assert sink.send(LINE)
    assert syslogd.taken() == [encode_syslog(LINE)]


def test_one_that_has_restarted_is_found_at_once(sink: DatagramSink, listen: Listen) -> None:
    """No line is lost."""
    first = listen()
    assert sink.send(LINE)
    first.end()
    second = listen()
    assert sink.send(LINE)
    assert len(second.taken()) == 1


def test_one_that_has_gone_is_waited_for(sink: DatagramSink, listen: Listen, time: Time) -> None:
    """The line is lost, and the next goes to who comes after it."""
    first = listen()
    assert sink.send(LINE)
    first.end()
    assert not sink.send(LINE)
    second = listen()
    assert not sink.send(LINE)
    time.now += 1
    assert sink.send(LINE)
    assert len(second.taken()) == 1


def test_a_reader_that_is_stuck_is_not_waited_for(sink: DatagramSink, listen: Listen) -> None:
    """Thousands of lines are refused; it is not taken for gone, and the next that fits goes."""
    syslogd = listen()
    taken = [sink.send(LINE) for _ in range(5000)]
    assert 0 < sum(taken) < 1000
    assert not taken[-1]
    assert len(syslogd.taken()) == sum(taken)
    assert sink.send(LINE)
    assert len(syslogd.taken()) == 1


@pytest.mark.parametrize("what", ["file", "stream", "folder"])
def test_something_else_of_that_name_is_survived(
    sink: DatagramSink, path: Path, time: Time, what: str
) -> None:
    """A file, a socket of another kind, a folder."""
    other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if what == "file":
        path.touch()
    elif what == "folder":
        path.mkdir()
    else:
        other.bind(str(path))
        other.listen()
    for _ in range(3):
        assert not sink.send(LINE)
        time.now += 60
    other.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
def test_without_descriptors_or_memory_it_is_tried_again(
    sink: DatagramSink, listen: Listen, time: Time, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """No socket can be made: the line is lost, a later one is not."""
    syslogd = listen()

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as short:
        short.setattr("oomwatchd.alerts.datagram.socket.socket", fail)
        assert not sink.send(LINE)
    time.now += 1
    assert sink.send(LINE)
    assert len(syslogd.taken()) == 1


def test_no_descriptor_is_left_behind(sink: DatagramSink, listen: Listen, time: Time) -> None:
    """However often the other side comes and goes."""

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    for _ in range(100):
        sink.send(LINE)
        syslogd = listen()
        time.now += 60
        assert sink.send(LINE)
        syslogd.end()
        sink.send(LINE)
    assert descriptors() == before


# --- What a datagram is ------------------------------------------------------------------------

VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
FACTS = st.dictionaries(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), VALUE, max_size=12)


@settings(deadline=None)
@given(st.sampled_from(sorted(EVENTS)), FACTS)
def test_a_syslog_record_is_short_and_plain(name: str, facts: dict[str, Any]) -> None:
    """Priority, name and pid, then printable ASCII: at most 240 bytes."""
    datagram = encode_syslog(entry(name, **facts))
    assert len(datagram) <= 240
    assert re.fullmatch(rb"<[0-9]{1,3}>oomwatchd\[[0-9]+\]: [ -~]+", datagram)
    assert datagram.startswith(b"<%d>" % (24 + EVENTS[name].priority))


def fields(datagram: bytes) -> list[tuple[str, bytes]]:
    """Read native fields as journald does."""
    found = []
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[8 + size :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        found.append((name.decode(), value))
        datagram = rest
    return found


@settings(deadline=None)
@given(st.sampled_from(sorted(EVENTS)), FACTS)
def test_journal_fields_are_the_events_and_no_others(name: str, facts: dict[str, Any]) -> None:
    """Whatever stands in a value: each fact is one field, and its text comes through."""
    sent = entry(name, **facts)
    found = fields(encode_journal(sent))
    assert [field for field, _ in found] == [
        *("MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "MESSAGE_ID"),
        "OOMWATCHD_EVENT",
        *(f"OOMWATCHD_{key.upper()}" for key, value in facts.items() if value is not None),
    ]
    values = dict(found)
    assert values["MESSAGE"] == sent.line.encode()
    assert values["PRIORITY"] == b"%d" % EVENTS[name].priority
    assert values["MESSAGE_ID"] == EVENTS[name].message_id.encode()
    assert values["OOMWATCHD_EVENT"] == name.encode()
    for key, value in facts.items():
        if isinstance(value, str):
            shown = value.encode("utf-8", "backslashreplace")
            assert values[f"OOMWATCHD_{key.upper()}"] == shown


def test_figures_read_as_in_the_line() -> None:
    """Yes and no, three decimals."""
    found = dict(fields(encode_journal(entry("degraded", a=True, b=1.5, c=7, d=None))))
    assert found["OOMWATCHD_A"] == b"yes"
    assert found["OOMWATCHD_B"] == b"1.500"
    assert found["OOMWATCHD_C"] == b"7"
    assert "OOMWATCHD_D" not in found


def test_a_very_long_value_still_makes_a_datagram(listen: Listen, path: Path) -> None:
    """A configuration with a thousand faults, say: its beginning is sent."""
    journald = listen()
    sink = DatagramSink("journal", str(path), encode_journal)
    assert sink.send(entry("config_rejected", why="é; " * 300_000))
    (datagram,) = journald.taken()
    why = dict(fields(datagram))["OOMWATCHD_WHY"].decode()
    assert why.startswith("é; é; ")
    assert len(why) < 5000
    sink.disconnect()
