"""The hook in the daemon: what the command is told, what is counted, what is said to be wrong."""

import errno
import json
import math
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import make_assessment, make_kernel, make_reading, make_zone
from commands import CONFIG
from hooks import FakeProcess, children, trusted_folder, write_script

from oomwatchd import policy
from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.daemon import hooking
from oomwatchd.daemon.environment import environment
from oomwatchd.daemon.hooking import Hooking
from oomwatchd.model import Action, Cause, Demand, Outcome, Remedy, Request, Severity
from oomwatchd.policy import Limits, State, Word
from oomwatchd.policy.notice import RETRY_SECONDS, SPACING_SECONDS, Notice
from oomwatchd.settings import Hook, Poll, Remedies

COMMAND = ("/etc/oomwatchd/hook", "now")
HOOK = Hook(COMMAND, floor_blocks=0)
PATIENCE_SECONDS = 20.0
CRITICAL_WORD = {"process": Word.CRITICAL}


def a_state(words: dict[str, Word] | None = None) -> State:
    """Make a state in which so much was said."""
    return policy.initial()._replace(words=CRITICAL_WORD if words is None else words)


def with_blocks(*readings: Reading, free: int, page_size: int = 4096) -> Assessment:
    """Make an assessment with so many free blocks of order 2, and memory to take them from."""
    blocks = (0, 0, free, *[0] * 8)
    zone = make_zone(blocks, free_blocks_by_type={"Unmovable": blocks}, free_pages=100_000)
    assessment = make_assessment(*(readings or (make_reading(2),)))
    system = assessment.system._replace(zones=(zone,))
    kernel = make_kernel(page_size=page_size)
    return assessment._replace(kernel=kernel, system=system)


def whys(hooked: Hooking) -> list[str]:
    """Say what is wrong with the hook."""
    assert all(problem.what == "hook" for problem in hooked.problems)
    return [problem.why for problem in hooked.problems]


class Fake:
    """The glue with a process that is made up."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, hook: Hook = HOOK, *, acting: bool = True
    ) -> None:
        """Nothing has been said."""
        self.process = FakeProcess()
        monkeypatch.setattr(hooking, "_open_process", lambda _: self.process)
        self.hooking = Hooking(hook, acting=acting, epoll=None)  # type: ignore[arg-type] # never asked
        self.now = 1000.0

    def says(
        self, word: Word, assessment: Assessment | None = None, *, after: float = 60.0
    ) -> list[str]:
        """Let it be said; gives what is wrong then."""
        self.now += after
        seen = assessment or make_assessment(make_reading(2))
        self.hooking.note(a_state({"process": word}), seen, self.now)
        return self.whys

    def chore(self, now: float) -> float:
        """Let it do what is due, no remedy having been started; gives when something is again."""
        return self.hooking.chore(policy.initial(), now)

    @property
    def whys(self) -> list[str]:
        """Say what is wrong."""
        return whys(self.hooking)

    def ends(self, trouble: str | None = None) -> bool:
        """Let the run end, and take note of it; whether that calls for a tick."""
        self.process.ends(trouble)
        self.hooking.take(self.now)
        return self.hooking.has_news


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Have a command, and no floor."""
    return Fake(monkeypatch)


# --- What is wrong -----------------------------------------------------------------------------


def test_a_bad_end_is_told_until_a_run_is_good(fake: Fake) -> None:
    """And counted."""
    assert fake.says(Word.CRITICAL) == []
    assert fake.ends("exit status 1")
    assert fake.whys == ["/etc/oomwatchd/hook: exit status 1"]
    assert fake.says(Word.WARNING) == ["/etc/oomwatchd/hook: exit status 1"]
    assert fake.ends()
    assert fake.whys == []
    assert (fake.hooking.runs, fake.hooking.failed) == (2, 1)
    fake.says(Word.WARNING)
    assert not fake.hooking.has_news, "that tick has told of it"
    assert not fake.ends(), "an end that is good as the last was is no news"


def test_a_command_that_cannot_be_trusted_is_told_from_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before it is ever needed; looked at again before each run, and never run."""
    fake = Fake(monkeypatch)
    why = fake.process.why = "/etc: others than its owner may write to it"
    fake.hooking.reconfigure(HOOK)
    assert fake.whys == [why]
    fake.says(Word.CRITICAL)
    assert (fake.process.started, fake.hooking.runs, fake.hooking.failed) == ([], 0, 1)
    # Nobody is told of it later.
    fake.process.why = None
    assert fake.says(Word.CRITICAL) == [why]
    assert fake.process.started == []
    assert fake.says(Word.WARNING) == []
    assert [run.told for run in fake.process.started] == [("critical", "warning")]


def test_what_was_trusted_is_looked_at_again_before_each_run(fake: Fake) -> None:
    """It may have been changed since."""
    fake.says(Word.CRITICAL)
    fake.ends()
    fake.process.why = "/etc/oomwatchd/hook: belongs to uid 1000"
    assert fake.says(Word.WARNING) == [fake.process.why]
    assert len(fake.process.started) == 1


def test_a_start_that_fails_for_good_is_told_and_not_tried_again(fake: Fake) -> None:
    """The next change is."""
    fake.process.error = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    (why,) = fake.says(Word.CRITICAL)
    assert why == "/etc/oomwatchd/hook: cannot be started: no such file or directory"
    assert fake.chore(fake.now + 1000) == math.inf
    assert (fake.hooking.runs, fake.hooking.failed) == (0, 1)


def test_a_start_that_fails_for_want_of_memory_is_tried_again(fake: Fake) -> None:
    """Without another look, too."""
    fake.process.error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    (why,) = fake.says(Word.CRITICAL)
    assert why == "/etc/oomwatchd/hook: cannot be started: cannot allocate memory"
    assert fake.chore(fake.now) == fake.now + RETRY_SECONDS
    assert fake.hooking.failed == 1
    fake.process.error = None
    fake.chore(fake.now + RETRY_SECONDS)
    assert [run.told for run in fake.process.started] == [("ok", "critical")]
    fake.ends()
    assert fake.whys == []


def test_a_run_that_does_not_even_die_is_told(fake: Fake) -> None:
    """Nothing else is run beside it."""
    fake.says(Word.CRITICAL)
    fake.process.is_stuck = True
    (why,) = fake.says(Word.WARNING)
    assert why == "the last run was killed and does not end: no more are run"
    assert len(fake.process.started) == 1


def test_what_could_not_be_opened_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon goes on without a hook; a reload tries again."""

    def fail(_: object) -> FakeProcess:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    fake = Fake(monkeypatch, Hook())
    monkeypatch.setattr(hooking, "_open_process", fail)
    fake.hooking.reconfigure(HOOK)
    (why,) = fake.says(Word.CRITICAL)
    assert why == "no command can be run: too many open files"
    assert fake.chore(fake.now) == math.inf
    monkeypatch.setattr(hooking, "_open_process", lambda _: fake.process)
    fake.hooking.reconfigure(HOOK)
    assert fake.whys == []
    fake.says(Word.WARNING)
    assert [run.told for run in fake.process.started] == [("critical", "warning")]


# --- The floor ---------------------------------------------------------------------------------


def test_below_the_floor_it_is_held_back_until_there_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process start is what would fail, or make the kernel kill; counted once."""
    fake = Fake(monkeypatch, Hook(COMMAND, floor_blocks=16))
    for _ in range(3):
        (why,) = fake.says(Word.CRITICAL, with_blocks(free=15))
    assert why == "held back: 15 of 16 blocks of order 2 that a start must find"
    assert (fake.process.started, fake.hooking.suppressed) == ([], 1)
    assert fake.chore(fake.now) == math.inf
    assert fake.says(Word.CRITICAL, with_blocks(free=16)) == []
    assert [run.told for run in fake.process.started] == [("ok", "critical")]
    assert fake.hooking.suppressed == 1


def test_what_is_over_before_there_is_enough_is_never_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor is it said any more that something is held back."""
    fake = Fake(monkeypatch, Hook(COMMAND, floor_blocks=16))
    fake.says(Word.CRITICAL, with_blocks(free=2))
    assert fake.says(Word.RECOVERED, with_blocks(free=2)) == []
    assert fake.says(Word.RECOVERED, with_blocks(free=200)) == []
    assert (fake.process.started, fake.hooking.suppressed, fake.hooking.coalesced) == ([], 1, 1)


def test_what_is_not_known_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """But where there is no floor nothing has to be known."""
    blind = with_blocks(free=100)
    zones = tuple(zone._replace(watermarks=None) for zone in blind.system.zones)
    blind = blind._replace(system=blind.system._replace(zones=zones))
    fake = Fake(monkeypatch, Hook(COMMAND, floor_blocks=1))
    (why,) = fake.says(Word.CRITICAL, blind)
    assert why.startswith("held back: an unknown number of 1 blocks")
    fake = Fake(monkeypatch, HOOK)
    assert fake.says(Word.CRITICAL, blind) == []
    assert len(fake.process.started) == 1


def test_larger_pages_make_smaller_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """16 KiB is what is looked for, however many pages that is."""
    fake = Fake(monkeypatch, Hook(COMMAND, floor_blocks=1_000_000))
    (why,) = fake.says(Word.CRITICAL, with_blocks(free=5, page_size=65536))
    assert why.endswith("of 1000000 blocks of order 0 that a start must find")


# --- Where none is run -------------------------------------------------------------------------


def test_a_daemon_that_does_not_act_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a dry-run, or on copied files; and nothing is wrong with that."""
    fake = Fake(monkeypatch, acting=False)
    fake.process.why = "not even looked at"
    fake.hooking.reconfigure(HOOK)
    assert fake.says(Word.CRITICAL) == []
    assert fake.chore(fake.now) == math.inf
    assert not fake.hooking.handles(99)
    fake.hooking.take(fake.now)
    assert not fake.hooking.has_news
    fake.hooking.rehearse(make_assessment())
    fake.hooking.stop()
    assert (fake.process.started, fake.process.is_stopped) == ([], False)


def test_a_command_that_comes_with_a_reload_is_told_of_the_next_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not of what was before it came."""
    fake = Fake(monkeypatch, Hook())
    fake.says(Word.CRITICAL)
    fake.hooking.reconfigure(HOOK)
    fake.says(Word.CRITICAL)
    assert fake.process.started == []
    fake.says(Word.WARNING)
    assert [run.told for run in fake.process.started] == [("critical", "warning")]
    assert fake.hooking.coalesced == 0


def test_a_command_that_goes_with_a_reload_is_not_run(fake: Fake) -> None:
    """What it is doing it may end; what waits is told to nobody."""
    fake.says(Word.CRITICAL)
    fake.says(Word.WARNING)
    fake.hooking.reconfigure(Hook())
    assert fake.chore(fake.now + 100) < math.inf, "its end and its limit are looked for"
    fake.ends("exit status 1")
    assert fake.whys[0] == "/etc/oomwatchd/hook: exit status 1"
    assert fake.chore(fake.now + 100) == math.inf
    assert len(fake.process.started) == 1


def test_another_command_is_told_what_still_waits(fake: Fake) -> None:
    """Trouble with the one before is over with it."""
    fake.says(Word.CRITICAL)
    fake.says(Word.WARNING)
    fake.ends("exit status 1")
    fake.hooking.reconfigure(HOOK)
    assert len(fake.whys) == 1, "a reload of the same settings changes nothing"
    fake.hooking.reconfigure(Hook(("/other",), floor_blocks=0))
    assert fake.whys == []
    fake.chore(fake.now)
    assert fake.process.started[-1].command == ("/other",)
    assert fake.process.started[-1].told == ("critical", "warning")


def test_a_stop_is_handed_on_once(fake: Fake) -> None:
    """Whatever is asked afterwards."""
    fake.hooking.stop()
    fake.hooking.stop()
    assert fake.process.is_stopped
    assert fake.chore(fake.now) == math.inf


def test_what_a_tick_could_not_tell_calls_for_another(fake: Fake) -> None:
    """It lists what is wrong, and only then finds the command refused."""
    fake.process.why = "/etc: belongs to uid 1000"
    fake.says(Word.CRITICAL)
    assert fake.hooking.has_news
    fake.says(Word.CRITICAL)
    assert not fake.hooking.has_news


def test_other_figures_are_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where little is free it is another number at each look, and no tick should follow at once."""
    fake = Fake(monkeypatch, Hook(COMMAND, floor_blocks=16))
    fake.says(Word.CRITICAL, with_blocks(free=15))
    assert fake.hooking.has_news
    for free in (14, 13, 12):
        (why,) = fake.says(Word.CRITICAL, with_blocks(free=free))
        assert why.startswith(f"held back: {free} of 16")
        assert not fake.hooking.has_news


def test_it_is_said_when_to_look_again(fake: Fake) -> None:
    """After what was noted too, which may have been a start: its limit must be kept."""
    seen = make_assessment(make_reading(2))
    assert fake.hooking.note(a_state({}), seen, 1000.0) == math.inf
    assert fake.hooking.note(a_state(), seen, 1001.0) == 1001.5
    assert fake.chore(1002.0) == 1002.5
    fake.ends()
    fake.hooking.note(a_state({"process": Word.WARNING}), seen, 1003.0)
    assert fake.chore(1003.0) == 1001.0 + SPACING_SECONDS


def test_a_remedy_that_somebody_has_asked_for_since_is_waited_for(fake: Fake) -> None:
    """It was started after the last look, which knew of none."""
    fake.says(Word.CRITICAL)
    fake.says(Word.WARNING)
    fake.ends()
    assessment = make_assessment(make_reading(10))
    asked, _ = policy.ask_for(
        policy.initial(),
        assessment,
        Action(Remedy.COMPACT),
        Limits(Poll(), Remedies()),
        fake.now,
    )
    assert asked.running is not None
    assert fake.hooking.chore(asked, fake.now) == math.inf
    assert len(fake.process.started) == 1
    fake.chore(fake.now)
    assert len(fake.process.started) == 2


def test_only_its_own_descriptor_is_for_it(fake: Fake) -> None:
    """The loop asks with any."""
    assert fake.hooking.handles(99)
    assert not fake.hooking.handles(98)


def test_nothing_is_loaded_where_there_is_no_command() -> None:
    """What runs one would be resident for years."""
    script = (
        "import json, sys\n"
        "from oomwatchd.daemon.hooking import Hooking\n"
        "from oomwatchd.settings import Hook\n"
        "Hooking(Hook(), acting=True, epoll=None)\n"
        "Hooking(Hook(('/hook',)), acting=False, epoll=None)\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    out = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=True)
    loaded = set(json.loads(out.stdout))
    assert not loaded & {"oomwatchd.system.hook", "oomwatchd.system.trust", "subprocess"}


# --- What it is told ---------------------------------------------------------------------------


def an_outcome(remedy: Remedy, *, effective: bool) -> Outcome:
    """Make an outcome of which only these two count."""
    return Outcome(
        *(remedy, None, "process", Cause.SHORTAGE, 1, 2, 3, 4, 0.5, effective, 9.0, None),
    )


PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
EMPTY = dict.fromkeys(
    (
        *("OOMWATCHD_DEMAND", "OOMWATCHD_HEADROOM", "OOMWATCHD_WARNING", "OOMWATCHD_CRITICAL"),
        *("OOMWATCHD_ORDER", "OOMWATCHD_REQUEST", "OOMWATCHD_CAUSE"),
        *("OOMWATCHD_REMEDY", "OOMWATCHD_EFFECTIVE"),
    ),
    "",
)


def test_the_worst_demand_is_told_with_its_facts() -> None:
    """All of them, by their names of the status document."""
    told = environment(
        Notice(told=Severity.WARNING, said=Severity.CRITICAL, demand="process"),
        a_state()._replace(
            outcomes=(
                an_outcome(Remedy.DROP_SLAB, effective=True),
                an_outcome(Remedy.COMPACT, effective=False),
            )
        ),
        make_assessment(make_reading(100, name="memory"), make_reading(2)),
    )
    assert told == {
        **PLAIN,
        "OOMWATCHD_SEVERITY": "critical",
        "OOMWATCHD_PREVIOUS_SEVERITY": "warning",
        "OOMWATCHD_EVENT": "headroom_critical",
        "OOMWATCHD_DEMAND": "process",
        "OOMWATCHD_HEADROOM": "2",
        "OOMWATCHD_WARNING": "16",
        "OOMWATCHD_CRITICAL": "4",
        "OOMWATCHD_ORDER": "2",
        "OOMWATCHD_REQUEST": "kernel",
        "OOMWATCHD_CAUSE": "fragmentation",
        "OOMWATCHD_REMEDY": "compact",
        "OOMWATCHD_EFFECTIVE": "no",
    }


@pytest.mark.parametrize(
    ("demand", "empty"),
    [
        (None, EMPTY),
        ("gone", EMPTY | {"OOMWATCHD_DEMAND": "gone"}),
    ],
)
def test_what_is_not_known_is_empty(demand: str | None, empty: dict[str, str]) -> None:
    """Every variable is there always, so that a script need not ask for it."""
    told = environment(
        Notice(told=Severity.CRITICAL, demand=demand), a_state({}), make_assessment()
    )
    assert told == {
        **PLAIN,
        **empty,
        "OOMWATCHD_SEVERITY": "ok",
        "OOMWATCHD_PREVIOUS_SEVERITY": "critical",
        "OOMWATCHD_EVENT": "headroom_recovered",
    }


def test_hostile_facts_are_plain_text() -> None:
    """Whatever they hold, nothing of it ends a value or begins a line."""
    name = "x\0y\nPATH=/tmp\x1b[0m$(reboot)`é\udcff"
    reading = make_reading(None)._replace(demand=Demand(name, 2, Request.DMA, 1 << 70, -1))
    told = environment(
        Notice(said=Severity.WARNING, demand=name), a_state(), make_assessment(reading)
    )
    assert told["OOMWATCHD_DEMAND"] == r"x\x00y\nPATH=/tmp\x1b[0m$(reboot)`\xe9\udcff"
    assert told["OOMWATCHD_HEADROOM"] == ""
    assert told["OOMWATCHD_WARNING"] == str(1 << 70)
    for value in told.values():
        assert value.isascii()
        assert value.isprintable() or value == ""
    assert told.keys() == {*PLAIN, *EMPTY, *(f"OOMWATCHD_{name}" for name in THREE)}


THREE = ("SEVERITY", "PREVIOUS_SEVERITY", "EVENT")


def test_once_all_are_ok_the_one_that_stood_worst_is_told(fake: Fake) -> None:
    """As it stands now."""
    fake.says(Word.CRITICAL)
    fake.ends()
    fake.says(Word.RECOVERED, make_assessment(make_reading(77)))
    told = fake.process.started[-1].environment
    assert (told["OOMWATCHD_DEMAND"], told["OOMWATCHD_HEADROOM"]) == ("process", "77")
    assert told["OOMWATCHD_CAUSE"] == ""
    assert told["OOMWATCHD_EVENT"] == "headroom_recovered"


def test_facts_are_those_of_the_moment_it_is_run(fake: Fake) -> None:
    """Not of the change, which may be long past."""
    fake.says(Word.CRITICAL)
    fake.says(Word.WARNING, make_assessment(make_reading(10)))
    fake.says(Word.WARNING, make_assessment(make_reading(12)))
    fake.ends()
    fake.chore(fake.now)
    assert fake.process.started[-1].environment["OOMWATCHD_HEADROOM"] == "12"


PAGE = (CONFIG.parents[1] / "man" / "oomwatchd.8").read_text(encoding="utf-8")


def test_the_man_page_names_every_variable() -> None:
    """And no other."""
    section = PAGE.partition(".Sh HOOK")[2].partition(".Sh ")[0]
    named = set(re.findall(r"\b(?:OOMWATCHD_[A-Z_]+|PATH|LANG)\b", section))
    assert named == environment(Notice(), a_state(), make_assessment()).keys()


def test_the_example_of_the_man_page_is_a_script(tmp_path: Path) -> None:
    """It runs, with what it calls made up, and tells what it should."""
    (text,) = re.findall(r"(?s)\.Bd .*?\n(#!/bin/sh\n.*?)\.Ed", PAGE)
    text = text.replace("\\e\n", "\\\n").replace("/etc/init.d/S80preview", "preview")
    for name in ("logger", "preview"):
        write_script(tmp_path / name, f'echo "{name} $*" >>{tmp_path}/called')
    told = environment(
        Notice(said=Severity.CRITICAL, demand="process"),
        a_state(),
        make_assessment(make_reading(2)),
    )
    command = ["/bin/sh", "-eu", "-c", text]
    subprocess.run(command, env=told | {"PATH": str(tmp_path)}, check=True)
    assert (tmp_path / "called").read_text().splitlines() == [
        "logger -t memory process is critical (fragmentation, headroom 2)",
        "preview stop",
    ]


# --- With a real process -----------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    """Have a folder that is trusted."""
    with trusted_folder() as made:
        yield made


def until(hooked: Hooking, epoll: select.epoll, now: float) -> None:
    """Do as the loop does until the run has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while hooked._process and hooked._process.is_running:  # noqa: SLF001 - the loop need not know
        hooked.chore(policy.initial(), now)
        assert time.monotonic() < deadline
        for descriptor, _ in epoll.poll(0.05):
            assert hooked.handles(descriptor)
            hooked.take(now)


def test_a_whole_episode_is_told_to_a_real_command(folder: Path) -> None:
    """Low, worse, and over: three runs, each with its facts; nothing is left."""
    script = write_script(
        folder / "hook",
        f'echo "$1 $OOMWATCHD_PREVIOUS_SEVERITY $OOMWATCHD_SEVERITY $OOMWATCHD_DEMAND'
        f' $OOMWATCHD_HEADROOM" >>{folder}/told',
    )
    before, others = set(os.listdir("/proc/self/fd")), children()
    with select.epoll() as epoll:
        hooked = Hooking(Hook((str(script), "arg"), floor_blocks=0), acting=True, epoll=epoll)
        hooked.rehearse(make_assessment())
        assert whys(hooked) == []
        for at, (word, headroom) in enumerate(
            ((Word.WARNING, 9), (Word.CRITICAL, 1), (Word.RECOVERED, 80))
        ):
            now = 1000.0 + 60 * at
            hooked.note(a_state({"process": word}), make_assessment(make_reading(headroom)), now)
            until(hooked, epoll, now)
        hooked.stop()
    assert (folder / "told").read_text().splitlines() == [
        "arg ok warning process 9",
        "arg warning critical process 1",
        "arg critical ok process 80",
    ]
    assert (hooked.runs, hooked.failed, whys(hooked)) == (3, 0, [])
    assert set(os.listdir("/proc/self/fd")) == before
    assert children() == others


def test_a_real_command_that_others_may_change_is_not_run(folder: Path) -> None:
    """It is told as long as that is so."""
    script = write_script(folder / "hook", f"echo ran >{folder}/ran", 0o777)
    with select.epoll() as epoll:
        hooked = Hooking(Hook((str(script),), floor_blocks=0), acting=True, epoll=epoll)
        why = f"{script}: others than its owner may write to it"
        assert whys(hooked) == [why]
        hooked.note(a_state(), make_assessment(make_reading(1)), 1000.0)
        assert not (folder / "ran").exists()
        script.chmod(0o755)
        hooked.note(a_state({}), make_assessment(make_reading(90)), 1060.0)
        until(hooked, epoll, 1060.0)
        hooked.stop()
    assert (folder / "ran").exists()
    assert (hooked.runs, hooked.failed, whys(hooked)) == (1, 1, [])


def test_a_real_command_that_does_not_end_is_stopped_and_told(folder: Path) -> None:
    """The next change finds it gone."""
    script = write_script(folder / "hook", "while :; do sleep 1; done")
    with select.epoll() as epoll:
        hook = Hook((str(script),), timeout_seconds=3.0, floor_blocks=0)
        hooked = Hooking(hook, acting=True, epoll=epoll)
        hooked.note(a_state(), make_assessment(make_reading(1)), 1000.0)
        assert hooked.chore(policy.initial(), 1000.0) <= 1003.0
        assert hooked.chore(policy.initial(), 1003.0) <= 1005.0
        hooked.chore(policy.initial(), 1005.0)
        until(hooked, epoll, 1005.0)
        hooked.stop()
    assert whys(hooked) == [f"{script}: stopped after 3 s"]
    assert (hooked.runs, hooked.failed) == (1, 1)
