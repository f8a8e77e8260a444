"""What the policy remembers, what bounds it, and what it decides: plain records."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from oomwatchd.assess.assessment import Reading
from oomwatchd.model import Action, Cause, Outcome, Remedy, Severity
from oomwatchd.settings import Poll, Remedies

COMPACTING = frozenset({Remedy.COMPACT, Remedy.COMPACT_ASYNC})
"""What moves pages together; the others give pages back."""


class Running(NamedTuple):
    """A remedy that was started, until it has settled and been judged."""

    action: Action
    demand: str
    cause: Cause | None
    """None where its demand was not low: somebody asked for it."""
    level: int
    headroom_before: int
    free_pages_before: int
    free_cma_pages_before: int
    started_at: float
    finished_at: float | None = None
    duration_seconds: float = 0.0
    error: str | None = None
    others: frozenset[str] = frozenset()
    """The other demands that it should help as well."""
    asked: bool = False
    """Whether somebody asked for it: `level` means nothing then."""


class Standing(NamedTuple):
    """How a demand stands, since when, and its recent headrooms, oldest first."""

    severity: Severity
    since: float
    history: tuple[int | None, ...]
    clear_since: float | None
    """Since when it has been above twice its warning level; None while it is not."""
    low_since: float | None
    """Since when it has been low, be it warning or critical; None while it is not."""
    eased_since: float | None = None
    """Since when it has been at warning, no more critical; None while it is not."""
    since_start: bool = False
    """Whether it has been low ever since the first look, which counts without hold."""
    fall_per_second: float = 0.0
    """The fastest fall of headroom lately, in blocks."""
    seen_at: float = 0.0


class Word(Enum):
    """What was last said of a demand; each but RECOVERED stands until another is said."""

    RECOVERED = "headroom_recovered"
    LOW = "headroom_low"
    WARNING = "headroom_warning"
    CRITICAL = "headroom_critical"


class Start(NamedTuple):
    """A remedy that was started: what the budgets count."""

    remedy: Remedy
    at: float


class Backoff(NamedTuple):
    """A demand that nothing helped: how often in a row, and until when nothing is tried."""

    failures: int
    until: float


class State(NamedTuple):
    """What is remembered between ticks. Times are monotonic seconds."""

    standings: Mapping[str, Standing]
    words: Mapping[str, Word]
    running: Running | None
    starts: tuple[Start, ...]
    """What was started within a day, oldest first."""
    backoffs: Mapping[str, Backoff]
    tried: Mapping[str, frozenset[Remedy]]
    """What did not help a demand since it became low, or since its last back-off ended."""
    inhibited_until: float | None
    counts: Mapping[Remedy, int]
    outcomes: tuple[Outcome, ...]
    first_look: bool
    free_pages: int = 0
    """When they were last known; 0 before."""
    moved_at: float = float("-inf")
    """When free memory was last seen to have changed much from one look to the next."""


class Limits(NamedTuple):
    """What bounds the decisions."""

    poll: Poll
    remedies: Remedies
    unavailable: str | None = None
    """Why nothing can be done here at all; None if something can."""
    missing: Mapping[Remedy, str] = {}
    """Why a remedy cannot be had, for those that cannot."""
    nodes: tuple[int, ...] = ()
    """The nodes that can be compacted one by one."""
    realtime: str | None = None
    """The first sign of real-time tasks."""
    minute_of_day: int = 0
    """Local time, for the quiet hours."""
    dry_run: bool = False


class Decision(NamedTuple):
    """To run a remedy, or (None) to wait, with the reason."""

    action: Action | None
    reading: Reading | None
    reason: str
    against: Mapping[str, str] = {}
    """Why nothing is run for a demand that is low, by its name."""
    backed_off: tuple[tuple[Reading, Backoff], ...] = ()
    """The demands that nothing helped: from now on they are waited for."""

    @property
    def remedy(self) -> Remedy | None:
        """The remedy to be run; None to wait."""
        return self.action.remedy if self.action else None


def initial() -> State:
    """Give the state before the first tick."""
    return State(
        standings={},
        words={},
        running=None,
        starts=(),
        backoffs={},
        tried={},
        inhibited_until=None,
        counts=dict.fromkeys(Remedy, 0),
        outcomes=(),
        first_look=True,
    )
