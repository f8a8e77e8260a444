"""The device's own work: a process that holds memory, starts others, and may be killed."""

import json
import os
import random
import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from target.inside.proof.groups import join_application
from target.inside.states import Anonymous, Pipes

_READ_BYTES = 1 << 18
_LOOK_SECONDS = 0.25


class Work:
    """What it does when it is told to, in its own process."""

    def __init__(self, seed: int) -> None:
        """Hold nothing yet."""
        self._chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self._anonymous = Anonymous()
        self._pipes = Pipes(sets=1)

    def take(self, pages: int) -> None:
        """Touch more pages."""
        self._anonymous.take(pages)

    def scatter(self, part: float) -> None:
        """Give back a part of the pages, here and there."""
        self._anonymous.scatter(part, self._chance)

    def fill(self) -> None:
        """Touch all pages again."""
        self._anonymous.fill()

    def fill_pipes(self, pages: int) -> None:
        """Take pages that cannot be moved."""
        self._pipes.take(pages)

    def drain_pipes(self) -> None:
        """Give them back."""
        self._pipes.drain()

    def start(self) -> None:
        """Start a process that stays."""
        os.posix_spawn("/bin/busybox", ["sleep", "100000"], {})

    def read(self, folder: str, first: int, last: int) -> None:
        """Read files of a folder, in an order that chance chooses."""
        files = sorted(os.listdir(folder))
        self._chance.shuffle(files)
        for name in files[first:last]:
            with open(f"{folder}/{name}", "rb", buffering=0) as file:
                while file.read(_READ_BYTES):
                    pass

    def look_at(self, folder: str, first: int, last: int) -> None:
        """Ask for the facts of every file in some of a folder's folders."""
        for name in sorted(os.listdir(folder))[first:last]:
            with os.scandir(f"{folder}/{name}") as entries:
                for entry in entries:
                    entry.stat()


class Application:
    """The process, seen from the one that runs the scenario."""

    def __init__(self, seed: int) -> None:
        """Start it."""
        (to_read, self._write), (self._read, to_write) = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._write)
            os.close(self._read)
            Path("/proc/self/oom_score_adj").write_text("0")
            join_application()
            _obey(Work(seed), to_read, to_write)
        os.close(to_read)
        os.close(to_write)
        self.killed_by: int | None = None
        """The signal that ended it before it was told to end."""

    def do(self, what: str, *arguments: object, meanwhile: Callable[[], object]) -> bool:
        """Have it do something, and listen meanwhile; False where it could not."""
        if self.killed_by is not None:
            return False
        try:
            os.write(self._write, json.dumps([what, *arguments]).encode() + b"\n")
        except BrokenPipeError:
            pass
        while not select.select([self._read], [], [], _LOOK_SECONDS)[0]:
            meanwhile()
        if answer := os.read(self._read, 1):
            return answer == b"."
        _, status = os.waitpid(self.pid, 0)
        self.killed_by = os.waitstatus_to_exitcode(status)
        return False

    def is_alive(self) -> bool:
        """Whether it has not been killed."""
        if self.killed_by is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.killed_by = os.waitstatus_to_exitcode(status)
        return self.killed_by is None

    def end(self) -> None:
        """End it."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def _obey(work: Work, to_read: int, to_write: int) -> None:
    """Do as told, until nobody is there to tell."""
    with os.fdopen(to_read) as orders:
        for line in orders:
            order: list[Any] = json.loads(line)
            try:
                getattr(work, order[0])(*order[1:])
            except OSError:  # no memory: nothing was done
                os.write(to_write, b"-")
                continue
            os.write(to_write, b".")
    os._exit(0)
