"""The proof: what is claimed of failing memory holds for a seed, and a claim can be missed."""

import os
import signal
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from target.disk import make_ext4
from target.guest import Guests, Result, carried_out, end_guests
from target.proof import play as playing
from target.proof.claims import STARTS_LEFT, UNMOVABLE, Claim, Runs, claims
from target.proof.figures import figures, starts_left
from target.proof.play import Plan, Record, Results, make_of, plans_for, play
from target.proof.scenarios import CONTESTANTS, SCENARIOS
from target.proof.table import summary, tables, verdicts

SHORT = tuple(name for name in SCENARIOS if name != "healthy")
"""Ten minutes of health are told of by test_watch."""
ALTERNATING = ("movable", "slab")
PLAYERS = ("nothing", "oomwatchd")


def record(scenario: str = "movable", contestant: str = "nothing", **facts: Any) -> Record:  # noqa: ANN401 - as in JSON
    """Make what a run leaves, with little in it."""
    whole: Record = {
        "scenario": scenario,
        "contestant": contestant,
        "seed": 1,
        "panic": None,
        "timed_out": False,
        "seconds": 100.0,
        "bursts": [],
        "kills": 0,
        "application_killed_by": None,
        "started": 0,
        "started_at_kill": None,
        "alerts": [],
        "events": [],
        "causes": [],
        "remedies": [],
        "instructions": {"contestant": 5_000_000, "kcompactd": 1_000_000, "kswapd": 0},
        "pss_kib": 8000,
        "late_ns": 6000,
        "cached_lost_kib": 0,
        "cma_taken_kib": 0,
        "log": [],
    }
    return whole | facts


def burst(came: int, slowest_ns: int = 8000, available: int = 100) -> Record:
    """Make one burst for 16 blocks."""
    return {
        "kind": "driver",
        "asked": 16,
        "came": came,
        "available": available,
        "slowest_ns": slowest_ns,
    }


def runs_of(*records: Record) -> Runs:
    """Sort them."""
    runs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for one in records:
        runs[one["scenario"], one["contestant"]].append(one)
    return runs


def judged(*records: Record) -> dict[str, bool]:
    """Tell which claims are met."""
    return {claim.what: claim.met for claim in claims(runs_of(*records))}


@pytest.fixture(scope="module")
def runs(guests: Guests, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Play one seed of the shorter scenarios, with the daemon and with nothing.

    Where the first burst alternates from seed to seed, two.
    """
    folder = tmp_path_factory.mktemp("proof")
    disk = folder / "disk"
    make_ext4(disk, small_folders=120)
    results = Results(folder / "results", "now")
    seeds = ((SHORT, 1), (ALTERNATING, 2))
    plans = sorted({plan for names, most in seeds for plan in plans_for(names, PLAYERS, most)})
    play(guests, plans, disk, results, lambda _: None)
    return runs_of(*(results.records[plan] for plan in plans))


@pytest.mark.target
@pytest.mark.parametrize("scenario", SHORT)
def test_what_is_claimed_holds_for_a_seed(runs: Runs, scenario: str) -> None:
    """By the same judges as the whole proof."""
    for played in PLAYERS:
        for one in runs[scenario, played]:
            assert "error" not in one, one["error"]
    found = [claim for claim in claims(runs) if claim.scenario == scenario]
    assert found
    assert all(claim.met for claim in found), f"{verdicts(found)}\n{tables(runs)}"


def test_a_burst_that_fails_with_us_as_without_is_a_claim_missed() -> None:
    """So is one that never fails with nothing: then there was nothing to defend."""
    fails, holds = [burst(3, 80_000_000)], [burst(16)]
    cases = {(True, False): True, (True, True): False, (False, False): False}
    for (theirs, ours), met in cases.items():
        found = judged(
            record(bursts=fails if theirs else holds),
            record(contestant="oomwatchd", bursts=fails if ours else holds),
        )
        assert found["oomwatchd: no failed burst where the undefended run has one"] is met


def test_an_alert_that_leaves_too_few_process_starts_is_a_claim_missed() -> None:
    """Or one of another cause, or without the reason, or none at all."""
    good = {
        "alerts": [[40.0, 50, "headroom_critical demand=process"]],
        "started_at_kill": 50 + STARTS_LEFT,
        "causes": [[40.0, "fragmentation"]],
        "log": [f'50.0 remedy_backed_off why="{UNMOVABLE}"'],
    }
    undefended = record("unmovable")
    assert set(judged(undefended, record("unmovable", "oomwatchd", **good)).values()) == {True}
    bad: tuple[dict[str, Any], ...] = (
        {"started_at_kill": 49 + STARTS_LEFT},
        {"alerts": []},
        {"causes": [[40.0, "reserved"]]},
        {"log": []},
    )
    for change in bad:
        ours = record("unmovable", "oomwatchd", **(good | change))
        assert False in judged(undefended, ours).values()


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    "lost",
    [
        {"panic": "deadlocked"},
        {"timed_out": True},
        {"error": "Traceback", "seconds": 1.0},
        {"contestant_ended": True, "seconds": 100.0},
    ],
    ids=lambda lost: next(iter(lost)),
)
def test_a_run_that_did_not_come_to_its_end_proves_nothing(
    scenario: str, lost: dict[str, Any]
) -> None:
    """The kernel panicked, the guest hung, the scenario failed or the daemon died: no claim met."""
    theirs = record(scenario, kills=1, bursts=[burst(3, 80_000_000)])
    ours = record(scenario, "oomwatchd", bursts=[burst(16)], granted=5, blocks=60)
    broken = {"scenario": scenario, "contestant": "oomwatchd", "seed": 2, "panic": None}
    broken = (ours if "seconds" in lost else broken) | lost | {"seed": 2}
    for records in ([broken], [ours, broken]):
        found = judged(theirs, *records)
        assert found
        assert not any(found.values()), found


def test_what_was_lost_is_shown() -> None:
    """In a column of its own; a panic counts as a kill."""
    lost = {"scenario": "movable", "contestant": "oomwatchd", "panic": None, "timed_out": True}
    panicked = lost | {"panic": "deadlocked", "timed_out": False}
    failed = record(contestant="oomwatchd", error="Traceback")
    found = figures([lost | {"seed": 1}, panicked | {"seed": 2}, failed, record()])
    assert (found.runs, found.panics, found.lost, found.killed_runs) == (4, 1, 2, 1)
    assert "runs without an end" in tables(runs_of(lost | {"seed": 1}))


def test_no_blocks_are_not_three_times_as_many_as_none() -> None:
    """Nor is one."""
    what = "oomwatchd: at least 3 times the atomic blocks at the first burst"
    theirs = record("pagecache", bursts=[burst(0, available=0)])
    for blocks, met in ((0, False), (1, False), (3, True)):
        ours = record("pagecache", "oomwatchd", bursts=[burst(blocks, available=blocks)])
        assert judged(theirs, ours)[what] is met


def test_a_shortage_has_to_be_alerted_of() -> None:
    """That a remedy is under way is no alert."""
    what = "oomwatchd: an alert, cause shortage"
    ours = record("shortage", "oomwatchd", causes=[[1.0, "shortage"]])
    assert judged(record("shortage"), ours)[what] is False
    alerts = [[2.0, 0, "headroom_warning demand=memory"]]
    assert judged(record("shortage"), ours | {"alerts": alerts})[what] is True


def test_a_kill_with_us_as_without_is_a_claim_missed() -> None:
    """One seed is enough; so is that the kernel never kills: then there was nothing to defend."""
    what = "oomwatchd: no kill where the undefended run has one"
    for theirs, ours, met in ((1, 0, True), (1, 1, False), (0, 0, False)):
        seeds = [record("borrowed", kills=theirs), record("borrowed", kills=theirs, seed=2)]
        mine = [
            record("borrowed", "oomwatchd", kills=ours),
            record("borrowed", "oomwatchd", seed=2),
        ]
        assert judged(*seeds, *mine)[what] is met


def test_our_cpu_is_compared_with_earlyooms_where_nothing_is_remedied() -> None:
    """By the second and by the seed."""
    ours = record("shortage", "oomwatchd")
    costs = record("shortage", "earlyoom", seconds=50.0)
    what = "without a remedy: less CPU than earlyoom"
    assert judged(ours, costs)[what] is True
    assert judged(ours | {"seconds": 20.0}, costs)[what] is False
    assert what not in judged(ours | {"remedies": [{"remedy": "compact"}]}, costs)


def test_figures_are_the_middle_of_all_seeds_and_the_worst_of_what_must_not_be() -> None:
    """Blocks and costs in the middle; the slowest allocation and the latest wake-up at worst."""
    found = figures(
        [
            record(
                bursts=[burst(16 - seed, 1000 * seed, 10 * seed)], late_ns=1000 * seed, seed=seed
            )
            for seed in range(3)
        ]
    )
    assert (found.bursts, found.failed_bursts) == (3, 2)
    assert found.failed_seeds == frozenset({1, 2})
    assert (found.first_blocks, found.slowest_ms, found.late_us) == (10, 0.002, 2)


def test_starts_left_need_an_alert_and_an_end() -> None:
    """And processes that were started at all."""
    alerts = [[1.0, 5, "low memory!"]]
    assert starts_left(record(alerts=alerts, started_at_kill=45)) == 40
    assert starts_left(record(alerts=alerts)) is None
    assert starts_left(record(started_at_kill=45)) is None
    assert starts_left(record(alerts=alerts, started_at_kill=0)) is None


def test_runs_in_which_nothing_could_be_started_count() -> None:
    """And those without an alert: what is shown at worst is the worst of all."""
    runs = [record(started=started, seed=started) for started in (0, 0, 20)]
    assert figures(runs).starts == 0
    assert figures(runs[:2]).starts is None
    warned = record(alerts=[[1.0, 5, "low memory!"]], started_at_kill=45)
    assert figures([warned]).starts_left == 40
    assert figures([warned, record(started_at_kill=45, seed=2)]).starts_left == 0
    assert figures([record(started_at_kill=45)]).starts_left is None


def test_tables_leave_out_what_says_nothing() -> None:
    """A scenario without runs, and a column without a word; contestants by their names."""
    text = tables(runs_of(record(bursts=[burst(3)]), record(contestant="earlyoom")))
    assert text.startswith("**(a) movable**")
    assert "failed bursts" in text
    assert "remedies" not in text
    assert "| earlyoom 1.7 |" in text
    assert "(b)" not in text


def test_a_summary_has_a_row_for_each_contestant_and_a_column_for_what_matters() -> None:
    """Of the scenarios that were played."""
    text = summary(
        runs_of(record(bursts=[burst(3)]), record("unmovable", "earlyoom", started_at_kill=9))
    )
    head, _, nothing, earlyoom = text.splitlines()
    assert head == "|  | a: failed bursts | slowest, ms | d: starts left at the alert |"
    assert nothing == "| nothing | 1 of 1 | 0.01 |  |"
    assert earlyoom == "| earlyoom 1.7 |  |  | no alert |"


def test_verdicts_say_what_is_missed() -> None:
    """One line each."""
    met = Claim("movable", "x", met=True, found="1 of 1")
    missed = Claim("slab", "y", met=False, found="0 of 1")
    assert verdicts([met, missed]) == "(a) met    x: 1 of 1\n(b) MISSED y: 0 of 1"


def test_runs_of_another_make_are_played_again(tmp_path: Path) -> None:
    """Those of the same are not."""
    file = tmp_path / "results"
    Results(file, "old").add(record())
    plan = Plan("movable", "nothing", 1)
    assert plan in Results(file, "old").records
    assert plan not in Results(file, "new").records


class Sleeper:
    """Stands for a stage: its guest ends by itself the first time, and never again."""

    def __init__(self, folder: Path, then: Callable[[], None]) -> None:
        """Call `then` when the guest that does not end has started."""
        self.folder, self.then, self.seconds = folder, then, "0"

    def __enter__(self) -> Self:
        """It is ready at once."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was kept."""

    def play(self, _order: str, timeout_seconds: float) -> Result:
        """Carry out a run."""
        seconds, self.seconds = self.seconds, "1000"
        awake = None if seconds == "0" else self.then
        return carried_out(["sleep", seconds], self.folder, timeout_seconds, awake=awake)


def test_every_fifth_run_is_of_another_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guests: Guests
) -> None:
    """What a boot is like is chance too; runs from the same one have it in common."""
    booted: list[str] = []

    def stage(_guests: Guests, _device: str, contestant: str, _disk: Path) -> Sleeper:
        booted.append(contestant)
        return Sleeper(tmp_path, interrupt)

    monkeypatch.setattr(playing, "_stage", stage)
    monkeypatch.setattr(playing, "_played", lambda _, plan: record(**plan._asdict()))
    plans = list(plans_for(["movable"], PLAYERS, 6))
    play(guests, plans, tmp_path, Results(tmp_path / "results", "now"), lambda _: None)
    assert sorted(booted) == sorted(PLAYERS * 2)


def interrupt() -> None:
    """Interrupt this process."""
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("how", "error"), [(interrupt, KeyboardInterrupt), (end_guests, AssertionError)]
)
def test_a_run_that_somebody_ends_is_none(
    how: Callable[[], None],
    error: type[BaseException],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    guests: Guests,
) -> None:
    """Whoever interrupts does not wait for it; those before it are kept."""
    monkeypatch.setattr(playing, "_stage", lambda *_: Sleeper(tmp_path, how))
    results = Results(tmp_path / "results", "now")
    plans = [Plan("movable", "nothing", seed) for seed in (1, 2, 3)]
    with pytest.raises(error):
        play(guests, plans, tmp_path, results, lambda _: None)
    assert set(Results(tmp_path / "results", "now").records) == {plans[0]}


def test_a_line_that_was_not_finished_is_no_run(tmp_path: Path) -> None:
    """It is cut off, or the next run would be a part of it."""
    file = tmp_path / "results"
    Results(file, "now").add(record())
    with file.open("ab") as lines:
        lines.write(b'{"scenario": "movable", "conte')
    results = Results(file, "now")
    assert set(results.records) == {Plan("movable", "nothing", 1)}
    results.add(record(seed=2))
    assert len(Results(file, "now").records) == 2


def make_wheel(file: Path, year: int, text: str = "") -> Path:
    """Make what looks like a wheel of that year."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("module.py", (year, 1, 1, 0, 0, 0)), text)
    return file


def test_a_make_is_what_runs_are_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when it was made; but which device a scenario is played on is a part of it."""
    wheel = make_wheel(tmp_path / "wheel", 2025)
    make = make_of(wheel)
    assert make_of(make_wheel(tmp_path / "wheel", 2026)) == make
    assert make_of(make_wheel(tmp_path / "wheel", 2026, "pass")) != make
    make_wheel(tmp_path / "wheel", 2025)
    monkeypatch.setitem(SCENARIOS, "slab", SCENARIOS["slab"]._replace(device="plain"))
    assert make_of(wheel) != make


def test_who_cannot_be_told_what_a_device_needs_is_not_played_twice() -> None:
    """Where nothing is stated, the daemon without a demand is the daemon."""
    plans = list(plans_for(["movable", "healthy"], list(CONTESTANTS), 2))
    assert Plan("movable", "undemanding", 2) in plans
    assert Plan("healthy", "undemanding", 1) not in plans
    assert Plan("healthy", "oomwatchd", 2) in plans
