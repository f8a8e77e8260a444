"""The daemon and its service manager, over a real socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from loopbench import FAR, LOW, write_memory

WATCHDOG_USEC = 2_000_000
CONFIG = """[poll]
interval_max_seconds = 10
hold_seconds = 0
[demands]
builtin = no
[demand process]
order = 2
warning = 16
critical = 4
"""


class Manager:
    """Listens to one daemon on a copied tree."""

    def __init__(self, folder: Path) -> None:
        """Listen, and have plenty free."""
        self.address = folder / "notify"
        self.root = folder / "root"
        self.config = folder / "oomwatchd.conf"
        self.config.write_text(CONFIG)
        self.heard: list[tuple[float, bytes]] = []
        write_memory(self.root, FAR)
        self.listen()

    def listen(self) -> None:
        """Make the socket."""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.address))

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the daemon."""
        environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
        environment |= {
            "NOTIFY_SOCKET": str(self.address),
            "WATCHDOG_USEC": str(WATCHDOG_USEC),
        }
        words = ("--config", str(self.config), "--root", str(self.root), "--log-to", "stderr")
        with subprocess.Popen(
            [sys.executable, "-m", "oomwatchd", *words], env=environment, stderr=subprocess.PIPE
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def hear(self, part: bytes, seconds: float = 15) -> bytes:
        """Wait for a message with that part."""
        deadline = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            message = self.socket.recv(8192)
            self.heard.append((time.monotonic(), message))
            if part in message:
                return message

    def said(self, part: bytes) -> list[float]:
        """Say when messages with that part were heard."""
        return [at for at, message in self.heard if part in message]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Listen."""
    made = Manager(tmp_path)
    yield made
    made.socket.close()


def test_a_whole_life_is_told(manager: Manager) -> None:
    """Ready with the first look's result, alive, reloading, ready again, low, stopping."""
    with manager.daemon() as daemon:
        ready = manager.hear(b"")
        assert ready.startswith(b"READY=1\nSTATUS=ok, 1 demands watched")
        manager.hear(b"WATCHDOG=1")
        daemon.send_signal(signal.SIGHUP)
        reloading = manager.hear(b"RELOADING=1")
        assert 0 < int(reloading.partition(b"MONOTONIC_USEC=")[2]) <= time.monotonic_ns() // 1000
        assert manager.hear(b"READY=1").startswith(b"READY=1\n")
        manager.config.write_text("[poll]\nhold_seconds = soon\n")
        daemon.send_signal(signal.SIGHUP)
        manager.hear(b"RELOADING=1")
        assert b"refused" in manager.hear(b"READY=1")
        write_memory(manager.root, LOW)
        # It may have looked while only some of the files were written.
        manager.hear(b"STATUS=process critical")
        daemon.send_signal(signal.SIGTERM)
        manager.hear(b"STOPPING=1")
        assert daemon.wait(timeout=5) == 0


def test_an_idle_daemon_is_alive_to_its_manager(manager: Manager) -> None:
    """It looks once in ten seconds, but is heard at least twice in each watchdog time.

    Nothing changes, so that no status is sent again.
    """
    with manager.daemon():
        manager.hear(b"READY=1")
        for _ in range(5):
            manager.hear(b"WATCHDOG=1", seconds=WATCHDOG_USEC / 1e6)
    assert len(manager.said(b"STATUS=")) == 1
    assert manager.said(b"WATCHDOG=1")[-1] - manager.said(b"WATCHDOG=1")[0] > 3


def test_a_manager_that_is_full_or_gone_is_survived_and_found_again(manager: Manager) -> None:
    """Nobody reads: it goes on. The socket vanishes and comes back: it is told again."""
    with manager.daemon() as daemon:
        manager.hear(b"READY=1")
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as filler,
            suppress(BlockingIOError),
        ):
            while True:
                filler.sendto(b"noise", str(manager.address))
        write_memory(manager.root, LOW)
        assert daemon.stderr is not None
        while b"what=notify" not in (line := daemon.stderr.readline()):
            assert line
        manager.socket.close()
        manager.address.unlink()
        manager.listen()
        manager.hear(b"WATCHDOG=1")
        daemon.send_signal(signal.SIGTERM)
        manager.hear(b"STOPPING=1")
        assert daemon.wait(timeout=5) == 0
