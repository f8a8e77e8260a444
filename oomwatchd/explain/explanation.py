"""From a report to its explanation: one step after another, each kept with its numbers.

First the reason alone: in a log of many reports those that say the same are not explained again.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from oomwatchd.explain.advice import advice_for
from oomwatchd.explain.demand import DemandSection, demand_for
from oomwatchd.explain.kernel import KernelFound, kernel_of
from oomwatchd.explain.memory import Uses, uses_of
from oomwatchd.explain.request import Asked, asked_of
from oomwatchd.explain.situation import NODE_CONSTRAINTS, Situation, has_highmem
from oomwatchd.explain.trial import Trial, trials
from oomwatchd.explain.verdict import Reason, Verdict, reason_of
from oomwatchd.explain.victim import Tasks, Victim, ranked_tasks, tasks_of, victims_of
from oomwatchd.model import Version
from oomwatchd.report.record import Banner, Kind, Report
from oomwatchd.report.stamp import passed_seconds

_REMEMBERED_KILLS = 64
_DYING_SECONDS = 60
"""Between the beginnings of both reports; the first takes seconds on a serial console."""
_DYING_LINES = 5000
"""The same where no stamps tell."""
_UNDECIDED = (Verdict.GRANTED_NOW, Verdict.UNKNOWN)
NEW_RULE: Version = (4, 4, 0)
"""Since then one block is enough, where a stock of them was asked for."""
_CHANGES: tuple[Version, ...] = (
    *((2, 6, 38), (3, 3, 0), (3, 7, 0), (3, 10, 0), NEW_RULE, (4, 14, 0), (5, 9, 0), (6, 3, 0)),
    *((6, 8, 0), (6, 12, 0), (6, 18, 0)),
)
"""Since when the rule, or what a request may do by it, is another one."""


class Judged(NamedTuple):
    """Why a report is there: enough to tell whether another one says the same."""

    report: Report
    kernel: KernelFound
    asked: Asked
    by_min: tuple[Trial, ...]
    """What the zones answer by the min mark."""
    by_high: tuple[Trial, ...]
    """The same by the high mark; empty where the min mark told all."""
    reason: Reason


class Explanation(NamedTuple):
    """What a report means."""

    report: Report
    kernel: KernelFound
    asked: Asked
    trials: tuple[Trial, ...]
    """By the mark that `reason` names."""
    reason: Reason
    by_new_rule: Verdict | None
    """Of a kernel before 4.4: what one since 4.4 would have said; None of others."""
    is_doubtful: bool
    """The versions that the report may be of would not agree."""
    uses: Uses
    victims: tuple[Victim, ...]
    tasks: Tasks | None
    advice: tuple[str, ...]
    demand: DemandSection | None

    @property
    def has_highmem(self) -> bool:
        """Whether the device has memory that the kernel cannot use for itself."""
        return has_highmem(self.report)

    @property
    def is_bound_to_nodes(self) -> bool:
        """Whether a cpuset or a memory policy kept the request to some nodes."""
        return self.report.constraint in NODE_CONSTRAINTS


def judged(found: Iterable[Report]) -> Iterator[Judged]:
    """Judge the reports of a log, one after another.

    What a killed process could not have right after is no failure of its own.
    """
    killed: deque[_Killed] = deque(maxlen=_REMEMBERED_KILLS)
    banner: Banner | None = None
    for report in found:
        if report.banner is not banner:  # another boot: numbers begin anew
            banner = report.banner
            killed.clear()
        failed = report.kind is Kind.ALLOCATION_FAILURE
        yield judge(report, is_dying=failed and any(_is_dying(report, one) for one in killed))
        killed.extend(_Killed(kill.pid, kill.name, report.at, report.line) for kill in report.kills)


class _Killed(NamedTuple):
    """Who was killed, and where the report of it begins."""

    pid: int
    name: str
    at: str | None
    line: int


def _is_dying(report: Report, killed: _Killed) -> bool:
    """Whether who asks in a report was killed just before: numbers come again."""
    comm = report.header.comm if report.header else None
    if report.pid != killed.pid or comm not in (None, killed.name):
        return False
    passed = passed_seconds(killed.at, report.at)
    if passed is None:
        return report.line - killed.line <= _DYING_LINES
    return 0 <= passed <= _DYING_SECONDS


def judge(report: Report, *, is_dying: bool = False) -> Judged:
    """Judge a report; `is_dying`: who asks was killed just before."""
    kernel = kernel_of(report)
    asked = asked_of(report, kernel, is_dying=is_dying)
    return Judged(report, kernel, asked, *_by_rule(report, asked, kernel, kernel.version))


def explain(it: Judged) -> Explanation:
    """Explain what was judged."""
    report, kernel, asked, by_min, by_high, reason = it
    by_new_rule = None
    if kernel.version < NEW_RULE:
        by_new_rule = _by_rule(report, asked, kernel, NEW_RULE).reason.verdict
    uses, ranked = uses_of(report, kernel), ranked_tasks(report, kernel)
    situation = Situation(report, kernel, asked, reason, by_new_rule, uses, by_min)
    return Explanation(
        report=report,
        kernel=kernel,
        asked=asked,
        trials=by_high if reason.mark == "high" else by_min,
        reason=reason,
        by_new_rule=by_new_rule,
        is_doubtful=any(
            _by_rule(report, asked, kernel, version).reason.verdict is not reason.verdict
            for version in _CHANGES
            if kernel.since < version <= kernel.last and reason.trial is not None
        ),
        uses=uses,
        victims=victims_of(report, ranked),
        tasks=tasks_of(report, ranked),
        advice=() if asked.is_dying else tuple(advice_for(situation)),
        demand=demand_for(situation),
    )


class _Answers(NamedTuple):
    """What the zones answer by the rule of a version, and the reason by that."""

    by_min: tuple[Trial, ...]
    by_high: tuple[Trial, ...]
    """Empty where the min mark told all."""
    reason: Reason


def _by_rule(report: Report, asked: Asked, kernel: KernelFound, version: Version) -> _Answers:
    """Try all zones; before a kill the last try is against the high mark."""
    by_min = tuple(trials(report, asked, kernel, version))
    reason = reason_of(report, asked, by_min)
    if report.kind is not Kind.OOM or reason.verdict not in _UNDECIDED or not asked.is_known:
        return _Answers(by_min, (), reason)
    by_high = tuple(trials(report, asked, kernel, version, "high"))
    high = reason_of(report, asked, by_high, "high")
    return _Answers(by_min, by_high, reason if high.verdict is Verdict.UNKNOWN else high)
