"""When the hook's command is run, and of what it is told: tables, and any sequence at all."""

import math
from collections.abc import Callable
from typing import NamedTuple

import pytest
from builders import make_assessment, make_reading
from hooks import FakeProcess
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd import policy
from oomwatchd.assess.assessment import Assessment
from oomwatchd.daemon import hooking
from oomwatchd.daemon.hooking import Hooking
from oomwatchd.model import Action, Remedy, Run, Severity
from oomwatchd.policy import STUCK_SECONDS, State, Word, notice
from oomwatchd.policy.effect import is_stuck, started
from oomwatchd.policy.notice import RETRY_SECONDS, SPACING_SECONDS, Notice
from oomwatchd.settings import Hook

OK, WARNING, CRITICAL = Severity.OK, Severity.WARNING, Severity.CRITICAL
NAMES = ("camera", "process", "memory")
WORDS = {
    "-": None,
    "r": Word.RECOVERED,
    "l": Word.LOW,
    "w": Word.WARNING,
    "c": Word.CRITICAL,
}


def seen(words: str, headrooms: tuple[int | None, ...] = (3, 2, 100)) -> tuple[State, Assessment]:
    """Make what was seen, with a word for each demand."""
    readings = [
        make_reading(headroom, name=name) for name, headroom in zip(NAMES, headrooms, strict=True)
    ]
    said = {
        name: word
        for name, letter in zip(NAMES, words, strict=True)
        if (word := WORDS[letter]) is not None
    }
    return policy.initial()._replace(words=said), make_assessment(*readings)


def mending(state: State, assessment: Assessment, now: float) -> State:
    """Let a remedy run since then."""
    return started(state, Action(Remedy.COMPACT), assessment.readings[0], assessment, now)


# --- What is said of the device ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said", "demand"),
    [
        ("---", OK, None),
        ("rrr", OK, None),
        ("lll", OK, None),
        ("l-r", OK, None),
        ("w--", WARNING, "camera"),
        ("lwl", WARNING, "process"),
        ("wc-", CRITICAL, "process"),
        ("c-w", CRITICAL, "camera"),
        ("--c", CRITICAL, "memory"),
        # Both are critical: the one with less headroom.
        ("cc-", CRITICAL, "process"),
        # One of these stands well again, though its word still stands.
        ("c-c", CRITICAL, "camera"),
    ],
)
def test_it_is_the_worst_word_that_stands(words: str, said: Severity, demand: str | None) -> None:
    """Acting before alarming is none."""
    heard = notice.heard(Notice(), *seen(words))
    assert (heard.said, heard.demand) == (said, demand)


def test_a_demand_whose_headroom_is_unknown_can_stand_worst() -> None:
    """Its word stands."""
    heard = notice.heard(Notice(), *seen("w--", (None, 100, 100)))
    assert (heard.said, heard.demand) == (WARNING, "camera")


def test_a_word_on_a_demand_that_is_watched_no_more_counts_for_nothing() -> None:
    """The configuration was read again."""
    state, assessment = seen("c--")
    heard = notice.heard(Notice(), state, assessment._replace(readings=assessment.readings[1:]))
    assert heard.said is OK


# --- The table ---------------------------------------------------------------------------------

TABLE: dict[str, tuple[str, list[str], int]] = {
    # What happens, one step a second: a letter for what is said (o, w, c), "(" and ")" for a
    # remedy that begins and is judged, "[" and "]" for the end of a run kept waiting and come.
    "nothing": ("oooo", [], 0),
    "a change": ("oc", ["ok critical"], 0),
    "one change in many looks": ("oooccccc", ["ok critical"], 0),
    "there and back, with time between": ("ccccccoooooo", ["ok critical", "critical ok"], 0),
    "step by step": ("wwwwwwcccccc", ["ok warning", "warning critical"], 0),
    "a change while a remedy runs": ("(ccc)c", ["ok critical"], 0),
    "a change with a remedy that begins with it": ("c(", ["ok critical"], 0),
    "over before the remedy is": ("(ccoo)oooooo", [], 1),
    "worse before the remedy is over": ("(wwcc)c", ["ok critical"], 1),
    "up and down while a remedy runs": ("(wcwcw)w", ["ok warning"], 4),
    "up and down and over while a remedy runs": ("(wcwo)o", [], 3),
    "a change during a run": ("[cccccccoo]o", ["ok critical", "critical ok"], 0),
    "changes during a run": ("[ccccccowowo]o", ["ok critical", "critical ok"], 4),
    "changes during a run that lead back": ("[ccccccoc]cccccc", ["ok critical"], 1),
    "too soon after the last": ("cooo", ["ok critical"], 0),
    "and then late enough": ("cooooo", ["ok critical", "critical ok"], 0),
    "back before it is late enough": ("coccccccc", ["ok critical"], 1),
}


class Story:
    """The glue with a process that is made up, on a clock of the test's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, hook: Hook | None = None) -> None:
        """Nothing has happened."""
        self.process = FakeProcess()
        monkeypatch.setattr(hooking, "_open_process", lambda _: self.process)
        settings = Hook(("/hook",), floor_blocks=0) if hook is None else hook
        self.hooking = Hooking(settings, acting=True, epoll=None)  # type: ignore[arg-type] # never asked
        self.now = 1000.0

    @property
    def told(self) -> list[str]:
        """List what was told, from which severity to which."""
        return [" ".join(started.told) for started in self.process.started]


@pytest.mark.parametrize("name", TABLE)
def test_the_newest_change_is_told_once_and_in_its_time(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row of the table."""
    steps, told, coalesced = TABLE[name]
    story = Story(monkeypatch)
    is_mending = is_kept = False
    words = "o"
    for step in steps:
        is_mending = step == "(" or (is_mending and step != ")")
        is_kept = step == "[" or (is_kept and step != "]")
        if step not in "owc":
            continue
        words = step
        story.now += 1.0
        state, assessment = seen(words.replace("o", "r") + "--")
        if is_mending:
            state = mending(state, assessment, story.now)
        if not is_kept and story.process.is_running:
            story.process.ends()
        story.hooking.note(state, assessment, story.now)
    assert story.told == told
    assert story.hooking.coalesced == coalesced


def test_a_remedy_that_does_not_come_back_is_not_waited_for() -> None:
    """It may never, and the alarm must."""
    state, assessment = seen("c--")
    state = mending(state, assessment, 100.0)
    heard = notice.heard(Notice(), state, assessment)
    assert notice.due_at(heard, state, 100.0 + STUCK_SECONDS - 1) == math.inf
    assert notice.due_at(heard, state, 100.0 + STUCK_SECONDS) <= 100.0 + STUCK_SECONDS


def test_a_remedy_that_settles_is_waited_for() -> None:
    """It may have ended the shortage, which the next look tells."""
    state, assessment = seen("c--")
    state = policy.finished(mending(state, assessment, 100.0), Run(0.5, None), 101.0)
    assert notice.due_at(notice.heard(Notice(), state, assessment), state, 101.0) == math.inf


def test_the_spacing_is_from_start_to_start() -> None:
    """And a start that failed for want of memory is tried again, much later."""
    state, assessment = seen("c--")
    heard = notice.heard(Notice(), state, assessment)
    postponed = notice.postponed(heard, 100.0)
    assert notice.due_at(postponed, state, 100.0) == 100.0 + RETRY_SECONDS
    told = notice.told(heard, 100.0)
    assert notice.due_at(told, state, 200.0) == math.inf
    state, assessment = seen("w--")
    assert notice.due_at(notice.heard(told, state, assessment), state, 101.0) == (
        100.0 + SPACING_SECONDS
    )


def test_a_clock_that_was_set_back_is_not_waited_for() -> None:
    """Not longer than the longest wait."""
    state, assessment = seen("c--")
    heard = notice.heard(Notice(next_at=1e9), state, assessment)
    assert notice.due_at(heard, state, 0.0) == RETRY_SECONDS


def test_a_change_is_counted_as_suppressed_once() -> None:
    """However long it is held back; the next one is another."""
    state, assessment = seen("c--")
    heard = notice.held(notice.held(notice.heard(Notice(), state, assessment)))
    assert heard.suppressed == 1
    worse = notice.held(notice.heard(heard, *seen("w--")))
    assert (worse.suppressed, worse.coalesced) == (2, 1)


# --- Any sequence ------------------------------------------------------------------------------


class Step(NamedTuple):
    """What happens before a look, and what is seen."""

    seconds: float
    words: str
    remedy: str
    is_short: bool
    event: str
    by_chore: bool


STEPS = st.builds(
    Step,
    seconds=st.sampled_from((0.0, 0.5, 1.0, 1.0, 4.0, 10.0, 60.0, 200.0)),
    words=st.text("-rlwc", min_size=3, max_size=3),
    remedy=st.sampled_from(("none", "none", "starts", "runs", "settles")),
    is_short=st.sampled_from((False, False, False, True)),
    event=st.sampled_from(("", "", "", "ends", "ends", "fails", "no memory", "memory")),
    by_chore=st.booleans(),
)
PLENTY, SHORT = 64, 3
"""Blocks of order 2: above and below the floor."""


class Witness:
    """Goes through the steps as the loop does, and keeps books of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing has been said."""
        self.story = Story(monkeypatch, Hook(("/hook",), floor_blocks=16))
        self.said = OK
        self.changes = 0
        self.mending_since: float | None = None
        self.is_short = False
        self.state = policy.initial()

    def go(self, step: Step) -> None:
        """Let one step happen."""
        story, process = self.story, self.story.process
        story.now += step.seconds
        if step.event in ("ends", "fails") and process.is_running:
            process.ends("exit status 1" if step.event == "fails" else None)
        elif step.event == "no memory":
            process.error = OSError(12, "Cannot allocate memory")
        elif step.event == "memory":
            process.error = None
        if step.by_chore:
            self.check(lambda: story.hooking.chore(self.state, story.now))
            return
        self.look(step)

    def look(self, step: Step) -> None:
        """Look, and tell."""
        state, assessment = seen(step.words)
        zone = assessment.system.zones[0]
        blocks = (0, 0, SHORT if step.is_short else PLENTY, *[0] * 8)
        zone = zone._replace(
            free_blocks=blocks,
            free_blocks_by_type={"Unmovable": blocks},
            free_pages=100_000,
            managed_pages=200_000,
        )
        system = assessment.system._replace(zones=(zone,))
        if step.remedy == "none" or (self.mending_since is None and step.remedy != "starts"):
            self.mending_since = None
        else:
            since = self.story.now if step.remedy == "starts" else self.mending_since
            self.mending_since = since
            state = mending(state, assessment, since or 0.0)
            if step.remedy == "settles":
                state = policy.finished(state, Run(0.5, None), self.story.now)
        worst = "ok"
        worst = "warning" if "w" in step.words else worst
        worst = "critical" if "c" in step.words else worst
        self.changes += worst != self.said.value
        self.said = Severity(worst)
        self.is_short, self.state = step.is_short, state
        assessment = assessment._replace(system=system)
        self.check(lambda: self.story.hooking.note(state, assessment, self.story.now))

    def check(self, act: Callable[[], object]) -> None:
        """Check that nothing stood against what was run, and that it was told the truth."""
        process, hooked = self.story.process, self.story.hooking
        before = list(process.started)
        act()
        new = process.started[len(before) :]
        assert len(new) <= 1
        for run in new:
            assert not self.is_short
            assert self.state.running is None or is_stuck(self.state, self.story.now)
            last = before[-1] if before else None
            assert last is None or run.at - last.at >= SPACING_SECONDS
            assert run.told[0] == (last.told[1] if last else "ok")
            assert run.told[1] == self.said.value != run.told[0]
        assert hooked.runs == len(process.started) <= self.changes
        assert hooked.runs + hooked.coalesced <= self.changes
        assert hooked.suppressed <= self.changes

    def calm_down(self) -> None:
        """Let everything come to its end."""
        words = {"ok": "r--", "warning": "w--", "critical": "c--"}[self.said.value]
        for _ in range(3):
            self.go(Step(60.0, words, "none", is_short=False, event="memory", by_chore=False))
            self.go(Step(0.0, words, "none", is_short=False, event="ends", by_chore=False))


@settings(deadline=None, max_examples=400)
@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_the_last_that_is_told_is_what_is(steps: list[Step]) -> None:
    """Never more often than it changes, never during a remedy, never twice the same."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        witness = Witness(monkeypatch)
        for step in steps:
            witness.go(step)
        witness.calm_down()
        runs = witness.story.process.started
        assert (runs[-1].told[1] if runs else "ok") == witness.said.value
        # What went wrong last stands until a run is good, but nothing is held back any more.
        assert "held" not in str(witness.story.hooking.problems)
        assert witness.story.hooking.chore(policy.initial(), witness.story.now) == math.inf
