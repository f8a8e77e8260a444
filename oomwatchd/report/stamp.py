"""Stamps of a log, and how much time lies between two of them."""

import re

_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)")
_DAY = 86400.0


def of_microseconds(digits: str) -> str:
    """Write a stamp that is told in microseconds as the kernel does, in seconds."""
    return f"{int(digits) / 1e6:.6f}"


def passed_seconds(then: str | None, now: str | None) -> float | None:
    """Give the seconds from one stamp to the other, less than 0 where they go back.

    Times of the day are taken to be at most half a day apart. None where the stamps do not tell, or
    are of two kinds.
    """
    if then is None or now is None:
        return None
    clocks = _TIME.search(then), _TIME.search(now)
    if clocks[0] and clocks[1]:
        passed = _of_day(clocks[1]) - _of_day(clocks[0])
        return (passed + _DAY / 2) % _DAY - _DAY / 2
    if any(clocks):
        return None
    try:
        return float(now) - float(then)
    except ValueError:
        return None


def _of_day(clock: re.Match[str]) -> float:
    return float(int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3]))
