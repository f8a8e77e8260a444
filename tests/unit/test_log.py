"""The log: every event is remembered and told once, whatever becomes of its line."""

import json
import math
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.alerts.log import Log
from oomwatchd.alerts.record import as_json
from oomwatchd.alerts.vocabulary import EVENTS, Entry
from oomwatchd.settings import Alerts

HOUR = 3600.0


class FakeSink:
    """A sink that takes lines or does not, as it is told."""

    name = "syslog"
    where = "/dev/log"

    def __init__(self) -> None:
        """Take lines."""
        self.is_there = True
        self.takes = True
        self.entries: list[Entry] = []

    def send(self, entry: Entry) -> bool:
        """Take an event or not."""
        if self.takes:
            self.entries.append(entry)
        return self.takes

    @property
    def lines(self) -> list[str]:
        """The lines that were taken."""
        return [entry.line for entry in self.entries]


class Clock:
    """A clock that the test sets."""

    now = 100.25

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> FakeSink:
    """Put a sink in the real ones' place."""
    fake = FakeSink()
    monkeypatch.setattr("oomwatchd.alerts.log.open_sink", lambda _where: fake)
    return fake


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def log(sink: FakeSink, clock: Clock) -> Log:
    """Make a log with the default limits."""
    assert sink.takes
    return Log("auto", Alerts(), "1f0c", clock=clock, wall=lambda: 1.7e9)


def records(log: Log) -> list[dict[str, Any]]:
    """Read what is remembered."""
    return [json.loads(record) for record in log.recent]


def test_an_event_is_a_line_and_an_object(log: Log, sink: FakeSink) -> None:
    """The object has the stamps first, then the facts in their order."""
    log("headroom_low", demand="process", headroom=3, exhaustion_seconds=1.23456, cause=None)
    assert sink.lines == ["headroom_low demand=process headroom=3 exhaustion_seconds=1.235 cause=-"]
    (record,) = log.recent
    assert record == (
        b'{"event":"headroom_low","priority":5,"boot_id":"1f0c","monotonic_seconds":100.25,'
        b'"wall_seconds":1700000000.0,"demand":"process","headroom":3,'
        b'"exhaustion_seconds":1.235,"cause":null}'
    )


def test_a_log_without_a_boot_id_says_null(sink: FakeSink) -> None:
    """As with --root, where nothing is known of a boot."""
    log = Log("auto", Alerts(), None)
    log("test_alert")
    assert records(log)[0]["boot_id"] is None
    assert sink.lines == ["test_alert"]


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_has_its_priority(log: Log, sink: FakeSink, name: str) -> None:
    """In the object as for the sink."""
    log(name, demand="process")
    assert records(log)[-1]["priority"] == EVENTS[name].priority == sink.entries[-1].priority


def test_no_other_name_is_taken(log: Log) -> None:
    """The names are fixed."""
    with pytest.raises(KeyError):
        log("headroom_gone")


def test_who_listens_hears_repeats_too(log: Log, sink: FakeSink) -> None:
    """A line each with its end; what is remembered has none."""
    heard: list[bytes] = []
    log.listener = heard.append
    for _ in range(3):
        log("degraded", what="psi", why="no such file")
    assert [line.rstrip(b"\n") for line in heard] == list(log.recent)
    assert all(line.endswith(b"}\n") for line in heard)
    assert len(heard) == 3
    assert len(sink.lines) == 1
    assert log.withheld == 2


def test_a_line_carries_the_count_beside_its_subject(
    log: Log, sink: FakeSink, clock: Clock
) -> None:
    """Where a long line is not cut; the object has it too."""
    for _ in range(3):
        log("remedy_finished", remedy="compact", demand="process", effective=True)
    log("remedy_finished", remedy="compact", demand="process", effective=False)
    clock.now += HOUR
    # All were well after the last line: it is told late that they were.
    log("remedy_finished", remedy="compact", demand="other", effective=True)
    log("degraded", what="psi")
    log("degraded", what="psi")
    log("restored", what="psi")
    clock.now += HOUR
    log("degraded", what="psi", why="x" * 300)
    log("degraded", what="psi")
    assert sink.lines[-1] == "degraded what=psi repeated=1"
    assert records(log)[-1]["repeated"] == 1
    assert list(records(log)[-1])[5:7] == ["what", "repeated"]


def test_only_the_last_64_are_remembered(log: Log) -> None:
    """The oldest first."""
    log.reconfigure(Alerts(lines_per_hour=1000))
    for number in range(100):
        log("test_alert", number=number)
    assert [record["number"] for record in records(log)] == list(range(36, 100))


def test_what_is_lost_is_counted_and_told(log: Log, sink: FakeSink) -> None:
    """In a line before the first that comes through again."""
    sink.takes = False
    for number in range(3):
        log("test_alert", number=number)
    assert (log.trouble, log.lost) == ("/dev/log does not take lines; 3 lost", 3)
    sink.takes = True
    log("test_alert", number=3)
    assert sink.lines == ['degraded what=log why="3 lines were lost"', "test_alert number=3"]
    assert (log.trouble, log.lost) == (None, 3)
    assert [record.get("number") for record in records(log)] == [0, 1, 2, None, 3]


def test_what_is_lost_is_told_without_another_event(log: Log, sink: FakeSink) -> None:
    """When the daemon asks for it; nothing is remembered of trials in vain."""
    sink.takes = False
    log("test_alert")
    for _ in range(10):
        log.catch_up()
    assert (log.lost, len(log.recent)) == (1, 1)
    sink.takes = True
    log.catch_up()
    log.catch_up()
    assert sink.lines == ['degraded what=log why="1 line was lost"']
    assert log.trouble is None


def test_nothing_waits_where_nothing_was_lost_or_counted(
    log: Log, sink: FakeSink, clock: Clock
) -> None:
    """So that an idle daemon sleeps; else it is told when to ask again, which is never at once."""
    log("degraded", what="psi")
    assert log.catch_up() == math.inf
    log("degraded", what="psi")
    assert log.catch_up() == clock.now + HOUR
    clock.now += HOUR
    assert log.catch_up() > clock.now
    assert len(sink.lines) == 2
    sink.takes = False
    log("test_alert")
    assert clock.now < log.catch_up() <= clock.now + 60
    sink.takes = True
    clock.now += 60
    assert log.catch_up() == math.inf


def test_what_was_counted_waits_for_a_sink_that_takes_nothing(
    log: Log, sink: FakeSink, clock: Clock
) -> None:
    """When something is due is never over: the loop would wait for ever."""
    for _ in range(2):
        log("degraded", what="kmsg", why="no such file")
        log("restored", what="kmsg")
    sink.takes = False
    log("test_alert", why="asked for")
    for _ in range(3):
        clock.now += HOUR
        assert log.catch_up() == clock.now + 60
    sink.takes = True
    clock.now += HOUR
    log.catch_up()
    assert sink.lines[-3:] == [
        'degraded what=log why="1 line was lost"',
        'degraded what=kmsg why="no such file"',
        "restored what=kmsg",
    ]


_HAPPENINGS = st.one_of(
    st.sampled_from(["degraded", "restored", "headroom_critical"]),
    st.booleans(),
    st.sampled_from([1.0, 600.0, HOUR]),
)


@given(happenings=st.lists(_HAPPENINGS, min_size=8, max_size=40))
@settings(max_examples=200, deadline=None)
def test_what_is_due_is_always_still_to_come(
    happenings: list[str | bool | float],
) -> None:
    """Whatever happens, and whether or not lines are taken."""
    sink, clock = FakeSink(), Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("oomwatchd.alerts.log.open_sink", lambda _where: sink)
        limits = Alerts(lines_per_hour=10, repeat_seconds=600)
        log = Log("auto", limits, None, clock=clock)
    for happening in happenings:
        if isinstance(happening, bool):
            sink.takes = happening
        elif isinstance(happening, float):
            clock.now += happening
        else:
            log(happening, what="psi", demand="psi")
        assert log.catch_up() > clock.now


def test_a_log_that_is_not_there_is_trouble_before_the_first_line(log: Log, sink: FakeSink) -> None:
    """As where no syslogd has made its socket yet."""
    sink.is_there = False
    assert log.trouble == "/dev/log does not take lines; 0 lost"


def test_every_event_is_sent_lost_or_withheld(log: Log, sink: FakeSink, clock: Clock) -> None:
    """The status document shows the last two."""
    emitted = 0
    for number in range(400):
        sink.takes = number % 7 != 0
        log(*(("headroom_warning",) if number % 3 else ("degraded",)), what="x", demand="y")
        emitted += 1
        clock.now += 30
    own = sum("what=log" in line for line in sink.lines)
    assert len(sink.lines) - own + log.lost + log.withheld == emitted
    assert log.lost
    assert log.withheld


def test_whether_the_last_event_was_withheld_is_known(log: Log) -> None:
    """Whoever asked for it can be told."""
    log.reconfigure(Alerts(lines_per_hour=10))
    told = []
    for _ in range(11):
        log("test_alert")
        told.append(log.is_full)
    assert told == 9 * [False] + 2 * [True]


def test_a_reload_changes_the_limits(log: Log, sink: FakeSink) -> None:
    """From then on."""
    log.reconfigure(Alerts(lines_per_hour=10, repeat_seconds=0))
    for _ in range(20):
        log("degraded", what="psi")
    assert len(sink.lines) == 10
    assert sink.lines[-1].startswith("degraded what=log why=")


def test_memory_that_runs_out_costs_the_event_alone(log: Log, sink: FakeSink) -> None:
    """It is lost, counted, and told of later."""

    def short(_: bytes) -> None:
        raise MemoryError

    log.listener = short
    log("test_alert")
    log.listener = None
    assert log.lost == 1
    log("test_alert")
    assert sink.lines == ['degraded what=log why="1 line was lost"', "test_alert"]


TEXT = st.text() | st.text(alphabet=st.characters(), min_size=600, max_size=700)
VALUE = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary()


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), VALUE, max_size=12))
def test_a_record_is_one_short_line_of_json(facts: dict[str, Any]) -> None:
    """Whatever a process called itself: no line break, strict JSON, bounded."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    record = as_json(facts)
    assert b"\n" not in record
    assert record.isascii()
    assert len(record) <= 6144
    assert list(json.loads(record, parse_constant=refuse)) == list(facts)


GROWTH = """
import sys, tracemalloc
from oomwatchd.alerts.log import Log
from oomwatchd.settings import Alerts
now = 0.0
log = Log("stderr", Alerts(), "boot", clock=lambda: now)
heard = 0
def hear(line):
    global heard
    heard += len(line)
log.listener = hear
def run(times):
    global now
    for number in range(times):
        now += 7.0
        log("headroom_low", demand=f"d{number % 100}", headroom=number, why="x" * (number % 300))
        log("degraded", what=f"{number}" * 30, why=f"{number} things")
        log("headroom_critical", demand=f"e{number}", headroom=number)
run(3000)
tracemalloc.start()
run(3000)
before = tracemalloc.get_traced_memory()[0]
run(27000)
print(tracemalloc.get_traced_memory()[0] - before)
"""


def test_a_hundred_thousand_events_leave_nothing_behind() -> None:
    """Hostile names, lines that are withheld, and a reader who is not there included."""
    result = subprocess.run(
        [sys.executable, "-c", GROWTH],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        env={key: value for key, value in os.environ.items() if "COVERAGE" not in key},
    )
    assert int(result.stdout) < 20_000
