"""A thousand clients at once, none of which behaves: whoever asks properly is answered."""

import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from loopbench import FAR, write_memory

CLIENTS = 1000
ASKED = 200
SPEECHES = (
    b"",
    b"sta",
    b"x" * 50_000,
    os.urandom(4000),
    b"\0\n",
    b'{"method":' * 300,
    b"nonsense\n",
    b"status\n",
    b"events\n",
    b"watch\n",
)
PATIENCE_SECONDS = 10.0


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run one on a copied tree; it ends well."""
    write_memory(tmp_path / "root", FAR)
    path = f"{tmp_path}/run/s.sock"
    config = tmp_path / "oomwatchd.conf"
    config.write_text(f"[socket]\npath = {path}\n")
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    with subprocess.Popen(
        [sys.executable, "-m", "oomwatchd", "--config", config, "--root", tmp_path / "root"],
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not os.path.exists(path):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process, path
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_SECONDS) == 0


def descriptors(process: subprocess.Popen[bytes]) -> int:
    """Count what the daemon has open."""
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def connected(path: str) -> socket.socket | None:
    """Connect without waiting; None where too many are waiting already."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        client.connect(path)
    except BlockingIOError:
        client.close()
        return None
    return client


def misbehave(client: socket.socket, chance: random.Random) -> bool:
    """Say something, or nothing; returns whether the client stays."""
    with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
        client.send(chance.choice(SPEECHES))
        if chance.random() < 0.3:
            client.shutdown(socket.SHUT_WR)
    return chance.random() < 0.8


def ask(path: str) -> tuple[float, dict[str, object]]:
    """Ask for the status as the client does: how long that took, and the answer."""
    began = time.monotonic()
    while (client := connected(path)) is None:
        assert time.monotonic() - began < PATIENCE_SECONDS
        time.sleep(0.001)
    with client:
        client.settimeout(PATIENCE_SECONDS)
        client.sendall(b"status\n")
        data = b""
        while part := client.recv(1 << 20):
            data += part
    answer: dict[str, object] = json.loads(data)
    return time.monotonic() - began, answer


def test_status_is_answered_among_a_thousand(
    daemon: tuple[subprocess.Popen[bytes], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each time, and when they have gone as many descriptors are open as before."""
    process, path = daemon
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, CLIENTS + 200), hard))
    chance = random.Random(1)  # noqa: S311 - the same clients each time
    calm = sorted(ask(path)[0] for _ in range(ASKED))
    before = descriptors(process)
    clients: list[socket.socket] = []
    among: list[float] = []
    try:
        for number in range(10 * CLIENTS):
            if len(clients) >= CLIENTS:
                break
            client = connected(path)
            if client is not None:
                if misbehave(client, chance):
                    clients.append(client)
                else:
                    client.close()
            if number % 10 == 0:
                seconds, answer = ask(path)
                assert answer["severity"] == "ok"
                among.append(seconds)
        assert len(clients) == CLIENTS
        assert descriptors(process) <= before + 33
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while descriptors(process) > before:
        assert time.monotonic() < deadline, "descriptors are lost"
        time.sleep(0.05)
    among.sort()
    with capsys.disabled():
        sys.stdout.write(
            f"\nstatus, in ms: calm {1000 * calm[ASKED // 2]:.1f} (at most {1000 * calm[-1]:.1f}), "
            f"among a thousand {1000 * among[len(among) // 2]:.1f} "
            f"(at most {1000 * among[-1]:.1f})\n"
        )
