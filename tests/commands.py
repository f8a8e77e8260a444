"""Running the installed commands as a user does."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

TIMEOUT_SECONDS = 10
CONFIG = Path(__file__).parents[1] / "config" / "oomwatchd.conf"
"""The shipped file, which says nothing: so that a test does not read this machine's own."""


def _installed(name: str, fallback: list[str]) -> list[str]:
    """Give the console command beside this interpreter, or what runs the same."""
    command = Path(sys.executable).with_name(name)
    return [str(command)] if command.exists() else [sys.executable, *fallback]


DAEMON = _installed("oomwatchd", ["-m", "oomwatchd"])
CLIENT = _installed("oomwatchctl", ["-m", "oomwatchd.ctl"])


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON object that was printed."""
        parsed = json.loads(self.out, parse_constant=_no_json)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def is_clean(self) -> bool:
        """Whether nothing of Python's own reached the user."""
        return not any(
            trace in text
            for trace in ("Traceback", "Exception ignored", "Error:", ".py")
            for text in (self.out, self.err)
        )

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        assert self.is_clean, self.err
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        return self.err.removesuffix("\n")


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def run(command: list[str], *arguments: str, stdout: int = subprocess.PIPE) -> Result:
    """Run a command to its end; it must not take long, and nothing is on its stdin."""
    done = subprocess.run(
        [*command, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Result(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())


def look(root: Path | str, *arguments: str, under: Sequence[str] = ()) -> Result:
    """Run `--once --json` on a root, under another command if one is given."""
    return run(
        [*under, *DAEMON],
        *("--config", str(CONFIG), "--once", "--json", "--root", str(root), *arguments),
    )
