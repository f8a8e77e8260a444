"""What a log puts before the kernel's messages is taken off, and kept as stamp and caller."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportforms import PREFIXES

from oomwatchd.report.prefix import strip

LINES = {
    "nothing": (b"Mem-Info:", ("Mem-Info:", None, None)),
    "blank": (b" \t ", ("", None, None)),
    "dmesg": (b"[   12.345678] Mem-Info:", ("Mem-Info:", "12.345678", None)),
    "a task": (b"[   12.345678][  T123] Mem-Info:", ("Mem-Info:", "12.345678", "T123")),
    "a processor": (b"[   12.345678][    C0] Mem-Info:", ("Mem-Info:", "12.345678", "C0")),
    "dmesg -T": (
        b"[Mon Nov  2 10:11:12 2020] Mem-Info:",
        ("Mem-Info:", "Mon Nov  2 10:11:12 2020", None),
    ),
    "dmesg -x": (b"kern  :warn  : [   12.345678] Mem-Info:", ("Mem-Info:", "12.345678", None)),
    "a level": (b"<4>Mem-Info:", ("Mem-Info:", None, None)),
    "syslog": (
        b"Nov  2 10:11:12 board kernel: [   12.345678] Mem-Info:",
        ("Mem-Info:", "Nov  2 10:11:12", None),
    ),
    "busybox": (
        b"Nov  2 10:11:12 board user.notice kernel: Mem-Info:",
        ("Mem-Info:", "Nov  2 10:11:12", None),
    ),
    "a date and no kernel": (
        b"2020-11-02T10:11:12Z board sshd[1]: x",
        ("board sshd[1]: x", "2020-11-02T10:11:12Z", None),
    ),
    "logcat": (
        b"11-02 10:11:12.345  0  0 W : <4>[   12.345678] Mem-Info:",
        ("Mem-Info:", "11-02 10:11:12.345", None),
    ),
    "kmsg": (b"4,1234,5678,-,caller=T1;Mem-Info:", ("Mem-Info:", "0.005678", "T1")),
    "kmsg of several lines": (
        b"4,1,1000000,-;active_anon:1\\x0a free:2\\x5c",
        ("active_anon:1\n free:2\\", "1.000000", None),
    ),
    "rsyslog": (
        b"Nov  2 10:11:12 board kernel: active_anon:1#012 free:2",
        ("active_anon:1\n free:2", "Nov  2 10:11:12", None),
    ),
    "journalctl -o json": (
        b'{"MESSAGE":"a \\"b\\\\ \\u00e4\\n c","_SOURCE_MONOTONIC_TIMESTAMP":"5169039"}',
        ('a "b\\ \u00e4\n c', "5.169039", None),
    ),
    "dmesg --json": (b'         "msg": "Mem-Info:"', ("Mem-Info:", None, None)),
    "no JSON": (b'{"MESSAGE":"Mem-Info:', ('{"MESSAGE":"Mem-Info:', None, None)),
    "JSON of something else": (b'{"a": "b"}', ('{"a": "b"}', None, None)),
    "a quotation": (b'"msg" is said', ('"msg" is said', None, None)),
    "Docker": (
        b'{"log":"[   12.345678] Mem-Info:\\n","stream":"stdout"}',
        ("Mem-Info:", "12.345678", None),
    ),
    "dmesg -H": (b"[  +0.000010] Mem-Info:", ("Mem-Info:", None, None)),
    "dmesg -H, another minute": (b"[Nov27 03:00] Mem-Info:", ("Mem-Info:", "Nov27 03:00", None)),
    "dmesg --time-format delta": (b"[<    0.000010>] Mem-Info:", ("Mem-Info:", None, None)),
    "a mail": (b"> > | [   12.345678] Mem-Info:", ("Mem-Info:", "12.345678", None)),
    "colours": (
        b"\x1b[32m[   12.345678] \x1b[0;33mMem-Info:\x1b[m",
        ("Mem-Info:", "12.345678", None),
    ),
    "control characters": (b"\x07Mem-\x08Info:\x7f", ("Mem-Info:", None, None)),
    "no UTF-8": (b"caf\xe9 invoked oom-killer:", ("caf\ufffd invoked oom-killer:", None, None)),
    "a row of the table": (b"[ 1234]     0  1234", ("[ 1234]     0  1234", None, None)),
    "a frame": (b" [<c00328c8>] (a+0x0/0x14)", ("[<c00328c8>] (a+0x0/0x14)", None, None)),
    "another frame": (b" <IRQ>  foo+0x1/0x2", ("<IRQ>  foo+0x1/0x2", None, None)),
    "a total": (b"48566 total pagecache pages", ("48566 total pagecache pages", None, None)),
}


@pytest.mark.parametrize("name", LINES)
def test_a_prefix_becomes_stamp_and_caller(name: str) -> None:
    """The text is the kernel's alone."""
    raw, line = LINES[name]
    assert strip(raw) == line


TEXTS = (
    "Mem-Info:",
    "Node 0 DMA free:4kB min:8kB",
    "[ 1234]     0  1234     5678      90       1        0             0 init",
    "[<c00328c8>] (dump_stack+0x0/0x14) from [<c006baf0>] (oom_kill_process+0x104/0x1cc)",
    "48566 total pagecache pages",
    "12*4kB (UM) = 48kB",
    "a.b: c (d) invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0",
)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("text", TEXTS)
def test_every_prefix_is_taken_off_every_text(prefix: str, text: str) -> None:
    """What looks like a prefix and belongs to the message stays."""
    assert strip(PREFIXES[prefix](1234, text).encode())[0] == text


@settings(deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_line_is_taken(raw: bytes) -> None:
    """Nothing is raised, and the text has no blanks around it."""
    text, _, _ = strip(raw)
    assert text == text.strip()


@pytest.mark.parametrize(
    "piece", ["> ", "Nov ", "[1.0] ", "<4>", "a ", "1,", "\\x0a", "[", "W/", " :"]
)
def test_a_long_line_takes_no_long_time(piece: str) -> None:
    """A line of one piece again and again is read in a time that its length tells."""
    strip(piece.encode() * (64 * 1024 // len(piece)))
