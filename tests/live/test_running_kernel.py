"""The daemon's main job, on the running kernel: memory is really fragmented and compacted."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from audited import AUDITED, between, imported_after_rehearsal

from oomwatchd.ctl.client import ask
from oomwatchd.errors import OomwatchdError
from oomwatchd.mm.fragmentation import fragmentation_index, unusable_index
from oomwatchd.model import pages_in_blocks
from oomwatchd.procfs import buddyinfo, extfrag

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(
        not Path("/proc/sys/vm/compact_memory").exists(), reason="the kernel cannot compact"
    ),
]

OOMWATCHD = [str(Path(sys.executable).with_name("oomwatchd"))]
FRAGMENTER = Path(__file__).with_name("fragmenter.py")
ORDER = 9
PATIENCE_SECONDS = 30.0
ATTEMPTS = 6


class Demand(NamedTuple):
    """A demand that fragmentation made critical, and how much of it compaction can give back."""

    headroom: int
    critical: int
    regainable: int


def _status(*arguments: str) -> dict[str, Any]:
    """Look once."""
    command = [*OOMWATCHD, "--once", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _headroom(config: Path) -> int:
    """Measure the demand `big`."""
    demands = {demand["name"]: demand for demand in _status("--config", str(config))["demands"]}
    headroom: int = demands["big"]["headroom"]
    return headroom


def _write_config(config: Path, critical: int, remedies: str = "") -> None:
    """State the demand; nothing else is watched, so that nothing else is acted on."""
    config.write_text(
        f"[socket]\npath = {config.parent}/oomwatchd.sock\n"
        f"[remedies]\nreclaim = no\ndrop_caches = no\n{remedies}\n"
        "[demands]\nbuiltin = no\n"
        f"[demand big]\norder = {ORDER}\nwarning = {critical}\ncritical = {critical}\n"
    )


def _tried_again(test: Callable[[Path], None]) -> Callable[[Path], None]:
    """Repeat a test that failed: others may have taken or given back memory meanwhile."""

    @wraps(test)
    def repeated(tmp_path: Path) -> None:
        for attempt in range(ATTEMPTS - 1):
            try:
                (tmp_path / f"{attempt}").mkdir()
                return test(tmp_path / f"{attempt}")
            except AssertionError:
                continue
        return test(tmp_path)

    return repeated


@contextmanager
def _short_cpu_lists() -> Iterator[None]:
    """Keep the per-CPU free lists short: since 6.7 they may hold an eighth of a zone.

    What lies there is neither counted as free nor merged into larger blocks, until it is
    given back some seconds later.
    """
    fraction = Path("/proc/sys/vm/percpu_pagelist_high_fraction")
    if not fraction.exists():
        yield
        return
    before = fraction.read_text()
    fraction.write_text("100000")
    try:
        yield
    finally:
        fraction.write_text(before)


@contextmanager
def _fragmented(config: Path) -> Iterator[Demand]:
    """Fragment memory, and state a demand in `config` that only compaction can meet."""
    _write_config(config, 0)
    available_kib = _status()["memory"]["available_kib"]
    mib = min(2048, available_kib // 1024 // 4)
    # Half of it is given back in single pages; compacted, they make this many blocks.
    regainable = (mib // 2 << 20) // (os.sysconf("SC_PAGE_SIZE") << ORDER)
    command = [sys.executable, str(FRAGMENTER), str(_mib_in_small_blocks()), str(mib)]
    with (
        _short_cpu_lists(),
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as fragmenter,
    ):
        assert fragmenter.stdout is not None
        assert fragmenter.stdout.readline() == b"fragmented\n"
        headroom = _headroom(config)
        critical = headroom + regainable // 4
        _write_config(config, critical)
        yield Demand(headroom, critical, regainable)
        fragmenter.communicate(timeout=PATIENCE_SECONDS)


def _mib_in_small_blocks() -> int:
    """Sum the free memory in blocks below the demand's order, which goes out first."""
    zones = buddyinfo.parse(Path("/proc/buddyinfo").read_bytes())
    pages = sum(pages_in_blocks(zone.free_blocks[:ORDER]) for zone in zones)
    return (pages * os.sysconf("SC_PAGE_SIZE") >> 20) + 16


@contextmanager
def _daemon(
    config: Path, *arguments: str, under: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon, and end it as a service manager does."""
    command = [*under, *OOMWATCHD, "--config", str(config), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as daemon:
        try:
            yield daemon
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            assert daemon.wait(timeout=10) == 0


def _lines_until(daemon: subprocess.Popen[bytes], event: bytes) -> list[str]:
    """Read the daemon's log up to an event."""
    assert daemon.stderr is not None
    os.set_blocking(daemon.stderr.fileno(), False)
    text = b""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        text += daemon.stderr.read() or b""
        lines = text.decode().splitlines()
        if any(line.startswith(event.decode()) for line in lines):
            return lines
        assert time.monotonic() < deadline, lines
        assert daemon.poll() is None, f"the daemon has ended after {lines}"
        time.sleep(0.05)


def _facts(line: str) -> dict[str, str]:
    """Read a logged event's facts."""
    return dict(word.split("=", 1) for word in shlex.split(line)[1:])


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@_tried_again
def test_dry_run_decides_but_never_opens_compact_memory(tmp_path: Path) -> None:
    """Under a critical demand a dry-run says what it sees, and the trace shows no act."""
    config = tmp_path / "oomwatchd.conf"
    trace = tmp_path / "trace"
    under = ("strace", "-f", "-o", str(trace), "-e", "trace=open,openat,openat2,write,pwrite64")
    with _fragmented(config), _daemon(config, "--dry-run", under=under) as daemon:
        lines = _lines_until(daemon, b"headroom_critical")
    line = next(line for line in lines if line.startswith("headroom_critical"))
    assert "dry-run" in line
    traced = trace.read_text()
    assert "buddyinfo" in traced, "the trace must have seen the daemon at work"
    assert "compact_memory" not in traced
    assert "drop_caches" not in traced


@_tried_again
def test_a_fragmented_demand_is_compacted_and_the_gain_is_told(tmp_path: Path) -> None:
    """Compaction brings the demand back above critical; log and status show the same gain."""
    config = tmp_path / "oomwatchd.conf"
    with _fragmented(config) as demand, _daemon(config) as daemon:
        lines = _lines_until(daemon, b"remedy_finished")
        status = json.loads(ask(f"{tmp_path}/oomwatchd.sock", b"status\n"))
        found = _headroom(config)
    logged = _facts(next(line for line in lines if line.startswith("remedy_finished")))
    before, after = int(logged["headroom_before"]), int(logged["headroom_after"])
    started = next(line for line in lines if line.startswith("remedy_started"))
    assert _facts(started)["remedy"] == "compact"
    outcome = status["remedies"]["last"][-1]
    assert (outcome["headroom_before"], outcome["headroom_after"]) == (before, after)
    assert outcome["effective"] is (logged["effective"] == "yes") is (after > demand.critical)
    assert status["remedies"]["counts"]["compact"] == 1
    assert before <= demand.critical
    assert after - before >= demand.regainable // 4
    assert after > demand.critical
    # A look of another process, through the kernel's files again, finds the blocks there.
    assert abs(found - after) <= demand.regainable // 4


def _most_of(demand: Demand) -> int:
    """Give a level that compaction can only just meet, whatever else gives memory back."""
    return demand.headroom + demand.regainable * 3 // 4


def _wait_for(condition: Callable[[], object], log: Path) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.005)


@contextmanager
def _logged(config: Path, command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a daemon with its log in a file; it ends well, or was killed."""
    log = config.with_name("log")
    with log.open("wb") as stderr:
        daemon = subprocess.Popen(
            [*command, "--config", str(config), "--log-to", "stderr"], stderr=stderr
        )
    try:
        yield daemon, log
    finally:
        daemon.terminate()
        assert daemon.wait(timeout=10) in (0, -signal.SIGKILL)


@_tried_again
def test_nothing_is_opened_between_a_low_demand_and_its_remedy(tmp_path: Path) -> None:
    """Nor is anything imported for the outcome, evidence, answers and a bad configuration."""
    config = tmp_path / "oomwatchd.conf"
    with _fragmented(config) as demand:
        _write_config(config, 0)
        with _logged(config, [*AUDITED]) as (daemon, log):
            _go_through_a_case(daemon, config, log, _most_of(demand))
    said = log.read_text()
    assert between(said, "config_reloaded", "remedy_finished") == []
    assert "remedy_started remedy=compact" in said
    assert imported_after_rehearsal(said) == []


def _go_through_a_case(
    daemon: subprocess.Popen[bytes], config: Path, log: Path, critical: int
) -> None:
    """Let the daemon compact for a new demand, answer good and bad, and refuse a configuration."""
    socket = f"{config.parent}/oomwatchd.sock"
    _wait_for(lambda: Path(socket).exists(), log)
    ask(socket, b"status\n")
    _write_config(config, critical)
    daemon.send_signal(signal.SIGHUP)
    _wait_for(lambda: "remedy_finished" in log.read_text(), log)
    for request in (b"status\n", b"{\n", b"nonsense\n"):
        with suppress(OomwatchdError):
            ask(socket, request)
    config.write_text("[demand big]\norder = big\n")
    daemon.send_signal(signal.SIGHUP)
    _wait_for(lambda: "config_rejected" in log.read_text(), log)


@_tried_again
def test_compaction_that_is_asked_for_is_answered_with_its_gain(tmp_path: Path) -> None:
    """No demand is low: it is run because somebody asks, and the reply says what it brought."""
    config, socket = tmp_path / "oomwatchd.conf", f"{tmp_path}/oomwatchd.sock"
    with _fragmented(config) as demand:
        _write_config(config, 0)
        with _logged(config, OOMWATCHD) as (_, log):
            _wait_for(Path(socket).exists, log)
            outcome = json.loads(ask(socket, b"compact\n", 150.0))["outcome"]
    gained = outcome["headroom_after"] - outcome["headroom_before"]
    assert 'why="asked for"' in log.read_text()
    assert outcome["effective"] is (gained > outcome["headroom_before"] // 32)
    assert gained >= demand.regainable // 4


@_tried_again
def test_a_kill_does_not_refresh_the_budgets(tmp_path: Path) -> None:
    """Killed as it begins to compact, the next daemon of this boot counts it, and waits."""
    config, socket = tmp_path / "oomwatchd.conf", f"{tmp_path}/oomwatchd.sock"
    with _fragmented(config) as demand:
        _write_config(config, _most_of(demand), "compact_per_hour = 5")
        with _logged(config, OOMWATCHD) as (daemon, log):
            _wait_for(lambda: "remedy_started" in log.read_text(), log)
            daemon.kill()
        with _logged(config, OOMWATCHD) as (_, log):
            _wait_for(lambda: "headroom_critical" in log.read_text(), log)
            status = json.loads(ask(socket, b"status\n"))
    assert status["remedies"]["counts"]["compact"] == 0
    assert status["remedies"]["budget_left"]["compact_per_hour"] == 4
    assert "less than 30 s ago" in log.read_text()


@contextmanager
def _real_time_task() -> Iterator[None]:
    """Have a task that sleeps at the lowest real-time priority."""
    script = (
        "import os, sys\n"
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as task:
        assert task.stdout is not None
        try:
            if not task.stdout.readline():
                pytest.skip("no real-time tasks are permitted here")
            yield
        finally:
            task.communicate(timeout=10)


@_tried_again
def test_beside_a_real_time_task_nothing_is_compacted(tmp_path: Path) -> None:
    """The reason names the task; where the configuration allows it, compaction runs."""
    config = tmp_path / "oomwatchd.conf"
    with _fragmented(config) as demand, _real_time_task():
        _write_config(config, _most_of(demand))
        with _logged(config, OOMWATCHD) as (daemon, log):
            _wait_for(lambda: "headroom_critical" in log.read_text(), log)
            assert "SCHED_FIFO" in log.read_text()
            assert "remedy_started" not in log.read_text()
            _write_config(config, _most_of(demand), "realtime = yes")
            daemon.send_signal(signal.SIGHUP)
            _wait_for(lambda: "remedy_finished" in log.read_text(), log)


def test_indices_equal_the_running_kernels_on_every_zone_and_order(tmp_path: Path) -> None:
    """Debugfs extfrag_index and unusable_index, while buddyinfo stands still."""
    mounted = Path("/sys/kernel/debug/extfrag")
    own = tmp_path / "debug"
    if not mounted.exists():
        own.mkdir()
        subprocess.run(["mount", "-t", "debugfs", "none", str(own)], check=True)
        mounted = own / "extfrag"
    try:
        for _ in range(100):
            before = Path("/proc/buddyinfo").read_bytes()
            fragmentation = (mounted / "extfrag_index").read_bytes()
            unusable = (mounted / "unusable_index").read_bytes()
            if Path("/proc/buddyinfo").read_bytes() == before:
                break
        else:
            pytest.fail("free memory never stood still for three reads")
    finally:
        if own.exists():
            subprocess.run(["umount", str(own)], check=True)
    free_blocks = {(zone.node, zone.zone): zone.free_blocks for zone in buddyinfo.parse(before)}
    for text, ours in ((fragmentation, fragmentation_index), (unusable, unusable_index)):
        indices = extfrag.parse(text)
        assert {(index.node, index.zone) for index in indices} == set(free_blocks)
        for index in indices:
            blocks = free_blocks[index.node, index.zone]
            computed = tuple(ours(blocks, order) for order in range(len(blocks)))
            assert computed == index.index_thousandths
