"""Time to exhaustion: when nothing may be said of it, and that it is right where it is said."""

from collections.abc import Iterable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.forecast import Trend, exhaustion_seconds, noted

START = 1000.25
DAY = 86400.0


def _trend(points: Iterable[tuple[float, int | None]]) -> Trend:
    """Note them one after another."""
    trend = Trend()
    for now, headroom in points:
        trend = noted(trend, now, headroom)
    return trend


def _every(seconds: float, headrooms: Iterable[int | None]) -> Trend:
    """Note headrooms that are so far apart."""
    return _trend((START + at * seconds, headroom) for at, headroom in enumerate(headrooms))


def _end(trend: Trend) -> float | None:
    """Ask at the moment of the last point."""
    return exhaustion_seconds(trend, trend.points[-1][0] if trend.points else START)


# --- When nothing is said ----------------------------------------------------------------------

SILENT: dict[str, tuple[float, Sequence[int | None]]] = {
    "nothing known": (1, []),
    "one point": (1, [9]),
    "four points": (30, [90, 80, 70, 60]),
    "five points and four unknown": (30, [90, None, 80, None, 70, None, 60, None]),
    "less than ten seconds": (0.5, list(range(100, 80, -1))),
    "flat": (1, [50] * 40),
    "flat at zero": (1, [0] * 40),
    "rising": (1, list(range(40))),
    "one fall in a flat line": (1, [50] * 38 + [10, 50]),
    "a step that stays": (1, [50] * 10 + [40] * 30),
    "more than a day off": (10, [1_000_000 - at for at in range(40)]),
    "a sawtooth with a flat base": (1, [80, 60, 40, 20] * 10),
    "a slow sawtooth with a flat base": (1, list(range(80, 0, -10)) * 5),
    "to and fro": (1, [80, 20] * 20),
    "a fall that has turned": (1, [*range(100, 70, -2), *range(70, 130, 2)]),
}


@pytest.mark.parametrize("name", SILENT)
def test_no_time_is_given_for(name: str) -> None:
    """What is thin or does not fall has no end."""
    assert _end(_every(*SILENT[name])) is None


@pytest.mark.parametrize("interval", [0.5, 2, 10])
def test_noise_is_hardly_ever_a_fall(interval: float) -> None:
    """A number that comes and goes tells whoever reads it nothing."""
    noise = Random(1)  # noqa: S311 - the same noise each time
    trend = Trend()
    told = 0
    for tick in range(3000):
        now = START + tick * interval
        trend = noted(trend, now, round(50 + noise.gauss(0, 8)))
        told += exhaustion_seconds(trend, now) is not None
    assert told < 90


def test_a_fall_in_noise_has_its_time() -> None:
    """Sixty blocks go in an hour, and looks scatter by eight."""
    noise = Random(1)  # noqa: S311 - the same noise each time
    trend = _every(5, (round(90 - tick / 12 + noise.gauss(0, 8)) for tick in range(720)))
    # Half an hour: 30 blocks are left, and one goes in a minute.
    assert _end(trend) == pytest.approx(1800, rel=0.5)


def test_a_fall_that_has_ended_fades() -> None:
    """What was seen last holds until now, be it noted again or not."""
    trend = _every(1, range(200, 180, -1))
    now = trend.points[-1][0]
    assert exhaustion_seconds(trend, now) == pytest.approx(181)
    assert exhaustion_seconds(trend, now + 25) is None
    again = noted(trend, now + 10, 181)
    for seconds in range(11, 18):
        again = noted(again, now + seconds, 181)
    told = _end(again)
    assert told is not None
    assert told > 270
    for seconds in range(18, 60):
        again = noted(again, now + seconds, 181)
    assert _end(again) is None


def test_a_clock_that_went_backwards_starts_anew() -> None:
    """Nothing is said until enough is known by the new clock; a jump back makes no rate."""
    trend = noted(_every(1, range(90, 50, -1)), START - 1e6, 49)
    assert trend.points == ((START - 1e6, 49),)
    assert _end(trend) is None


def test_asked_before_its_last_point_it_answers_as_of_then() -> None:
    """A clock read in the wrong order does no harm."""
    trend = _every(1, range(90, 50, -1))
    assert exhaustion_seconds(trend, START) == _end(trend)


def test_an_unknown_headroom_changes_nothing() -> None:
    """A sample that could not be read is no fall to 0."""
    trend = _every(1, [5, 4])
    assert noted(trend, START + 9, None) is trend


def test_a_moment_that_is_none_is_not_noted() -> None:
    """Nor answered."""
    trend = _every(1, range(90, 50, -1))
    for now in (float("nan"), float("inf"), -float("inf")):
        assert noted(trend, now, 3) is trend
        assert exhaustion_seconds(trend, now) is None


def test_a_point_in_the_same_instant_replaces() -> None:
    """No time passed in which headroom could change."""
    assert _trend([(1.0, 5), (2.0, 9), (2.0, 4)]).points == ((1.0, 5), (2.0, 4))


# --- What is said ------------------------------------------------------------------------------


def test_exhausted_is_no_time_left() -> None:
    """At 0 it is now."""
    assert _end(_every(1, range(19, -1, -1))) == 0.0


@given(st.floats(0.5, 600), st.integers(1, 5000), st.integers(10, 100), st.integers(0, 1_000_000))
def test_a_straight_fall_has_its_time(step: float, fall: int, count: int, left: int) -> None:
    """At any interval and rate; a day is the farthest that is told."""
    trend = _every(step, range(left + fall * (count - 1), left - 1, -fall))
    if trend.points[-1][0] - trend.points[0][0] < 10 or len(trend.points) < 5:
        return
    truth = left / fall * step
    told = _end(trend)
    if truth > DAY * 1.001:
        assert told is None
    elif truth < DAY * 0.999:
        assert told == pytest.approx(truth, rel=1e-3, abs=0.01)


@pytest.mark.parametrize("seconds_a_block", [60, 150, 300, 600])
@pytest.mark.parametrize("interval", [0.5, 2, 10, 60])
def test_a_slow_fall_on_a_small_memory_has_its_time(seconds_a_block: int, interval: float) -> None:
    """A block in ten minutes is a rate too: it shows as steps, and not as 0."""
    ticks = int(3600 / interval)
    trend = _every(interval, (40 - int(at * interval / seconds_a_block) for at in range(ticks)))
    left = trend.points[-1][1]
    assert _end(trend) == pytest.approx(left * seconds_a_block, rel=0.3, abs=seconds_a_block)


def test_a_sudden_fall_after_a_quiet_hour_is_seen_in_a_minute() -> None:
    """The hour before does not hide it."""
    trend = _every(2, [*[60] * 1800, *range(60, 30, -1)])
    assert _end(trend) == pytest.approx(62, abs=5)


@given(st.integers(0, 30), st.integers(0, 1 << 50), st.integers(1, 40))
def test_one_outlier_does_not_matter(at: int, outlier: int, fall: int) -> None:
    """One look in the middle of somebody's work, or after a great release."""
    line = list(range(5 * fall + 31 * fall, 5 * fall - 1, -fall))
    line[at] = outlier
    assert _end(_every(1, line)) == pytest.approx(5, abs=1)


@given(
    period=st.integers(2, 8),
    step=st.integers(1, 1000),
    base=st.integers(0, 1000),
    phase=st.integers(0, 8),
    up=st.booleans(),
)
def test_a_sawtooth_with_a_flat_base_has_no_end(
    *, period: int, step: int, base: int, phase: int, up: bool
) -> None:
    """Falling or rising teeth, whatever phase it is asked in."""
    tooth = [base + step * at for at in range(period)]
    teeth = (tooth if up else tooth[::-1]) * 40
    assert _end(_every(1, teeth[: 40 + phase])) is None


@settings(max_examples=300)
@given(
    points=st.lists(
        st.tuples(
            st.one_of(st.floats(), st.floats(0, 1e5), st.sampled_from([0.0, 5e-324, 1e308])),
            st.one_of(st.none(), st.integers(), st.integers(0, 50), st.just(10**400)),
        ),
        max_size=80,
    ),
    now=st.floats(),
    in_order=st.booleans(),
)
def test_any_sequence_has_an_end_within_a_day_or_none(
    *, points: list[tuple[float, int | None]], now: float, in_order: bool
) -> None:
    """Nothing is raised, nothing but 32 points is kept, in order of time."""
    if in_order:
        points = sorted(points, key=lambda point: point[0])
    trend = _trend(points)
    times = [at for at, _ in trend.points]
    assert len(times) <= 32
    assert times == sorted(set(times))
    for moment in (now, times[-1] if times else 0.0):
        told = exhaustion_seconds(trend, moment)
        assert told is None or 0 <= told <= DAY
