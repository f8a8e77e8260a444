"""How much may still be done: spacing, budgets, back-off, and the times when nothing is."""

from typing import NamedTuple

from oomwatchd.model import Remedy
from oomwatchd.policy.state import COMPACTING, Backoff, Limits, Start, State
from oomwatchd.settings import Hours, Remedies

_HOUR_SECONDS = 3600.0
DAY_SECONDS = 86400.0
MAX_FAILURES = 16
"""Enough for any pair of back-off bounds; further doubling changes nothing."""
_DROPPING = frozenset(Remedy) - COMPACTING - {Remedy.RECLAIM}


class _Bounds(NamedTuple):
    """What bounds remedies of a kind."""

    key: str
    """As the configuration's keys begin."""
    what: str
    remedies: frozenset[Remedy]
    """Those that share the budget."""
    spacing_seconds: float
    per_hour: int
    per_day: int


def pruned(state: State, remedies: Remedies, now: float) -> State:
    """Forget starts of more than a day ago; where the clock was set back, bring back the rest."""
    running = state.running
    if running is not None:
        ended_at = running.finished_at
        running = running._replace(
            started_at=min(running.started_at, now),
            finished_at=None if ended_at is None else min(ended_at, now),
        )
    kept = [Start(s.remedy, min(s.at, now)) for s in state.starts if now - s.at < DAY_SECONDS]
    latest = now + remedies.backoff_max_seconds
    return state._replace(
        running=running,
        starts=tuple(kept),
        backoffs={
            name: backoff._replace(until=min(backoff.until, latest))
            for name, backoff in state.backoffs.items()
        },
    )


def silence(state: State, limits: Limits, now: float) -> str | None:
    """Say why nothing at all is done now; None where nothing stands against it."""
    if limits.unavailable is not None:
        return limits.unavailable
    if why := inhibition(state, now):
        return why
    if any(_within(hours, limits.minute_of_day) for hours in limits.remedies.quiet_hours):
        return "quiet hours"
    return beside_realtime(limits)


def inhibited_seconds(state: State, now: float) -> float | None:
    """Tell how long nothing is run yet, as somebody has asked for; None where that is not so."""
    until = state.inhibited_until
    return until - now if until is not None and now < until else None


def inhibition(state: State, now: float) -> str | None:
    """Say that somebody has asked for nothing to be run."""
    seconds = inhibited_seconds(state, now)
    return None if seconds is None else f"inhibited for {seconds:.0f} s more"


def beside_realtime(limits: Limits) -> str | None:
    """Say which real-time task nothing may be run beside."""
    if limits.realtime is None or limits.remedies.realtime:
        return None
    return f"real-time: {limits.realtime}"


def exhausted(state: State, remedy: Remedy, limits: Limits, now: float) -> str | None:
    """Say which budget of a remedy is used up; None where none is."""
    bounds = _bounds(remedy, limits.remedies)
    hour, day = _used(state, bounds, now)
    if hour >= bounds.per_hour:
        return f"the budget of {bounds.what}s for this hour is used up"
    if day >= bounds.per_day:
        return f"the budget of {bounds.what}s for this day is used up"
    return None


def too_soon(state: State, remedy: Remedy, limits: Limits, now: float) -> str | None:
    """Say how long ago the last of its kind was where that is not long enough."""
    bounds = _bounds(remedy, limits.remedies)
    kind = {remedy} if remedy in COMPACTING else bounds.remedies
    last = max((start.at for start in state.starts if start.remedy in kind), default=None)
    if last is not None and now - last < bounds.spacing_seconds:
        return f"the last {bounds.what} was less than {bounds.spacing_seconds:g} s ago"
    return None


def is_allowed(remedy: Remedy, remedies: Remedies) -> bool:
    """Whether the configuration lets a remedy run."""
    if remedy is Remedy.COMPACT_ASYNC:
        return remedies.compact and remedies.compact_async
    if remedy in COMPACTING:
        return remedies.compact
    return remedies.reclaim if remedy is Remedy.RECLAIM else remedies.drop_caches


def budget_left(state: State, remedies: Remedies, now: float) -> dict[str, int]:
    """Count what each budget leaves, by the key that sets it: nothing of what is switched off."""
    left: dict[str, int] = {}
    for remedy in (Remedy.COMPACT, Remedy.RECLAIM, Remedy.DROP_ALL):
        bounds = _bounds(remedy, remedies)
        hour, day = _used(state, bounds, now)
        left_today = max(0, bounds.per_day - day) if is_allowed(remedy, remedies) else 0
        left[f"{bounds.key}_per_hour"] = min(left_today, max(0, bounds.per_hour - hour))
        left[f"{bounds.key}_per_day"] = left_today
    return left


def backed_off(state: State, demand: str, remedies: Remedies, now: float) -> Backoff:
    """Make the next back-off of a demand: twice as long as the last, from its minimum on."""
    known = state.backoffs.get(demand)
    failures = min(MAX_FAILURES, known.failures + 1 if known else 1)
    seconds = min(remedies.backoff_max_seconds, remedies.backoff_min_seconds * 2 ** (failures - 1))
    return Backoff(failures, now + seconds)


def waiting(state: State, demand: str, now: float) -> float | None:
    """Tell for how many seconds a demand is backed off; None where it is not."""
    backoff = state.backoffs.get(demand)
    return backoff.until - now if backoff and now < backoff.until else None


def _used(state: State, bounds: _Bounds, now: float) -> tuple[int, int]:
    """Count the starts that share a budget: in the last hour, in the last day."""
    ages = [now - start.at for start in state.starts if start.remedy in bounds.remedies]
    return (
        sum(age < _HOUR_SECONDS for age in ages),
        sum(age < DAY_SECONDS for age in ages),
    )


def _bounds(remedy: Remedy, remedies: Remedies) -> _Bounds:
    """Give what bounds a remedy."""
    if remedy in COMPACTING:
        return _Bounds(
            "compact",
            "compaction",
            COMPACTING,
            remedies.compact_spacing_seconds,
            remedies.compact_per_hour,
            remedies.compact_per_day,
        )
    if remedy is Remedy.RECLAIM:
        return _Bounds(
            "reclaim",
            "reclaim",
            frozenset({Remedy.RECLAIM}),
            remedies.reclaim_spacing_seconds,
            remedies.reclaim_per_hour,
            remedies.reclaim_per_day,
        )
    return _Bounds(
        "drop",
        "drop",
        _DROPPING,
        remedies.drop_spacing_seconds,
        remedies.drop_per_hour,
        remedies.drop_per_day,
    )


def _within(hours: Hours, minute: int) -> bool:
    """Whether a minute of the day lies in the hours, which may go past midnight."""
    if hours.from_minute <= hours.to_minute:
        return hours.from_minute <= minute < hours.to_minute
    return minute >= hours.from_minute or minute < hours.to_minute
