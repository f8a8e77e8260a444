"""Taking note of how demands stand, and of time that passed unseen."""

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Severity
from oomwatchd.policy.pace import faded_fall
from oomwatchd.policy.state import Standing, State, Word
from oomwatchd.settings import Poll

_MUCH = 8
"""A change of free memory by an eighth from look to look is much."""
_HISTORY = 60
"""Recent headrooms kept for each demand."""


def observe(state: State, assessment: Assessment, poll: Poll, now: float) -> State:
    """Take note of an assessment: who is low since when, and the recent headrooms."""
    standings = {
        reading.demand.name: _standing(state.standings.get(reading.demand.name), reading, now)
        for reading in assessment.readings
    }
    if state.first_look:
        standings = {
            name: standing._replace(since_start=standing.low_since is not None)
            for name, standing in standings.items()
        }
    ok = {name for name, standing in standings.items() if standing.severity is Severity.OK}
    clear = {name for name in ok if is_clear(standings[name], poll, now)}
    # None at all is not known: the files could not be read.
    last = state.free_pages
    free_pages = sum([zone.free_pages or 0 for zone in assessment.system.zones]) or last
    moved = last > 0 and abs(free_pages - last) > max(free_pages, last) // _MUCH
    return state._replace(
        free_pages=free_pages,
        moved_at=now if moved and not state.first_look else state.moved_at,
        standings=standings,
        words={name: word for name, word in state.words.items() if name in standings},
        tried={
            name: tried
            for name, tried in state.tried.items()
            if name in standings and name not in ok
        },
        backoffs={
            name: backoff
            for name, backoff in state.backoffs.items()
            if name in standings and name not in clear
        },
    )


def _standing(known: Standing | None, reading: Reading, now: float) -> Standing:
    """Bring one demand's standing up to date."""
    headroom, severity = reading.headroom, reading.severity
    is_clear_now = headroom is not None and not reading.is_near
    clear_since = _earlier(known.clear_since if known else None, now) if is_clear_now else None
    low_since = known.low_since if known else None
    eased_since = known.eased_since if known else None
    if severity is Severity.OK:
        low_since = eased_since = None
    elif severity is not Severity.UNKNOWN:
        low_since = _earlier(low_since, now)
        eased_since = None if severity is Severity.CRITICAL else _earlier(eased_since, now)
    return Standing(
        severity=severity,
        since=_earlier(known.since if known and known.severity is severity else None, now),
        history=(*(known.history if known else ()), headroom)[-_HISTORY:],
        clear_since=clear_since,
        low_since=low_since,
        eased_since=eased_since,
        since_start=low_since is not None and known is not None and known.since_start,
        fall_per_second=_fall(known, headroom, now),
        seen_at=now,
    )


def _earlier(since: float | None, now: float) -> float:
    """Go on with a moment, or begin now; where the clock was set back, it is now as well."""
    return now if since is None else min(since, now)


def _fall(known: Standing | None, headroom: int | None, now: float) -> float:
    """Give the fastest fall lately."""
    last = known.history[-1] if known else None
    if known is None or last is None or headroom is None or now <= known.seen_at:
        return known.fall_per_second if known else 0.0
    return faded_fall(known.fall_per_second, last - headroom, now - known.seen_at)


def is_clear(standing: Standing, poll: Poll, now: float) -> bool:
    """Whether a demand has been well above its level for the clearing time."""
    return standing.clear_since is not None and now - standing.clear_since >= poll.clear_seconds


def is_held(reading: Reading, state: State, poll: Poll, now: float) -> bool:
    """Whether a demand is low and has been so for the hold time, or ever since the start."""
    if reading.severity is Severity.CRITICAL:
        return True
    if reading.severity is not Severity.WARNING:
        return False
    standing = state.standings.get(reading.demand.name)
    since_start = standing is not None and standing.since_start
    return since_start or low_seconds(reading, state, now) >= poll.hold_seconds


def low_seconds(reading: Reading, state: State, now: float) -> float:
    """Tell how long a demand has been low; 0 where it is not."""
    standing = state.standings.get(reading.demand.name)
    return now - standing.low_since if standing and standing.low_since is not None else 0.0


def is_in_motion(reading: Reading, state: State, poll: Poll, now: float) -> bool:
    """Whether much memory is being taken or given back right now, so that acting is too soon.

    For the settling time at most, and only for what may sleep meanwhile: a remedy in the middle
    would help little, and be held against the next one.
    """
    return (
        reading.demand.request.may_sleep
        and 0 <= now - state.moved_at < poll.interval_min_seconds
        and low_seconds(reading, state, now) < poll.settle_seconds
    )


def eased_seconds(standing: Standing, now: float) -> float:
    """Tell how long a demand has been at warning, no more critical; 0 where it is not."""
    return 0.0 if standing.eased_since is None else now - standing.eased_since


def is_idle(state: State) -> bool:
    """Whether time alone can change nothing: every demand ok and told so, nothing under way."""
    return (
        state.running is None
        and not state.backoffs
        and not state.first_look
        and all(standing.severity is Severity.OK for standing in state.standings.values())
        and all(word is Word.RECOVERED for word in state.words.values())
    )


def after_gap(state: State, missed_seconds: float, now: float) -> State:
    """Take note that nobody looked for a while (SIGSTOP, suspend): what lasted has to last anew.

    A remedy that was under way stood still as we did.
    """
    running = state.running
    if running is not None:
        running = running._replace(
            started_at=running.started_at + missed_seconds,
            finished_at=None if running.finished_at is None else now,
        )
    standings = {
        name: standing._replace(
            clear_since=None if standing.clear_since is None else now,
            low_since=None if standing.low_since is None else now,
            eased_since=None if standing.eased_since is None else now,
            since_start=False,
        )
        for name, standing in state.standings.items()
    }
    return state._replace(standings=standings, running=running)
