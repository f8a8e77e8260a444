"""`oomwatchctl events` and `processes`: lines and a table, fit for a terminal."""

import json
import time
from pathlib import Path

import pytest
from commands import CLIENT, Result, run
from ctldocs import ANYTHING, EVENT, PROCESSES, Json, damaged
from fakeserver import line, says, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.ctl.events import event_line, local_time
from oomwatchd.ctl.processes import process_lines
from oomwatchd.ctl.reading import ReplyError


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let local time be the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def ask(tmp_path: Path, reply: object, *words: str) -> Result:
    """Run the command while something answers so."""
    with serving(tmp_path / "s", says(line(reply))):
        return run(CLIENT, "--socket", str(tmp_path / "s"), *words)


def test_events_are_a_line_each(tmp_path: Path) -> None:
    """Local time, syslog's word, the event, its facts; what is absent is left out."""
    hostile = {"event": "oom_kill", "priority": 3, "victim": "a) \x1b[2J\n", "repeated": 2}
    result = ask(tmp_path, {"events": [EVENT, hostile]}, "events")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "2027-01-15 08:00:00 notice  headroom_low demand=process headroom=12 "
        "cause=fragmentation lower_bound=no remedy=compact\n"
        '- err     oom_kill victim="a) \\x1b[2J\\n" repeated=2\n'
    )


def test_no_events_are_no_lines(tmp_path: Path) -> None:
    """Just started."""
    assert ask(tmp_path, {"events": []}, "events") == (0, "", "")


@pytest.mark.parametrize("words", [("events", "--json"), ("--json", "events")])
def test_events_are_passed_on_as_json(tmp_path: Path, words: tuple[str, ...]) -> None:
    """As they came."""
    assert ask(tmp_path, {"events": [EVENT]}, *words).document == {"events": [EVENT]}


@pytest.mark.parametrize("wall_seconds", [1e300, -1e300, 1e18, -1e18, float(2**62)])
def test_times_beyond_all_clocks(wall_seconds: float) -> None:
    """Are not known, and no error."""
    assert local_time(wall_seconds)


@settings(deadline=None, max_examples=300)
@given(st.one_of(damaged(EVENT), st.dictionaries(st.text(max_size=9), ANYTHING, max_size=5)))
def test_any_event_is_one_line(event: Json) -> None:
    """Printable ASCII, whatever the daemon was told of a process."""
    text = event_line(json.loads(json.dumps(event)))
    assert text.isascii()
    assert text.isprintable()


def test_processes_are_a_table(tmp_path: Path) -> None:
    """The largest first as they came, and below what no process has."""
    result = ask(tmp_path, PROCESSES, "processes")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "    PID  RESIDENT  SHARED  OOM_ADJ  NAME\n"
        "    321       53M   1200K        0  gst-launch-1.0\n"
        "4194304      321K      0K           sd) (\\x1b[2J\\udcff\n"
        "\n"
        "unreclaimable slab 8123K, page tables 1200K, kernel stacks 900K, CMA 16M (8580K\n"
        "free)\n"
    )


def test_no_processes_are_said_to_be_none(tmp_path: Path) -> None:
    """The daemon has no psutil, say."""
    assert ask(tmp_path, {"processes": []}, "processes").out == "no processes are known\n"


@settings(deadline=None, max_examples=300)
@given(st.one_of(damaged(PROCESSES), ANYTHING), st.sampled_from([80, 40, 20]))
def test_any_answer_is_a_table_or_refused(document: object, width: int) -> None:
    """No line too long, no control character."""
    try:
        lines = process_lines(line(document), width)
    except ReplyError:
        return
    assert all(it.isascii() and it.isprintable() and len(it) <= width for it in lines)
