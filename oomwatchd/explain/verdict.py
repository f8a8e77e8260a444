"""Why a request was refused: the zones' answers in one word.

Nearest first: where a zone had enough free for the request but no block (or, up to 4.3, too small
a stock of large ones), pieces were what lacked, whatever the other zones say.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from oomwatchd.explain.request import Asked
from oomwatchd.explain.trial import Refusal, Trial
from oomwatchd.report.record import Kind, Report


class Verdict(Enum):
    """The reason, in one word."""

    __hash__ = object.__hash__

    SHORTAGE = "shortage"
    """Too little was free above the kernel's marks."""
    FRAGMENTATION = "fragmentation"
    """Enough was free, in too small pieces."""
    RESERVED = "reserved"
    """What was free is kept for others: in CMA or HighAtomic."""
    LOWMEM = "lowmem"
    """What was free lies in zones that the request cannot use."""
    BOOST = "boost"
    """The marks were raised for a while (5.0 on); without that it would have been granted."""
    CGROUP_LIMIT = "cgroup_limit"
    """A control group reached its limit."""
    REQUESTED = "requested"
    """Somebody asked for a kill (sysrq-f)."""
    TOO_LARGE = "too_large"
    """No zone has blocks of that order at all."""
    ADDRESS_SPACE = "address_space"
    """Kernel address space (vmalloc) ran out, or pages for it."""
    GRANTED_NOW = "granted_now"
    """By the report's figures it would be granted: memory came free meanwhile."""
    UNKNOWN = "unknown"
    """The report does not tell enough."""


class Reason(NamedTuple):
    """The verdict, and the zone that it was found in."""

    verdict: Verdict
    trial: Trial | None
    mark: str = "min"
    """Which mark refused: "high" is what the last try before a kill demands."""


_USUAL_PAGE_KIB = 4
_KEPT_SHARE = 128
"""Of a zone about that part lies below its high mark."""
_LEAST_SHARE = 16
"""A zone smaller than this part of what the request may use decides nothing."""


def reason_of(report: Report, asked: Asked, found: Sequence[Trial], mark: str = "min") -> Reason:
    """Find the reason, by the trials against one mark."""
    if report.kind is Kind.CGROUP_OOM:
        return Reason(Verdict.CGROUP_LIMIT, None)
    if report.kind is Kind.VMALLOC_FAILURE:
        return Reason(Verdict.ADDRESS_SPACE, None)
    if report.header is not None and report.header.order == -1:
        return Reason(Verdict.REQUESTED, None)
    if not asked.is_known:
        return Reason(Verdict.UNKNOWN, None)
    elsewhere, is_kill = _free_elsewhere(report, found), report.kind is Kind.OOM
    return _by_zones(found, asked, mark, elsewhere, is_kill=is_kill)


def _by_zones(
    found: Sequence[Trial], asked: Asked, mark: str, elsewhere: int, *, is_kill: bool
) -> Reason:
    """Find the reason among the zones' answers to one mark."""
    reached = [trial for trial in found if trial.is_reached]
    if not reached:
        # Its zones have no memory at all, where there is any elsewhere.
        return Reason(Verdict.LOWMEM if elsewhere else Verdict.UNKNOWN, None, mark)
    passing = [trial for trial in reached if trial.passes]
    # The kernel refused: what a small zone has beyond its mark now says less than the large ones.
    large = [trial for trial in reached if _is_weighty(trial, reached)]
    if passing and (not large or any(trial.refusal is None for trial in large)):
        return Reason(Verdict.GRANTED_NOW, _largest(passing), mark)
    judged = [trial for trial in reached if trial.refusal is not None]
    left = [trial for trial in reached if trial.refusal is None and _is_weighty(trial, reached)]
    if left or not judged:
        # One that may have granted it: what the others say does not tell why not.
        return Reason(Verdict.UNKNOWN, _largest(left or reached), mark)
    order = asked.order or 0
    orders = max(len(trial.zone.free_blocks or ()) for trial in reached)
    if 0 < orders <= order:
        return Reason(Verdict.TOO_LARGE, _largest(reached), mark)
    weighty = [trial for trial in judged if _is_weighty(trial, reached)] or judged
    rules: list[tuple[Verdict, Callable[[Trial], bool]]] = [
        (Verdict.RESERVED, _is_barred),
        (Verdict.BOOST, lambda trial: _is_boosted(trial, is_kill=is_kill)),
        (Verdict.RESERVED, lambda trial: _is_kept(trial, is_kill=is_kill)),
    ]
    if order > 0:  # a single page is never too large
        rules.insert(0, (Verdict.FRAGMENTATION, _is_fragmented))
    for verdict, is_so in rules:
        such = [trial for trial in weighty if is_so(trial)]
        if such:
            return Reason(verdict, _largest(such), mark)
    here = sum(trial.free_pages or 0 for trial in reached)
    verdict = Verdict.LOWMEM if elsewhere > max(here, 1 << order) else Verdict.SHORTAGE
    return Reason(verdict, _largest(weighty), mark)


def _size(trial: Trial) -> int:
    kib = trial.zone.kib
    return kib.get("managed", kib.get("present", 0))


def _is_weighty(trial: Trial, reached: Sequence[Trial]) -> bool:
    """Whether the zone is of some size among those that the request may use."""
    return _size(trial) * _LEAST_SHARE >= sum(map(_size, reached))


def _largest(found: Sequence[Trial]) -> Trial:
    return max(found, key=lambda trial: (_size(trial), trial.free_pages or 0))


def _is_fragmented(trial: Trial) -> bool:
    if trial.refusal is Refusal.STOCK:
        return True
    return trial.refusal is Refusal.BLOCK and trial.barred_blocks == 0


def _is_barred(trial: Trial) -> bool:
    """Whether there are large blocks, of types that serve others."""
    return trial.refusal is Refusal.BLOCK and trial.barred_blocks > 0


def _is_kept(trial: Trial, *, is_kill: bool) -> bool:
    """Whether the zone would grant it if CMA and HighAtomic served everybody."""
    kept = trial.cma_pages + trial.highatomic_pages
    if trial.refusal is not Refusal.BUDGET or not kept:
        return False
    return trial.checks[0].pages + kept > _needed(trial, 0, 0, is_kill=is_kill)


def _is_boosted(trial: Trial, *, is_kill: bool) -> bool:
    """Whether the zone would grant it without the boost."""
    if trial.refusal is not Refusal.BUDGET or not trial.raised_pages or trial.usable_blocks == 0:
        return False
    needed = _needed(trial, trial.raised_pages, trial.boost_pages, is_kill=is_kill)
    return trial.checks[0].pages > needed


def _needed(trial: Trial, less: int, less_high: int, *, is_kill: bool) -> int:
    """Give the mark that decides, less what may be left out of it.

    Before a kill everything was reclaimed that could be: there the high mark counts.
    """
    mark, kib = trial.checks[0].mark - less, trial.zone.kib
    if is_kill and trial.free_pages and kib.get("free"):
        page_kib = max(1, kib["free"] // trial.free_pages)
        mark = max(mark, kib.get("high", 0) // page_kib - less_high + trial.reserve_pages)
    return mark


def _free_elsewhere(report: Report, found: Sequence[Trial]) -> int:
    """Count the free pages in zones that the request cannot use, above their high marks.

    Since 6.1 a report leaves out the zones above the request's: they are what its counter of free
    pages has more. How large they are tells roughly what is kept back there.
    """
    pages = sum(
        trial.free_pages or 0
        for trial in found
        if not trial.is_reached and trial.zone.kib.get("free", 0) > trial.zone.kib.get("high", 0)
    )
    listed = sum(trial.free_pages or 0 for trial in found)
    left_out = report.counters_pages.get("free", 0) - listed
    totals = report.totals_pages
    page_kib = next((zone.smallest_block_kib for zone in report.zones), None) or _USUAL_PAGE_KIB
    size = totals.get("ram", 0) - totals.get("reserved", 0) - sum(map(_size, found)) // page_kib
    least = max(listed // _LEAST_SHARE, size // _KEPT_SHARE)
    return pages + (left_out if left_out > least else 0)
