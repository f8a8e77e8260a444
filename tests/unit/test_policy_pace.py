"""When to look again."""

import pytest
from builders import make_assessment, make_reading
from hypothesis import given
from hypothesis import strategies as st
from policies import CRITICAL, LOW, OK, WARNING, Daemon

from oomwatchd.assess.assessment import Reading
from oomwatchd.model import Cause, Request, Severity
from oomwatchd.policy.pace import Pause, Slack, faded_fall, glance_pause, pause, slackened
from oomwatchd.settings import Poll

POLL = Poll()


def pace(daemon: Daemon, *readings: Reading) -> float:
    """Give the interval after a look at the readings."""
    return pause(daemon.state, make_assessment(*readings), POLL, daemon.now).seconds


def first_pace(*readings: Reading) -> float:
    """Give the interval after the first look."""
    daemon = Daemon(())
    daemon.tick(*readings)
    return pace(daemon, *readings)


# --- What cannot be told -----------------------------------------------------------------------


def test_what_cannot_be_told_is_looked_at_seldom() -> None:
    """Nothing at all, an unknown headroom, or what can never be had."""
    assert first_pace() == 10
    assert first_pace(make_reading(None)) == 10
    assert first_pace(make_reading(0, cause=Cause.UNSATISFIABLE)) == 10
    assert pace(Daemon(), make_reading(CRITICAL)) == 10


def test_an_unknown_headroom_hides_no_other() -> None:
    """The most urgent demand sets the pace."""
    readings = [make_reading(None, name="a"), make_reading(20, name="b"), make_reading(OK)]
    assert first_pace(*readings) == 1


def test_what_only_looks_low_is_looked_at_by_its_margin() -> None:
    """A lower bound below the level: unknown, and not low since any time."""
    assert first_pace(make_reading(12, severity=Severity.UNKNOWN)) == 0.5
    assert first_pace(make_reading(12, severity=Severity.UNKNOWN), make_reading(OK)) == 0.5


# --- Margin over rate --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headroom", "request_", "seconds"),
    [
        (164, Request.KERNEL, 10),
        (10_000, Request.KERNEL, 10),
        (163, Request.KERNEL, 159 / 16),
        (84, Request.KERNEL, 5),
        (20, Request.MOVABLE, 1),
        (17, Request.DMA, 13 / 16),
        (260, Request.ATOMIC, 1),
        (132, Request.CMA, 0.5),
        (100, Request.ATOMIC, 0.5),
        (2600, Request.CMA, 10),
    ],
)
def test_the_margin_over_the_assumed_rate(headroom: int, request_: Request, seconds: float) -> None:
    """64 pages a second make 16 blocks of order 2; 1,024 pages where nobody reclaims."""
    assert first_pace(make_reading(headroom, request=request_)) == pytest.approx(seconds)


def test_a_fall_seen_lately_quickens_the_pace() -> None:
    """A hundred blocks a second, with 236 left above critical."""
    daemon = Daemon(())
    daemon.tick(make_reading(1240))
    daemon.tick(make_reading(240), after=10)
    assert pace(daemon, make_reading(240)) == pytest.approx(2.36)
    daemon.tick(make_reading(240), after=30)
    assert pace(daemon, make_reading(240)) == pytest.approx(4.72)


def test_a_rise_does_not_slow_it_down() -> None:
    """The fall seen before fades by half in thirty seconds, whatever comes between."""
    daemon = Daemon(())
    for headroom, after in ((1000, 1), (900, 1), (5000, 30), (None, 1), (5000, 1)):
        daemon.tick(make_reading(headroom), after=after)
    assert daemon.state.standings["process"].fall_per_second == pytest.approx(50)
    daemon.tick(make_reading(100), after=-5)
    daemon.tick(make_reading(50), after=0)
    assert daemon.state.standings["process"].fall_per_second == pytest.approx(50)


def test_a_remedy_under_way_is_watched_closely() -> None:
    """Whatever the demands do."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    assert pace(daemon, make_reading(10_000)) == 0.5
    assert pace(daemon) == 0.5


@pytest.mark.parametrize("headroom", [CRITICAL, WARNING, LOW])
def test_what_has_been_low_for_long_is_looked_at_less_often(headroom: int) -> None:
    """A twentieth of the time that it has been low."""
    daemon = Daemon(()).past_the_first_look()
    low = make_reading(headroom)
    daemon.tick(low)
    for after, expected in ((0, 0.5), (10, 0.5), (50, 3), (140, 10), (10_000, 10)):
        daemon.tick(low, after=after)
        assert pace(daemon, low) == pytest.approx(expected)
    daemon.gap(10)
    assert pace(daemon, low) == 0.5


def test_what_was_low_and_is_unknown_is_still_looked_at_as_low() -> None:
    """It is not known to have ended."""
    daemon = Daemon(())
    daemon.tick(make_reading(CRITICAL))
    unknown = make_reading(12, severity=Severity.UNKNOWN)
    daemon.tick(unknown, after=100)
    assert pace(daemon, unknown) == 5


# --- Glances -----------------------------------------------------------------------------------


def test_glances_follow_the_slack() -> None:
    """In pages, by the same assumption and the fastest fall."""
    slack = slackened(None, 6400, 10.0)
    assert slack == Slack(6400, 10.0, 0.0)
    assert glance_pause(slack, POLL).seconds == 10
    assert glance_pause(Slack(320, 0.0), POLL).seconds == 5
    assert glance_pause(Slack(0, 0.0), POLL).seconds == 0.5
    assert glance_pause(Slack(-7, 0.0), POLL).seconds == 0.5
    slack = slackened(slack, 5400, 20.0)
    assert slack == Slack(5400, 20.0, 100.0)
    assert glance_pause(Slack(400, 0.0, 100.0), POLL).seconds == 4
    assert slackened(slack, 9000, 50.0) == Slack(9000, 50.0, 50.0)


@pytest.mark.parametrize("seconds", [0.0, -100.0])
def test_a_glance_without_time_passing_keeps_the_fall(seconds: float) -> None:
    """Nothing is divided by nothing."""
    slack = Slack(1000, 50.0, 7.0)
    assert slackened(slack, 10, 50.0 + seconds) == Slack(10, 50.0 + seconds, 7.0)


@pytest.mark.parametrize(
    ("fall", "fallen", "seconds", "expected"),
    [
        (0, 10, 5, 2),
        (0, -10, 5, 0),
        (8, 0, 30, 4),
        (8, 30, 30, 4),
        (8, 300, 30, 10),
        (8, 0, 1e9, 0),
    ],
)
def test_a_fall_fades(fall: float, fallen: int, seconds: float, expected: float) -> None:
    """By half in thirty seconds, unless a faster one is seen."""
    assert faded_fall(fall, fallen, seconds) == expected


# --- Whatever is seen --------------------------------------------------------------------------

LOOKS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 10**12),
        st.floats(-1e9, 1e9) | st.floats(0, 1e-300),
        st.sampled_from(Request),
    ),
    max_size=20,
)


@given(LOOKS, st.floats(0.05, 5), st.floats(0, 100))
def test_the_interval_keeps_its_bounds(
    looks: list[tuple[int | None, float, Request]], least: float, more: float
) -> None:
    """Whatever falls or rises, however the clock jumps."""
    poll = Poll(interval_min_seconds=least, interval_max_seconds=least + more)
    daemon = Daemon(poll=poll)
    slack = None
    for headroom, after, request in looks:
        reading = make_reading(headroom, request=request)
        daemon.tick(reading, after=after)
        found = pause(daemon.state, make_assessment(reading), poll, daemon.now)
        assert least <= found.seconds <= found.calm_seconds <= least + more
        slack = slackened(slack, (headroom or 0) - 50, daemon.now)
        found = glance_pause(slack, poll)
        assert least <= found.seconds <= found.calm_seconds <= least + more


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from(Request))
def test_the_interval_falls_with_the_margin(one: int, other: int, request: Request) -> None:
    """Never longer for the lower of two demands."""
    low, high = sorted((one, other))
    assert first_pace(make_reading(low, request=request)) <= first_pace(
        make_reading(high, request=request)
    )


# --- Where nothing changes ---------------------------------------------------------------------


def test_pauses_grow_slowly_where_nothing_changes() -> None:
    """By a quarter each time, up to what the assumed rates allow: falls are forgotten."""
    assert glance_pause(Slack(400, 0.0, 100.0), POLL) == Pause(4, 6.25)
    assert Pause(4, 6.25).longer() == Pause(5, 6.25)
    assert Pause(5, 6.25).longer().longer() == Pause(6.25, 6.25)
    daemon = Daemon(())
    daemon.tick(make_reading(1240))
    daemon.tick(make_reading(240), after=10)
    found = pause(daemon.state, make_assessment(make_reading(240)), POLL, daemon.now)
    assert found.seconds == pytest.approx(2.36)
    assert found.calm_seconds == 10
