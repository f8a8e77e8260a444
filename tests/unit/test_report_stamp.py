"""How much time lies between two stamps of a log."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomwatchd.report.stamp import of_microseconds, passed_seconds

STAMPS = st.none() | st.text(max_size=30) | st.floats().map(str) | st.times().map(str)


@pytest.mark.parametrize(
    ("then", "now", "seconds"),
    [
        ("1.500000", "2.000000", 0.5),
        ("2.0", "1.5", -0.5),
        ("100.0", "86401.0", 86301.0),
        ("1.0", "90001.0", 90000.0),
        ("Nov  2 10:11:12", "Nov  2 10:11:14", 2.0),
        ("2020-11-02T23:59:59Z", "2020-11-03T00:00:01Z", 2.0),
        ("00:00:01", "23:59:59", -2.0),
        ("1.0", "10:11:12", None),
        ("Nov27 03:00", "Nov27 03:00", None),
        (None, "1.0", None),
        ("1.0", None, None),
    ],
)
def test_what_lies_between_two_stamps(
    then: str | None, now: str | None, seconds: float | None
) -> None:
    """Since the start, or of the day; days of the first kind are not taken for one."""
    assert passed_seconds(then, now) == seconds


@given(then=STAMPS, now=STAMPS)
def test_any_two_stamps_give_seconds_or_nothing(then: str | None, now: str | None) -> None:
    """The way back is as long as the way there."""
    there, back = passed_seconds(then, now), passed_seconds(now, then)
    assert (there is None) == (back is None)
    if there is not None and back is not None and math.isfinite(there) and abs(there) < 43200:
        assert there == -back


def test_microseconds_are_written_as_seconds() -> None:
    """As in the kernel's log."""
    assert of_microseconds("5169039") == "5.169039"
