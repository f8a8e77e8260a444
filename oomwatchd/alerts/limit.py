"""How many lines the log is given: repeats are counted, and an hour holds so many.

The theory. An event is calm, an alarm, or neither.

Calm ones tell of normal work. On a device whose memory hovers about a level they come again and
again and say the same: a calm event whose name and facts, figures apart, equal those of a line
that was sent within `repeat_seconds` is a repeat. It is counted, and the next line of its kind
carries the count. What was counted last may contradict the last line (`restored` was sent, and
`degraded` counted after it): such a kind is sent late, when its time is over, if nothing newer
has been sent of its subject.

Alarms and what ends them are never repeats. The recovery of a demand is an alarm's end where a
warning or critical line was sent for the demand since its last one, else it is calm.

All share the cap: at most `lines_per_hour` in any hour, the last of which says that the rest is
withheld. Urgent ones may take twice as much. It is over when half of the hour's lines have aged;
that is a line too. So the log is never more than full, and always says that it was.

Every event ends as one of: sent, lost by the sink, or withheld; `withheld` counts the last.
What is remembered is bounded whatever names come: beyond the bound the oldest kind is forgotten,
so that its next event is a line again, and a recovery is never calm.

| event | repeats | cap |
| --- | --- | --- |
| headroom_critical, oom_kill | always sent | twice |
| headroom_warning, headroom_recovered after an alarm | always sent | once |
| headroom_low, other headroom_recovered | counted | once |
| remedy_*, degraded, restored | counted | once |
| the others: asked for, or once in a life | always sent | once |
"""

from collections import deque
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

_HOUR_SECONDS = 3600.0
_MAX_KINDS = 64
_MAX_TEXT = 200
"""Longer texts that begin alike are taken for the same."""
_RETRY_SECONDS = 60.0
_NEVER = float("inf")

_URGENT = frozenset(("headroom_critical", "oom_kill"))
_ALARMS = frozenset(("headroom_warning", "headroom_critical"))
_RECOVERED = "headroom_recovered"
_CALM = {
    "headroom_low": "demand",
    _RECOVERED: "demand",
    "remedy_started": "demand",
    "remedy_finished": "demand",
    "remedy_backed_off": "demand",
    "degraded": "what",
    "restored": "what",
}
"""Calm events and the key of their subject."""

_NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))

Kind = tuple[str, tuple[tuple[str, object], ...]]
"""An event's name and its facts without the figures, those in sentences too."""


class Verdict(Enum):
    """What becomes of an event."""

    SEND = "send"
    REPEAT = "repeat"
    WITHHOLD = "withhold"


class Line(NamedTuple):
    """A line that nobody asked for: a late one, or what is said of the log itself."""

    name: str
    facts: dict[str, object]


class _Sent:
    """A kind that was sent, and what has come of it since."""

    __slots__ = ("at", "counted", "facts", "is_newest", "number", "subject")

    def __init__(self, at: float, subject: tuple[str, str]) -> None:
        self.at = at
        self.subject = subject
        self.counted = 0
        self.facts: dict[str, object] = {}
        """Of the last that was counted, without its figures."""
        self.number = 0
        """Of the last that was counted: later ones have higher numbers."""
        self.is_newest = False
        """Whether it was counted after the last line on its subject."""


class Limit:
    """Decides on each event; is told what was sent. Times are monotonic seconds."""

    def __init__(self, lines_per_hour: int, repeat_seconds: float) -> None:
        """Begin with an empty log; `lines_per_hour` is at least 3."""
        self.reconfigure(lines_per_hour, repeat_seconds)
        self.withheld = 0
        self._now = 0.0
        self._number = 0
        self._lines: deque[float] = deque()
        self._kinds: dict[Kind, _Sent] = {}
        self._alarmed: set[str] = set()
        self._is_full = self._is_full_told = False
        self._held_back = 0
        self._late_at = _NEVER

    def reconfigure(self, lines_per_hour: int, repeat_seconds: float) -> None:
        """Go by other figures from now on."""
        self._cap = lines_per_hour
        self._repeat_seconds = repeat_seconds

    def weigh(self, name: str, facts: Mapping[str, object], now: float) -> Verdict:
        """Decide on an event, and count it if it is not to be sent."""
        lines = self._count(now)
        kind = self._kinds.get(_kind(name, facts)) if self._is_calm(name, facts) else None
        if kind is not None and self._now - kind.at < self._repeat_seconds:
            self._number += 1
            kind.counted += 1
            kind.number = self._number
            kind.facts = _texts(facts)
            kind.is_newest = True
            self._late_at = min(self._late_at, kind.at + self._repeat_seconds)
            self.withheld += 1
            return Verdict.REPEAT
        cap = 2 * self._cap if name in _URGENT else self._cap
        if lines >= cap - 1 or (self._is_full and name not in _URGENT):
            self._is_full = True
            self._held_back += 1
            self.withheld += 1
            return Verdict.WITHHOLD
        return Verdict.SEND

    def repeats(self, name: str, facts: Mapping[str, object]) -> int:
        """Tell how many of an event's kind were counted since the last that was sent."""
        kind = self._kinds.get(_kind(name, facts)) if self._is_calm(name, facts) else None
        return kind.counted if kind is not None else 0

    def sent(self, name: str, facts: Mapping[str, object], now: float) -> None:
        """Learn that a line has gone out."""
        self._note(name, facts, self._number, now)

    def has_room(self, now: float) -> bool:
        """Whether one more line that is not urgent may go out."""
        return self._count(now) < self._cap - 1 and not self._is_full

    def notice(self, now: float) -> Line | None:
        """Give what is to be said of the cap; `noticed` ends that."""
        lines = self._count(now)
        if self._is_full:
            if self._is_full_told or lines >= 2 * self._cap:
                return None
            why = f"{self._cap} lines within an hour: further ones are withheld"
            return Line("degraded", {"what": "log", "why": why})
        if self._held_back and lines < self._cap - 1:
            return Line("restored", {"what": "log", "withheld": self._held_back})
        return None

    def noticed(self, now: float) -> None:
        """Learn that the notice has gone out."""
        self.took(now)
        if self._is_full:
            self._is_full_told = True
        else:
            self._is_full_told = False
            self._held_back = 0

    def took(self, now: float) -> None:
        """Learn that a line on the log itself has gone out."""
        self._count(now)
        self._lines.append(self._now)

    def due(self, now: float) -> float:
        """Tell when `notice` or `late` may have something; infinity where nothing waits."""
        return min(self._late_at, now + _RETRY_SECONDS if self._held_back else _NEVER)

    def late(self, now: float) -> list[Line]:
        """List what was counted, is overdue, and newer than what was sent of its subject.

        At most as many as there is room for; each that goes out is told to `sent_late`.
        """
        if now < self._late_at:
            return []
        room = self._cap - 1 - self._count(now)
        due = {
            kind.subject
            for kind in self._kinds.values()
            if kind.is_newest and self._now - kind.at >= self._repeat_seconds
        }
        overdue = sorted(
            (item for item in self._kinds.items() if item[1].is_newest and item[1].subject in due),
            key=lambda item: item[1].number,
        )
        self._forget_old()
        waiting = [
            sent.at + self._repeat_seconds for sent in self._kinds.values() if sent.is_newest
        ]
        self._late_at = max(min(waiting, default=_NEVER), self._now + _RETRY_SECONDS)
        return [
            Line(name, {**sent.facts, **_repeated(sent.counted - 1)})
            for (name, _), sent in overdue[: 0 if self._is_full else max(0, room)]
        ]

    def sent_late(self, line: Line, now: float) -> None:
        """Learn that a late line has gone out: one that was counted is sent after all."""
        kind = self._kinds.get(_kind(line.name, line.facts))
        self._note(line.name, line.facts, kind.number if kind else self._number, now)
        self.withheld -= 1

    def _note(self, name: str, facts: Mapping[str, object], number: int, now: float) -> None:
        """Remember a line; what was counted up to that number is older than it."""
        self.took(now)
        subject = _subject(name, facts)
        for other in self._kinds.values():
            if other.subject == subject and other.number <= number:
                other.is_newest = False
        if name in _ALARMS and len(self._alarmed) < _MAX_KINDS:
            self._alarmed.add(subject[1])
        if self._is_calm(name, facts) and self._repeat_seconds:
            kind = _kind(name, facts)
            self._kinds.pop(kind, None)
            while len(self._kinds) >= _MAX_KINDS:
                del self._kinds[next(iter(self._kinds))]
            self._kinds[kind] = _Sent(self._now, subject)
        if name == _RECOVERED:
            self._alarmed.discard(subject[1])

    def _count(self, now: float) -> int:
        """Count the lines of the last hour; a clock that went back stands still here."""
        self._now = max(now, self._now)
        while self._lines and self._now - self._lines[0] >= _HOUR_SECONDS:
            self._lines.popleft()
        if self._is_full and len(self._lines) <= self._cap // 2:
            self._is_full = False
        return len(self._lines)

    def _is_calm(self, name: str, facts: Mapping[str, object]) -> bool:
        """Whether an event may be a repeat."""
        if name != _RECOVERED:
            return name in _CALM
        return len(self._alarmed) < _MAX_KINDS and _subject(name, facts)[1] not in self._alarmed

    def _forget_old(self) -> None:
        """Let go of the kinds that nothing was counted of in their time."""
        old = [
            kind
            for kind, sent in self._kinds.items()
            if not sent.counted and self._now - sent.at >= self._repeat_seconds
        ]
        for kind in old:
            del self._kinds[kind]


def _kind(name: str, facts: Mapping[str, object]) -> Kind:
    """Tell which events say the same. A blank makes a sentence: digits in names count."""
    return name, tuple(
        (key, value.translate(_NO_DIGITS) if isinstance(value, str) and " " in value else value)
        for key, value in _texts(facts).items()
    )


def _texts(facts: Mapping[str, object]) -> dict[str, object]:
    """Take the figures away; what is not known yet may be one."""
    return {
        key: value if isinstance(value, bool) else str(value)[:_MAX_TEXT]
        for key, value in facts.items()
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float))
    }


def _subject(name: str, facts: Mapping[str, object]) -> tuple[str, str]:
    """Tell what an event is about: all words on a demand's headroom are about the same."""
    family = "degraded" if name == "restored" else name.partition("_")[0]
    return family, str(facts.get(_CALM.get(name, "demand")))[:_MAX_TEXT]


def _repeated(times: int) -> dict[str, object]:
    """Give the fact that others like it were only counted."""
    return {"repeated": times} if times else {}
