"""The installed command: it starts fast, finds its package wherever it was installed, and helps."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import CLIENT, TIMEOUT_SECONDS, Result, run
from ctldocs import EVENT, PROCESSES, status, tick
from fakeserver import line, says, serving

import oomwatchd
from oomwatchd import __version__
from oomwatchd.ctl import call
from oomwatchd.ctl.usage import usage

SCRIPT = Path(CLIENT[0])
PACKAGE = Path(oomwatchd.__file__).parent
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
REPLIES = {
    "status": status(),
    "check": status(),
    "events": {"events": [EVENT]},
    "processes": PROCESSES,
    "watch": tick(),
}
HEAVY = {
    *("site", "os", "enum", "typing", "re", "json", "collections", "functools", "socket", "signal"),
    *("textwrap", "argparse", "locale", "datetime", "contextlib", "oomwatchd.errors"),
}
COMMANDS = (*call.READERS, *call.DOERS, *call.LOCAL)


def test_the_command_is_a_small_script_of_sh() -> None:
    """An installer rewrites the first line of a Python script, and drops its options."""
    assert SCRIPT.name == "oomwatchctl"
    assert SCRIPT.read_text().startswith("#!/bin/sh\n")
    assert os.access(SCRIPT, os.X_OK)


@pytest.mark.parametrize("words", [*REPLIES, "status --json", "events --json", "watch --json"])
def test_it_starts_fast(words: str, tmp_path: Path) -> None:
    """None of what takes Python long to load is loaded, and no `site` is looked for."""
    command = words.split(maxsplit=1)[0]
    shim = tmp_path / "bin" / PYTHON
    loaded = tmp_path / "loaded"
    install(tmp_path, f"lib/{PYTHON}/site-packages")
    # Says what is loaded when the program ends, without a part in it.
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -v "$@" 2>{loaded}\n')
    shim.chmod(0o755)
    with serving(tmp_path / "s", says(line(REPLIES[command]))):
        result = run(
            [str(tmp_path / "bin/oomwatchctl")], "--socket", str(tmp_path / "s"), *words.split()
        )
    assert result.code in (0, 69)
    assert result.out
    modules = {
        it.split()[1].strip("'")
        for it in loaded.read_text().splitlines()
        if it.startswith("import '")
    }
    assert "oomwatchd.ctl.main" in modules
    assert not modules & HEAVY


def install(prefix: Path, site: str) -> list[str]:
    """Lay the command and the package out under a prefix, as an installer does."""
    (prefix / "bin").mkdir()
    shutil.copy(SCRIPT, prefix / "bin")
    (prefix / site).mkdir(parents=True)
    shutil.copytree(PACKAGE, prefix / site / "oomwatchd")
    return [str(prefix / "bin/oomwatchctl")]


@pytest.mark.parametrize(
    ("site", "python"),
    [
        (f"lib/{PYTHON}/site-packages", PYTHON),
        (f"lib64/{PYTHON}/site-packages", PYTHON),
        (f"local/lib/{PYTHON}/dist-packages", None),
        (f"lib/{PYTHON}/dist-packages", None),
        ("lib/python3/dist-packages", "python3"),
    ],
)
def test_it_finds_its_package_beside_itself(
    site: str, python: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a virtual environment, under /usr, /usr/local and ~/.local, with Debian's names too."""
    place = tmp_path / "local" if site.startswith("local/") else tmp_path
    place.mkdir(exist_ok=True)
    command = install(place, site.removeprefix("local/"))
    other = tmp_path / "path"
    other.mkdir()
    (other / (python or PYTHON)).symlink_to(sys.executable)
    if python:
        (place / "bin" / python).symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{other}:/usr/bin:/bin")
    result = run(command, "--socket", "/nowhere", "status")
    assert (result.code, result.out) == (69, "")
    assert run(command, "--version") == (0, f"oomwatchctl {__version__}\n", "")


def test_links_to_it_are_followed(tmp_path: Path) -> None:
    """Absolute ones and relative ones, one to another."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").symlink_to(SCRIPT)
    (tmp_path / "two").symlink_to("a/one")
    (tmp_path / "a" / "three").symlink_to("../two")
    assert run([str(tmp_path / "a" / "three")], "--version").out == f"oomwatchctl {__version__}\n"


def test_it_is_found_by_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """And run by its name."""
    monkeypatch.setenv("PATH", f"{SCRIPT.parent}:{os.environ['PATH']}")
    assert run(["oomwatchctl"], "--version").code == 0


@pytest.mark.parametrize(
    "how", ["oomwatchctl", "./oomwatchctl", "sh oomwatchctl", "busybox sh oomwatchctl"]
)
def test_it_is_run_where_one_stands(how: str) -> None:
    """With a path that has no folder, or a relative one."""
    words = how.split()
    if shutil.which(words[0]) is None and len(words) > 1:
        pytest.skip(f"{words[0]} is not installed")
    done = subprocess.run(
        [*words, "--version"],
        cwd=SCRIPT.parent,
        env={**os.environ, "PATH": f".:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    assert done.stdout.decode() == f"oomwatchctl {__version__}\n"


def test_where_the_package_is_elsewhere_python_looks_for_it(tmp_path: Path) -> None:
    """As in an editable installation; never in the directory where one stands."""
    (tmp_path / "bin").mkdir()
    shutil.copy(SCRIPT, tmp_path / "bin")
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    (tmp_path / "oomwatchd").mkdir()
    (tmp_path / "oomwatchd" / "__init__.py").write_text("raise SystemExit('not this one')")
    trap = subprocess.run(
        [str(tmp_path / "bin/oomwatchctl"), "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    assert trap.stdout.decode() == f"oomwatchctl {__version__}\n"


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root asks with whatever environment somebody has left."""
    (tmp_path / "posix.py").write_text("raise SystemExit(1)")
    (tmp_path / "oomwatchd.py").write_text("raise SystemExit(1)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "posix.py"))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    assert run(CLIENT, "--version").code == 0


def test_it_is_a_module_too() -> None:
    """For whoever has Python, and not the command."""
    command = [sys.executable, "-m", "oomwatchd.ctl"]
    assert run(command, "--version").out == f"oomwatchctl {__version__}\n"
    result = run(command, "--socket", "/nowhere", "status")
    assert (result.code, result.out) == (69, "")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_each_command_has_its_help(command: str, option: str) -> None:
    """Before and after it, for any terminal of 80 columns."""
    result = run(CLIENT, command, option)
    assert result == (0, usage(command), "")
    assert result == run(CLIENT, option, command)
    options = "" if command in call.LOCAL else "[--socket PATH] "
    assert result.out.startswith(f"usage: oomwatchctl {options}{command}")
    assert max(map(len, result.out.splitlines())) <= 80


def test_the_help_names_every_command() -> None:
    """And the manual does."""
    result: Result = run(CLIENT, "--help")
    manual = (Path(__file__).parents[2] / "man" / "oomwatchctl.1").read_text()
    assert max(map(len, result.out.splitlines())) <= 80
    for command in COMMANDS:
        assert f"\n  {command} " in result.out
        assert f"\n.It Cm {command}" in manual


def test_options_may_stand_anywhere(tmp_path: Path) -> None:
    """As people write them."""
    for words in (
        ["--socket", f"{tmp_path}/s", "status", "--json"],
        ["status", f"--socket={tmp_path}/s", "--json"],
        ["--json", "status", "--socket", f"{tmp_path}/s"],
    ):
        with serving(tmp_path / "s", says(line(status()))):
            assert run(CLIENT, *words).document == status()
        (tmp_path / "s").unlink()
