"""When the hook's command is run. Pure: whoever runs it says what came of that.

The theory. The command is told of the device's severity as it was said: the worst of the words
that stand, `headroom_low` and none at all being ok.

- a change is a notice; as long as it waits, the newest wins, and what it replaces is never told;
  one that leads back to what the command was told last is none;
- it waits while a remedy runs or settles, and while the command runs; a remedy that does not come
  back is not waited for;
- it waits for some seconds since the last start;
- it waits while a process start might not find its memory: that is asked by whoever runs it;
- what was tried is told, whatever came of it, but for a start that failed for want of memory:
  that is tried again.

So the command is never run more often than severity changes, and once all is quiet it was told
last what is.
"""

import math
from typing import NamedTuple

from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Severity
from oomwatchd.policy.effect import is_stuck
from oomwatchd.policy.state import State, Word

SPACING_SECONDS = 5.0
"""From one start of the command to the next."""
RETRY_SECONDS = 30.0
"""From a start that failed for want of memory to the next: each may make the kernel kill."""

_OK = Severity.OK
_SEVERITIES = {Word.WARNING: Severity.WARNING, Word.CRITICAL: Severity.CRITICAL}
"""What the words say of the device; the others say that all is well."""


class Notice(NamedTuple):
    """What the command was told last, and what is said now: if they differ, a notice waits."""

    told: Severity = _OK
    said: Severity = _OK
    demand: str | None = None
    """The demand that stands worst; once all are ok, the one that stood worst last."""
    next_at: float = -math.inf
    coalesced: int = 0
    """Changes that a newer one replaced before they were told."""
    suppressed: int = 0
    """Changes that were held back because a process start might not have found its memory."""
    is_held: bool = False
    """Whether the notice that waits was counted as suppressed."""

    @property
    def waits(self) -> bool:
        """Whether there is something to tell."""
        return self.said is not self.told


def heard(notice: Notice, state: State, assessment: Assessment) -> Notice:
    """Take note of what is said now; called after `speak`."""
    worst = _worst(state, assessment)
    said = _severity(state, worst) if worst else _OK
    demand = worst.demand.name if worst else notice.demand
    if said is notice.said:
        return notice if demand == notice.demand else notice._replace(demand=demand)
    return notice._replace(
        said=said,
        demand=demand,
        coalesced=notice.coalesced + notice.waits,
        is_held=False,
    )


def due_at(notice: Notice, state: State, now: float) -> float:
    """Say when the command is to be run, if nothing changes until then; infinity for never."""
    if not notice.waits or (state.running is not None and not is_stuck(state, now)):
        return math.inf
    # Where the clock was set back, it is not waited for.
    return min(notice.next_at, now + RETRY_SECONDS)


def told(notice: Notice, now: float) -> Notice:
    """Take note that the command was run, or cannot be."""
    return notice._replace(told=notice.said, next_at=now + SPACING_SECONDS, is_held=False)


def postponed(notice: Notice, now: float) -> Notice:
    """Take note that the start failed and is to be tried again."""
    return notice._replace(next_at=now + RETRY_SECONDS)


def held(notice: Notice) -> Notice:
    """Take note that it would have been run, but for the floor; counted once for each change."""
    if notice.is_held:
        return notice
    return notice._replace(suppressed=notice.suppressed + 1, is_held=True)


def passed_over(notice: Notice) -> Notice:
    """Take note that there is no command: nothing waits."""
    return notice._replace(told=notice.said) if notice.waits else notice


def _worst(state: State, assessment: Assessment) -> Reading | None:
    """Find the demand of which the worst was said; None where all are ok."""
    low = [reading for reading in assessment.readings if _severity(state, reading) is not _OK]
    return max(low, key=lambda reading: _badness(state, reading), default=None)


def _severity(state: State, reading: Reading) -> Severity:
    """Give what was said of a demand, as a severity."""
    return _SEVERITIES.get(state.words.get(reading.demand.name, Word.RECOVERED), _OK)


def _badness(state: State, reading: Reading) -> tuple[int, int, int]:
    """Order demands: by what was said, then by how they stand now, then by headroom."""
    return _severity(state, reading).rank, reading.severity.rank, -(reading.headroom or 0)
