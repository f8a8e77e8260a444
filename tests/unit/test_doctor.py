"""`oomwatchctl doctor`: with a daemon and without, for people and for programs."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import CLIENT, DAEMON, Result, run
from rootlib import ROOTS, assessment_of

from oomwatchd.ctl.audit import local_audit
from oomwatchd.ctl.doctor import doctor_text
from oomwatchd.ctl.reading import ReplyError
from oomwatchd.daemon.doctor import answer
from oomwatchd.daemon.options import parse
from oomwatchd.settings import Config
from oomwatchd.status.protocol import RequestError
from oomwatchd.system import configfile

ROOT = ROOTS / "armv7l-virt-linux6.1-64mb-boot"
LONG_CHANGE = "Give it /a/path/that-is/longer/than-half/of/the/line and see whether that helps."


def doctor(socket: Path, *options: str) -> Result:
    """Run the command."""
    return run(CLIENT, "--socket", str(socket), "doctor", *options)


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    """Run a daemon on a copied tree; gives its socket."""
    path = tmp_path / "s.sock"
    config = tmp_path / "oomwatchd.conf"
    config.write_text(f"[socket]\npath = {path}\n[demand big]\norder = 13\n")
    daemon = subprocess.Popen(
        [*DAEMON, "--config", str(config), "--root", str(ROOT)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    yield path
    daemon.terminate()
    daemon.wait()


def test_without_a_daemon_the_audit_is_made_all_the_same(tmp_path: Path) -> None:
    """69 with its line on stderr; on stdout the audit, which first says what is missing."""
    result = doctor(tmp_path / "none")
    assert result.code == 69
    assert result.complaint.startswith("no oomwatchd answers (")
    assert result.out.startswith("problem  daemon: No oomwatchd answers")


def test_without_a_daemon_programs_get_the_audit_too(tmp_path: Path) -> None:
    """The same document as from a daemon."""
    result = doctor(tmp_path / "none", "--json")
    assert result.code == 69
    first, *rest = result.document["findings"]
    assert (first["topic"], first["level"]) == ("daemon", "problem")
    assert rest


def test_a_configuration_that_is_refused_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit goes on with the defaults."""
    config = tmp_path / "oomwatchd.conf"
    config.write_text("[pool]\n[pond]\n")
    monkeypatch.setattr(configfile, "DEFAULT_PATH", str(config))
    found = json.loads(local_audit())["findings"]
    assert [finding["topic"] for finding in found[:2]] == ["daemon", "configuration"]
    assert 'oomwatchd.conf:1: unknown section "pool" (and 1 more)' in found[1]["text"]


def test_an_audit_that_cannot_be_loaded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """75, and the daemon goes on."""
    monkeypatch.setitem(sys.modules, "oomwatchd.system.audit", None)
    with pytest.raises(RequestError, match="cannot be made now: ModuleNotFoundError") as refused:
        answer(assessment_of(ROOT), Config(), parse(["--root", str(ROOT)]))
    assert refused.value.code == 75


def test_the_daemon_answers_for_what_it_watches(socket: Path) -> None:
    """0, whatever is found: here a demand of its configuration that cannot be met."""
    result = doctor(socket, "--json")
    assert (result.code, result.err) == (0, "")
    findings = result.document["findings"]
    assert all(finding.keys() == {"topic", "level", "text", "change"} for finding in findings)
    assert '"big"' in findings[0]["text"]
    topics = [finding["topic"] for finding in findings]
    assert "mobility" in topics
    assert "protection" not in topics, "a daemon on a copied tree has nothing to say of itself"


def test_the_text_fits_a_dumb_terminal(socket: Path) -> None:
    """ASCII, at most 79 columns, levels at the left, what to change below, a sum at the end."""
    result = doctor(socket)
    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert result.out.isascii()
    assert max(map(len, lines)) < 80
    assert {line[:9] for line in lines[:-1]} == {"problem  ", "note     ", "ok       ", " " * 9}
    assert lines[0].startswith("problem  demands: ")
    assert any(line.startswith("         -> ") for line in lines)
    assert lines[-1].startswith("1 problem, 5 notes, ")


def test_long_words_stay_whole_and_foreign_text_is_escaped() -> None:
    """A path is for copying; a daemon's answer may be anybody's."""
    finding = {"topic": "x", "level": "ok", "text": "a\x1b[2J\nb", "change": LONG_CHANGE}
    lines = doctor_text(json.dumps({"findings": [finding]}).encode()).splitlines()
    assert lines[0] == "ok       x: a\\x1b[2J\\nb"
    assert any("/a/path/that-is/longer/than-half/of/the/line" in line for line in lines)
    assert lines[-1] == "0 problems, 0 notes, 1 ok"


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"[]",
        b"{}",
        b'{"findings": 1}',
        b'{"findings": [1]}',
        b'{"findings": [{"topic": "x"}]}',
        b'{"findings": [{"topic": "x", "level": 1, "text": "x", "change": null}]}',
        b'{"findings": [{"topic": "x", "level": "ok", "text": "x", "change": 1}]}',
        b"[" * 100000,
    ],
)
def test_an_answer_that_is_no_audit(reply: bytes) -> None:
    """Refused in one line."""
    with pytest.raises(ReplyError, match="the answer "):
        doctor_text(reply)
