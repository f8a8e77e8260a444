"""Many reports: alike ones together, counted, the first of each kept whole."""

from typing import NamedTuple

from oomwatchd.explain.explanation import Explanation, Judged, explain
from oomwatchd.explain.story import headline
from oomwatchd.explain.verdict import Verdict

MOST_GROUPS = 64
"""Of further kinds no explanation is kept: memory stays bounded."""
MOST_PLACES = 100
MOST_OTHERS = 1000
"""Of further kinds, each in a line; more are counted."""


class Place(NamedTuple):
    """Where a report stands."""

    source: str
    line: int
    at: str | None
    comm: str | None


class Other(NamedTuple):
    """A report of a further kind."""

    source: str
    line: int
    at: str | None
    headline: str


class Group:
    """Reports that say the same: kind, request, purpose, kernel, verdict."""

    def __init__(self, source: str, first: Explanation) -> None:
        """Begin with one."""
        self.source = source
        # Its explanation has the largest tasks: the table may be long.
        self.first = first._replace(report=first.report._replace(tasks=()))
        self.count = 1
        self.more: list[Place] = []
        """Where the others are, as far as `MOST_PLACES` goes."""

    def add(self, source: str, it: Judged) -> None:
        """Count one more."""
        self.count += 1
        if len(self.more) < MOST_PLACES:
            self.more.append(Place(source, it.report.line, it.report.at, it.asked.comm))


class Collection:
    """All reports of some logs."""

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self.kinds: dict[str, int] = {}
        self.verdicts: dict[str, int] = {}
        self._groups: dict[tuple[object, ...], Group] = {}
        self.others: list[Other] = []
        """Reports of more kinds than are kept, as far as `MOST_OTHERS` goes."""
        self.left_out = 0
        """Reports of which nothing is kept."""

    @property
    def groups(self) -> list[Group]:
        """The groups, those that tell something first, the largest of them first."""
        return sorted(self._groups.values(), key=lambda one: (_is_unknown(one.first), -one.count))

    def add(self, source: str, it: Judged) -> None:
        """Take one in; the first of its kind is explained."""
        self.count += 1
        kind, verdict = it.report.kind.value, it.reason.verdict.value
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        key = _key(it)
        group = self._groups.get(key)
        if group is not None:
            group.add(source, it)
        elif len(self._groups) < MOST_GROUPS:
            self._groups[key] = Group(source, explain(it))
        else:
            self._note(source, it)

    def _note(self, source: str, it: Judged) -> None:
        """Keep a line of one."""
        if len(self.others) < MOST_OTHERS:
            self.others.append(Other(source, it.report.line, it.report.at, headline(explain(it))))
        else:
            self.left_out += 1


def _is_unknown(it: Explanation) -> bool:
    return it.reason.verdict is Verdict.UNKNOWN


def _key(it: Judged) -> tuple[object, ...]:
    """Say what makes reports alike; who asked is not part of it."""
    report, asked = it.report, it.asked
    return (
        report.kind,
        it.reason.verdict,
        asked.order,
        asked.mask,
        asked.purpose_key,
        it.kernel.release or it.kernel.since,
        it.reason.trial.zone.name if it.reason.trial else None,
        report.cgroup.path if report.cgroup else None,
        report.missing,
        asked.is_dying,
    )
