"""How many lines the log is given: repeats are counted, the cap holds, nothing goes unaccounted."""

from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oomwatchd.alerts.limit import Limit, Verdict
from oomwatchd.alerts.vocabulary import EVENTS

HOUR = 3600.0
URGENT = ("headroom_critical", "oom_kill", "stopped")
NEVER_REPEATS = ("headroom_warning", "config_rejected", "allocation_failure", *URGENT)


class Out(NamedTuple):
    """A line that went out."""

    at: float
    name: str
    facts: dict[str, Any]
    is_event: bool
    """Else it is one on the log itself."""


class Story:
    """What the log does around a Limit, with a sink that takes lines or does not."""

    def __init__(self, cap: int = 60, repeat_seconds: float = HOUR) -> None:
        """Begin at a time like any other."""
        self.limit = Limit(cap, repeat_seconds)
        self.now = 1000.0
        self.out: list[Out] = []
        self.emitted = self.lost = 0
        self.verdicts: list[Verdict] = []

    def emit(self, name: str, *, taken: bool = True, **facts: Any) -> Verdict:  # noqa: ANN401
        """Let an event come, with facts of any kind."""
        self.catch_up(taken=taken)
        self.emitted += 1
        verdict = self.limit.weigh(name, facts, self.now)
        self.verdicts.append(verdict)
        if verdict is Verdict.SEND:
            repeated = self.limit.repeats(name, facts)
            shown = facts | ({"repeated": repeated} if repeated else {})
            if taken:
                self.limit.sent(name, shown, self.now)
                self.out.append(Out(self.now, name, shown, is_event=True))
            else:
                self.lost += 1
        self._notice(taken=taken)
        return verdict

    def catch_up(self, *, taken: bool = True) -> None:
        """Let what is due go out."""
        self._notice(taken=taken)
        if taken:
            for line in self.limit.late(self.now):
                self.limit.sent_late(line, self.now)
                self.out.append(Out(self.now, line.name, line.facts, is_event=True))

    def _notice(self, *, taken: bool) -> None:
        line = self.limit.notice(self.now)
        if line is not None and taken:
            self.limit.noticed(self.now)
            self.out.append(Out(self.now, line.name, line.facts, is_event=False))

    def names(self) -> list[str]:
        """Give the lines' names."""
        return [out.name for out in self.out]


def most_within_an_hour(times: list[float]) -> int:
    """Count the lines of the fullest hour."""
    return max((sum(0 <= t - start < HOUR for t in times) for start in times), default=0)


# --- Repeats -----------------------------------------------------------------------------------


def low(story: Story, demand: str = "process", headroom: int = 3, **facts: Any) -> Verdict:  # noqa: ANN401
    """Let a demand be low."""
    return story.emit("headroom_low", demand=demand, headroom=headroom, remedy="compact", **facts)


def test_the_same_again_is_counted_whatever_its_figures() -> None:
    """And the first after the time carries how often."""
    story = Story()
    assert low(story, headroom=3) is Verdict.SEND
    for headroom in range(5):
        story.now += 60
        assert low(story, headroom=headroom, exhaustion_seconds=1.5) is Verdict.REPEAT
    story.emit("headroom_critical", demand="process")
    story.now = 1000 + HOUR
    assert low(story) is Verdict.SEND
    assert story.out[-1].facts["repeated"] == 5
    story.now += HOUR
    assert low(story) is Verdict.SEND
    assert "repeated" not in story.out[-1].facts


@pytest.mark.parametrize(
    "other",
    [
        {"demand": "camera"},
        {"remedy": "none"},
        {"cause": "shortage"},
        {"lower_bound": True},
        {"node": "all"},
    ],
)
def test_what_says_something_else_is_no_repeat(other: dict[str, Any]) -> None:
    """Another subject, another word in a fact, another fact."""
    story = Story()
    low(story)
    facts: dict[str, Any] = {"demand": "process", "headroom": 3, "remedy": "compact"} | other
    assert story.emit("headroom_low", **facts) is Verdict.SEND


def test_figures_in_a_sentence_are_figures_and_digits_of_a_name_are_not() -> None:
    """`backed off for 62 s` is the same as for 31; `camera1` is not `camera2`."""
    story = Story()
    story.emit("headroom_low", demand="a", remedy="backed off for 62 s: it did not help")
    assert (
        story.emit("headroom_low", demand="a", remedy="backed off for 31 s: it did not help")
        is Verdict.REPEAT
    )
    story.emit("degraded", what="node1")
    assert story.emit("degraded", what="node2") is Verdict.SEND


def test_alarms_are_never_repeats() -> None:
    """Nor is their end, but the recovery of what was only low."""
    story = Story()
    for name in NEVER_REPEATS:
        for _ in range(2):
            assert story.emit(name, demand="process") is Verdict.SEND, name

    def recover() -> Verdict:
        return story.emit("headroom_recovered", demand="process")

    assert recover() is Verdict.SEND
    low(story)
    assert recover() is Verdict.SEND
    low(story)
    assert recover() is Verdict.REPEAT
    story.emit("headroom_warning", demand="other")
    assert recover() is Verdict.REPEAT
    story.emit("headroom_warning", demand="process")
    assert recover() is Verdict.SEND


def test_an_alarm_that_was_not_sent_has_no_end_to_tell() -> None:
    """A recovery is an alarm's end where the log has seen the alarm."""
    story = Story()
    story.emit("headroom_recovered", demand="process")
    assert story.emit("headroom_warning", taken=False, demand="process") is Verdict.SEND
    assert story.emit("headroom_recovered", demand="process") is Verdict.REPEAT


def test_what_was_lost_was_not_sent() -> None:
    """The next that says the same is no repeat."""
    story = Story()
    assert story.emit("degraded", taken=False, what="socket") is Verdict.SEND
    assert story.emit("degraded", what="socket") is Verdict.SEND
    assert story.emit("degraded", what="socket") is Verdict.REPEAT


def test_repeats_can_be_switched_off() -> None:
    """0 seconds: every event is a line."""
    story = Story(repeat_seconds=0)
    assert [low(story) for _ in range(5)] == [Verdict.SEND] * 5


# --- What was counted and is still so ----------------------------------------------------------


def test_the_log_does_not_end_on_what_is_no_longer_so() -> None:
    """Degraded again, and counted as a repeat: it is told late, or the log would say restored."""
    story = Story()
    story.emit("degraded", what="psi", why="no such file")
    story.emit("restored", what="psi")
    assert story.emit("degraded", what="psi", why="no such file") is Verdict.REPEAT
    story.now += HOUR - 1
    story.catch_up()
    assert story.names() == ["degraded", "restored"]
    story.now += 1
    story.catch_up()
    assert story.names() == ["degraded", "restored", "degraded"]
    assert story.out[-1].facts == {"what": "psi", "why": "no such file"}
    assert story.limit.withheld == 0
    story.now += HOUR
    story.catch_up()
    assert len(story.out) == 3


def test_late_lines_come_in_the_order_of_what_happened() -> None:
    """All of one subject at a time, so that the last is how it stands; the count goes with it."""
    story = Story()
    low(story)
    story.now += 60
    story.emit("headroom_recovered", demand="process")
    for _ in range(3):
        low(story)
        story.emit("headroom_recovered", demand="process")
    story.now = 1000 + HOUR
    story.catch_up()
    assert story.names() == ["headroom_low", "headroom_recovered"] * 2
    assert [out.facts.get("repeated") for out in story.out] == [None, None, 2, 2]
    assert story.limit.withheld == story.limit.repeated == 4


def test_what_is_older_than_the_last_line_is_not_told_late() -> None:
    """A recovery that was counted before an alarm would contradict the alarm."""
    story = Story()
    low(story)
    story.emit("headroom_recovered", demand="process")
    low(story)
    assert story.emit("headroom_recovered", demand="process") is Verdict.REPEAT
    story.emit("headroom_critical", demand="process")
    story.now += 2 * HOUR
    story.catch_up()
    assert story.names()[-1] == "headroom_critical"


def test_a_late_line_that_the_sink_refuses_is_told_later() -> None:
    """And the one behind it on the same subject is not forgotten."""
    story = Story()
    story.emit("restored", what="psi")
    story.emit("degraded", what="psi")
    story.emit("restored", what="psi")
    story.emit("degraded", what="psi")
    story.now += HOUR
    first, second = story.limit.late(story.now)
    assert (first.name, second.name) == ("restored", "degraded")
    story.limit.sent_late(first, story.now)
    story.now += 60
    assert [line.name for line in story.limit.late(story.now)] == ["degraded"]


# --- The cap -----------------------------------------------------------------------------------


def test_a_flood_is_cut_off_and_both_ends_are_told() -> None:
    """The cap's last line says so; when half of the hour's lines have aged it is over."""
    story = Story(cap=10)
    for number in range(50):
        story.emit("headroom_warning", demand=f"d{number}")
        story.now += 1
    assert story.names() == ["headroom_warning"] * 9 + ["degraded"]
    assert story.out[-1].facts["why"] == "10 lines within an hour: further ones are withheld"
    assert story.limit.withheld == 41
    story.now = 1000 + HOUR + 5
    story.catch_up()
    assert story.out[-1][1:3] == ("restored", {"what": "log", "withheld": 41})
    assert story.emit("headroom_warning", demand="d") is Verdict.SEND


def test_urgent_lines_go_to_twice_the_cap() -> None:
    """They come through when others no longer do, and do not flood either."""
    story = Story(cap=10)
    for number in range(50):
        story.emit("headroom_warning", demand=f"d{number}")
    for _ in range(50):
        story.emit("oom_kill", kills=1)
    assert story.names() == ["headroom_warning"] * 9 + ["degraded"] + ["oom_kill"] * 9
    assert story.limit.withheld == 41 + 41
    assert story.limit.repeated == 0


def test_the_end_is_told_though_the_hour_is_full() -> None:
    """Or the log would look as if somebody were still watching."""
    story = Story(cap=10)
    for number in range(50):
        story.emit("headroom_warning", demand=f"d{number}")
    assert story.emit("stopped", uptime_seconds=1.0) is Verdict.SEND


def test_urgent_lines_alone_end_in_a_line_that_says_so() -> None:
    """Twice the cap less one, and the notice."""
    story = Story(cap=10)
    for _ in range(50):
        story.emit("headroom_critical", demand="process")
    assert story.names() == ["headroom_critical"] * 19 + ["degraded"]


EVENT = st.tuples(
    st.sampled_from(sorted(EVENTS)),
    st.fixed_dictionaries(
        {"demand": st.sampled_from(["a", "b", "c"]) | st.text(max_size=5)},
        optional={
            "what": st.sampled_from(["x", "y"]) | st.text(max_size=300),
            "headroom": st.none() | st.integers(),
            "seconds": st.floats(),
            "why": st.text(max_size=20) | st.binary(max_size=3),
            "effective": st.booleans(),
        },
    ),
    st.sampled_from([0.0, 0.0, 0.5, 30.0, 300.0, 1800.0, 3599.9, 3600.0, 90000.0, -5.0]),
    st.sampled_from([True, True, True, False]),
    st.integers(min_value=1, max_value=6),
)


@settings(deadline=None)
@given(st.lists(EVENT, max_size=60), st.integers(3, 40), st.sampled_from([0.0, 60.0, HOUR]))
@example([("headroom_critical", {"demand": "a"}, 0.0, True, 6)] * 30, 3, HOUR)
@example([("headroom_warning", {"demand": "a"}, 600.0, True, 6)] * 60, 4, HOUR)
def test_the_cap_holds_and_everything_is_accounted_for(
    events: list[tuple[str, dict[str, object], float, bool, int]], cap: int, repeat: float
) -> None:
    """Whatever comes, on a clock that stands still, jumps forward, or even goes back.

    In no hour more lines than the cap but for urgent ones, in none more than twice the cap; each
    event is sent, lost or withheld, and no alarm is ever a repeat.
    """
    story = Story(cap, repeat)
    for name, facts, pause, taken, times in events:
        for _ in range(times):
            verdict = story.emit(name, taken=taken, **facts)
            assert not (verdict is Verdict.REPEAT and name in NEVER_REPEATS)
        story.now += pause
    clock = 0.0
    times_of_all, times_of_others = [], []
    for out in story.out:
        clock = max(clock, out.at)
        times_of_all.append(clock)
        if out.name not in URGENT:
            times_of_others.append(clock)
    assert most_within_an_hour(times_of_all) <= 2 * cap
    assert most_within_an_hour(times_of_others) <= cap
    sent = sum(out.is_event for out in story.out)
    assert sent + story.lost + story.limit.withheld == story.emitted


@settings(deadline=None)
@given(st.lists(EVENT, max_size=40))
def test_with_a_good_sink_the_last_line_on_a_calm_subject_comes_to_be_true(
    events: list[tuple[str, dict[str, object], float, bool, int]],
) -> None:
    """Two hours after the last event the log ends on how it stands, if the cap was never met."""
    story = Story(cap=100_000)
    last: dict[str, str] = {}
    for name, facts, pause, _, _ in events:
        if name in ("degraded", "restored"):
            story.emit(name, what=str(facts["demand"]))
            last[str(facts["demand"])] = name
            story.now += max(0.0, pause)
    for _ in range(4):
        story.now += 1800
        story.catch_up()
    told = {str(out.facts["what"]): out.name for out in story.out}
    assert told == last


def test_memory_is_bounded_whatever_names_come() -> None:
    """Of many subjects and long texts the oldest are forgotten; a recovery is then never calm."""
    story = Story(cap=1_000_000)
    for number in range(500):
        low(story, demand=f"d{number}")
        story.emit("degraded", what=f"{number}" * 100, why="x" * 10_000)
        story.emit("headroom_warning", demand=f"d{number}")
    assert len(story.limit._repeats._kinds) <= 64  # noqa: SLF001 - what is bounded
    assert len(story.limit._repeats._alarmed) <= 64  # noqa: SLF001
    for _ in range(2):
        assert story.emit("headroom_recovered", demand="d499") is Verdict.SEND


def test_other_figures_hold_from_then_on() -> None:
    """A reload: the cap and the time of repeats."""
    story = Story(cap=10, repeat_seconds=0)
    for _ in range(20):
        low(story)
    assert story.verdicts.count(Verdict.SEND) == 9
    story.limit.reconfigure(100, HOUR)
    assert [low(story), low(story)] == [Verdict.SEND, Verdict.REPEAT]
