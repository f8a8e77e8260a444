"""The libraries: little of them is resident, and the oldest that are allowed will do."""

import configparser
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from loopbench import LOW, write_memory

OLDEST = Path(sys.prefix) / "oldest"
SETUP = Path(__file__).parents[2] / "setup.cfg"
_LOG = (
    "from oomwatchd.alerts.log import Log; from oomwatchd.settings import Alerts; import sys; "
    "log = Log('stderr', Alerts(), None); log('test_alert', why='asked for'); "
)
_SPARED = (
    *("asyncio", "ssl", "rich", "inspect", "dataclasses", "ast", "datetime", "uuid"),
    *("logging", "traceback", "tokenize", "pickle", "copy"),
)
"""What must not be resident for the sake of a log."""


def run(code: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python, with other libraries first on its path."""
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("path", [None, OLDEST], ids=["newest", "oldest"])
def test_an_event_takes_little_of_structlog(path: Path | None) -> None:
    """Neither what its unused parts import, nor those parts; a second import gets them all."""
    code = (
        f"{_LOG} print([name for name in {_SPARED} if name in sys.modules]); "
        "import logging; logging.traceback.format_exc()"
    )
    done = run(f"{code}; import structlog.dev; print(structlog.dev.ConsoleRenderer.__name__)", path)
    assert done.stdout == "[]\nConsoleRenderer\n", done.stderr
    assert done.stderr.rstrip().endswith('test_alert why="asked for"')


@pytest.mark.parametrize("path", [None, OLDEST], ids=["newest", "oldest"])
def test_a_structlog_that_will_have_all_of_its_parts_gets_them(path: Path | None) -> None:
    """A later version may look closer at what it imports: then it is imported as it is."""
    code = "import oomwatchd.lean as lean; lean._Nothing.__call__ = None; "
    code += f"{_LOG} print('structlog.dev' in sys.modules, 'asyncio' in sys.modules)"
    done = run(code, path)
    assert done.stdout == "True False\n", done.stderr
    assert done.stderr.rstrip().endswith('test_alert why="asked for"')


@pytest.mark.parametrize("path", [None, OLDEST], ids=["newest", "oldest"])
@pytest.mark.parametrize("odd", ["", "import oomwatchd.lean as lean; lean.StandIn = None; "])
def test_psutil_lists_processes_without_what_it_does_not_need(path: Path | None, odd: str) -> None:
    """And with it, where it will not be imported otherwise."""
    code = (
        f"import os, sys; {odd}from oomwatchd.system.processes import Processes; "
        "there = [name for name in ('subprocess', 'datetime') if name in sys.modules]; "
        "found = Processes().largest(); "
        "print(there, len(found), found[0].rss_kib > 0, 'subprocess' in sys.modules)"
    )
    done = run(code, path)
    before, count, has_size, after = done.stdout.split()
    assert (before, has_size, after) == ("[]", "True", str(bool(odd))), done.stderr
    assert int(count) > 1


def test_without_structlog_it_says_so() -> None:
    """The import's own error, whatever was tried."""
    done = run(f"import sys; sys.modules['structlog'] = None; {_LOG}")
    assert "ModuleNotFoundError: import of structlog halted" in done.stderr


def test_the_oldest_versions_are_those_that_are_allowed() -> None:
    """What is tested is what setup.cfg states."""
    options = configparser.ConfigParser()
    options.read(SETUP)
    stated = options["options"]["install_requires"] + options["options.extras_require"]["processes"]
    wanted = {tuple(line.split(">=")) for line in stated.split() if ">=" in line}
    there = {(one.name, one.version) for one in distributions(path=[str(OLDEST)])}
    assert {(name, _release(version)) for name, version in wanted} == {
        (name, _release(version)) for name, version in there
    }


def _release(version: str) -> str:
    """Give a version without zeros at its end."""
    return version.removesuffix(".0")


def test_the_daemon_runs_with_the_oldest(tmp_path: Path) -> None:
    """It starts, tells of a low demand with its evidence, and stops."""
    write_memory(tmp_path, LOW)
    config = tmp_path / "oomwatchd.conf"
    config.write_text("[demand big]\norder = 4\nwarning = 8\ncritical = 4\n")
    code = (
        "import signal, sys, oomwatchd.daemon.loop as loop\n"
        "from oomwatchd.daemon.main import main\n"
        "report = loop.Daemon._report\n"
        "def once(self, *arguments):\n"
        "    report(self, *arguments); signal.raise_signal(signal.SIGTERM)\n"
        "loop.Daemon._report = once\n"
        f"sys.argv = ['oomwatchd', '--config', {str(config)!r}, '--root', {str(tmp_path)!r}]\n"
        "code = main(); import structlog, psutil; print(code, psutil.__version__); sys.exit(code)"
    )
    done = run(code, OLDEST)
    assert done.stdout == "0 5.9.4\n", done.stderr
    assert "headroom_critical demand=big" in done.stderr
