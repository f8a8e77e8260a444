"""What is asked for, on a clock of the test's own: who gets which answer, and when."""

import os
import signal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from loopbench import CONFIG, FAR, LOW, PROCESS, START, WARNING, Bench, Clients

from oomwatchd.errors import ConfigError
from oomwatchd.model import Action, Process, Remedy
from oomwatchd.policy import STUCK_SECONDS
from oomwatchd.settings import Remedies
from oomwatchd.status.control import Control
from oomwatchd.system.processes import Processes
from oomwatchd.system.replaced import ReplacedFile


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Have plenty free, and clients."""
    made = Bench(tmp_path / "root", monkeypatch)
    made.server = Clients(made)
    return made


def clients(bench: Bench) -> Clients:
    """Give its clients."""
    assert bench.server is not None
    return bench.server


def reply(bench: Bench, number: int = 1) -> dict[str, Any]:
    """Give what a client was answered."""
    return clients(bench).replies[number][1]


# --- Remedies ----------------------------------------------------------------------------------


def test_compaction_is_run_at_once_and_answered_when_it_has_settled(bench: Bench) -> None:
    """The outcome is the one of the status and of the events."""
    clients(bench).asks(50, b"compact")
    clients(bench).asks(60, b"status")
    bench.run(100)
    assert bench.started == [(START + 50, Action(Remedy.COMPACT, None))]
    at, answer = clients(bench).replies[1]
    settled = 51 + CONFIG.poll.settle_seconds
    assert settled <= at <= settled + CONFIG.poll.interval_min_seconds
    outcome = answer["outcome"]
    assert (outcome["remedy"], outcome["effective"]) == ("compact", False)
    last = reply(bench, 2)["remedies"]["last"][-1]
    assert last | {"age_seconds": 0} == outcome | {"age_seconds": 0}
    assert bench.facts("remedy_started")["why"] == "asked for"
    assert bench.facts("remedy_finished")["effective"] is False


def test_who_asks_for_a_second_one_is_told_to_wait(bench: Bench) -> None:
    """The first one gets its answer all the same."""
    clients(bench).asks(50, b"compact")
    clients(bench).asks(50.5, b"compact")
    bench.run(100)
    assert reply(bench, 2)["error"]["code"] == 75
    assert "outcome" in reply(bench, 1)
    assert len(bench.started) == 1


def test_a_remedy_that_does_not_come_back_is_answered_as_busy(bench: Bench) -> None:
    """Nobody waits for ever."""
    bench.run_seconds = None
    clients(bench).asks(50, b"compact")
    bench.run(300)
    at, answer = clients(bench).replies[1]
    assert answer["error"]["code"] == 75
    assert 50 + STUCK_SECONDS <= at <= 50 + STUCK_SECONDS + 1


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_may_not_be_done_is_not_permitted(bench: Bench, *, dry_run: bool) -> None:
    """In a dry-run, or without the lock."""
    clients(bench).asks(50, b"compact")
    bench.run(60, dry_run=dry_run, locked=dry_run)
    assert reply(bench)["error"]["code"] == 77
    assert bench.started == []


def test_what_the_configuration_switches_off_is_not_permitted(bench: Bench) -> None:
    """As the message says."""
    clients(bench).asks(50, b"drop-caches pagecache")
    bench.run(60)
    assert reply(bench)["error"] == {
        "code": 77,
        "message": "drop_pagecache: drop_pagecache is switched off",
    }


def test_dropping_takes_what_is_named(bench: Bench) -> None:
    """Page cache, slab, or both."""
    config = CONFIG._replace(remedies=Remedies(drop_per_hour=3))
    for at, what in ((50, "pagecache"), (60, "slab"), (70, "all")):
        clients(bench).asks(at, b"drop-caches " + what.encode())
    bench.run(100, config)
    wanted = [Remedy.DROP_PAGECACHE, Remedy.DROP_SLAB, Remedy.DROP_ALL]
    assert [action.remedy for _, action in bench.started] == wanted


def test_a_remedy_that_came_by_itself_answers_nobody(bench: Bench) -> None:
    """Only who asked is answered."""
    bench.at(START + 50, bench.free(LOW))
    bench.run(100)
    assert bench.started
    assert clients(bench).replies == {}


# --- Inhibition, configuration, alert ----------------------------------------------------------


def test_while_inhibited_nothing_is_run_and_the_reason_is_told(bench: Bench) -> None:
    """What sleeps is spoken of then; afterwards it is acted for."""
    clients(bench).asks(10, b"inhibit 100")
    bench.at(START + 20, bench.free(LOW))
    clients(bench).asks(40, b"status")
    clients(bench).asks(50, b"watch")
    bench.run(150)
    assert reply(bench) == {"inhibited_until_seconds": 100}
    assert reply(bench, 3)["status"]["inhibited_until_seconds"] == pytest.approx(60)
    assert clients(bench).told[-1][1]["status"]["inhibited_until_seconds"] is None
    status = reply(bench, 2)
    assert status["remedies"]["inhibited_until_seconds"] == pytest.approx(70)
    assert status["remedies"]["why_not"].startswith("inhibited for")
    assert bench.demand_events()[0] == "headroom_critical"
    assert bench.started[0][0] >= START + 110


def test_an_inhibition_can_be_ended(bench: Bench) -> None:
    """By one of no length."""
    clients(bench).asks(10, b"inhibit 1000")
    clients(bench).asks(20, b"inhibit 0")
    bench.at(START + 30, bench.free(LOW))
    bench.run(60)
    assert reply(bench, 2) == {"inhibited_until_seconds": None}
    assert bench.started


def test_a_configuration_that_is_refused_is_answered_with_all_faults(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code 78; the daemon says so as well, and goes on."""

    def load(_: object) -> None:
        raise ConfigError(["a:1: one", "a:2: two"])

    monkeypatch.setattr("oomwatchd.daemon.loop.load", load)
    clients(bench).asks(10, b"reload")
    bench.run(20)
    assert reply(bench)["error"] == {"code": 78, "message": "a:1: one\na:2: two"}
    assert bench.facts("config_rejected")["why"] == "a:1: one; a:2: two"


def test_a_configuration_that_is_taken_is_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the sections that take effect at a start only."""
    changed = CONFIG._replace(socket=CONFIG.socket._replace(group="staff"))
    monkeypatch.setattr("oomwatchd.daemon.loop.load", lambda _: changed)
    clients(bench).asks(10, b"reload")
    bench.run(20)
    assert reply(bench) == {"reloaded": True, "needs_restart": ["socket"]}


def test_levels_that_were_read_anew_hold_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from the next look on: until then the status would give a reason for what is over."""
    too_much = PROCESS._replace(warning=1_000_000, critical=1_000_000)
    monkeypatch.setattr("oomwatchd.daemon.loop.load", lambda _: CONFIG)
    clients(bench).asks(52, b"status")
    clients(bench).asks(53, b"reload")
    clients(bench).asks(53.1, b"status")
    bench.run(60, CONFIG._replace(demands=(too_much,)))
    before, after = reply(bench, 1), reply(bench, 3)
    assert (before["severity"], after["severity"]) == ("critical", "ok")
    assert before["remedies"]["why_not"] == "none helps against unsatisfiable"
    assert after["remedies"]["why_not"] is None


def test_a_test_alert_is_an_event(bench: Bench) -> None:
    """The answer names the sink."""
    clients(bench).asks(10, b"test-alert")
    bench.run(20)
    assert bench.times("test_alert") == [10]
    assert reply(bench) == {"sent": True, "sink": "stderr", "trouble": None}


def test_a_test_alert_that_the_cap_withholds_was_not_sent(bench: Bench) -> None:
    """Who tries an image's alerts would look for it in vain."""
    bench.is_full = True
    clients(bench).asks(10, b"test-alert")
    bench.run(20)
    assert reply(bench) == {
        "sent": False,
        "sink": "stderr",
        "trouble": "withheld, as an hour's lines have gone out",
    }


# --- Those who look on -------------------------------------------------------------------------


def test_the_processes_are_not_read_anew_for_everybody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes the longer the more there are, and the loop has other things to do."""

    def largest(_: Processes) -> tuple[Process, ...]:
        return (Process(int(100 * (bench.now - START)), "read_then", 1, 1, 0),)

    monkeypatch.setattr(Processes, "largest", largest)
    for moment in (50, 50.25, 50.5, 60):
        clients(bench).asks(moment, b"processes")
    bench.run(100)
    pids = [reply(bench, number)["processes"][0]["pid"] for number in (1, 2, 3, 4)]
    assert pids == [5000, 5000, 5050, 6000]


def test_who_watches_sees_each_second_and_each_change(bench: Bench) -> None:
    """Also while all is quiet, and from the moment on when he comes."""
    clients(bench).asks(50.25, b"watch")
    bench.at(START + 55.5, bench.free(WARNING))
    bench.run(60)
    at, first = clients(bench).replies[1]
    assert at == 50.25
    assert first["status"]["history"]["process"]
    moments = [at for at, _ in clients(bench).told]
    assert moments[0] == 50.25
    assert all(later - earlier <= 1 for earlier, later in pairwise(moments))
    last = clients(bench).told[-1][1]["status"]
    assert last["severity"] == "warning"
    (demand,) = last["demands"]
    assert (demand["name"], demand["headroom"], demand["said"]) == ("process", 10, None)
    assert "history" not in last


def test_nobody_watching_costs_nothing(bench: Bench) -> None:
    """Without one the pauses are as long as they may be."""
    before = bench.run(100)
    assert before is not None
    alone = bench.waits
    assert alone <= 15


def status_file(bench: Bench) -> Path:
    """Have a status file."""
    path = bench.root.parent / "status"
    bench.status_file = ReplacedFile(str(path), b"schema=")
    return path


def facts_of(path: Path) -> dict[str, str]:
    """Read the file as a script would."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_the_status_file_follows_what_is_so(bench: Bench) -> None:
    """Severity, cause, what was said and the last remedy; headroom is of that moment."""
    path = status_file(bench)
    seen: list[dict[str, str]] = []
    look = lambda: seen.append(facts_of(path))  # noqa: E731 - at several moments
    bench.at(START + 40, look)
    bench.at(START + 50, bench.free(LOW))
    bench.at(START + 51, look)
    bench.cure = bench.free(FAR)
    bench.at(START + 200, look)
    bench.run(250)
    calm, low, healed = seen
    assert (calm["severity"], calm["demands"], calm["remedy_last"]) == ("ok", "process", "")
    assert (low["severity"], low["demand_process_cause"]) == ("critical", "fragmentation")
    assert (low["demand_process_headroom"], low["remedy_running"]) == ("0", "compact")
    assert low["demand_process_said"] == "headroom_low"
    assert (healed["severity"], healed["remedy_running"]) == ("ok", "")
    assert (healed["remedy_last"], healed["remedy_last_effective"]) == ("compact", "yes")
    assert healed["demand_process_said"] == "headroom_recovered"


def test_what_the_fifo_is_told_in_vain_is_told_though_nothing_changes(bench: Bench) -> None:
    """At once, and in the status file: there is no reply, and perhaps no room for a process."""
    path = status_file(bench)
    control = Control(str(bench.root.parent / "control"))
    bench.control = control
    seen: list[str] = []
    for moment, request in ((50, b"relaod\n"), (60, b"compact 7\n"), (70, b"inhibit 0\n")):
        bench.at(START + moment, partial(os.write, control.fileno(), request))
        bench.at(START + moment, lambda: bench.wake(control.fileno()))
        bench.at(START + moment + 0.1, lambda: seen.append(facts_of(path)["degraded"]))
    bench.run(100)
    control.close()
    assert seen == ["control", "control", ""]
    assert (bench.times("degraded"), bench.times("restored")) == ([50], [70])


def test_a_status_file_that_cannot_be_written_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; and when it can be again."""
    path = status_file(bench)
    assert bench.status_file is not None
    write = bench.status_file.write

    def refuse(text: bytes) -> bool:
        if bench.now < START + 30:
            raise OSError(28, "No space left on device")
        return bool(write(text))

    monkeypatch.setattr(bench.status_file, "write", refuse)
    bench.at(START + 40, bench.free(WARNING))
    bench.at(START + 90, bench.signal(signal.SIGTERM))
    bench.run(100)
    told = [told for told in bench.told if told.facts.get("what") == "status_file"]
    assert [told.event for told in told] == ["degraded", "restored"]
    assert "no space left" in str(told[0].facts["why"])
    assert facts_of(path)["severity"] == "warning"
