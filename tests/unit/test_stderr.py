"""Events on stderr: a form for each that reads them, and none of them is waited for."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
from pathlib import Path

import pytest

LINE = "headroom_critical demand=process headroom=0"
EMIT = """
import json, os, sys
from oomwatchd.alerts.log import Log
from oomwatchd.settings import Alerts
log = Log(sys.argv[1], Alerts(lines_per_hour=1000, repeat_seconds=0), None)
def say(number):
    log("headroom_critical", demand="process", headroom=number, why="x" * int(sys.argv[3]))
for number in range(int(sys.argv[2])):
    say(number)
while (order := os.read(0, 1)) == b"m":
    say(-1)
    os.write(1, json.dumps([log.sink, log.trouble, log.lost, log.withheld]).encode() + b"\\n")
"""
PATIENCE_SECONDS = 30.0


def emitter(
    environment: dict[str, str],
    *,
    stderr: int,
    where: str = "stderr",
    lines: int = 1,
    filling: int = 0,
) -> "subprocess.Popen[bytes]":
    """Start a process that emits events, then one more for each "m" that it is sent."""
    kept = ("JOURNAL_STREAM", "INVOCATION_ID", "NO_COLOR", "TERM")
    inherited = {key: value for key, value in os.environ.items() if key not in kept}
    return subprocess.Popen(
        [sys.executable, "-c", EMIT, where, str(lines), str(filling)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=inherited | environment,
    )


def more(process: "subprocess.Popen[bytes]") -> list[object]:
    """Have one more event emitted; gives sink, trouble, lost and withheld after it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"m")
    process.stdin.flush()
    assert select.select([process.stdout], [], [], PATIENCE_SECONDS)[0], "it is stuck"
    facts: list[object] = json.loads(process.stdout.readline())
    return facts


def end(process: "subprocess.Popen[bytes]") -> None:
    """Let it end; it must do so by itself."""
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


def said_on_a_pipe(where: str = "stderr", **environment: str) -> str:
    """Emit one event on a pipe."""
    process = emitter(environment, stderr=subprocess.PIPE, where=where)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    return err.decode()


def said_on_a_terminal(**environment: str) -> str:
    """Emit one event on a terminal."""
    ours, theirs = pty.openpty()
    try:
        end(emitter(environment, stderr=theirs))
        return os.read(ours, 4096).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_pipe_gets_plain_lines() -> None:
    """One line an event."""
    assert said_on_a_pipe(TERM="xterm") == f'{LINE} why=""\n'


def test_a_terminal_gets_time_and_a_coloured_word() -> None:
    """Time of day, what it is worth, the line."""
    said = said_on_a_terminal(TERM="xterm")
    assert re.fullmatch(
        rf"[0-2][0-9]:[0-5][0-9]:[0-6][0-9] \x1b\[1;31mcritical\x1b\[0m {LINE} why=\"\"\r\n", said
    )


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {"TERM": ""}, {}, {"TERM": "xterm", "NO_COLOR": "1"}],
    ids=str,
)
def test_colour_is_left_out_where_it_is_not_wanted(environment: dict[str, str]) -> None:
    """NO_COLOR, or a terminal that does not know colours."""
    said = said_on_a_terminal(**environment)
    assert re.fullmatch(rf"[0-9:]{{8}} critical {LINE} why=\"\"\r\n", said)


def test_an_empty_no_color_says_nothing() -> None:
    """As https://no-color.org has it."""
    assert "\x1b[1;31m" in said_on_a_terminal(TERM="xterm", NO_COLOR="")


def test_under_a_service_manager_lines_carry_their_priority() -> None:
    """As sd-daemon(3) reads it."""
    assert said_on_a_pipe(INVOCATION_ID="5f1e") == f'<2>{LINE} why=""\n'


def test_a_terminal_is_a_terminal_whoever_started_the_session() -> None:
    """A shell in a desktop's session has INVOCATION_ID, too."""
    assert "<2>" not in said_on_a_terminal(INVOCATION_ID="5f1e")


def test_a_file_gets_plain_lines(tmp_path: Path) -> None:
    """A service manager that leads stderr to a file strips nothing."""
    file = tmp_path / "log"
    file.write_text("before\n")
    with file.open("ab") as stream:
        end(emitter({"INVOCATION_ID": "5f1e"}, stderr=stream.fileno()))
    assert file.read_text() == f'before\n{LINE} why=""\n'


def test_the_journals_own_stream_gets_priorities() -> None:
    """Where JOURNAL_STREAM names stderr's device and inode, and no other."""
    ours, theirs = socket.socketpair()
    try:
        status = os.fstat(theirs.fileno())
        stream = f"{status.st_dev}:{status.st_ino}"
        end(emitter({"JOURNAL_STREAM": stream}, stderr=theirs.fileno()))
        assert ours.recv(4096) == f'<2>{LINE} why=""\n'.encode()
        end(emitter({"JOURNAL_STREAM": f"{stream}0"}, stderr=theirs.fileno()))
        assert ours.recv(4096) == f'{LINE} why=""\n'.encode()
    finally:
        ours.close()
        theirs.close()


# --- auto --------------------------------------------------------------------------------------


def sink_of(stderr: int, **environment: str) -> object:
    """Tell what `auto` chooses."""
    process = emitter(environment, stderr=stderr, where="auto", lines=0)
    name = more(process)[0]
    end(process)
    return name


def test_auto_is_stderr_where_it_leads_anywhere(tmp_path: Path) -> None:
    """A pipe, a file, a terminal."""
    ours, theirs = pty.openpty()
    try:
        assert sink_of(theirs, TERM="xterm") == "stderr"
    finally:
        os.close(ours)
        os.close(theirs)
    with (tmp_path / "log").open("wb") as stream:
        assert sink_of(stream.fileno()) == "stderr"


def test_auto_is_syslog_where_stderr_leads_nowhere() -> None:
    """/dev/null, as under an init script."""
    assert sink_of(subprocess.DEVNULL) == "syslog"
    assert sink_of(subprocess.DEVNULL, INVOCATION_ID="5f1e", JOURNAL_STREAM="1:2") == "syslog"


def test_auto_is_the_journal_only_where_stderr_is_its_stream_and_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else lines would come twice, or to a journal that another system left behind."""
    from oomwatchd.alerts import sinks  # noqa: PLC0415 - its path is changed

    status = os.fstat(2)
    ours = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    monkeypatch.setattr(sinks, "JOURNAL_PATH", str(tmp_path / "socket"))
    assert sinks.choose(ours) != "journal"
    (tmp_path / "socket").touch()
    assert sinks.choose(ours) == "journal"
    assert sinks.open_sink("auto", ours).name == "journal"
    for other in ({}, {"JOURNAL_STREAM": ""}, {"JOURNAL_STREAM": "8:1"}, {"JOURNAL_STREAM": "x"}):
        assert sinks.choose(other) != "journal"


# --- Who does not read -------------------------------------------------------------------------


def read_all(descriptor: int) -> bytes:
    """Read what there is."""
    data = b""
    while select.select([descriptor], [], [], 0.2)[0]:
        chunk = os.read(descriptor, 65536)
        if not chunk:
            break
        data += chunk
    return data


@pytest.mark.parametrize("kind", ["pipe", "blocking socket", "terminal"])
def test_a_reader_that_is_stuck_is_not_waited_for(kind: str) -> None:
    """What it does not take is counted, and told when it reads again; no line is torn."""
    if kind == "pipe":
        ours, theirs = os.pipe()
    elif kind == "terminal":
        ours, theirs = pty.openpty()
    else:
        ours, theirs = (end.detach() for end in socket.socketpair())
    process = emitter({}, stderr=theirs, lines=900, filling=150)
    try:
        os.set_blocking(theirs, True)
        _, trouble, lost, withheld = more(process)
        assert withheld == 0
        assert isinstance(lost, int)
        assert lost > 300
        assert str(trouble).startswith("stderr does not take lines; ")
        lines = read_all(ours).decode().splitlines()
        _, trouble, lost_then, _ = more(process)
        assert (trouble, lost_then) == (None, lost)
        lines += read_all(ours).decode().splitlines()
        assert " headroom=-1 " in lines[-1]
        assert lines[-2].endswith(' lost"')
        # A short line may still find room where a long one does not.
        assert sum(int(told) for told in re.findall(r'why="([0-9]+) lines?', str(lines))) == lost
        end(process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_a_line_that_a_slow_terminal_took_in_part_is_finished() -> None:
    """Before the next is begun."""
    ours, theirs = pty.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    process = emitter({}, stderr=theirs, lines=300, filling=150)
    try:
        more(process)
        text = b""
        for _ in range(20):
            text += read_all(ours)
            more(process)
        text += read_all(ours)
        end(process)
        shape = rb"[0-9:]{8} (critical headroom_critical|warning  degraded) [^:\n]*"
        for line in text.splitlines():
            assert re.fullmatch(shape, line), line
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_a_terminal_that_was_stopped_is_not_waited_for() -> None:
    """Somebody pressed ^S and went home."""
    ours, theirs = pty.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    process = emitter({}, stderr=theirs, lines=100)
    try:
        assert more(process)[1:3] == ["stderr does not take lines; 101 lost", 101]
        termios.tcflow(theirs, termios.TCOON)
        assert more(process)[1:3] == [None, 101]
        assert read_all(ours).count(b"\n") == 2
        end(process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_a_reader_that_has_left_is_survived() -> None:
    """A pipe without a reader: lost and counted."""
    read, write = os.pipe()
    os.close(read)
    process = emitter({}, stderr=write, lines=10)
    os.close(write)
    assert more(process)[1:3] == ["stderr does not take lines; 11 lost", 11]
    end(process)


def test_a_full_disk_is_survived() -> None:
    """/dev/full takes nothing."""
    with Path("/dev/full").open("wb") as full:
        process = emitter({}, stderr=full.fileno(), lines=10)
    assert more(process)[2] == 11
    end(process)


def test_others_who_have_the_same_stderr_keep_their_mode() -> None:
    """A pipe that we write to without blocking still blocks for a shell that shares it."""
    read, write = os.pipe()
    process = emitter({}, stderr=write)
    more(process)
    assert os.get_blocking(write)
    end(process)
    os.close(read)
    os.close(write)


def test_without_proc_a_stuck_pipe_is_not_waited_for_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is asked first whether it takes a line."""
    from oomwatchd.alerts import stderr  # noqa: PLC0415 - its opening is changed
    from oomwatchd.alerts.vocabulary import Entry  # noqa: PLC0415

    def refuse(*_: object) -> int:
        raise PermissionError

    read, write = os.pipe()
    monkeypatch.setattr(stderr, "_STDERR", write)
    monkeypatch.setattr("oomwatchd.alerts.stderr.os.open", refuse)
    sink = stderr.open_stderr({}, is_the_journal=False)
    previous = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it was waited for"))
    signal.alarm(int(PATIENCE_SECONDS))
    try:
        taken = [sink.send(Entry("test_alert", "x" * 200, {})) for _ in range(2000)]
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    assert taken[0]
    assert not taken[-1]
    os.read(read, 65536)
    assert sink.send(Entry("test_alert", "x", {}))
    os.close(read)
    os.close(write)
