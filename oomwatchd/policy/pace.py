"""When to look again: margin / max(assumed rate, fastest fall seen lately), between the bounds.

A demand can fall faster than any assumption: between two looks nothing is guaranteed. What is
assumed is low for requests that may sleep, since the kernel reclaims and compacts for them.
"""

import math
from typing import NamedTuple

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Cause, Severity
from oomwatchd.policy.state import State
from oomwatchd.settings import Poll

ASSUMED_PAGES_PER_SECOND = 64
"""Sixteen process starts in a second on ARM32, or 256 KiB/s with pages of 4 KiB."""
ASSUMED_UNRECLAIMED_PAGES_PER_SECOND = 1024
"""For atomic and cma requests."""
FALL_HALVES_SECONDS = 30.0
_RELAXING = 1.25
_LOW_PATIENCE = 20.0
"""What has been low for this many times the interval is looked at that seldom."""


class Pause(NamedTuple):
    """When to look next, and when where nothing has changed meanwhile."""

    seconds: float
    calm_seconds: float
    """By the assumed rates alone."""

    def longer(self) -> "Pause":
        """Give the next pause after one in which nothing changed: falls are forgotten slowly."""
        return Pause(min(self.seconds * _RELAXING, self.calm_seconds), self.calm_seconds)


class Slack(NamedTuple):
    """What the last glances left, in pages, and the fastest fall lately in pages/s."""

    pages: int
    at: float
    fall: float = 0.0


def slackened(slack: Slack | None, pages: int, now: float) -> Slack:
    """Take note of a glance's slack."""
    if slack is None:
        return Slack(pages, now)
    last, at, fall = slack
    seconds = now - at
    if seconds > 0 and (fall > 0 or last > pages):
        fall = faded_fall(fall, last - pages, seconds)
    return Slack(pages, now, fall)


def faded_fall(fall: float, fallen: int, seconds: float) -> float:
    """Give the fastest fall lately, per second: the new one, or the old one as it fades."""
    return max(fallen / seconds, fall * math.exp2(-seconds / FALL_HALVES_SECONDS))


def glance_pause(slack: Slack, poll: Poll) -> Pause:
    """Say when to look next while no demand is near."""
    pages, fall, longest = slack.pages, slack.fall, poll.interval_max_seconds
    rate = max(ASSUMED_PAGES_PER_SECOND, fall)
    if pages >= rate * longest:
        return Pause(longest, longest)
    calm = pages / ASSUMED_PAGES_PER_SECOND
    return Pause(_clamped(pages / rate, poll), _clamped(calm, poll))


def pause(state: State, assessment: Assessment, poll: Poll, now: float) -> Pause:
    """Say when to look next after a full look."""
    if state.running is not None:
        return Pause(poll.interval_min_seconds, poll.interval_min_seconds)
    hasty = calm = poll.interval_max_seconds
    for reading in assessment.readings:
        one = _pause(reading, state, now)
        hasty, calm = min(hasty, one.seconds), min(calm, one.calm_seconds)
    return Pause(_clamped(hasty, poll), _clamped(calm, poll))


def _pause(reading: Reading, state: State, now: float) -> Pause:
    """Give the seconds in which one demand could come down to its critical level."""
    demand = reading.demand
    standing = state.standings.get(demand.name)
    if reading.headroom is None or reading.cause is Cause.UNSATISFIABLE or standing is None:
        return Pause(math.inf, math.inf)
    if standing.low_since is not None and reading.severity is not Severity.OK:
        seconds = (now - standing.low_since) / _LOW_PATIENCE
        return Pause(seconds, seconds)
    asleep = demand.request.may_sleep
    assumed = ASSUMED_PAGES_PER_SECOND if asleep else ASSUMED_UNRECLAIMED_PAGES_PER_SECOND
    margin_blocks = max(0, reading.headroom - demand.critical)
    calm = margin_blocks * (1 << demand.order) / assumed
    fall = standing.fall_per_second
    return Pause(min(calm, margin_blocks / fall) if fall > 0 else calm, calm)


def _clamped(seconds: float, poll: Poll) -> float:
    return min(max(seconds, poll.interval_min_seconds), poll.interval_max_seconds)
