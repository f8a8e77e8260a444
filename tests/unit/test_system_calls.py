"""What an idle daemon asks of the kernel: one reading of buddyinfo, and to be woken again.

On the running kernel, whose free lists others change at any time: of many ticks those count that
saw the text that the tick before them saw. The others may read more.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from commands import DAEMON

TICK_SECONDS = 0.05
ENOUGH = 3
PATIENCE_SECONDS = 20.0
CONFIG = f"""[socket]
path = {{socket}}
[poll]
interval_min_seconds = {TICK_SECONDS}
interval_max_seconds = {TICK_SECONDS}
[remedies]
compact = no
"""
CALL = re.compile(r"\d+ +(?P<name>[a-z0-9_]+)\((?P<rest>.*)")
WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")
READ = re.compile(r'\d+, "(?P<text>(?:[^"\\]|\\.)*)"')


class Tick(NamedTuple):
    """What was called after one wait had run its time, before the next wait."""

    calls: tuple[str, ...]
    seen: str
    """The first text that was read."""


def ticks(trace: str) -> list[Tick]:
    """Cut a trace of all threads at the waits; what was not ended by a wait is left out."""
    found: list[Tick] = []
    calls: list[str] = []
    seen = ""
    timed_out = False
    for line in trace.splitlines():
        call = CALL.match(line)
        if call is None:  # "resumed", an exit, a signal
            continue
        name, rest = call["name"], call["rest"]
        if name in WAITS:
            if timed_out:
                found.append(Tick(tuple(calls), seen))
            calls, seen, timed_out = [], "", rest.endswith("= 0")
            continue
        calls.append(name)
        text = READ.match(rest) if name == "pread64" else None
        if text and not seen:
            seen = text["text"]
    return found


def unchanged(found: list[Tick]) -> list[Tick]:
    """Give the ticks that saw what the one before them saw."""
    return [tick for before, tick in pairwise(found) if tick.seen and tick.seen == before.seen]


def trace_daemon(folder: Path) -> list[Tick]:
    """Trace the daemon until it has lived through enough unchanged ticks, or for long."""
    trace, config = folder / "trace", folder / "oomwatchd.conf"
    config.write_text(CONFIG.format(socket=folder / "socket"))
    # -s: the whole text of buddyinfo, which has one line a zone.
    words = ("strace", "-f", "-qq", "-s", "65536", "-o", str(trace))
    command = (*words, *DAEMON, "--config", str(config))
    # Measuring coverage would add calls of its own.
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    with (
        (folder / "said").open("wb") as said,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment
        ) as process,
    ):
        found: list[Tick] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(unchanged(found)) < ENOUGH and time.monotonic() < deadline:
            time.sleep(10 * TICK_SECONDS)
            assert process.poll() is None, (folder / "said").read_text()
            # Before the first wait it starts, which is no tick.
            found = ticks(trace.read_text())
        os.kill(int(trace.read_text().split(maxsplit=1)[0]), signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    return found


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_an_unchanged_tick_is_one_reading_and_the_wait(tmp_path: Path) -> None:
    """Nothing else: not even a look for the end of the file."""
    found = trace_daemon(tmp_path)
    assert len(found) > ENOUGH
    still = unchanged(found)
    if len(still) < ENOUGH:
        pytest.skip(f"{len(still)} of {len(found)} ticks unchanged: memory is too busy here")
    assert {tick.calls for tick in still} == {("pread64",)}


def test_a_trace_is_cut_at_the_waits() -> None:
    """A tick follows a wait that ran its time; threads and other wakings are told apart."""
    trace = """\
1  execve("python3") = 0
1  pread64(3, "start", 16384, 0) = 5
1  epoll_wait(4, [], 3, 50) = 0
1  pread64(3, "a\\n\\"b", 16384, 0) = 4
1  pread64(5, "other", 16384, 0) = 5
1  epoll_wait(4, [], 3, 50) = 0
1  pread64(3, "a\\n\\"b", 16384, 0) = 4
1  epoll_wait(4 <unfinished ...>
2  futex(0x1, FUTEX_WAIT) = 0
1  <... epoll_wait resumed>, [{EPOLLIN}], 3, 50) = 1
1  read(6, "x", 1) = 1
1  epoll_wait(4, [], 3, 50) = 0
1  pread64(3, "c"
"""
    found = ticks(trace)
    assert [tick.calls for tick in found] == [("pread64", "pread64"), ("pread64",)]
    assert [tick.calls for tick in unchanged(found)] == [("pread64",)]
    assert found[0].seen == 'a\\n\\"b'
