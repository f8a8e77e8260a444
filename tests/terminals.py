"""A terminal for tests: commands run on a pseudo-terminal, and what would stand on its screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

_PATIENCE_SECONDS = 20.0
_SEQUENCE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])")


class Shown(NamedTuple):
    """What a command wrote to its terminal, how it ended, and what it said on stderr."""

    written: str
    code: int
    err: str


class Terminal:
    """A pseudo-terminal of a size, 0 for one that does not know it."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        """Open it."""
        self._ours, self._theirs = pty.openpty()
        self.resize(columns, lines)
        self.written = b""

    def resize(self, columns: int, lines: int) -> None:
        """Change its size."""
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def run(
        self,
        command: list[str],
        *,
        environment: Mapping[str, str] | None = None,
        until: Callable[[str], bool] | None = None,
        end: signal.Signals | None = None,
    ) -> Shown:
        """Run a command to its end; `until` it has written enough, then it gets a signal."""
        fixed = {"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8", "TZ": "UTC"}
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._theirs,
            stderr=subprocess.PIPE,
            env={**fixed, **(environment or {})},
        ) as child:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while time.monotonic() < deadline:
                ended = child.poll() is not None
                self._read()
                if ended:
                    break
                if until is not None and until(self.text):
                    if end is not None:
                        child.send_signal(end)
                    until = None
            else:
                child.kill()
            assert child.stderr is not None
            err = child.stderr.read().decode()
            self._read()
        return Shown(self.text, child.returncode, err)

    @property
    def text(self) -> str:
        """All that was written, with line breaks as they were written."""
        return self.written.decode().replace("\r\n", "\n")

    def close(self) -> None:
        """Close it."""
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self) -> None:
        """Take what has been written."""
        while select.select([self._ours], [], [], 0.05)[0]:
            self.written += os.read(self._ours, 65536)


class Screen:
    """What a terminal shows: as much of one as the client uses, and nothing is guessed."""

    def __init__(self, columns: int, lines: int) -> None:
        """Begin with an empty one."""
        self._columns, self._height = columns, lines
        self._rows = [[" "] * columns for _ in range(lines)]
        self._row = self._column = 0
        self.cursor_shown = True
        self.coloured = False

    @property
    def lines(self) -> list[str]:
        """The rows down to the last one that is not empty."""
        rows = ["".join(row).rstrip() for row in self._rows]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor, from 0."""
        return self._row, self._column

    def feed(self, written: str) -> "Screen":
        """Draw what was written."""
        at = 0
        while at < len(written):
            sequence = _SEQUENCE.match(written, at)
            if sequence:
                self._obey(sequence[1], sequence[2])
                at = sequence.end()
                continue
            self._put(written[at])
            at += 1
        return self

    def _put(self, letter: str) -> None:
        if letter == "\n":
            assert self._row < self._height - 1, "the screen would scroll"
            self._row, self._column = self._row + 1, 0
        elif letter == "\r":
            self._column = 0
        else:
            assert letter.isprintable(), repr(letter)
            assert self._column < self._columns, "the line would wrap"
            self._rows[self._row][self._column] = letter
            self._column += 1

    def _obey(self, parameters: str, letter: str) -> None:
        blank = " " * (self._columns - self._column)
        if letter == "m":
            self.coloured = parameters not in ("", "0")
        elif parameters == "?25":
            self.cursor_shown = letter == "h"
        elif (parameters, letter) == ("", "H"):
            self._row = self._column = 0
        elif letter in "JK":
            if letter == "J":
                first = 0 if parameters == "2" else self._row + 1
                for row in range(first, self._height):
                    self._rows[row] = [" "] * self._columns
            if parameters != "2":
                self._rows[self._row][self._column :] = list(blank)
        else:
            raise AssertionError(f"unknown sequence {parameters}{letter}")
