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
_LOW_PATIENCE = 20.0
"""What has been low for this many times the interval is looked at that seldom."""


class Slack(NamedTuple):
    """What the last glances left, in pages, and the fastest fall lately in pages/s."""

    pages: int
    at: float
    fall: float = 0.0


def slackened(slack: Slack | None, pages: int, now: float) -> Slack:
    """Take note of a glance's slack."""
    if slack is None:
        return Slack(pages, now)
    seconds = now - slack.at
    if seconds <= 0:
        return Slack(pages, now, slack.fall)
    return Slack(pages, now, faded_fall(slack.fall, slack.pages - pages, seconds))


def faded_fall(fall: float, fallen: int, seconds: float) -> float:
    """Give the fastest fall lately, per second: the new one, or the old one as it fades."""
    return max(fallen / seconds, fall * math.exp2(-seconds / FALL_HALVES_SECONDS))


def glance_interval(slack: Slack, poll: Poll) -> float:
    """Give the seconds to the next look while no demand is near."""
    return _clamped(slack.pages / max(ASSUMED_PAGES_PER_SECOND, slack.fall), poll)


def interval(state: State, assessment: Assessment, poll: Poll, now: float) -> float:
    """Give the seconds to the next look after a full one."""
    if state.running is not None:
        return poll.interval_min_seconds
    seconds = (_seconds(reading, state, now) for reading in assessment.readings)
    return _clamped(min(seconds, default=poll.interval_max_seconds), poll)


def _seconds(reading: Reading, state: State, now: float) -> float:
    """Give the seconds in which one demand could come down to its critical level."""
    demand = reading.demand
    standing = state.standings.get(demand.name)
    if reading.headroom is None or reading.cause is Cause.UNSATISFIABLE or standing is None:
        return float("inf")
    if standing.low_since is not None and reading.severity is not Severity.OK:
        return (now - standing.low_since) / _LOW_PATIENCE
    asleep = demand.request.may_sleep
    assumed = ASSUMED_PAGES_PER_SECOND if asleep else ASSUMED_UNRECLAIMED_PAGES_PER_SECOND
    rate = max(assumed / (1 << demand.order), standing.fall_per_second)
    return max(0, reading.headroom - demand.critical) / rate


def _clamped(seconds: float, poll: Poll) -> float:
    return min(max(seconds, poll.interval_min_seconds), poll.interval_max_seconds)
