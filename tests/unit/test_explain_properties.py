"""What holds for every log, however damaged: it is explained, in form, and by its own lines."""

import re
from typing import Any

from explaining import VALIDATOR as SCHEMA
from explaining import WIDTHS, assert_fits, assert_sound, collected, explanations, json_of
from hypothesis import given, settings
from hypothesis import strategies as st
from reportforms import ERAS, PREFIXES, prefixed, print_report
from reportforms import reports as made_reports
from reportlib import NAMES, log_of

from oomwatchd.ctl.explain import text_of
from oomwatchd.explain.collection import Collection
from oomwatchd.explain.explanation import judge

_BEFORE = 3
_NUMBER = re.compile(rb"\d+")
FOREIGN = (
    "usb 1-1: new high-speed USB device number 7 using xhci_hcd",
    "systemd[1]: Started Session 12 of user root.",
    "dnsmasq-dhcp[123]: DHCPACK(br0) 192.168.1.7 aa:bb:cc:dd:ee:ff host",
    "EXT4-fs (mmcblk0p2): mounted filesystem with ordered data mode. Opts: (null)",
    "IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready",
    "random: crng init done",
    'audit: type=1400 audit(1.5:7): apparmor="STATUS" operation="profile_load"',
    "\u00e9t\u00e9 \u2603",
    "-----",
)
"""Lines of a log that are no part of any report."""
NUMBERS = st.sampled_from(
    [b"0", b"1", b"-1", b"31", b"64", b"4294967295", b"18446744073709551615", b"9" * 20, b"9" * 21]
)


def _reports_of(name: str) -> bytes:
    """Give a real log from where its first report begins."""
    lines = log_of(name).splitlines(keepends=True)
    first = explanations(log_of(name))[0].report.line
    return b"".join(lines[max(0, first - _BEFORE) :])


REAL = [_reports_of(name) for name in NAMES]


@st.composite
def printed(draw: st.DrawFn) -> bytes:
    """Print a made-up report of some age, in some log's form."""
    version = draw(st.sampled_from(ERAS))
    lines = print_report(draw(made_reports(version)), version)
    return prefixed(lines, draw(st.sampled_from(sorted(PREFIXES))))


LOGS = st.one_of(st.sampled_from(REAL), printed())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Damage a log: as transport, storage, two processors at once or an attacker do."""
    log = draw(LOGS)
    how = draw(st.integers(0, 5))
    if how == 0:  # cut
        begin, end = sorted((draw(st.integers(0, len(log))), draw(st.integers(0, len(log)))))
        return log[begin:end]
    if how == 1:  # bytes changed
        changed = bytearray(log)
        for at in draw(st.lists(st.integers(0, len(log) - 1), min_size=1, max_size=40)):
            changed[at] = draw(st.integers(0, 255))
        return bytes(changed)
    lines = log.splitlines(keepends=True)
    if how == 2:  # out of order
        return b"".join(draw(st.permutations(lines[:200])))
    if how == 3:  # two at once
        other = draw(LOGS).splitlines(keepends=True)
        merged = []
        while lines or other:
            source = other if not lines or (other and draw(st.booleans())) else lines
            merged.append(source.pop(0))
            if len(merged) == 200:
                break
        return b"".join([*merged, *lines, *other])
    if how == 4:  # lines lost
        lost = draw(st.sets(st.integers(0, len(lines) - 1), max_size=len(lines)))
        return b"".join(line for at, line in enumerate(lines) if at not in lost)
    places = [match.span() for match in _NUMBER.finditer(log)]
    for begin, end in sorted(draw(st.lists(st.sampled_from(places), max_size=8)), reverse=True):
        log = log[:begin] + draw(NUMBERS) + log[end:]
    return log


@settings(deadline=None, max_examples=250)
@given(damaged())
def test_any_damaged_log_is_explained_in_form(log: bytes) -> None:
    """Nothing is raised, the JSON fits its schema, the text fits its window."""
    assert_sound(log)


@settings(deadline=None, max_examples=60)
@given(damaged(), damaged())
def test_a_damaged_log_does_not_harm_the_next(one: bytes, other: bytes) -> None:
    """As logs are when they are put together."""
    assert_sound(one + b"\n" + other)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_any_report_is_explained_in_form(data: st.DataObject) -> None:
    """Of any age, with any figures, and with any of its parts missing."""
    made = data.draw(made_reports(data.draw(st.sampled_from(ERAS))))
    nothing: dict[str, Any] = {
        **dict.fromkeys(("header", "release", "architecture", "pid", "swap_total_kib"), None),
        **dict.fromkeys(("zones", "trace", "tasks", "kills", "nodes", "slabs"), ()),
        **{part: {} for part in ("counters_pages", "totals_pages")},
    }
    lost = data.draw(st.sets(st.sampled_from(sorted(nothing))))
    made = made._replace(**{part: nothing[part] for part in lost})
    found = Collection()
    for is_dying in (False, True):
        found.add("log", judge(made, is_dying=is_dying))
    SCHEMA.validate(json_of(found))
    for width in WIDTHS:
        assert_fits(text_of(found, width), width)


def _meaning(log: bytes) -> list[Any]:
    """Give what is said of a log, but for where its reports stand."""
    document = json_of(collected([log]))
    for report in document["reports"]:
        report["line"] = report["at"] = None
        report["more"] = [place["comm"] for place in report["more"]]
    return [document["count"], document["verdicts"], document["reports"]]


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_foreign_lines_change_no_explanation(data: st.DataObject) -> None:
    """Before, between and behind the lines of a report."""
    version = data.draw(st.sampled_from(ERAS))
    lines = print_report(data.draw(made_reports(version)), version)
    mixed = list(lines)
    for _ in range(data.draw(st.integers(1, 12))):
        mixed.insert(data.draw(st.integers(0, len(mixed))), data.draw(st.sampled_from(FOREIGN)))
    prefix = data.draw(st.sampled_from(["none", "dmesg", "syslog", "journal", "OpenWrt"]))
    assert _meaning(prefixed(mixed, prefix)) == _meaning(prefixed(lines, prefix))


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(REAL), st.integers(1, 400))
def test_an_ordinary_log_around_it_changes_no_explanation(log: bytes, count: int) -> None:
    """However long."""
    ordinary = "".join(f"Nov  2 10:11:12 host {line}\n" for line in FOREIGN).encode() * count
    assert _meaning(ordinary + log + ordinary) == _meaning(log)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(REAL), min_size=1, max_size=3), st.integers(2, 4))
def test_a_log_again_says_the_same_again(logs: list[bytes], times: int) -> None:
    """Reports are counted, and their explanation stays."""
    banner = b"Linux version 6.1.0 (gcc) #1\n"
    once = json_of(collected([banner + log + b"\n" for log in logs]))
    again = json_of(collected([banner + log + b"\n" for log in logs] * times))
    assert again["count"] == times * once["count"]
    assert again["verdicts"] == {key: times * count for key, count in once["verdicts"].items()}


def test_a_damaged_row_keeps_to_the_schema() -> None:
    """No task has less than nothing resident."""
    log = (
        b"x invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
        b"[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
        b"[    1]     0     1 1000 -100 5 0 0 init\n"
    )
    assert_sound(log)
