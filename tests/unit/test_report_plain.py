"""Lines in plain form: what is taken off many at once is what is taken off each alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlib import NAMES, log_of

from oomwatchd.report.plain import MAX_TEXT, lines_of
from oomwatchd.report.prefix import strip

PREFIXES = (
    "[    1.000000] ",
    "[    1.000001][  T12] ",
    "[    2.5] [ C3] ",
    "[    1.5]  [   T3] ",
    "<6>[    1.500000] ",
    "<4>Nov  2 10:11:12 host kernel: ",
    "Nov  2 10:11:12 host kernel: [    1.500000] ",
    "Nov  2 10:11:12 host kernel: [    1.500000][T7] ",
    "Nov  2 10:11:12 host kernel: ",
    "Nov  2 10:11:12 host kern.warn kernel: [    1.200000] ",
    "Nov  2 10:11:12 kernel: kern.info kernel: ",
    "Nov  2 10:11:12 host dnsmasq[7]: ",
    "4,100,1234567,-;",
    "4,100,1234567,-,caller=T1;",
    "[    1.2] [3: kworker: 3] ",
    "",
    "  ",
    "> ",
)
TEXTS = (
    *("Mem-Info:", "active_anon:1", " active_file:2", "Node 0 DMA free:4kB", "[  12]  0 12 1 x"),
    *("[  pid  ]  uid name", "[<c0010000>] (a) from [<c0010004>] (b)", "[ T12] a", "[1.5] a"),
    *("a kernel: b", "a kernel: ", "kernel: a", "MESSAGE=a", "kern.info: a", "a\\x0ab", "a #012b"),
    *("a=3Db", "<4>a", "| a", ": a", "(1)[2:a]b", "-(1)[2:a]b", "[1: a: 1] b", "2024-01-01 a"),
    *("Jan  1 00:00:00 a", "CPU: 0 PID: 1", "Free swap  = 0kB", "0 pages HighMem/MovableOnly"),
    *(
        "",
        " ",
        "a  ",
        "a\r",
        "a\tb",
        "\x1b[1ma",
        "ä",
        "a\x00",
        "x" * MAX_TEXT,
        "x" * (MAX_TEXT + 1),
    ),
)


def assert_agreed(part: bytes) -> int:
    """Compare both readings of a part; returns how many of its lines were plain."""
    found = lines_of(part)
    if found is None:
        return 0
    lines = part.split(b"\n")[:-1]
    assert len(found) == len(lines)
    for (stamp, caller, text), line in zip(found, lines, strict=True):
        if text:
            assert strip(line) == (text, stamp or None, caller or None)
    return sum(bool(text) for _, _, text in found)


@given(
    usual=st.sampled_from(PREFIXES),
    lines=st.lists(
        st.tuples(st.sampled_from((None, None, None, *PREFIXES)), st.sampled_from(TEXTS)),
        min_size=1,
        max_size=12,
    ),
    end=st.sampled_from(("\n", "\r\n")),
)
def test_both_ways_find_the_same_stamps_callers_and_texts(
    usual: str, lines: list[tuple[str | None, str]], end: str
) -> None:
    """For lines of all forms, alike or not."""
    written = ((usual if other is None else other) + text for other, text in lines)
    assert_agreed("".join(f"{line}{end}" for line in written).encode())


@given(part=st.binary(max_size=200))
def test_any_bytes_are_plain_lines_or_none(part: bytes) -> None:
    """Nothing is raised, and nothing is taken for something else."""
    assert_agreed(part.replace(b"\0", b"") + b"\n")


@pytest.mark.parametrize("name", NAMES)
def test_logs_as_they_were_captured_are_plain(name: str) -> None:
    """But for the few lines that have more in front of them."""
    lines = log_of(name).splitlines(keepends=True)
    parts = [b"".join(lines[at : at + 20]) for at in range(0, len(lines) - 1, 20)]
    plain = sum(assert_agreed(part) for part in parts if part.endswith(b"\n"))
    assert plain > len(lines) * 3 // 4


def test_what_is_written_in_another_way_is_left_alone() -> None:
    """As mails, syslog daemons and terminals do it; a text alone is plain."""
    plain = "[    1.000000] Mem-Info:\n"
    assert lines_of(plain.encode()) == [("1.000000", "", "Mem-Info:")]
    for other in ("a #012 b", "a=3Db", "ä", "host kernel: a"):
        assert lines_of(f"{plain}[    1.000000] {other}\n".encode()) is None
    for other in ("a=", "a\tb", "\x1b[1m", "a\rb", "<4>a", ""):
        found = lines_of(f"{plain}[    1.000000] {other}\n".encode())
        assert found == [("1.000000", "", "Mem-Info:"), ("", "", "")]
    assert lines_of(b"Mem-Info:\n") == [("", "", "Mem-Info:")]
