"""The hook in the loop: after the remedy, never in its way, and its limit is kept."""

import signal
from pathlib import Path

import pytest
from hooks import FakeProcess
from loopbench import CONFIG, FAR, LOW, START, Bench

from oomwatchd.daemon import hooking
from oomwatchd.settings import Hook, Remedies
from oomwatchd.system.hook import End

HOOK = Hook(("/hook",), floor_blocks=0)
HOOKED = CONFIG._replace(hook=HOOK)
ALARMING = HOOKED._replace(remedies=Remedies(compact=False))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Have plenty free."""
    return Bench(tmp_path, monkeypatch)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> FakeProcess:
    """Have a process that is made up; its runs end as soon as they are looked at."""
    made = FakeProcess()
    monkeypatch.setattr(hooking, "_open_process", lambda _: made)
    return made


def test_what_a_remedy_has_ended_is_told_to_nobody(bench: Bench, process: FakeProcess) -> None:
    """Acting quietly is what the daemon is for."""
    bench.at(START + 50, bench.free(LOW))
    bench.cure = bench.free(FAR)
    bench.run(300, HOOKED)
    assert bench.demand_events() == ["headroom_low", "headroom_recovered"]
    assert process.started == []


def test_what_no_remedy_has_ended_is_told_after_it(bench: Bench, process: FakeProcess) -> None:
    """When a remedy was judged that did not help, and again when all is over."""
    bench.at(START + 50, bench.free(LOW))
    bench.at(START + 400, bench.free(FAR))
    for moment in (200, 650):
        bench.at(START + moment, process.ends)
    bench.run(700, HOOKED)
    assert [run.told for run in process.started] == [("ok", "critical"), ("critical", "ok")]
    ended = [told.at for told in bench.told if told.event == "remedy_finished"]
    begun = [told.at for told in bench.told if told.event == "remedy_started"]
    first = process.started[0].at
    assert len([at for at in begun if at < first]) == len([at for at in ended if at <= first]) > 0


def test_its_limit_is_kept_though_nothing_else_is_due(
    bench: Bench, process: FakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next look is far off, and so is any other chore."""
    bench.at(START + 50, bench.free(LOW))
    looks: list[float] = []
    look = process.look

    def note_look(now: float) -> End | None:
        looks.append(now)
        return look(now)

    monkeypatch.setattr(process, "look", note_look)
    bench.run(120, ALARMING)
    (run,) = process.started
    between = [at for at in looks if run.at < at < run.at + 10]
    assert len(between) >= 15


def test_its_trouble_is_told_and_over(bench: Bench, process: FakeProcess) -> None:
    """As what is amiss always is."""
    bench.at(START + 50, bench.free(LOW))
    bench.at(START + 70, lambda: process.ends("exit status 1"))
    bench.at(START + 90, bench.free(FAR))
    bench.at(START + 300, process.ends)
    bench.run(400, ALARMING)
    (degraded,) = (told for told in bench.told if told.event == "degraded")
    assert degraded.facts["what"] == "hook"
    assert degraded.facts["why"] == "/hook: exit status 1"
    assert degraded.at < START + 90
    assert [told.facts["what"] for told in bench.told if told.event == "restored"] == ["hook"]


def test_a_dry_run_runs_none(bench: Bench, process: FakeProcess) -> None:
    """It changes nothing, and who knows what the command would."""
    bench.at(START + 50, bench.free(LOW))
    bench.run(200, HOOKED, dry_run=True)
    assert "headroom_critical" in bench.demand_events()
    assert process.started == []


def test_a_reload_brings_one(bench: Bench, process: FakeProcess) -> None:
    """No restart is needed."""
    file = bench.root / "oomwatchd.conf"
    file.write_text(
        "[demands]\nbuiltin = no\n[demand process]\norder = 2\nwarning = 16\ncritical = 4\n"
        "[remedies]\ncompact = no\n[hook]\ncommand = /hook\nfloor_blocks = 0\n"
        "[daemon]\nlock_memory = no\nkmsg = no\n"
    )
    bench.at(START + 20, bench.signal(signal.SIGHUP))
    bench.at(START + 50, bench.free(LOW))
    bench.run(200, CONFIG)
    assert bench.facts("config_reloaded")["needs_restart"] in (None, "daemon")
    assert [run.told for run in process.started] == [("ok", "critical")]
