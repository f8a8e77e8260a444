"""`oomwatchctl explain` as a user runs it: logs of any form in, text or JSON out."""

import gzip
import os
import pty
import subprocess
import sys
import time
import tty
from pathlib import Path
from typing import Any

import pytest
from commands import CLIENT, TIMEOUT_SECONDS, Result, run
from explaining import SCHEMA, VALIDATOR, assert_fits
from jsonschema import Draft202012Validator
from reportlib import NAMES, REPORTS, expected_of, log_of
from terminals import Terminal

from oomwatchd.ctl.usage import usage

NONE_FOUND = "no report of the OOM killer and no allocation failure found\n"
CAMERA = "arm-camera-linux2.6.28-unix-message"
KILLS = "armv7l-virt-linux6.1-order2-kill"
LOG = REPORTS / KILLS / "log"
BINARY = {
    "a binary journal": b"LPKSHHRH",
    "compressed with xz": b"\xfd7zXZ\0",
    "compressed with zstd": b"\x28\xb5\x2f\xfd",
    "compressed with bzip2": b"BZh9",
    "compressed with lz4": b"\x04\x22\x4d\x18",
    "compressed with zlib": b"\x78\x9c",
    "a program": b"\x7fELF",
    "UTF-16 text": b"\xff\xfe",
}


def explain(*arguments: str | Path, log: bytes | None = None) -> Result:
    """Run the command; a log that is given goes to its standard input."""
    done = subprocess.run(
        [*CLIENT, "explain", *map(str, arguments)],
        input=log or b"",
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(result: Result, code: int) -> str:
    """See that a command was refused, with one printable line; gives that."""
    assert (result.code, result.out) == (code, "")
    assert result.complaint.isprintable()
    assert result.complaint.isascii()
    return result.complaint


# --- What is refused ---


@pytest.mark.parametrize(
    "words", [("--yaml",), ("--json", "--json"), ("--node", "0"), ("-x",), ("--non\nsense",)]
)
def test_a_command_line_that_is_not_understood(words: tuple[str, ...]) -> None:
    """64, and nothing is read."""
    assert refused(explain(*words, str(LOG)), 64).startswith("oomwatchctl: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """66 with its name."""
    assert refused(explain(tmp_path / "none"), 66) == f"{tmp_path}/none: no such file or directory"


def test_a_directory(tmp_path: Path) -> None:
    """66: whoever means the files in it names them."""
    assert refused(explain(tmp_path), 66) == f"{tmp_path}: is a directory"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """66, as kernel logs mostly are root's."""
    secret = tmp_path / "secret"
    secret.write_bytes(log_of(KILLS))
    secret.chmod(0)
    if os.getuid() == 0:
        pytest.skip("root may read everything")
    assert refused(explain(secret), 66).endswith("secret: permission denied")


def test_one_bad_file_among_good_ones(tmp_path: Path) -> None:
    """What can be read is explained; the exit code and a line say that there was more."""
    result = explain(LOG, tmp_path / "none", LOG)
    assert result.code == 66
    assert "none" in result.complaint
    assert result.out == explain(LOG, LOG).out


@pytest.mark.parametrize("name", ["new\nline", "esc\x1b[2J", "b\udcff", "caf\u00e9"])
def test_a_file_of_a_hostile_name(name: str, tmp_path: Path) -> None:
    """It is shown escaped, where it fails and where it is explained."""
    path = tmp_path / name
    refused(explain(path), 66)
    path.write_bytes(log_of(KILLS))
    result = explain(path)
    assert (result.code, result.err) == (0, "")
    assert_fits(result.out.splitlines(), 80)


@pytest.mark.parametrize("what", BINARY)
@pytest.mark.parametrize("how", ["file", "stdin"])
def test_what_is_no_text_is_refused_with_the_way_to_text(
    what: str, how: str, tmp_path: Path
) -> None:
    """65, and a command that would help."""
    data = BINARY[what] + b"\0 invoked oom-killer: gfp_mask=0xd0, order=2\n" * 3
    (tmp_path / "log").write_bytes(data)
    result = explain(tmp_path / "log") if how == "file" else explain(log=data)
    complaint = refused(result, 65)
    assert f"this is {what}" in complaint
    assert "; try " in complaint
    assert complaint.endswith("FILE | oomwatchctl explain")


# --- Where nothing is found ---


@pytest.mark.parametrize(
    "log",
    [
        b"",
        b"\n",
        b"\0" * 5000,
        b"\0\n\0",
        b"nothing of interest\n" * 100,
        bytes(range(256)),
        b"\xef\xbb\xbf",
    ],
    ids=["empty", "a line", "NUL bytes", "NUL lines", "an ordinary log", "all bytes", "a mark"],
)
def test_no_report_is_said_in_a_sentence(log: bytes) -> None:
    """1, so that a script can ask."""
    assert explain(log=log) == (1, NONE_FOUND, "")


def test_no_report_in_several_files(tmp_path: Path) -> None:
    """One sentence for all."""
    (tmp_path / "empty").touch()
    assert explain(tmp_path / "empty", "/dev/null", "-") == (1, NONE_FOUND, "")


def test_no_report_as_json() -> None:
    """An object with no report in it, and the same exit code."""
    result = explain("--json")
    assert result.code == 1
    document = result.document
    VALIDATOR.validate(document)
    assert (document["count"], document["reports"], document["kinds"]) == (0, [], {})


def test_a_closed_standard_input_is_an_empty_one_or_refused() -> None:
    """No traceback in any case."""
    result = run(["/bin/sh", "-c", 'exec "$@" <&-', "sh", *CLIENT], "explain")
    assert result.code in (1, 66)
    assert result.is_clean


def test_a_log_whose_reading_fails_is_explained_as_far_as_it_goes() -> None:
    """A card that goes bad, a console that hangs up: what was read is not lost."""
    for log, code, text in ((log_of(KILLS), 0, "order 2"), (b"nothing\n" * 9, 66, NONE_FOUND)):
        reader, writer = pty.openpty()
        tty.setraw(writer)
        process = subprocess.Popen(
            [*CLIENT, "explain"], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with os.fdopen(writer, "wb") as file:
            file.write(log)
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        os.close(reader)
        assert process.returncode == code
        assert text in out.decode()
        assert err.endswith(b"standard input: input/output error: read as far as it goes\n")


def test_standard_input_that_does_not_wait_is_waited_for() -> None:
    """Another program may have left a pipe so."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    process = subprocess.Popen([*CLIENT, "explain"], stdin=reader, stdout=subprocess.PIPE)
    os.close(reader)
    lines = log_of(KILLS).splitlines(keepends=True)
    with os.fdopen(writer, "wb", buffering=0) as file:
        for part in (lines[:100], lines[100:]):
            time.sleep(0.2)  # it waits meanwhile, or has seen an end that is none
            file.write(b"".join(part))
    out, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 0
    assert b"order 2" in out


# --- What is found ---


def test_a_log_on_standard_input() -> None:
    """Nothing named, or "-": the same."""
    result = explain(log=log_of(KILLS))
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("3 reports: ")
    assert "standard input, line " in result.out
    assert explain("-", log=log_of(KILLS)) == result


def test_a_log_that_an_editor_has_marked_as_utf_8() -> None:
    """The mark is no part of the first line."""
    log = "\ufeff[    1.5] cam: page allocation failure: order:2, mode:0xd0\n".encode()
    (report,) = explain("--json", log=log).document["reports"]
    assert (report["at"], report["request"]["comm"]) == ("1.5", "cam")


def test_a_file_that_looks_like_an_option(tmp_path: Path) -> None:
    """Behind "--" words are files."""
    (tmp_path / "--json").write_bytes(log_of(CAMERA))
    done = subprocess.run(
        [*CLIENT, "explain", "--", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    assert b"--json, line " in done.stdout


def test_several_files_are_explained_together() -> None:
    """Each report says where it stands."""
    other = REPORTS / "armv7l-virt-linux6.1-sysrq" / "log"
    result = explain("--json", LOG, other, "-", log=log_of(CAMERA))
    assert result.code == 0
    document = result.document
    assert document["count"] == 3 + 1 + 1
    assert {report["source"] for report in document["reports"]} == {
        str(LOG),
        str(other),
        "standard input",
    }


def test_one_report_has_no_summary() -> None:
    """It is told where it is, and then what it means."""
    out = explain(log=log_of(CAMERA)).out
    assert out.startswith("standard input, line ")
    assert " reports: " not in out.splitlines()[0]


def test_of_many_reports_the_summary_comes_first() -> None:
    """How many, of which kinds, for which reasons; each kind once, the most frequent first."""
    log = log_of("armv7l-virt-linux6.1-sysrq") + log_of(KILLS) * 3
    lines = explain(log=log).out.splitlines()
    assert lines[0].startswith("10 reports: 7 oom, 3 allocation failure. Reasons: ")
    assert lines[0].endswith("Reasons: 9 fragmentation, 1 requested.")
    assert lines[1] == "One of each kind is explained, the most frequent first."
    document = explain("--json", log=log).document
    counts = [report["count"] for report in document["reports"]]
    assert sum(counts) == document["count"] == 10
    assert counts == sorted(counts, reverse=True)
    assert document["verdicts"] == {"requested": 1, "fragmentation": 9}


def test_reports_that_say_the_same_are_explained_once() -> None:
    """And counted, with the time of the last."""
    lines = explain(log=log_of(CAMERA) * 500).out.splitlines()
    assert lines[0].startswith("500 reports: ")
    assert "All of them say the same: the first is explained." in lines[1]
    assert len(lines) < 60
    assert any(line.startswith("500 such reports") for line in lines)


def test_there_is_a_limit_to_the_kinds_that_are_kept() -> None:
    """More have a line each, and at last are counted only: memory does not fill."""
    one = "cam: page allocation failure: order:{}, mode:0x{:x}\n"
    log = "".join(one.format(number % 8, 0xD0 + 256 * number) for number in range(200))
    document = explain("--json", log=log.encode()).document
    VALIDATOR.validate(document)
    assert document["count"] == 200
    assert len(document["reports"]) == 64
    assert (len(document["others"]), document["left_out"]) == (200 - 64, 0)
    text = explain(log=log.encode()).out
    assert "Of further kinds, not explained here:" in text
    assert text.count("page: ") + text.count("line ") >= 200


def test_whoever_forgot_the_file_is_told_so() -> None:
    """A log that is pasted into the terminal is explained all the same."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [*CLIENT, "explain"], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        assert process.stderr is not None
        assert process.stdout is not None
        assert b"Ctrl-D" in process.stderr.readline()
        os.write(ours, log_of(CAMERA)[:1500] + b"\n\x04")
        text = process.stdout.read()
        assert process.wait(TIMEOUT_SECONDS) == 0
    os.close(ours)
    assert b"checkd" in text


# --- gzip ---


def test_a_packed_log_is_read_as_it_is(tmp_path: Path) -> None:
    """As logrotate leaves them, whatever the file is called."""
    (tmp_path / "messages.1.gz").write_bytes(gzip.compress(log_of(KILLS)))
    packed = explain("--json", tmp_path / "messages.1.gz").document
    plain = explain("--json", LOG).document
    for document in (packed, plain):
        for report in document["reports"]:
            del report["source"]
            for place in report["more"]:
                del place["source"]
    assert packed == plain


def test_several_packed_logs_one_after_another_are_one() -> None:
    """`cat a.gz b.gz`, with an empty one and padding between."""
    logs = (b"", log_of(KILLS), log_of("armv7l-virt-linux6.1-sysrq"))
    for zeros in (512, 200_000):
        packed = b"".join(gzip.compress(log) + b"\0" * zeros for log in logs)
        assert explain("--json", log=packed).document["count"] == 4


def test_a_packed_log_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    """The device lost its power: what is there is explained, and that it is cut is said."""
    packed = gzip.compress(log_of(KILLS))
    result = explain(log=packed[: len(packed) * 9 // 10])
    assert result.code == 0
    assert "order 2" in result.out
    assert result.complaint == "standard input: the gzip data is cut off: read as far as it goes"


DAMAGED = {
    "its check sum": lambda packed: packed[:-8] + b"no!!" + packed[-4:],
    "its size": lambda packed: packed[:-4] + b"no!!",
    "what follows": lambda packed: packed + b"what?",
    "what follows, after padding": lambda packed: packed + b"\0" * 70_000 + b"what?",
    "the next log": lambda packed: packed + packed[:12] + b"\xff" * 20,
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_packed_log_with_damage_is_read_as_far_as_it_goes(what: str) -> None:
    """Nothing of what stands before the damage is lost; without a report there it is 65."""
    whole = explain("--json", log=log_of(KILLS)).document
    result = explain("--json", log=DAMAGED[what](gzip.compress(log_of(KILLS))))
    assert (result.code, result.document) == (0, whole)
    assert result.complaint.startswith("standard input: the gzip data is damaged (")
    result = explain(log=DAMAGED[what](gzip.compress(b"nothing\n")))
    assert (result.code, result.out) == (65, NONE_FOUND)


def test_damage_within_a_packed_log_ends_its_reading() -> None:
    """A bad block of a flash: the reports before it are there."""
    parts = [gzip.compress(log_of(KILLS)[at : at + 1000]) for at in range(0, 20_000, 1000)]
    parts.insert(15, b"\x1f\x8b\x08\xff\xff")
    result = explain("--json", log=b"".join(parts))
    cut = explain("--json", log=log_of(KILLS)[:15_000])
    assert (result.code, result.document) == (0, cut.document)
    assert "damaged" in result.complaint


@pytest.mark.parametrize("size", [2, 9, 500, -1, -8])
def test_a_packed_log_without_a_report_that_is_cut_off_proves_nothing(size: int) -> None:
    """65 and not 1: there may have been one."""
    packed = gzip.compress(b"nothing\n" * 5000 + os.urandom(400).hex().encode())
    result = explain(log=packed[:size])
    assert (result.code, result.out) == (65, NONE_FOUND)
    assert "cut off" in result.complaint


def test_the_end_of_a_packed_log_is_not_lost() -> None:
    """Of data that unpacks to much more than it is, too."""
    header = b"cam: page allocation failure: order:2, mode:0xd0\n"
    packed = gzip.compress(b"a" * (9 << 20) + b"\n" + header)
    assert len(packed) < 20_000
    assert explain("--json", log=packed).document["count"] == 1


# --- JSON ---


def test_the_schema_is_one_and_closed() -> None:
    """All keys required and no others allowed, wherever an object has fixed keys."""
    Draft202012Validator.check_schema(SCHEMA)
    found = 0

    def walk(node: Any) -> None:  # noqa: ANN401 - JSON
        nonlocal found
        if isinstance(node, list):
            for item in node:
                walk(item)
        if isinstance(node, dict):
            if "properties" in node and "required" in node:
                found += 1
                assert node["additionalProperties"] is False
                assert sorted(node["required"]) == sorted(node["properties"])
            for item in node.values():
                walk(item)

    walk(SCHEMA)
    assert found > 10


@pytest.mark.parametrize("name", NAMES)
def test_every_log_is_a_valid_document(name: str) -> None:
    """One object on stdout, nothing on stderr; as many reports as there are."""
    result = explain("--json", REPORTS / name / "log")
    assert (result.code, result.err) == (0, "")
    document = result.document
    VALIDATOR.validate(document)
    assert document["count"] == len(expected_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_cut_log_is_a_valid_document(name: str, tmp_path: Path) -> None:
    """Cut in the middle of its report, before and behind."""
    log = log_of(name)
    first = int(expected_of(name)[0]["line"])
    begin = sum(map(len, log.splitlines(keepends=True)[: first - 1]))
    paths = []
    for part in range(1, 6):
        middle = begin + (len(log) - begin) * part // 6
        for end, piece in (("head", log[:middle]), ("tail", log[middle:])):
            paths.append(tmp_path / f"{end}{part}")
            paths[-1].write_bytes(piece)
    result = explain("--json", *paths)
    assert (result.code, result.err) == (0, "")
    VALIDATOR.validate(result.document)
    assert_fits(explain(*paths).out.splitlines(), 80 + len(str(tmp_path)))


# --- Text ---


HOSTILE = (
    b"\x1b]0;owned\x07evil\xe2\x80\xae\xc3\xa9\xff\x9b31m\x08\x7f invoked oom-killer: "
    b"gfp_mask=0xd0, order=2, oom_score_adj=0\n"
    b"CPU: 0 PID: 1 Comm: \x1b[2J\xc3\xa9vil Not tainted 6.1.0-\xc3\xa9\x1b[31m #1\n"
    b"Hardware name: \xe2\x98\xa0\x1b[5m board\n"
    b"Normal\xc2\xb2 free:4000kB min:1600kB low:2000kB high:2400kB\n"
    b"lowmem_reserve[]: 0 0\n"
    b"Normal\xc2\xb2: 1000*4kB (U) = 4000kB\n"
    b"[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
    b"[    1]     0     1       10       10       1        0             0 \xe2\x98\xa0\x1b[7m\n"
    b"Memory cgroup out of memory: Killed process 1 (\xe2\x98\xa0\x1b[7m) "
    b"total-vm:1kB, anon-rss:1kB\n"
)


def test_nothing_but_printable_ascii_reaches_the_terminal() -> None:
    """Whatever names a device's programs give themselves."""
    result = explain(log=HOSTILE)
    assert result.code == 0
    assert "vil" in result.out
    assert_fits(result.out.splitlines(), 80)


@pytest.mark.parametrize("columns", [40, 41, 57, 80, 120, 200])
def test_text_is_laid_out_for_the_terminal(columns: int, tmp_path: Path) -> None:
    """As wide as that is, and no wider; a hostile log the same."""
    (tmp_path / "log").write_bytes(HOSTILE)
    terminal = Terminal(columns)
    shown = terminal.run([*CLIENT, "explain", str(LOG), str(tmp_path / "log"), "/dev/null"])
    terminal.close()
    assert (shown.code, shown.err) == (0, "")
    lines = shown.written.splitlines()
    assert_fits(lines, columns)
    assert max(map(len, lines)) > columns - 15


@pytest.mark.parametrize(
    ("columns", "width"), [("40", 40), ("200", 200), ("3", 20), ("", 80), ("-5", 80), ("9" * 9, 80)]
)
def test_without_a_terminal_columns_tells_the_width(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no width is none."""
    monkeypatch.setenv("COLUMNS", columns)
    lines = explain(log=log_of(CAMERA)).out.splitlines()
    assert width // 2 < max(map(len, lines))
    assert_fits(lines, width)


def test_without_a_terminal_text_is_80_wide() -> None:
    """For a mail or a bug report."""
    out = explain(LOG).out
    assert_fits(out.splitlines(), 80 + len(str(LOG)))
    assert "Built into oomwatchd this would have spoken:" in out


# --- Pipes, daemons, help ---


def test_a_reader_that_leaves_is_no_error_worth_a_word() -> None:
    """`oomwatchctl explain | head -1`."""
    script = 'cat "$1" "$1" "$1" | "$2" explain "$1" "$1" - | head -1'
    command = CLIENT[0] if len(CLIENT) == 1 else "oomwatchctl"
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(LOG), command],
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1


def test_an_output_that_nobody_takes_is_no_traceback() -> None:
    """A full disk, or a closed descriptor."""
    for sink in (">/dev/full", ">&-"):
        result = run(["/bin/sh", "-c", f'exec "$@" {sink}', "sh", *CLIENT], "explain", str(LOG))
        assert result.is_clean


def test_no_daemon_is_asked(tmp_path: Path) -> None:
    """The log may be another device's."""
    result = run(CLIENT, "--socket", str(tmp_path / "none"), "explain", str(LOG))
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_it_has_its_help(option: str) -> None:
    """For any terminal of 80 columns, with every exit code; no file is read."""
    result = run(CLIENT, "explain", "/none", option)
    assert result == (0, usage("explain"), "")
    assert max(map(len, result.out.splitlines())) <= 80
    for word in ("--json", "[FILE...]", "0 if", "1 if", "65 if", "66 if"):
        assert word in result.out


def test_the_manual_names_it() -> None:
    """And the overview does."""
    manual = (Path(__file__).parents[2] / "man" / "oomwatchctl.1").read_text()
    assert "\n.It Cm explain" in manual
    assert "\n  explain [--json] [FILE...]\n" in run(CLIENT, "--help").out


def test_other_commands_do_not_wait_for_it(tmp_path: Path) -> None:
    """What explains is loaded where something is to be explained, and nowhere else."""
    loaded: dict[str, set[str]] = {}
    for words in (["status"], ["doctor"], ["check"], ["--help"], ["explain", "/dev/null"]):
        done = subprocess.run(
            [sys.executable, "-v", "-m", "oomwatchd.ctl", "--socket", str(tmp_path / "s"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        loaded[words[0]] = {
            line.split()[1].strip(b"'").decode()
            for line in done.stderr.splitlines()
            if line.startswith(b"import 'oomwatchd.")
        }
    explaining = loaded.pop("explain")
    assert {"oomwatchd.ctl.explain", "oomwatchd.report.gather"} <= explaining
    assert not [name for name in explaining if name.startswith(("oomwatchd.daemon", "structlog"))]
    for modules in loaded.values():
        assert "oomwatchd.ctl.main" in modules
        assert not [
            name
            for name in modules
            if name.startswith(("oomwatchd.report", "oomwatchd.explain", "oomwatchd.ctl.explain"))
        ]
