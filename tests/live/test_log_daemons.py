"""Events through the daemons that read them: rsyslogd and systemd-journald, as they are shipped.

journald runs in a mount namespace of its own, with its own /run: this machine's is not touched.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from target.inside.every_event import FACTS, HOSTILE, send_all

from oomwatchd.alerts.log import Log
from oomwatchd.alerts.vocabulary import EVENTS
from oomwatchd.settings import Alerts

JOURNALD = "/lib/systemd/systemd-journald"
CATALOG = Path(__file__).parents[2] / "init" / "oomwatchd.catalog"
NO_LIMITS = Alerts(lines_per_hour=1_000_000, repeat_seconds=0)
MANY = 5000
PATIENCE_SECONDS = 30.0
SYSLOG_WORDS = {2: "crit", 3: "err", 4: "warning", 5: "notice", 6: "info"}

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


def until(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@contextmanager
def running(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a daemon in the foreground."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# --- rsyslogd ----------------------------------------------------------------------------------

RSYSLOG_CONFIG = """\
global(workDirectory="{folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/log")
template(name="ours" type="string"
    string="%syslogfacility-text%.%syslogseverity-text% %programname% %procid%:%msg%\\n")
action(type="omfile" file="{folder}/messages" template="ours")
"""


class Rsyslog:
    """An rsyslogd of our own."""

    def __init__(self, folder: Path) -> None:
        """Write its configuration."""
        self.socket = folder / "log"
        self.messages = folder / "messages"
        config = folder / "rsyslog.conf"
        config.write_text(RSYSLOG_CONFIG.format(folder=folder))
        self.command = ("rsyslogd", "-n", "-f", str(config), "-i", str(folder / "pid"))

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run it; what it was sent is in its file afterwards."""
        with running(*self.command) as process:
            until(self.socket.exists)
            yield process

    def lines(self) -> list[str]:
        """Read what it has written."""
        return self.messages.read_text().splitlines() if self.messages.exists() else []


@pytest.fixture
def rsyslog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rsyslog:
    """Let /dev/log be a socket of an rsyslogd of our own."""
    if not shutil.which("rsyslogd"):
        pytest.skip("needs rsyslogd")
    daemon = Rsyslog(tmp_path)
    monkeypatch.setattr("oomwatchd.alerts.sinks.SYSLOG_PATH", str(daemon.socket))
    return daemon


@pytest.fixture
def log(rsyslog: Rsyslog) -> Iterator[Log]:
    """Make a log that goes to it."""
    assert rsyslog.command
    log = Log("syslog", NO_LIMITS, None)
    yield log
    log._courier.sink.disconnect()  # type: ignore[attr-defined]  # noqa: SLF001 - never closed else


def works(log: Log) -> bool:
    """Whether the log takes lines again."""
    log.catch_up()
    return log.trouble is None


def test_rsyslogd_gets_each_event_once(rsyslog: Rsyslog, log: Log) -> None:
    """At its facility and priority, with name and pid; a hostile name forges nothing."""
    with rsyslog.running():
        send_all(log)
        until(lambda: len(rsyslog.lines()) >= len(EVENTS))
    found = [
        re.fullmatch(r"daemon\.([a-z]+) oomwatchd ([0-9]+): (([a-z_]+)[ -~]*)", line)
        for line in rsyslog.lines()
    ]
    assert [(one[1], one[2], one[4]) for one in found if one] == [
        (SYSLOG_WORDS[event.priority], str(os.getpid()), name) for name, event in EVENTS.items()
    ]
    assert len(found) == len(EVENTS)
    assert (log.sink, log.trouble, log.lost) == ("syslog", None, 0)


def test_an_rsyslogd_that_is_stuck_is_not_waited_for(rsyslog: Rsyslog, log: Log) -> None:
    """Thousands of events go on; what is lost is counted, and told when it goes on."""
    with rsyslog.running() as process:
        log("test_alert", number=-1)
        process.send_signal(signal.SIGSTOP)
        for number in range(MANY):
            log("test_alert", number=number)
        assert str(log.trouble).startswith(f"{rsyslog.socket} does not take lines; ")
        assert MANY // 2 < log.lost < MANY
        process.send_signal(signal.SIGCONT)
        until(lambda: works(log) and any(" lost" in line for line in rsyslog.lines()))
        log("test_alert", number=MANY)
        until(lambda: any(f"number={MANY}" in line for line in rsyslog.lines()))
    lines = rsyslog.lines()
    # It may have been stopped a moment later than it was told to be.
    told = [int(one[1]) for line in lines if (one := re.search(' why="([0-9]+) lines? w', line))]
    assert ' why="' in lines[-2]
    assert sum(told) == log.lost
    assert len(lines) == MANY + 2 + len(told) - log.lost


def test_an_rsyslogd_that_is_restarted_is_found_again(rsyslog: Rsyslog, log: Log) -> None:
    """What came while it was away is counted."""
    with rsyslog.running():
        log("test_alert", number=0)
        until(rsyslog.lines)
        assert log.trouble is None
    log("test_alert", number=1)
    assert log.lost == 1
    with rsyslog.running():
        until(lambda: works(log))
        log("test_alert", number=2)
        until(lambda: "number=2" in "".join(rsyslog.lines()))
    assert [line.partition(": ")[2] for line in rsyslog.lines()] == [
        "test_alert number=0",
        'degraded what=log why="1 line was lost"',
        "test_alert number=2",
    ]


# --- systemd-journald --------------------------------------------------------------------------

# A namespace with an empty /run and our catalog, until its input ends.
NAMESPACE = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal /var/lib/systemd/catalog
mount --bind "$0" /var/lib/systemd/catalog
echo ready
read -r _ || :
"""
SEND = """
import json, os, socket, sys
from target.inside.every_event import send_all
from oomwatchd.alerts.log import Log
from oomwatchd.settings import Alerts

if sys.argv[1] != "journal":
    # As a service manager leads stderr to the journal.
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.connect("/run/systemd/journal/stdout")
    stream.send(b"oomwatchd\\n\\n5\\n1\\n0\\n0\\n0\\n")
    os.dup2(stream.fileno(), 2)
    status = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
log = Log(sys.argv[1], Alerts(lines_per_hour=1_000_000, repeat_seconds=0), None)
many = int(sys.argv[2])
if not many:
    send_all(log)
for number in range(many):
    log("test_alert", number=number)
def tell():
    os.write(1, json.dumps([log.sink, log.trouble, log.lost]).encode() + b"\\n")
tell()
os.read(0, 1)
while many and log.trouble:
    log.catch_up()
if many:
    log("test_alert", number=many)
tell()
"""


class Journal:
    """A journald of our own."""

    def __init__(self, pid: int) -> None:
        """Remember whose namespace it lives in."""
        self._enter = ("nsenter", "--target", str(pid), "--mount")
        self._root = Path(f"/proc/{pid}/root")

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run it."""
        socket = self._root / "run/systemd/journal/socket"
        socket.unlink(missing_ok=True)
        with running(*self._enter, JOURNALD) as process:
            until(socket.exists)
            yield process

    @contextmanager
    def sender(self, where: str, many: int = 0) -> Iterator["subprocess.Popen[bytes]"]:
        """Run what sends each event, or many of one kind, and one more when it is told."""
        command = [*self._enter, sys.executable, "-c", SEND, where, str(many)]
        here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=here
        ) as process:
            yield process

    def entries(self, count: int) -> list[dict[str, Any]]:
        """Read our entries when there are so many."""
        ours = ("-t", "oomwatchd")
        until(lambda: self._show(*ours, "-o", "cat").count(b"\n") >= count)
        text = self._show(*ours, "-o", "json", "--all")
        return [json.loads(line) for line in text.splitlines()]

    def explained(self, message_id: str) -> str:
        """Read an entry as `journalctl -x` shows it."""
        return self._show("-x", f"MESSAGE_ID={message_id}").decode()

    def _show(self, *arguments: str) -> bytes:
        command = [*self._enter, "journalctl", "--quiet", "--no-pager"]
        folder = "--directory=/run/log/journal"
        return subprocess.run(
            [*command, folder, *arguments], capture_output=True, check=True
        ).stdout


def say(process: "subprocess.Popen[bytes]") -> list[Any]:
    """Read what became of the sender's events."""
    assert process.stdout is not None
    told: list[Any] = json.loads(process.stdout.readline())
    return told


def go_on(process: "subprocess.Popen[bytes]") -> list[Any]:
    """Let the sender go on; gives what became of its events."""
    assert process.stdin is not None
    process.stdin.write(b"x")
    process.stdin.flush()
    return say(process)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Make a namespace for a journald of our own."""
    for tool in (JOURNALD, "journalctl", "unshare", "nsenter"):
        if not shutil.which(tool):
            pytest.skip(f"needs {tool}")
    source, database = (tmp_path / part / "systemd/catalog" for part in ("usr/lib", "var/lib"))
    source.mkdir(parents=True)
    database.mkdir(parents=True)
    shutil.copy(CATALOG, source)
    subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"], check=True)
    with subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", NAMESPACE, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as space:
        assert space.stdout is not None
        assert space.stderr is not None
        if space.stdout.readline() != b"ready\n":
            pytest.skip(f"needs to mount: {space.stderr.read().decode()}")
        yield Journal(space.pid)
        space.communicate()


def test_journald_gets_each_event_once_with_its_fields(journal: Journal) -> None:
    """Message, priority and id; each fact by its name, a hostile text byte by byte."""
    with journal.running():
        with journal.sender("journal") as sender:
            assert say(sender) == ["journal", None, 0]
            go_on(sender)
        found = journal.entries(len(EVENTS))
    assert [one["OOMWATCHD_EVENT"] for one in found] == list(EVENTS)
    for one in found:
        name = one["OOMWATCHD_EVENT"]
        assert one["MESSAGE"].partition(" ")[0] == name
        assert one["PRIORITY"] == str(int(EVENTS[name].priority))
        assert one["MESSAGE_ID"] == EVENTS[name].message_id
        assert (one["_TRANSPORT"], one["SYSLOG_FACILITY"]) == ("journal", "3")
        facts = {key: one[key] for key in one if key.startswith("OOMWATCHD_")}
        assert set(facts) == {"OOMWATCHD_EVENT"} | {
            f"OOMWATCHD_{key.upper()}" for key, value in FACTS[name].items() if value is not None
        }
    (degraded,) = (one for one in found if one["OOMWATCHD_EVENT"] == "degraded")
    assert bytes(degraded["OOMWATCHD_WHY"]) == HOSTILE.encode("utf-8", "backslashreplace")
    (low,) = (one for one in found if one["OOMWATCHD_EVENT"] == "headroom_low")
    assert low["OOMWATCHD_HEADROOM"] == "3"
    assert low["OOMWATCHD_LOWER_BOUND"] == "no"
    assert low["OOMWATCHD_EXHAUSTION_SECONDS"] == "12.346"


def test_journalctl_explains_each_event(journal: Journal) -> None:
    """With the facts filled in, and no name of a field left."""
    with journal.running():
        with journal.sender("journal") as sender:
            say(sender)
            go_on(sender)
        journal.entries(len(EVENTS))
        texts = {name: journal.explained(event.message_id) for name, event in EVENTS.items()}
    for name, text in texts.items():
        assert "Defined-By: oomwatchd" in text, name
        assert "Nothing has to be done" in text or len(text) > 200, name
        assert "OOMWATCHD_" not in text, name
    assert "Only 0 blocks of order 4 are left for the demand" in texts["headroom_critical"]


def test_a_service_whose_stderr_is_the_journal_writes_fields_to_it(journal: Journal) -> None:
    """`auto`: what is on stderr would have no facts."""
    with journal.running():
        with journal.sender("auto") as sender:
            assert say(sender) == ["journal", None, 0]
            go_on(sender)
        found = journal.entries(len(EVENTS))
    assert [one["OOMWATCHD_EVENT"] for one in found] == list(EVENTS)


def test_lines_on_the_journals_stderr_have_their_priority(journal: Journal) -> None:
    """With `stderr` asked for: the prefix is taken off, what it means is kept."""
    with journal.running():
        with journal.sender("stderr") as sender:
            assert say(sender) == ["stderr", None, 0]
            go_on(sender)
        found = journal.entries(len(EVENTS))
    assert [(one["MESSAGE"].partition(" ")[0], one["PRIORITY"]) for one in found] == [
        (name, str(int(event.priority))) for name, event in EVENTS.items()
    ]


def test_a_journald_that_is_stuck_or_restarted_is_not_waited_for(journal: Journal) -> None:
    """Thousands of events go on; what is lost is counted, and told when it is back."""
    with journal.running() as process:
        process.send_signal(signal.SIGSTOP)
        with journal.sender("journal", MANY) as sender:
            sink, trouble, lost = say(sender)
            assert sink == "journal"
            assert 0 < lost < MANY
            assert trouble == f"/run/systemd/journal/socket does not take lines; {lost} lost"
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait()
            with journal.running():
                assert go_on(sender) == ["journal", None, lost]
                found = journal.entries(2)
    assert found[-1]["OOMWATCHD_NUMBER"] == str(MANY)
    assert found[-2]["OOMWATCHD_WHY"] == f"{lost} lines were lost"
    assert found[-2]["MESSAGE_ID"] == EVENTS["degraded"].message_id
