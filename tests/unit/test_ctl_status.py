"""`oomwatchctl status` and `oomwatchd --once`: one table, for people."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import CLIENT, DAEMON, run
from ctldocs import ANYTHING, LOW, MEMORY, Json, damaged, demand, outcome, remedies, status
from fakeserver import line, says, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from rootlib import ROOTS
from terminals import Shown, Terminal

from oomwatchd.ctl.check import plugin_line
from oomwatchd.ctl.reading import ReplyError
from oomwatchd.ctl.terminal import paint
from oomwatchd.status.text import describe

FULL = status(
    LOW,
    MEMORY,
    demand("camera", order=4, request="atomic", headroom=31, lower_bound=True, warning=16),
    remedies=remedies(
        running="compact",
        inhibited_until_seconds=540.0,
        backoff_remaining_seconds=61.0,
        why_not="a remedy is running",
        last=[
            outcome(remedy="drop_all", age_seconds=99_999.0),
            outcome(remedy="compact_async", headroom_after=3, effective=False),
            outcome(demand="memory", node=1, headroom_before=1024, headroom_after=None),
            outcome(remedy="reclaim", error="EIO", effective=False, age_seconds=0.2),
        ],
    ),
    degraded=[{"what": "compaction", "why": "/proc/sys/vm/compact_memory is not ours to write"}],
    alerts={"sink": "syslog", "lines_lost": 3, "hook_suppressed": 1, "hook_problem": "exit 1"},
)
TEXT = """\
severity critical, kernel 6.1.0 on armv7l, pages of 4096 bytes

SEVERITY DEMAND  REQUEST BLOCK ORDER    HEADROOM WARN  CRIT CAUSE         LASTS
critical process kernel    16K     2           2   15     3 fragmentation 5 min
ok       memory  movable    4K     0        108M  14M 7228K
ok       camera  atomic    64K     4 at least 31   16     3

advice    process: fragmentation: memory is free in pieces that are too small
why not   a remedy is running
memory    235M, 60M free, 108M available, 60M droppable, CMA 16M (8580K free)
running   compact
remedies  compact_async for process: 3 -> 3 in 0.41 s, not enough, 5 min ago
          compact on node 1 for memory: 4096K -> unknown in 0.41 s, effective, 5
          min ago
          reclaim for process: 3 -> 40 in 0.41 s, not enough, EIO, 0 s ago
inhibited for 9 min more
backoff   for 61 s more
budget    left this hour/today: compact 11/143, reclaim 12/144, drop 2/4
degraded  compaction: /proc/sys/vm/compact_memory is not ours to write
alerts    syslog: lines lost: 3, hook runs left out: 1, hook: exit 1
"""


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[str]:
    """Serve a document that has everything in it."""
    with serving(tmp_path / "s", says(line(FULL))):
        yield str(tmp_path / "s")


def on_terminal(socket: str, columns: int = 80, **environment: str) -> Shown:
    """Run the command on a terminal."""
    terminal = Terminal(columns)
    shown = terminal.run([*CLIENT, "--socket", socket, "status"], environment=environment)
    terminal.close()
    return shown


def test_the_table_is_for_80_columns(socket: str) -> None:
    """A row a demand, below it what to know; the same where the output is no terminal."""
    assert run(CLIENT, "--socket", socket, "status") == (0, TEXT, "")
    assert max(map(len, TEXT.splitlines())) <= 80


def test_a_look_says_nothing_of_remedies_and_alerts() -> None:
    """`oomwatchd --once` has no daemon's to tell."""
    root = ROOTS / "armv7l-virt-linux6.1-cma-boost"
    assert run(DAEMON, "--once", "--root", str(root)).out == (
        "severity ok, kernel 6.1.0-18-armmp on armv7l, pages of 4096 bytes\n"
        "\n"
        "SEVERITY  DEMAND   REQUEST  BLOCK  ORDER  HEADROOM  WARN   CRIT\n"
        "ok        process  kernel     16K      2       342    15      3\n"
        "ok        memory   movable     4K      0      108M   14M  7228K\n"
        "\n"
        "memory    235M, 60M free, 108M available, 59M droppable, CMA 16M (8580K free)\n"
    )


def test_what_the_readme_shows_is_what_is_printed() -> None:
    """The camera of 2009, to the letter."""
    top = Path(__file__).parents[2]
    _, _, shown = (top / "README.md").read_text().partition("    $ oomwatchd --once --root ")
    root, _, rest = shown.partition("\n")
    assert root == "tests/roots/armv5tejl-camera-linux2.6.28-seed-report"
    printed = run(DAEMON, "--once", "--root", str(top / root)).out
    expected = "".join(f"    {text}".rstrip() + "\n" for text in printed.splitlines())
    assert rest.startswith(expected + "\n")


def test_a_terminal_gets_colours(socket: str) -> None:
    """A severity's word alone is coloured, and everything else is as without."""
    shown = on_terminal(socket)
    assert (shown.code, shown.err) == (0, "")
    assert "severity \x1b[1;31mcritical\x1b[0m, kernel" in shown.written
    assert "\n\x1b[1;31mcritical\x1b[0m process" in shown.written
    assert "\n\x1b[32mok\x1b[0m       memory" in shown.written
    plain = shown.written
    for word in ("critical", "ok"):
        plain = plain.replace(paint(word), word)
    assert plain == TEXT


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_colours_can_be_declined(socket: str, environment: dict[str, str]) -> None:
    """By the user, or by a terminal that has none."""
    assert on_terminal(socket, 80, **environment).written == TEXT


def test_an_empty_no_color_declines_nothing(socket: str) -> None:
    """As https://no-color.org has it."""
    assert "\x1b[32mok" in on_terminal(socket, NO_COLOR="").written


def test_a_wide_window_has_wide_gaps(socket: str) -> None:
    """And a narrow one does without some columns."""
    wide = on_terminal(socket, columns=120, NO_COLOR="1").written
    assert "SEVERITY  DEMAND   REQUEST  BLOCK  ORDER     HEADROOM  WARN" in wide
    narrow = on_terminal(socket, columns=40, NO_COLOR="1").written
    assert "SEVERITY  DEMAND   HEADROOM  WARN   CRIT\n" in narrow
    assert max(map(len, narrow.splitlines())) <= 40


def test_a_long_name_is_cut_before_a_column_is_left_out() -> None:
    """A tilde says so; the severity and the headroom stay whatever happens."""
    document = status(demand("n" * 32, lower_bound=True, cause="unsatisfiable", headroom=0))
    row = describe(document).splitlines()[3]
    assert row == "ok       nnnnnnnnnnnnnnnnn~ kernel    16K     2      >=0   15    3 unsatisfiable"
    assert len(row) <= 80


def test_a_serial_console_has_no_size(socket: str) -> None:
    """Then it has 80 columns."""
    assert on_terminal(socket, columns=0, NO_COLOR="1").written == TEXT


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (5999, "100 min"), (6000, "2 h"), (1e6, "12 d")],
)
def test_how_long_it_lasts_is_rough(seconds: float, shown: str) -> None:
    """In the unit that fits."""
    falling = demand(exhaustion_seconds=seconds)
    assert describe(status(falling)).splitlines()[3].endswith(shown)


def test_an_older_daemon_is_shown_as_far_as_it_goes() -> None:
    """One that knew no alerts, no reasons, and less of memory."""
    document = status(LOW)
    del document["alerts"], document["remedies"]["why_not"], document["memory"]["page_tables_kib"]
    older = describe(document, watching=True)
    assert older == describe(status(LOW), watching=True)


def test_a_newer_daemon_is_shown_as_far_as_we_go() -> None:
    """What is not known here is passed over."""
    newer = json.loads(json.dumps(status(LOW)).replace('"warning"', '"news": {}, "warning"'))
    assert describe({**newer, "weather": []}) == describe(status(LOW))


def is_fit_for_a_terminal(text: str, width: int) -> bool:
    """Whether nothing but printable ASCII is in it, and no line is too long."""
    return text.isascii() and all(it.isprintable() and len(it) <= width for it in text.split("\n"))


@settings(deadline=None, max_examples=400)
@given(
    st.one_of(damaged(FULL), st.dictionaries(st.sampled_from(sorted(FULL)), ANYTHING)),
    st.sampled_from([80, 80, 40, 20, 200]),
)
def test_any_document_is_shown(document: Json, width: int) -> None:
    """Whatever is in it: no control character, no line too long, nothing raised."""
    assert is_fit_for_a_terminal(describe(document, width), width)
    assert is_fit_for_a_terminal(describe(document, width, watching=True), width)


@settings(deadline=None, max_examples=300)
@given(st.one_of(damaged(FULL), ANYTHING))
def test_any_answer_is_a_plugin_line_or_none(document: object) -> None:
    """One line with one of the severities; else the answer is refused."""
    try:
        severity, text = plugin_line(line(document))
    except ReplyError:
        return
    assert severity in ("ok", "warning", "critical", "unknown")
    assert text.isascii()
    assert text.isprintable()


def test_the_plugin_line_says_what_is_low_and_every_figure() -> None:
    """As monitoring systems read it: a range of headrooms that are well."""
    severity, text = plugin_line(line(status(LOW, MEMORY)))
    assert severity == "critical"
    assert text == (
        "OOMWATCHD CRITICAL - process critical: headroom 2, fragmentation | "
        "process=2;15:;3: memory=27876;3614:;1807:"
    )
