"""Runs what is to be measured, as a service manager or a user would."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from target.inside.meter import Meter

EARLYOOM = ("/job/earlyoom", "-r", "0")
"""Without reports: polling alone is compared."""
_CONFIG = "/run/oomwatchd.conf"
_SOCKET = "/run/oomwatchd.sock"
_SETTLE_SECONDS = 15.0


@contextmanager
def process(words: Sequence[str]) -> Iterator[Meter]:
    """Run a command for a while; it is measured when it has settled."""
    with (
        open("/out/said", "ab") as said,
        subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT) as child,
    ):
        time.sleep(_SETTLE_SECONDS)
        if child.poll() is not None:
            raise RuntimeError(f"{words[0]} has ended with {child.returncode}")
        yield Meter(child.pid)
        child.terminate()


@contextmanager
def daemon(tick_seconds: float | None = None) -> Iterator[Meter]:
    """Run the daemon with a socket; a tick comes as often as it chooses, or as told."""
    keys = ("interval_min_seconds", "interval_max_seconds") if tick_seconds else ()
    poll = "".join(f"{key} = {tick_seconds}\n" for key in keys)
    Path(_CONFIG).write_text(f"[socket]\npath = {_SOCKET}\n[poll]\n{poll}")
    with process(["oomwatchd", "--config", _CONFIG]) as meter:
        yield meter
