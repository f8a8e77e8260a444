"""Recent headrooms → time to exhaustion. Pure: it informs, it decides nothing.

The slope is Theil and Sen's: the median of the slopes between all pairs of points, each weighed
by the time between its points (Jaeckel's weights), so that neighbours an instant apart, which
whole blocks make flat or steep, count for little. No line is drawn through few points, through
a short time, or where more than a fifth of the evidence is not falling (with a third, mere noise
is a fall in one look of eleven, with a fifth in one of a hundred); nor while headroom has not
gone below what it came back from earlier, as a sawtooth does. It is looked for twice, in the
newest points and in all that are kept, and the sooner end counts: a fall of a minute would be
lost in an hour, a fall of a block in ten minutes in a minute.

The daemon's own remedies and gaps in time break a trend: after them begin with `Trend()`.
"""

from collections.abc import Sequence
from itertools import combinations
from math import isfinite
from typing import NamedTuple

_POINTS = 32
_NEWEST = 16
"""So many of them are kept as they came; those before are thinned out evenly."""
_KEPT_SECONDS = 3600.0
_FEWEST_POINTS = 5
_LEAST_SPAN_SECONDS = 10.0
_FARTHEST_SECONDS = 86400.0
_MOST_NOT_FALLING = 0.2
"""Of the weight of all slopes. One outlier at an end of the newest points has 0.18 of it."""
_MOST_HEADROOM = 1 << 60
"""Far beyond any memory, and safe in a float."""


class Trend(NamedTuple):
    """What is known of the way that headroom goes."""

    points: tuple[tuple[float, int], ...] = ()
    """(Monotonic seconds, headroom in blocks), oldest first, at most 32."""


def noted(trend: Trend, now: float, headroom: int | None) -> Trend:
    """Add a headroom; an unknown one (None) changes nothing, a clock set back starts anew."""
    points = trend.points
    if headroom is None or not isfinite(now):
        return trend
    point = (now, min(max(headroom, 0), _MOST_HEADROOM))
    if points and now <= points[-1][0]:
        return Trend((*points[:-1], point) if now == points[-1][0] else (point,))
    if points and now - points[0][0] > _KEPT_SECONDS:
        points = tuple([known for known in points if now - known[0] <= _KEPT_SECONDS])
    if len(points) < _POINTS:
        return Trend((*points, point))
    # The one whose neighbours are nearest to each other is missed least.
    at = min(range(1, _NEWEST), key=lambda at: points[at + 1][0] - points[at - 1][0])
    return Trend((*points[:at], *points[at + 1 :], point))


def exhaustion_seconds(trend: Trend, now: float) -> float | None:
    """Give the time until headroom is 0 if it goes on like this, from 0 to 86400 seconds.

    None where that cannot be said: too little is known, it does not fall, or it is further off.
    """
    points = trend.points
    if len(points) < _FEWEST_POINTS or not isfinite(now):
        return None
    last, headroom = points[-1]
    if last - points[0][0] < _LEAST_SPAN_SECONDS:
        return None
    # What was seen last holds until now: so a fall that has ended fades.
    held = points if now <= last else (*points, (now, headroom))
    if not _is_news(held):
        return None
    newest = len(points) - min(_NEWEST, len(points))
    while last - points[newest][0] < _LEAST_SPAN_SECONDS:
        newest -= 1
    slopes = (_falling_slope(held[newest:]), _falling_slope(held) if newest else None)
    ends = [headroom / -slope for slope in slopes if slope is not None]
    return min((end for end in ends if end <= _FARTHEST_SECONDS), default=None)


def _is_news(points: Sequence[tuple[float, int]]) -> bool:
    """Whether headroom is now below all, but for one outlier, of the earlier half of the time."""
    middle = (points[0][0] + points[-1][0]) / 2
    earlier = sorted(headroom for at, headroom in points if at <= middle)
    now = sorted(headroom for _, headroom in points[-_FEWEST_POINTS:])[_FEWEST_POINTS // 2]
    return now < earlier[min(1, len(earlier) - 1)]


def _falling_slope(points: Sequence[tuple[float, int]]) -> float | None:
    """Give the median slope in blocks per second; None where it is not clearly falling."""
    slopes = sorted(
        ((later - earlier) / (end - start), end - start)
        for (start, earlier), (end, later) in combinations(points, 2)
    )
    total = sum(seconds for _, seconds in slopes)
    if _MOST_NOT_FALLING * total < sum(seconds for slope, seconds in slopes if slope >= 0):
        return None
    seen = 0.0
    for slope, seconds in slopes:
        seen += seconds
        if 2 * seen >= total:
            return slope if slope < 0 else None
    return None
