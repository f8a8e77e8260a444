"""Events: one line each, safe whatever a process called itself, and never in the way."""

import os
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.alerts.text import MAX_BYTES, render

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(alphabet=st.characters()),
    st.text(min_size=200, max_size=500),
    st.binary(),
    st.sampled_from(
        ("\n", "\x1b[2J", 'a"b', "a\\b", "\ud800", "=", " ", "", "\x7f", "\u2028", "é")
    ),
)
FACTS = st.dictionaries(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), VALUES, max_size=12)


@settings(deadline=None)
@given(FACTS)
def test_a_line_is_short_and_plain(facts: dict[str, Any]) -> None:
    """At most 240 bytes of printable ASCII, beginning with the event's name."""
    line = render("headroom_critical", facts)
    assert len(line.encode("ascii")) <= MAX_BYTES == 216
    assert all(" " <= character <= "~" for character in line)
    assert line.split(" ")[0] == "headroom_critical"


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_a_value_cannot_forge_another(value: str, other: str) -> None:
    """Quotes are closed where they were opened: the next key is where it was put."""
    line = render("e", {"a": value, "b": other})
    if not line.endswith(("...", '..."')):
        assert _fields(line) == ["e", "a", "b"]


def _fields(line: str) -> list[str]:
    """Read the name and the keys of a logfmt line."""
    keys: list[str] = []
    quoted = escaped = False
    word = ""
    for character in line + " ":
        if character == " " and not quoted:
            keys.append(word.partition("=")[0])
            word = ""
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = character == "\\" and not escaped
        word += character
    assert not quoted
    return keys


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (7, "7"),
        (1.5, "1.500"),
        ("plain-1.0", "plain-1.0"),
        ("two words", '"two words"'),
        ("", '""'),
        ('say "x"', r'"say \"x\""'),
        ("a\nb", r'"a\nb"'),
        ("k=v", '"k=v"'),
        ("\x1b[31m", r'"\x1b[31m"'),
    ],
)
def test_values_are_logfmt(value: object, text: str) -> None:
    """Bare where that is safe, quoted where it is not."""
    assert render("event", {"key": value}) == f"event key={text}"


def test_what_matters_first_stays() -> None:
    """What does not fit is left out whole, from the end, and marked."""
    facts: dict[str, object] = {f"k{n}": "x" * 20 for n in range(20)}
    line = render("event", facts)
    assert line.endswith(" ...")
    words = line.split(" ")[1:-1]
    assert words == [f"k{n}={'x' * 20}" for n in range(len(words))]
    assert len(line) > 200


def test_a_long_text_after_a_full_line_is_left_out() -> None:
    """Where the line has room for the mark alone, or for less than a word."""
    for length in range(150, 220):
        line = render("event", {"key": "x" * length, "why": "two words " * 30})
        assert len(line) <= MAX_BYTES
        assert line.endswith(("...", '..."'))


def test_a_line_of_exactly_240_bytes() -> None:
    """The limit is reached by what fits, and not exceeded by the mark."""
    for length in range(200, 260):
        assert len(render("event", {"key": "x" * length})) <= 240
        assert len(render("event", {"key": "x" * length, "more": 1})) <= 240


# --- The sink ----------------------------------------------------------------------------------

EMIT = """
import os, sys
from oomwatchd.alerts.log import Log
from oomwatchd.settings import Alerts
emit = Log("stderr", Alerts(lines_per_hour=1000), None)
for number in range(int(sys.argv[1])):
    emit("test_alert", number=number, name="x" * 100)
os.write(1, b"done")
"""


def run_emitter(lines: int, *, stderr: int | None, timeout: float = 20) -> bytes:
    """Emit events from a process of its own; returns what it says when it is through."""
    result = subprocess.run(
        [sys.executable, "-c", EMIT, str(lines)],
        stdout=subprocess.PIPE,
        stderr=stderr,
        timeout=timeout,
        check=True,
    )
    return result.stdout


def test_events_are_lines_on_stderr() -> None:
    """One line an event."""
    result = subprocess.run(
        [sys.executable, "-c", EMIT, "2"], capture_output=True, text=True, check=True
    )
    x = "x" * 100
    assert result.stderr == f"test_alert number=0 name={x}\ntest_alert number=1 name={x}\n"


def test_a_reader_that_left_is_survived() -> None:
    """With a pipe without a reader: events are lost, nothing is raised."""
    read, write = os.pipe()
    os.close(read)
    try:
        assert run_emitter(10, stderr=write) == b"done"
    finally:
        os.close(write)


def test_a_closed_stderr_is_survived() -> None:
    """Without stderr nothing is raised."""
    command = f'exec "{sys.executable}" -c "$0" 10 2>&-'
    result = subprocess.run(
        ["/bin/sh", "-c", command, EMIT], stdout=subprocess.PIPE, timeout=20, check=True
    )
    assert result.stdout == b"done"


@pytest.mark.parametrize(
    "blocking",
    [
        False,
        True,
    ],
)
def test_a_full_pipe_is_not_waited_for(*, blocking: bool) -> None:
    """A log reader that has stalled must not stall the daemon: what does not fit is lost."""
    read, write = os.pipe()
    os.set_blocking(write, blocking)
    process = subprocess.Popen(
        [sys.executable, "-c", EMIT, "2000"], stdout=subprocess.PIPE, stderr=write
    )
    try:
        assert process.stdout is not None
        deadline = time.monotonic() + (4 if blocking else 20)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.poll() == 0
        assert process.stdout.read() == b"done"
    finally:
        process.kill()
        process.communicate()
        os.close(read)
        os.close(write)


def test_structlog_brings_neither_asyncio_nor_rich_along() -> None:
    """They cost megabytes of resident memory for years; the stand-ins are gone afterwards."""
    code = (
        "import sys; from oomwatchd.alerts.log import Log; from oomwatchd.settings import Alerts; "
        "Log('stderr', Alerts(), None)('test_alert'); "
        "print(sorted(n for n in sys.modules if n.split('.')[0] in ('asyncio', 'rich')), "
        "'structlog' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split("\n")[0] == "[] True"


def test_asyncio_can_still_be_imported() -> None:
    """The stand-in is never taken for the real one."""
    code = (
        "from oomwatchd.alerts.log import Log; from oomwatchd.settings import Alerts; "
        "Log('stderr', Alerts(), None); import asyncio; "
        "print(hasattr(asyncio, 'run'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "True\n"
