"""Suspend and the time of day."""

import time
from collections.abc import Iterator

import pytest

from oomwatchd.system.clock import minute_of_day, suspended_seconds


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live five and a half hours east of Greenwich for a moment."""
    monkeypatch.setenv("TZ", "XST-5:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_suspend_is_what_the_monotonic_clock_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour in bed is an hour."""
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(time, "clock_gettime", lambda clock: {time.CLOCK_BOOTTIME: 3700.5}[clock])
    assert suspended_seconds() == 3600.5


def test_without_suspend_it_stands_still() -> None:
    """Never below zero, and the same a moment later."""
    before = suspended_seconds()
    assert before >= 0
    time.sleep(0.05)
    assert suspended_seconds() == pytest.approx(before, abs=0.04)


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("wall", "minute"),
    [
        (0, 330),
        (18 * 3600 + 29 * 60 + 59, 1439),
        (18 * 3600 + 30 * 60, 0),
        (86400 * 365, 330),
    ],
)
def test_the_minute_is_local(wall: int, minute: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 to 1439; a board without a clock of its own begins in 1970, which is a time too."""
    local = time.localtime(wall)
    monkeypatch.setattr(time, "localtime", lambda: local)
    assert minute_of_day() == minute
