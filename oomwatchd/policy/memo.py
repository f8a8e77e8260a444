"""What outlives a restart: the starts that budgets count, back-offs and inhibition.

One line of JSON with the boot's identifier, for its times are monotonic seconds of that boot.
"""

import json
from typing import Any

from oomwatchd.model import Remedy
from oomwatchd.policy.budget import DAY_SECONDS, MAX_FAILURES
from oomwatchd.policy.state import Backoff, Start, State

_MAX_STARTS = 6000
"""As many as the configuration lets run in a day: 2000 of each of the three budgets."""
_MAX_DEMANDS = 256
_MAX_NAME = 32
_MAX_SECONDS = 1e12


def memo_of(state: State, boot_id: str | None) -> bytes:
    """Write down what the next daemon has to know."""
    facts = {
        "boot_id": boot_id,
        "starts": [[start.remedy.value, round(start.at, 3)] for start in state.starts],
        "backoffs": {
            name: [backoff.failures, round(backoff.until, 3)]
            for name, backoff in state.backoffs.items()
        },
        "inhibited_until": state.inhibited_until,
    }
    return json.dumps(facts, separators=(",", ":")).encode("ascii") + b"\n"


def recalled(state: State, memo: bytes, boot_id: str | None, now: float) -> State:
    """Take over what the last daemon of this boot wrote down; nothing where it does not read so.

    Times ahead of now are brought back to it, or no clock would ever reach them.
    """
    try:
        facts = json.loads(memo.decode("ascii"))
        if boot_id is None or facts["boot_id"] != boot_id:
            return state
        return state._replace(
            starts=_starts(facts["starts"], now),
            backoffs=_backoffs(facts["backoffs"], now),
            inhibited_until=_inhibited_until(facts["inhibited_until"], now),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return state


def _starts(rows: Any, now: float) -> tuple[Start, ...]:  # noqa: ANN401 - JSON
    """Read the starts, oldest first."""
    found = [Start(Remedy(remedy), min(_seconds(at), now)) for remedy, at in rows[-_MAX_STARTS:]]
    return tuple(sorted(found, key=lambda start: start.at))


def _backoffs(rows: Any, now: float) -> dict[str, Backoff]:  # noqa: ANN401 - JSON
    """Read the back-offs; none lasts longer than a day from now."""
    found: dict[str, Backoff] = {}
    for name, (failures, until) in list(rows.items())[:_MAX_DEMANDS]:
        if type(failures) is not int or not 1 <= failures <= MAX_FAILURES:
            raise ValueError("not a number of failures")
        found[name[:_MAX_NAME]] = Backoff(failures, min(_seconds(until), now + DAY_SECONDS))
    return found


def _inhibited_until(value: Any, now: float) -> float | None:  # noqa: ANN401 - JSON
    """Read until when remedies are inhibited; not longer than a day from now."""
    return None if value is None else min(_seconds(value), now + DAY_SECONDS)


def _seconds(value: Any) -> float:  # noqa: ANN401 - JSON
    """Read a moment."""
    if type(value) not in (int, float) or not 0 <= value < _MAX_SECONDS:
        raise ValueError("not a moment")
    return float(value)
