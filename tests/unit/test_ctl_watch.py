"""`oomwatchctl watch`: redrawn in place on a terminal, lines elsewhere, and always a clean end."""

import os
import signal
import socket as sockets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest
from commands import CLIENT, TIMEOUT_SECONDS, run
from ctldocs import ANYTHING, EVENT, LOW, MEMORY, Json, damaged, demand, tick
from fakeserver import line, refusal, says, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from terminals import Screen, Shown, Terminal

from oomwatchd.ctl import screen, stream
from oomwatchd.ctl.redraw import framed
from oomwatchd.ctl.spark import sparkline
from oomwatchd.ctl.stream import Stream
from oomwatchd.ctl.ticker import Ticker
from oomwatchd.fault import UnreachableError

PAST = {"process": [0, 10, None, 20, 40], "memory": [27_876] * 3}
FIRST = line(tick(demand(headroom=40), MEMORY, history=PAST))
LATER = line(tick(LOW, MEMORY, running="compact", wall_seconds=1_800_000_001.5))
EVENT_LINE = line(EVENT)
# What the last of them puts on the screen, and nothing before.
DRAWN = "running: compact"


def stays(*parts: bytes) -> Callable[[sockets.socket], None]:
    """Make an answer that sends parts one by one, and then nothing until the client goes."""

    def answer(connection: sockets.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.1)
        connection.recv(1)

    return answer


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """Serve a stream that goes on."""
    with serving(tmp_path / "s", stays(FIRST, EVENT_LINE, LATER)):
        yield str(tmp_path / "s")


def on_terminal(  # noqa: PLR0913 - a window has many sides
    path: str,
    columns: int = 80,
    lines: int = 24,
    *,
    end: signal.Signals = signal.SIGINT,
    until: str = DRAWN,
    environment: Mapping[str, str] | None = None,
) -> Shown:
    """Watch on a terminal until it shows something, and then end it."""
    window = Terminal(columns, lines)
    shown = window.run(
        [*CLIENT, "--socket", path, "watch"],
        environment=environment,
        until=lambda text: until in text,
        end=end,
    )
    window.close()
    return shown


def test_it_is_redrawn_in_place(path: str) -> None:
    """The demands with their recent past, what runs, the last events; the cursor below."""
    shown = on_terminal(path, environment={"NO_COLOR": "1"})
    assert (shown.code, shown.err) == (0, "")
    drawn = Screen(80, 24).feed(shown.written)
    assert drawn.lines == [
        "severity critical                                           2027-01-15 08:00:01",
        "",
        "SEVERITY  DEMAND   HEADROOM  WARN   CRIT  CAUSE           LASTS          RECENT",
        "critical  process         2    15      3  fragmentation   5 min          ▁▂ ▄█▁",
        "ok        memory       108M   14M  7228K                                   ████",
        "",
        "running: compact",
        "08:00:00 notice  headroom_low demand=process headroom=12 cause=fragmentation l~",
    ]
    assert drawn.cursor == (8, 0)
    assert drawn.cursor_shown


def test_an_inhibition_is_shown(tmp_path: Path) -> None:
    """Nothing runs then, whatever becomes low."""
    inhibited = line(tick(LOW, MEMORY, inhibited_until_seconds=540.4))
    with serving(tmp_path / "s", stays(FIRST, inhibited)):
        shown = on_terminal(str(tmp_path / "s"), until="inhibited")
    assert "no remedy runs for 9 min: inhibited" in shown.written


def test_each_frame_is_one_write_from_the_upper_left(path: str) -> None:
    """No flicker: nothing is cleared but at the first, and each line to its end."""
    shown = on_terminal(path)
    start, *frames = shown.written.split("\x1b[?25l")
    assert start == "\x1b[H\x1b[2J"
    assert len(frames) >= 3
    for frame in frames:
        assert frame.startswith("\x1b[H")
        body = frame.partition("\x1b[J")[0]
        assert all(it.endswith("\x1b[K") for it in body.removesuffix("\n").split("\n"))
    assert "\x1b[2J" not in "".join(frames)


def test_the_terminal_is_told_in_single_writes(tmp_path: Path) -> None:
    """Each frame in one, the end in one."""
    strace = "/usr/bin/strace"
    if not os.path.exists(strace):
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    traced = [strace, "-o", str(trace), "-e", "trace=write", *CLIENT]
    with serving(tmp_path / "s", says(FIRST + EVENT_LINE + LATER)):
        window = Terminal()
        shown = window.run([*traced, "--socket", str(tmp_path / "s"), "watch"])
        window.close()
    calls = [it for it in trace.read_text().splitlines() if it.startswith("write(1,")]
    assert calls
    assert len(calls) == shown.written.count("\x1b[?25l") + 1


@pytest.mark.parametrize(
    ("end", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_whatever_ends_it_the_terminal_is_fit_for_use(
    path: str, end: signal.Signals, code: int
) -> None:
    """The cursor is there and below, no colour is left; Ctrl-C is how people end it."""
    shown = on_terminal(path, end=end)
    assert (shown.code, shown.err) == (code, "")
    drawn = Screen(80, 24).feed(shown.written)
    assert drawn.cursor_shown
    assert not drawn.coloured
    assert drawn.cursor == (len(drawn.lines), 0)


def test_on_a_stopped_terminal_it_can_be_ended_too(tmp_path: Path) -> None:
    """Ctrl-S: nothing is taken any more, not even what leaves the terminal as it was."""
    ours, theirs = os.openpty()
    os.set_blocking(theirs, False)
    with suppress(BlockingIOError):
        while os.write(theirs, b"x" * 64):
            pass
    os.set_blocking(theirs, True)
    command = [*CLIENT, "--socket", str(tmp_path / "s"), "watch"]
    with (
        serving(tmp_path / "s", stays(FIRST)) as requests,
        subprocess.Popen(
            command, stdout=theirs, stderr=subprocess.PIPE, env={**os.environ, "TERM": "xterm"}
        ) as child,
    ):
        assert child.stderr is not None
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not requests and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)  # by then it waits for room
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
            child.terminate()
        assert child.poll() in (-signal.SIGTERM, 128 + signal.SIGTERM)
        assert child.stderr.read() == b""
    os.close(ours)
    os.close(theirs)


def test_a_daemon_that_goes_away_is_told_of(tmp_path: Path) -> None:
    """69 and a line, on a terminal as elsewhere."""
    with serving(tmp_path / "s", says(FIRST)):
        window = Terminal()
        shown = window.run([*CLIENT, "--socket", str(tmp_path / "s"), "watch"])
        window.close()
        piped = run(CLIENT, "--socket", str(tmp_path / "s"), "watch")
    gone = f"no oomwatchd answers ({tmp_path}/s: it has closed the connection)\n"
    assert (shown.code, shown.err) == (69, gone)
    assert Screen(80, 24).feed(shown.written).cursor_shown
    assert (piped.code, piped.err) == (69, gone)
    assert piped.out


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (40, 10), (200, 50), (20, 5), (2, 2)])
def test_it_fits_the_window(path: str, columns: int, lines: int) -> None:
    """Nothing wraps, nothing scrolls, and the severity is always to be seen."""
    shown = on_terminal(path, columns, lines, until="\x1b[J\x1b[?25h", environment={"LANG": "C"})
    drawn = Screen(columns, lines).feed(shown.written)
    if columns > 2:
        assert drawn.lines[0].startswith("severity ")
    if lines >= 5:
        assert any("process"[: columns - 10] in it for it in drawn.lines)


def test_a_window_that_changes_is_drawn_anew(tmp_path: Path) -> None:
    """Its size is asked for at each redraw."""
    window = Terminal(80, 24)
    resized: list[str] = []

    def until(text: str) -> bool:
        if not resized and "RECENT" in text:
            window.resize(40, 10)
            resized.append(text)
        return bool(resized) and DRAWN in text

    with serving(tmp_path / "t", stays(FIRST, b"", b"", b"", b"", LATER)):
        shown = window.run(
            [*CLIENT, "--socket", str(tmp_path / "t"), "watch"], until=until, end=signal.SIGINT
        )
    window.close()
    last = shown.written.split("\x1b[?25l")[-1]
    assert max(map(len, Screen(200, 50).feed(last).lines)) <= 39


def test_a_serial_console_has_80_columns_and_24_lines(path: str) -> None:
    """It does not know its size."""
    shown = on_terminal(path, 0, 0, environment={"TERM": "vt100"})
    drawn = Screen(80, 24).feed(shown.written)
    assert drawn.lines[3].startswith("critical  process ")
    assert max(map(len, drawn.lines)) == 79


@pytest.mark.parametrize(
    "environment",
    [
        *({"LANG": "C"}, {"LANG": "de_DE.ISO-8859-1"}, {"LC_ALL": "C"}),
        *({"LANG": "", "LC_CTYPE": ""}, {"TERM": "linux"}, {"TERM": "vt100"}),
    ],
)
def test_ascii_alone_where_there_may_be_no_more(path: str, environment: dict[str, str]) -> None:
    """By the locale, or by what the terminal is."""
    shown = on_terminal(path, environment=environment)
    assert shown.written.isascii()
    assert "_. -#_" in shown.written


def test_blocks_where_they_can_be_shown(path: str) -> None:
    """As most terminals can; LC_ALL goes before LANG."""
    shown = on_terminal(path, environment={"LC_ALL": "de_DE.utf8", "LANG": "C"})
    assert "▁▂ ▄█▁" in shown.written


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_gets_lines(path: str, term: str) -> None:
    """With no sequence in them."""
    shown = on_terminal(path, until="running=compact", environment={"TERM": term})
    assert shown.code == 0
    assert "\x1b" not in shown.written
    assert "\nstatus" not in shown.written
    assert (
        "2027-01-15 08:00:00 info    status severity=ok process=40 memory=108M\n" in shown.written
    )


def test_a_pipe_gets_lines_that_can_be_searched(tmp_path: Path) -> None:
    """One for each look, for each event, and for each change of a severity."""
    with serving(tmp_path / "s", says(FIRST + EVENT_LINE + LATER + FIRST)):
        result = run(["env", "TZ=UTC", *CLIENT], "--socket", str(tmp_path / "s"), "watch")
    assert (
        result.out
        == """\
2027-01-15 08:00:00 info    status severity=ok process=40 memory=108M
2027-01-15 08:00:00 notice  headroom_low demand=process headroom=12 cause=fragmentation \
lower_bound=no remedy=compact
2027-01-15 08:00:01 crit    severity demand=process severity=critical was=ok headroom=2 \
warning=15 critical=3 cause=fragmentation
2027-01-15 08:00:01 info    status severity=critical process=2 memory=108M running=compact
2027-01-15 08:00:00 notice  severity demand=process severity=ok was=critical headroom=40 \
warning=15 critical=3
2027-01-15 08:00:00 info    status severity=ok process=40 memory=108M
"""
    )


def test_json_is_passed_on_line_by_line(tmp_path: Path) -> None:
    """As it comes."""
    with serving(tmp_path / "s", says(FIRST + EVENT_LINE + b'{"news": []}\n')):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), "watch", "--json")
    assert result.out.encode() == FIRST + EVENT_LINE + b'{"news": []}\n'
    assert result.code == 69


@pytest.mark.parametrize("words", [["watch"], ["watch", "--json"]])
def test_lines_come_at_once(path: str, words: list[str]) -> None:
    """A pipe does not hold them back; SIGTERM ends it as it ends anything."""
    with subprocess.Popen(
        [*CLIENT, "--socket", path, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline()
        child.terminate()
        assert child.wait(TIMEOUT_SECONDS) == -signal.SIGTERM
        assert child.stderr.read() == b""


def test_output_that_nobody_takes_ends_it(tmp_path: Path) -> None:
    """`oomwatchctl watch | head -1`: without a word."""
    command = [*CLIENT, "--socket", str(tmp_path / "s"), "watch"]
    with (
        serving(tmp_path / "s", stays(*[FIRST] * 50)),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child,
    ):
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        child.wait(TIMEOUT_SECONDS)
        assert child.stderr.read() == b""


@pytest.mark.parametrize("words", [["watch"], ["watch", "--json"]])
def test_a_line_that_does_not_end(tmp_path: Path, words: list[str]) -> None:
    """65: memory is bounded, and so is patience."""

    def endless(connection: sockets.socket) -> None:
        while True:
            connection.sendall(b"x" * 65536)

    with serving(tmp_path / "s", endless):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), *words)
    assert (result.code, result.complaint) == (65, "oomwatchctl: the answer is endless")


def test_a_daemon_that_knows_no_watching(tmp_path: Path) -> None:
    """Its own words, and its code."""
    with serving(tmp_path / "s", says(refusal(64, 'unknown request "watch"'))):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), "watch")
    assert (result.code, result.complaint) == (64, 'oomwatchctl: unknown request "watch"')


def _stream(path: Path) -> closing[Stream]:
    return closing(Stream(str(path), b"watch\n"))


def _listen(watched: Stream) -> None:
    """Listen for long."""
    begin = time.monotonic()
    while time.monotonic() < begin + TIMEOUT_SECONDS:
        watched.lines(0.1)


def test_silence_is_waited_for_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thrashing device is slow just when it is watched; drips without an end do not count."""
    monkeypatch.setattr(stream, "QUIET_SECONDS", 0.3)

    def drips(connection: sockets.socket) -> None:
        connection.sendall(FIRST)
        while True:
            time.sleep(0.05)
            connection.sendall(b" ")

    with serving(tmp_path / "s", drips), _stream(tmp_path / "s") as watched:
        assert watched.lines(1.0) == [FIRST.removesuffix(b"\n")]
        assert watched.lines(0.01) == []
        with pytest.raises(UnreachableError, match="silent for"):
            _listen(watched)


def test_lines_are_put_together_from_parts(tmp_path: Path) -> None:
    """However they come."""
    data = FIRST + EVENT_LINE
    middle = len(FIRST) + 3
    answer = stays(data[:10], data[10:middle], data[middle:])
    lines: list[bytes] = []
    with serving(tmp_path / "s", answer), _stream(tmp_path / "s") as watched:
        while len(lines) < 2:
            lines += watched.lines(1.0)
    assert lines == data.splitlines()


def test_silence_is_shown() -> None:
    """In the place of what runs."""
    drawn = screen.Screen(blocks=False, colours=False)
    drawn.take(tick())
    assert "oomwatchd has been silent for 12 s" in drawn.frame(80, 24, 12.3)


def test_what_is_lowest_is_kept_where_there_is_no_room() -> None:
    """In their order, and how many more there are."""
    demands = [demand(f"d{number}") for number in range(20)]
    demands[13] |= LOW | {"name": "lowest"}
    drawn = screen.Screen(blocks=False, colours=False)
    drawn.take(tick(*demands))
    frame = drawn.frame(80, 8)
    assert len(frame) == 7
    assert [row.split()[:2] for row in frame[1:6]] == [
        ["SEVERITY", "DEMAND"],
        ["ok", "d0"],
        ["ok", "d1"],
        ["critical", "lowest"],
        ["and", "17"],
    ]


def test_a_demand_that_is_new_has_no_past() -> None:
    """And one that has gone is forgotten."""
    drawn = screen.Screen(blocks=False, colours=False)
    for message in (tick(demand("a")), tick(demand("b", headroom=1)), tick(demand("b"))):
        drawn.take(message)
    rows = [row for row in drawn.frame(80, 24) if row.startswith("ok")]
    assert len(rows) == 1
    assert rows[0].endswith(" _#")


@pytest.mark.parametrize(
    ("values", "level", "shown"),
    [
        ([], 0, "     "),
        ([0, 0], 0, "   __"),
        ([7], 7, "    #"),
        ([0, 7, 14], 0, "  _-#"),
        ([1, 2], 100, "   __"),
        ([None, 5, None], 5, "   # "),
        ([9, 0, 1, 2, 3, 4], 0, "_.-+#"),
        ([-5, 10], 0, "   _#"),
    ],
)
def test_a_sparkline_is_drawn_to_scale(values: list[int | None], level: int, shown: str) -> None:
    """From 0 to the highest or the level; the newest at the right, unknown ones blank."""
    assert sparkline(values, level, 5) == shown


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63)), max_size=50),
    st.integers(-5, 2**63),
    st.integers(-3, 60),
    st.booleans(),
)
def test_any_sparkline_fills_its_columns(
    values: list[int | None],
    level: int,
    columns: int,
    blocks: bool,  # noqa: FBT001
) -> None:
    """No more, no less."""
    assert len(sparkline(values, level, columns, blocks=blocks)) == max(0, columns)


MESSAGES = st.lists(
    st.one_of(
        damaged(tick(LOW, MEMORY, history=PAST)),
        damaged(EVENT),
        st.fixed_dictionaries({"status": ANYTHING}),
        st.fixed_dictionaries({"event": ANYTHING}),
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=200)
@given(MESSAGES, st.integers(1, 130), st.integers(1, 40), st.booleans())
def test_any_messages_make_a_frame_that_fits(
    messages: list[Json],
    columns: int,
    lines: int,
    colours: bool,  # noqa: FBT001
) -> None:
    """The terminal of the tests refuses control characters, wrapping, and scrolling."""
    drawn = screen.Screen(blocks=False, colours=colours)
    for message in messages:
        drawn.take(message)
    frame = drawn.frame(columns, lines)
    shown = Screen(columns, lines).feed(framed(frame)) if lines > 1 else None
    assert shown is None or not shown.coloured
    assert all(it.isascii() for it in frame)


@settings(deadline=None, max_examples=200)
@given(MESSAGES)
def test_any_messages_make_printable_lines(messages: list[Json]) -> None:
    """For pipes."""
    ticker = Ticker()
    for message in messages:
        assert all(it.isascii() and it.isprintable() for it in ticker.lines_for(message))


def test_what_is_no_json_ends_it(tmp_path: Path) -> None:
    """65, after what came before."""
    with serving(tmp_path / "s", says(FIRST + b"hello\n")):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), "watch")
    assert result.code == 65
    assert result.out.startswith("20")
    with serving(tmp_path / "t", says(FIRST + b"hello\n")):
        window = Terminal()
        shown = window.run([*CLIENT, "--socket", str(tmp_path / "t"), "watch"])
        window.close()
    assert (shown.code, shown.err) == (65, "oomwatchctl: the answer is not JSON\n")
    assert Screen(80, 24).feed(shown.written).cursor_shown
