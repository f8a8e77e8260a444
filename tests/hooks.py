"""What the tests of the hook share: a folder that is trusted, and a process of the test's own."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from oomwatchd.system.hook import End

_BASES = ("/run", "/root", "/var/lib", os.path.expanduser("~"))


@contextmanager
def trusted_folder() -> Iterator[Path]:
    """Make a folder that nobody else can reach into, as /tmp is not one."""
    for base in map(Path, _BASES):
        chain = [path.resolve() for path in (base, *base.parents)]
        if os.access(base, os.W_OK | os.X_OK) and all(map(_is_ours, chain)):
            made = Path(tempfile.mkdtemp(dir=base.resolve(), prefix="oomwatchd-test-"))
            try:
                yield made
            finally:
                shutil.rmtree(made)
            return
    pytest.skip("no folder here that only root, or we, can write to")


def _is_ours(path: Path) -> bool:
    status = path.stat()
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


def write_script(path: Path, text: str, mode: int = 0o755) -> Path:
    """Write a script for sh."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return path


def children() -> set[str]:
    """List the processes that we have started and not waited for, be they alive or not."""
    found: set[str] = set()
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(FileNotFoundError, ProcessLookupError):
            stat = Path(f"/proc/{name}/stat").read_text(encoding="latin-1")
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                found.add(name)
    return found


class Started(NamedTuple):
    """A run as it was asked for."""

    at: float
    command: Sequence[str]
    environment: Mapping[str, str]

    @property
    def told(self) -> tuple[str, str]:
        """What it was told: from which severity to which."""
        facts = self.environment
        return facts["OOMWATCHD_PREVIOUS_SEVERITY"], facts["OOMWATCHD_SEVERITY"]


class FakeProcess:
    """Takes the place of the hook's process."""

    def __init__(self) -> None:
        """Nothing has been started; everything may be."""
        self.started: list[Started] = []
        self.is_running = False
        self.is_stuck = False
        self.why: str | None = None
        self.error: OSError | None = None
        self.end: End | None = None
        self.is_stopped = False

    def ends(self, trouble: str | None = None) -> None:
        """Let the run end before the next look."""
        self.end = End(self.started[-1].command[0], trouble is None, trouble)

    # What the daemon asks for.

    def handles(self, descriptor: int) -> bool:
        """Have one descriptor."""
        return descriptor == 99

    def refusal(self, _command: Sequence[str]) -> str | None:
        """Refuse, if the test wants it."""
        return self.why

    def may_start_later(self, error: OSError) -> bool:
        """Want of memory passes."""
        return error.errno == 12

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], _timeout: float, now: float
    ) -> None:
        """Start, or fail to."""
        assert not self.is_running
        if self.error is not None:
            raise self.error
        self.started.append(Started(now, command, environment))
        self.is_running = True

    def look(self, _now: float) -> End | None:
        """Give the end that the test has made."""
        end, self.end = self.end, None
        self.is_running = self.is_running and end is None
        return end

    def due_at(self, now: float) -> float:
        """Be looked at again."""
        return now + 0.5

    def rehearse(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Take note of it."""
        self.is_stopped = True
