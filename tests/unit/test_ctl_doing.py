"""What changes the system: what is asked of the daemon, what is said of it, exit codes."""

from pathlib import Path

import pytest
from commands import CLIENT, Result, run
from ctldocs import ANYTHING, outcome
from fakeserver import line, refusal, says, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.ctl.client import TIMEOUT_SECONDS
from oomwatchd.ctl.doing import REMEDY_SECONDS, parse_seconds
from oomwatchd.fault import OomwatchdError
from oomwatchd.policy import STUCK_SECONDS
from oomwatchd.status.remedies import outcome_text


def ask(tmp_path: Path, reply: bytes, words: str) -> tuple[Result, list[bytes]]:
    """Run a command while something answers so; gives the requests that came too."""
    with serving(tmp_path / "s", says(reply)) as requests:
        result = run(CLIENT, "--socket", str(tmp_path / "s"), *words.split())
    return result, requests


@pytest.mark.parametrize(
    ("words", "request_line"),
    [
        ("compact", b"compact\n"),
        ("compact --node 1", b"compact 1\n"),
        ("--node=0 compact", b"compact 0\n"),
        ("drop-caches", b"drop-caches all\n"),
        ("drop-caches slab", b"drop-caches slab\n"),
        ("drop-caches pagecache --json", b"drop-caches pagecache\n"),
    ],
)
def test_a_remedy_is_asked_for_in_words(tmp_path: Path, words: str, request_line: bytes) -> None:
    """As the daemon reads them."""
    result, requests = ask(tmp_path, line({"outcome": outcome()}), words)
    assert (result.code, requests) == (0, [request_line])


def test_what_a_remedy_changed_is_said(tmp_path: Path) -> None:
    """Before and after, how long it took, whether it helped: 0 if so."""
    reply = line({"outcome": outcome(age_seconds=0.0, node=1)})
    result, _ = ask(tmp_path, reply, "compact")
    assert result == (
        0,
        "compact on node 1 for process: headroom 3 -> 40, 12 pages freed in 0.41 s, effective\n",
        "",
    )


@pytest.mark.parametrize("option", ["", " --json"])
def test_a_remedy_without_effect(tmp_path: Path, option: str) -> None:
    """1, with and without --json."""
    reply = line({"outcome": outcome(effective=False, error="EIO", pages_freed=None)})
    result, _ = ask(tmp_path, reply, f"drop-caches{option}")
    assert (result.code, result.err) == (1, "")
    if option:
        assert result.out.encode() == reply.replace(b"\n", b"") + b"\n"
    else:
        assert "headroom 3 -> 40 in 0.41 s, not enough, EIO" in result.out


def test_a_remedy_that_is_stuck_is_waited_for() -> None:
    """Longer than the daemon itself does, and than the longest settling time; others are not."""
    assert REMEDY_SECONDS > STUCK_SECONDS + 600
    assert TIMEOUT_SECONDS < 10


@pytest.mark.parametrize("code", [75, 77])
@pytest.mark.parametrize("words", ["compact", "drop-caches", "inhibit 5", "reload", "test-alert"])
def test_a_refusal_is_said_with_its_code(tmp_path: Path, words: str, code: int) -> None:
    """75 busy, 77 not permitted."""
    result, _ = ask(tmp_path, refusal(code, "compact: settling"), words)
    assert (result.code, result.complaint) == (code, "oomwatchctl: compact: settling")


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(sorted(outcome())), ANYTHING))
def test_any_outcome_is_one_line(facts: dict[str, object]) -> None:
    """Whatever is missing or odd."""
    for text in (outcome_text(facts, [], 4096), outcome_text(facts, [], 4096, full=True)):
        assert text.isascii()
        assert text.isprintable()


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("0", 0), ("600", 600), ("90s", 90), ("10m", 600), ("2h", 7200), ("86400", 86400)],
)
def test_a_time_span_is_seconds_or_has_a_unit(tmp_path: Path, word: str, seconds: int) -> None:
    """The daemon gets seconds."""
    reply = line({"inhibited_until_seconds": seconds or None})
    result, requests = ask(tmp_path, reply, f"inhibit {word}")
    assert requests == [f"inhibit {seconds}\n".encode()]
    assert result.code == 0
    if seconds:
        assert result.out.startswith("no remedy runs for ")
        assert ", until 20" in result.out
    else:
        assert result.out == "remedies may run\n"


@pytest.mark.parametrize(
    "word", ["", "m", "1.5", "86401", "25h", "10 m", "1e3", "1d", "٣", "9" * 30, "0x10", "+1", "1M"]
)
def test_what_is_no_time_span(word: str, tmp_path: Path) -> None:
    """64, and nothing is asked."""
    with serving(tmp_path / "s", says(b"")) as requests:
        result = run(CLIENT, "--socket", str(tmp_path / "s"), "inhibit", word)
    assert (result.code, requests) == (64, [])
    assert result.complaint.startswith("oomwatchctl: inhibit needs seconds from 0 to 86400")


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=12))
def test_any_word_is_a_time_span_or_a_usage_error(word: str) -> None:
    """Between 0 and a day."""
    try:
        assert 0 <= parse_seconds(word) <= 86400
    except OomwatchdError as error:
        assert error.exit_code == 64  # noqa: PT017 - both ends are right


def test_reload_says_what_waits_for_the_next_start(tmp_path: Path) -> None:
    """Its socket, say."""
    later = line({"reloaded": True, "needs_restart": ["socket", "alerts\n"]})
    result, requests = ask(tmp_path, later, "reload")
    assert (result.code, requests) == (0, [b"reload\n"])
    assert result.out == "reloaded\nwith the next start only: socket, alerts\\n\n"


def test_reload_prints_every_fault(tmp_path: Path) -> None:
    """78, a line each, as `oomwatchd --check-config` does."""
    faults = 'oomwatchd.conf:14: demand "camera": order must be whole\noomwatchd.conf:20: no "x"'
    result, _ = ask(tmp_path, refusal(78, faults), "reload")
    assert (result.code, result.out, result.err) == (78, "", f"{faults}\n")


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        ({"sent": True, "sink": "syslog", "trouble": None}, 0, "sent to syslog\n"),
        (
            {"sent": True, "sink": "journal", "trouble": "full\n"},
            1,
            "sent to journal, but: full\\n\n",
        ),
        ({"sent": False, "sink": "stderr", "trouble": None}, 1, "not sent to stderr\n"),
        ({"sent": False, "sink": "syslog", "trouble": "why"}, 1, "not sent to syslog: why\n"),
    ],
)
def test_a_test_alert_says_where_it_went(
    tmp_path: Path, reply: object, code: int, said: str
) -> None:
    """1 if there was trouble: a script that checks an image sees it."""
    result, requests = ask(tmp_path, line(reply), "test-alert")
    assert (result, requests) == ((code, said, ""), [b"test-alert\n"])
