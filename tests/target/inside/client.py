"""What the client costs: each command from the start of its process to the end, in instructions.

A bare Python that has what any client needs, a socket, is the yardstick. What answers is not the
daemon but a thread here: the same to each run, and on nobody's account.
"""

import json
import os
import pty
import socket
import subprocess
import threading
from collections.abc import Sequence
from statistics import median

from target.inside.meter import Meter

BARE = ("python3", "-I", "-S", "-c", "import _socket")
JSON_COMMANDS = ("status --json", "events --json", "processes --json")
DRAWN = ("status", "events", "processes", "check", "watch")
_SOCKET = "/run/client.sock"
_REPEATS = 5
_EVENT = {
    "event": "headroom_low",
    "priority": 5,
    "boot_id": "0f6e3b9c-8d0b-4b3c-9a53-0c7ed1a3a3f7",
    "monotonic_seconds": 61.5,
    "wall_seconds": 1.8e9,
    "demand": "process",
    "headroom": 12,
    "warning": 15,
    "critical": 3,
    "order": 2,
    "request": "kernel",
    "cause": "fragmentation",
    "lower_bound": False,
    "exhaustion_seconds": None,
    "remedy": "compact",
}
_PROCESS = {
    "pid": 321,
    "name": "gst-launch-1.0",
    "rss_kib": 54321,
    "shared_kib": 1200,
    "oom_score_adj": 0,
}
_MEMORY = {
    "slab_unreclaimable_kib": 8123,
    "page_tables_kib": 1200,
    "kernel_stack_kib": 900,
    "shmem_kib": 4096,
    "cma_total_kib": 16384,
    "cma_free_kib": 8580,
}
_EVENTS, _PROCESSES, _PAST = 64, 10, 60


def costs() -> dict[str, float]:
    """Measure each command: the one in the middle of some."""
    replies = _replies()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(_SOCKET)
    listener.listen()
    threading.Thread(target=_serve, args=(listener, replies), daemon=True).start()
    client = ("oomwatchctl", "--socket", _SOCKET)
    return {
        "bare": _cost(BARE),
        **{words: _cost((*client, *words.split())) for words in (*JSON_COMMANDS, *DRAWN)},
    }


def _replies() -> dict[str, bytes]:
    """Make what a daemon of this device would answer."""
    once = subprocess.run(
        ["oomwatchd", "--once", "--json"], stdout=subprocess.PIPE, check=False
    ).stdout
    status = json.loads(once)
    short = {
        "severity": status["severity"],
        "demands": status["demands"],
        "running": None,
        "page_size": 4096,
        "wall_seconds": 1.8e9,
        "history": {demand["name"]: [100] * _PAST for demand in status["demands"]},
    }
    return {
        "status": once,
        "events": json.dumps({"events": [_EVENT] * _EVENTS}).encode() + b"\n",
        "processes": json.dumps({"processes": [_PROCESS] * _PROCESSES, "memory": _MEMORY}).encode()
        + b"\n",
        # The first frame, and the end.
        "watch": json.dumps({"status": short}).encode() + b"\n",
    }


def _serve(listener: socket.socket, replies: dict[str, bytes]) -> None:
    """Answer for ever."""
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(replies[connection.recv(4096).decode().strip()])


def _cost(words: Sequence[str]) -> float:
    """Measure a command that draws on a terminal."""
    ours, theirs = pty.openpty()
    threading.Thread(target=_drain, args=(ours,), daemon=True).start()
    found = []
    for _ in range(_REPEATS):
        with subprocess.Popen(words, stdout=theirs, stderr=subprocess.DEVNULL) as child:
            # It has ended then, and is still there to be looked at.
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            found.append(Meter(child.pid).instructions())
    return median(found)


def _drain(terminal: int) -> None:
    """Read what is drawn, that nobody has to wait."""
    while os.read(terminal, 65536):
        pass
