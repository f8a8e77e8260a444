"""Makes runs, and keeps what came of each: one line of JSON a run."""

import hashlib
import json
import os
import shlex
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from target.guest import HERE, INSIDE, PROBE, Guests, end_guests
from target.machines import ARM
from target.proof.peers import programs
from target.proof.scenarios import DEVICES, SCENARIOS
from target.staged import Staged

Record = dict[str, Any]
TIMEOUT_SECONDS = 600.0
_SEEDS_A_BOOT = 5
"""Runs that begin with the same moment have much in common, the rest of boots' chances: a stage
is booted anew now and then."""
_LOOK_SECONDS = 0.1
_RIG = tuple(HERE / name for name in ("disk.py", "guest.py", "machines.py", "staged.py"))
"""What of the host's side decides how a guest is made."""


class Plan(NamedTuple):
    """One run."""

    scenario: str
    contestant: str
    seed: int

    @property
    def device(self) -> str:
        """The name of its device."""
        return SCENARIOS[self.scenario].device


class ResultsError(Exception):
    """A file of results that cannot be read or written; one line says why."""


class Results:
    """A file of runs: what is there already need not be played again, if it is of the same make."""

    def __init__(self, file: Path, make: str) -> None:
        """Read what is there; a last line that was not finished is cut off.

        Raises:
            ResultsError: it holds something else, or cannot be read and written.
        """
        self._file, self._make, self._lock = file, make, threading.Lock()
        self.records: dict[Plan, Record] = {}
        self.others = 0
        """Runs of another make, which do not count."""
        try:
            with file.open("ab"):
                data = file.read_bytes()
        except OSError as error:
            raise ResultsError(f"{file}: {(error.strerror or str(error)).lower()}") from None
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                record = json.loads(line)
                plan, is_ours = plan_of(record), record["make"] == make
            except (ValueError, KeyError, TypeError):
                raise ResultsError(f"{file}:{number}: no run of the proof") from None
            if is_ours:
                self.records[plan] = record
            else:
                self.others += 1
        if whole != data:
            if not whole and not data.startswith(b'{"scenario": '):
                raise ResultsError(f"{file}:1: no run of the proof")
            os.truncate(file, len(whole))

    def add(self, record: Record) -> None:
        """Keep one more."""
        with self._lock:
            self.records[plan_of(record)] = record
            # One write: another process may add its own.
            with self._file.open("ab", buffering=0) as file:
                file.write(json.dumps(record | {"make": self._make}).encode() + b"\n")


def plan_of(record: Record) -> Plan:
    """Say which run a record is of."""
    return Plan(record["scenario"], record["contestant"], record["seed"])


def make_of(wheel: Path) -> str:
    """Tell apart what runs are made of: the project's code, the scenarios, the rig and the probe.

    Of a wheel its files count: the times that it holds are those of its making.
    """
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            digest.update(name.encode() + b"\0" + archive.read(name))
    for file in (*_RIG, *sorted(INSIDE.rglob("*.py")), *sorted(PROBE.iterdir())):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    digest.update(repr((DEVICES, {name: one.device for name, one in SCENARIOS.items()})).encode())
    return digest.hexdigest()[:16]


def play(
    guests: Guests, plans: Iterable[Plan], disk: Path, results: Results, told: Callable[[str], None]
) -> None:
    """Play all runs that are not there yet, on as many processors as there are.

    Interrupted, it ends the guests, and keeps the runs that have come to their end.

    Raises:
        BuildError: a guest cannot be built or started here.
    """
    missing = [plan for plan in plans if plan not in results.records]

    def key(plan: Plan) -> tuple[str, str, int]:
        return plan.device, plan.contestant, (plan.seed - 1) // _SEEDS_A_BOOT

    def play_stage(group: list[Plan]) -> str:
        device, contestant, _ = key(group[0])
        with _stage(guests, device, contestant, disk) as stage:
            for plan in group:
                results.add(_played(stage, plan))
        return f"{contestant} on device {device}: {len(group)} runs"

    groups = [list(group) for _, group in groupby(sorted(missing, key=key), key)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        stages = [pool.submit(play_stage, group) for group in groups]
        try:
            for stage in stages:
                told(stage.result())
        except BaseException as error:
            for stage in stages:
                stage.cancel()
            if not isinstance(error, Exception):
                # Who interrupts does not wait for hours; what was ended so is no run.
                while wait(stages, _LOOK_SECONDS).not_done:
                    end_guests()
            raise


def _stage(guests: Guests, device: str, contestant: str, disk: Path) -> Staged:
    """Prepare one contestant on one device."""
    words = [contestant, DEVICES[device].demands]
    script = f"exec python3 -m target.inside.proof.stage {shlex.join(words)}"
    files = programs(guests.cache, contestant)
    return Staged(guests, ARM, script, DEVICES[device].options(disk), files)


def _played(stage: Staged, plan: Plan) -> Record:
    """Play one run."""
    result = stage.play(f"{plan.scenario} {plan.seed}", TIMEOUT_SECONDS)
    (told,) = result.events or [{"console": result.console[-2000:]}]
    return {**plan._asdict(), "panic": result.panic, "timed_out": result.timed_out, **told}


def plans_for(scenarios: Sequence[str], contestants: Sequence[str], seeds: int) -> Iterator[Plan]:
    """List the runs; who is told what a device needs differs only where something is to tell."""
    for scenario in scenarios:
        told = DEVICES[SCENARIOS[scenario].device].demands
        for contestant in contestants:
            if contestant == "undemanding" and not told:
                continue
            for seed in range(1, seeds + 1):
                yield Plan(scenario, contestant, seed)
