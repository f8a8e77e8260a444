"""Several reports that are open at once: which may go on, and which is asked first for a line.

Nothing tells for sure whose a line is where the log does not name the callers. What is known:
processes are killed one after the other (oom_lock in mm/oom_kill.c; up to 4.1 a lock for each
zonelist), a report's parts have an order, and what a processor prints it mostly prints at once.
"""

from collections.abc import Sequence

from oomwatchd.report.draft import Draft, Stage
from oomwatchd.report.figures import take_mark
from oomwatchd.report.finish import worth
from oomwatchd.report.forms import OF_MEMORY, Reader
from oomwatchd.report.header import Opening
from oomwatchd.report.record import Kind
from oomwatchd.report.stamp import passed_seconds
from oomwatchd.report.totals import take_total

PATIENCE_LINES = 50
"""Other lines that may pass after a report's end, before its kill is no longer waited for."""
MORE_PATIENCE_LINES = 500
"""The same for a report whose end was not seen."""
LEAST_PATIENCE_LINES = 5
"""The same for what is not known to be a report at all."""
MAX_SECONDS = 2.0
"""Between two lines of reports that were printed at once."""
_ADJACENT_LINES = 4
_STALE_LINES = 16
"""A report that has taken none of so many lines is not the first to be asked."""


def in_order(drafts: list[Draft], found: Reader, now: int) -> Sequence[Draft]:
    """Give the open reports in the order in which they are asked to take a line."""
    if drafts[-1].awaits_kill:
        drafts = [drafts[-1], *drafts[:-1]]
    if found not in OF_MEMORY:
        return drafts
    # Who has begun with the memory goes first; "Mem-Info:" itself follows a stack.
    begun = Stage.STACK if found is take_mark else Stage.COUNTERS
    if found is take_total and any(draft.has_memory for draft in drafts):
        drafts = [draft for draft in drafts if draft.has_memory]
    return sorted(drafts, key=lambda it: (it.stage < begun, now - it.touched > _STALE_LINES))


def is_begun_by(
    last: Draft, opened: Opening, stamp: str | None, caller: str | None, now: int
) -> bool:
    """Whether a vmalloc failure's own line comes before the usual one (mm/vmalloc.c).

    Up to 4.8 what follows is an allocation failure's; where addresses ran out another vmalloc
    failure's, in all kernels.
    """
    if last.kind is not Kind.VMALLOC_FAILURE or last.header or last.stage is not Stage.HEADER:
        return False
    if opened.kind is Kind.ALLOCATION_FAILURE:
        if opened.header is None or opened.header.order:
            return False
    elif opened.kind is not Kind.VMALLOC_FAILURE:
        return False
    if last.is_anothers(caller) or not _is_adjacent(last, now):
        return False
    return _are_at_once(stamp, last.stamp)


def goes_on(draft: Draft, opened: Opening, stamp: str | None, caller: str | None, now: int) -> bool:
    """Whether a report may still get parts when the next one begins."""
    is_stall = draft.unwanted and draft.header is not None
    if draft.tentative or (draft.kind is None and not is_stall):
        return False
    are_kills = draft.is_oom and opened.kind is Kind.OOM
    if not _are_at_once(stamp, draft.stamp) or (are_kills and draft.stage <= Stage.STACK):
        return False
    if None not in (caller, draft.caller):
        return draft.is_anothers(caller)
    is_ending = draft.stage is Stage.TOTALS and "ram" not in draft.totals
    if draft.stage <= Stage.STACK or is_ending:
        return _is_adjacent(draft, now)
    if draft.is_oom and not draft.kills and opened.kind is Kind.ALLOCATION_FAILURE:
        return draft.has_memory
    return Stage.COUNTERS <= draft.stage < Stage.TOTALS


def _is_adjacent(draft: Draft, now: int) -> bool:
    """Whether hardly any lines have passed since a report took one."""
    return now - draft.touched <= _ADJACENT_LINES


def is_over(draft: Draft, now: int) -> bool:
    """Whether a report has been passed over too often."""
    if draft.tentative and not worth(draft):
        patience = LEAST_PATIENCE_LINES
    else:
        patience = PATIENCE_LINES if draft.is_complete else MORE_PATIENCE_LINES
    return now - draft.touched > patience


def _are_at_once(stamp: str | None, other: str | None) -> bool:
    """Whether two lines of reports may be of the same moment, as far as their stamps tell."""
    passed = passed_seconds(other, stamp)
    return passed is None or abs(passed) <= MAX_SECONDS
