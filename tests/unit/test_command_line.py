"""The commands as scripts use them: exit codes, one line an error, and no traceback."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import CLIENT, CONFIG, DAEMON, Result, look, run
from fakeserver import refusal, says, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from rootlib import ROOTS

from oomwatchd import __version__
from oomwatchd.daemon.options import Options, parse
from oomwatchd.errors import UsageError

ROOT = ROOTS / "armv7l-virt-linux6.1-cma-boost"


@pytest.mark.parametrize(("command", "name"), [(DAEMON, "oomwatchd"), (CLIENT, "oomwatchctl")])
def test_version_is_printed(command: list[str], name: str) -> None:
    """Name and version, and success."""
    assert run(command, "--version") == (0, f"{name} {__version__}\n", "")


@pytest.mark.parametrize("command", [DAEMON, CLIENT], ids=["oomwatchd", "oomwatchctl"])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_printed(command: list[str], option: str) -> None:
    """On stdout, since it was asked for."""
    result = run(command, option)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("usage: oomwatch")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nonsense",),
        ("-x",),
        ("word",),
        ("--once", "word"),
        ("--root",),
        ("--config",),
        ("--log-to",),
        ("--log-to", "file"),
        ("--log-to=",),
        ("--once=yes",),
        ("--json",),
        ("--", "word"),
        ("",),
        ("wo\nrd",),
        ("\udcff",),
        ("--non\nsense",),
        ("--non\x1b[2Jsense",),
    ],
)
def test_the_daemons_usage_errors(arguments: tuple[str, ...]) -> None:
    """64, and one printable line that names the program."""
    result = run(DAEMON, *arguments)
    assert result.code == 64
    assert result.out == ""
    assert result.complaint.startswith("oomwatchd: ")
    assert result.complaint.isprintable()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--nonsense",),
        ("--non\nsense",),
        ("frobnicate",),
        ("frob\nnicate",),
        ("--socket",),
        ("--socket", "/x"),
        ("status", "--yaml"),
        ("doctor", "--yaml"),
        ("doctor", "--json", "now"),
        ("status", "--json", "--json"),
        ("check", "now"),
        ("check", "--json"),
        ("watch", "now"),
        ("reload", "--json"),
        ("compact", "now"),
        ("compact", "--node"),
        ("compact", "--node", "first"),
        ("compact", "--node=-1"),
        ("drop-caches", "--node", "0"),
        ("drop-caches", "everything"),
        ("drop-caches", "slab", "slab"),
        ("inhibit",),
        ("inhibit", "10m", "10m"),
        ("inhibit", "-5"),
        ("ensure",),
        ("incidents",),
        ("explain", "--node", "0"),
        ("",),
    ],
)
def test_the_clients_usage_errors(arguments: tuple[str, ...]) -> None:
    """64, and one printable line that names the program."""
    result = run(CLIENT, *arguments)
    assert result.code == 64
    assert result.out == ""
    assert result.complaint.startswith("oomwatchctl: ")
    assert result.complaint.isprintable()


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([f"--{name.replace('_', '-')}" for name in Options._fields]),
            st.sampled_from(["auto", "=", "--", "-", "-h", "--log-to=auto", "--root="]),
            st.text(max_size=5),
        ),
        max_size=5,
    )
)
def test_any_words_are_options_or_a_usagerefusal(arguments: list[str]) -> None:
    """Nothing else is raised."""
    try:
        options = parse(arguments)
    except UsageError as error:
        assert str(error).startswith("oomwatchd: ")  # noqa: PT017 - both ends are right
    else:
        assert options.log_to in (None, "auto", "stderr", "syslog", "journal")


@pytest.mark.parametrize("root", ["missing", "", "file", "x" * 300, "dangling"])
def test_a_root_that_is_not_there(root: str, tmp_path: Path) -> None:
    """66, whatever it is instead of a directory."""
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    result = look(tmp_path / root if root else "")
    assert result.code == 66
    assert result.out == ""
    assert result.complaint.endswith(": no such directory")


@pytest.mark.parametrize("option", ["--once", "--check-config"])
def test_a_named_configuration_that_is_not_there(option: str, tmp_path: Path) -> None:
    """66: no file at all is good, but one that is named must exist."""
    result = run(DAEMON, "--config", str(tmp_path / "none.conf"), option)
    assert result.code == 66
    assert result.complaint == f"{tmp_path}/none.conf: no such file"


def test_a_good_configuration_is_checked_in_silence() -> None:
    """0 and nothing else."""
    assert run(DAEMON, "--config", str(CONFIG), "--check-config") == (0, "", "")


@pytest.mark.parametrize("option", ["--once", "--check-config"])
def test_a_faulty_configuration_is_refused_with_all_its_faults(option: str, tmp_path: Path) -> None:
    """78 and a line each, drop-ins included."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "oomwatchd.conf").write_text("\n[demand camera]\norder = big\nsise = 1\n")
    (tmp_path / "conf.d" / "10-more.conf").write_text("[pool]\n")
    (tmp_path / "conf.d" / "README").write_text("not read")
    result = run(DAEMON, "--config", str(tmp_path / "oomwatchd.conf"), option)
    assert result.code == 78
    assert result.out == ""
    assert sorted(result.err.splitlines()) == [
        'conf.d/10-more.conf:1: unknown section "pool"',
        'oomwatchd.conf:3: demand "camera": order must be a whole number from 0 to 13, not "big"',
        'oomwatchd.conf:4: [demand camera] has no key "sise"',
    ]


def _make_directory(path: Path) -> None:
    path.mkdir()


def _make_fifo(path: Path) -> None:
    os.mkfifo(path)


def _make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def _make_binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)))


def _make_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 64 << 20)


@pytest.mark.parametrize(
    "make", [_make_directory, _make_fifo, _make_binary, _make_huge], ids=lambda f: f.__name__
)
def test_a_configuration_that_is_no_text_is_refused(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    """78 and one line that names the file; a FIFO is not waited for."""
    make(tmp_path / "x.conf")
    result = run(DAEMON, "--config", str(tmp_path / "x.conf"), "--check-config")
    assert result.code == 78
    assert result.complaint.startswith("x.conf:")


@pytest.mark.parametrize(
    "make", [_make_directory, _make_fifo, _make_loop, _make_binary], ids=lambda f: f.__name__
)
def test_a_drop_in_that_is_no_text_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    """It was meant to say something: going on without it would surprise."""
    (tmp_path / "x.conf").write_text("")
    (tmp_path / "conf.d").mkdir()
    make(tmp_path / "conf.d" / "y.conf")
    result = run(DAEMON, "--config", str(tmp_path / "x.conf"), "--check-config")
    assert result.code == 78
    assert result.complaint.startswith("conf.d/y.conf:")


def test_once_without_json_is_for_people() -> None:
    """Lines of plain text with the severity first, and the same exit code."""
    result = run(DAEMON, "--config", str(CONFIG), "--once", "--root", str(ROOT))
    assert result.code == look(ROOT).code
    assert result.out.startswith("severity ")
    assert result.err == ""


def _run_into(command: list[str], sink: str, *arguments: str) -> Result:
    """Run a command with its output going to a file, or to nobody ("closed", "gone")."""
    if sink == "gone":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open("/dev/full" if sink == "full" else "/dev/null", os.O_WRONLY)
    shell = ["/bin/sh", "-c", 'exec "$@" >&-', "sh"] if sink == "closed" else []
    try:
        return run([*shell, *command], *arguments, stdout=writer)
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    "sink",
    [
        "gone",
        "full",
        "closed",
    ],
)
@pytest.mark.parametrize("option", ["--version", "--once"])
def test_output_that_nobody_takes_is_no_traceback(option: str, sink: str) -> None:
    """`oomwatchd --once | head -0`, a full disk, a closed descriptor."""
    if sink == "full" and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    arguments = ("--config", str(CONFIG), "--root", str(ROOT), option)
    assert _run_into(DAEMON, sink, *arguments).is_clean


@pytest.mark.parametrize(
    "sink",
    [
        "gone",
        "full",
        "closed",
    ],
)
def test_the_clients_output_that_nobody_takes_is_no_traceback(sink: str) -> None:
    """The same for the client."""
    if sink == "full" and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    assert _run_into(CLIENT, sink, "--version").is_clean


# --- The client and whoever answers it ----------------------------------------------------------


def test_a_status_that_is_a_document_is_passed_on() -> None:
    """`status --json` prints what came, `status` says it in words, `check` in one line."""
    document = look(ROOT).out
    path = Path(f"/tmp/oomwatchd-test-{os.getpid()}")  # noqa: S108 - sun_path is short
    try:
        with serving(path, says(document.encode())):
            assert run(CLIENT, "--socket", str(path), "status", "--json") == (0, document, "")
            words = run(CLIENT, f"--socket={path}", "status")
            line = run(CLIENT, "--socket", str(path), "check")
    finally:
        path.unlink()
    severity = json.loads(document)["severity"]
    assert words.out.startswith(f"severity {severity}, kernel 6.1.0-18-armmp on armv7l")
    assert line.out.startswith(f"OOMWATCHD {severity.upper()} - ")
    assert line.out.count("\n") == 1
    assert line.code == {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}[severity]


def _places(tmp_path: Path) -> dict[str, str]:
    """Make paths at which nobody answers."""
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "fifo")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "stale"))
    stale.close()
    return {
        "missing": str(tmp_path / "none.sock"),
        "a file": str(tmp_path / "file"),
        "a FIFO": str(tmp_path / "fifo"),
        "a directory": str(tmp_path),
        "stale": str(tmp_path / "stale"),
        "too long": "/" + "x" * 200,
        "empty": "",
        "two lines": str(tmp_path / "no\nne"),
    }


UNREACHABLE = [
    *("missing", "a file", "a FIFO", "a directory", "stale", "too long", "empty"),
    "two lines",
]


@pytest.mark.parametrize("place", UNREACHABLE)
def test_status_where_nobody_answers(place: str, tmp_path: Path) -> None:
    """69, and one line that names the place."""
    result = run(CLIENT, "--socket", _places(tmp_path)[place], "status")
    assert result.code == 69
    assert result.out == ""
    assert result.complaint.startswith("no oomwatchd answers (")


@pytest.mark.parametrize("place", UNREACHABLE)
def test_check_where_nobody_answers(place: str, tmp_path: Path) -> None:
    """3, and the line of a monitoring plugin on stdout."""
    result = run(CLIENT, "--socket", _places(tmp_path)[place], "check")
    assert result.code == 3
    assert result.err == ""
    assert result.out.startswith("OOMWATCHD UNKNOWN - ")
    assert result.out.count("\n") == 1


UNTRUE: dict[str, bytes] = {
    "no JSON": b"hello\n",
    "bytes that are no text": b"\xff\xfe\x00\n",
    "an empty line": b"\n",
    "a list": b"[]\n",
    "a number": b"7\n",
    "an empty object": b"{}\n",
    "another program's object": b'{"severity": "ok", "demands": 5}\n',
    "demands that are none": b'{"severity": "ok", "demands": [{}], "kernel": {}}\n',
    "a severity that is none": b'{"severity": 5, "demands": []}\n',
    "nested deeply": b"[" * 100_000 + b"\n",
    "an error that is none": b'{"error": 5}\n',
    "an error without a code": b'{"error": {}}\n',
    "an error with a wild code": refusal(9999),
    "an error with a word for a code": refusal("bad"),
    "an error on two lines": refusal(64, "one\ntwo"),
    "half an error": b'{"error\n',
    "more than one": b'{"a": 1} {"b": 2}\n',
    "a number that JSON does not have": b'{"severity": NaN, "demands": []}\n',
    "a number that nobody can read": b'{"severity": ' + b"9" * 5000 + b"}\n",
}
OBJECTS = (
    *("an empty object", "another program's object"),
    *("demands that are none", "a severity that is none"),
)
"""JSON objects that are no document: for who wants JSON they are passed on."""
COMMANDS = (
    *("status", "status --json", "events", "events --json", "processes", "doctor"),
    *("watch", "watch --json", "compact", "drop-caches slab --json", "inhibit 5", "test-alert"),
    "reload",
)
DOERS = ("compact", "drop-caches")
CUT: dict[str, bytes] = {
    "half a line": b'{"severity": ',
    "huge without an end": b"x" * (17 << 20),
}


@pytest.mark.parametrize("name", [*CUT, *UNTRUE])
def test_check_of_an_answer_that_is_none(name: str, tmp_path: Path) -> None:
    """3 and one plugin line: whatever listens there, it is not a healthy daemon."""
    with serving(tmp_path / "s", says({**UNTRUE, **CUT}[name])):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), "check")
    assert result.is_clean
    assert result.code == 3
    assert result.out.startswith("OOMWATCHD UNKNOWN - ")
    assert result.out.count("\n") == 1


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("name", [*CUT, *UNTRUE])
def test_an_answer_that_is_none(words: str, name: str, tmp_path: Path) -> None:
    """65 and one line, whatever was asked."""
    with serving(tmp_path / "s", says({**UNTRUE, **CUT}[name])):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), *words.split())
    if name == "an error on two lines":
        assert result.code == 64
    elif words.startswith("watch") and name in (*OBJECTS, "half a line"):
        assert result.code == 69, "what is of no known kind is passed over, and then it has gone"
    elif words.endswith("--json") and name in OBJECTS and not words.startswith(DOERS):
        assert (result.code, result.err) == (0, "")
        return
    else:
        assert result.code == 65
    assert result.complaint.isprintable()
    assert result.complaint.startswith(("oomwatchctl: ", "no oomwatchd answers"))


@pytest.mark.parametrize("words", COMMANDS)
def test_no_answer_at_all(words: str, tmp_path: Path) -> None:
    """69: the daemon has stopped, or too many ask at once."""
    with serving(tmp_path / "s", says(b"")):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), *words.split())
    assert result.code == 69
    assert result.complaint.startswith("no oomwatchd answers (")


@pytest.mark.parametrize("code", [64, 69, 75, 77])
def test_an_error_reply_gives_its_exit_code(code: int, tmp_path: Path) -> None:
    """The daemon says why, and with which code the client ends."""
    with serving(tmp_path / "s", says(refusal(code, "only root may"))):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), "status")
        check = run(CLIENT, "--socket", str(tmp_path / "s"), "check")
    assert result.code == code
    assert result.complaint == "oomwatchctl: only root may"
    assert check.code == 3
    assert check.out == "OOMWATCHD UNKNOWN - oomwatchctl: only root may\n"


def _waits(connection: socket.socket) -> None:
    """Answer nothing until the client leaves."""
    connection.recv(1)


def test_a_daemon_that_never_answers_is_unreachable(tmp_path: Path) -> None:
    """69 after some seconds."""
    with serving(tmp_path / "s", _waits):
        result = run(CLIENT, "--socket", str(tmp_path / "s"), "status")
    assert result.code == 69
    assert "timed out" in result.complaint


def test_a_daemon_that_drips_is_unreachable(tmp_path: Path) -> None:
    """A byte now and then does not keep a monitoring script waiting for ever."""

    def drip(connection: socket.socket) -> None:
        for _ in range(24):
            connection.sendall(b" ")
            time.sleep(0.3)

    with serving(tmp_path / "s", drip):
        start = time.monotonic()
        try:
            result = run(CLIENT, "--socket", str(tmp_path / "s"), "status")
        except subprocess.TimeoutExpired:
            pytest.fail("still waiting")
        assert time.monotonic() - start < 6.5
    assert result.code == 69


def test_the_socket_is_also_looked_for_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$OOMWATCHD_SOCKET names it where --socket does not."""
    monkeypatch.setenv("OOMWATCHD_SOCKET", str(tmp_path / "none.sock"))
    assert str(tmp_path / "none.sock") in run(CLIENT, "status").complaint
    other = run(CLIENT, "--socket", str(tmp_path / "other"), "status").complaint
    assert "none.sock" not in other
