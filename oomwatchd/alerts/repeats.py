"""Which events are repeats of a line that was sent, and which are news all the same.

The theory stands in `limit`. A kind is an event's name and its facts without the figures, those
in sentences too; a subject is what several kinds are about, so that the newest of them counts.
"""

from collections.abc import Mapping
from typing import NamedTuple

_MAX_KINDS = 64
_MAX_TEXT = 200
"""Longer texts that begin alike are taken for the same."""
_RETRY_SECONDS = 60.0
_NEVER = float("inf")
_NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))

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

_Kind = tuple[str, tuple[tuple[str, object], ...]]


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


class Repeats:
    """Remembers what was sent. Times are monotonic seconds, and never go back."""

    def __init__(self, seconds: float) -> None:
        """Nothing was sent yet."""
        self.seconds = seconds
        """How long a kind that was sent is only counted; 0: never."""
        self.late_at = _NEVER
        """Before that `late` has nothing."""
        self._kinds: dict[_Kind, _Sent] = {}
        self._alarmed: set[str] = set()
        self._number = 0

    def is_one(self, name: str, facts: Mapping[str, object], now: float) -> bool:
        """Tell a repeat, and count it."""
        kind = self._find(name, facts)
        if kind is None or now - kind.at >= self.seconds:
            return False
        self._number += 1
        kind.counted += 1
        kind.number = self._number
        kind.facts = _texts(facts)
        kind.is_newest = True
        self.late_at = min(self.late_at, kind.at + self.seconds)
        return True

    def counted(self, name: str, facts: Mapping[str, object]) -> int:
        """Tell how many of an event's kind were counted since the last that was sent."""
        kind = self._find(name, facts)
        return kind.counted if kind is not None else 0

    def sent(self, name: str, facts: Mapping[str, object], now: float) -> None:
        """Learn that a line has gone out."""
        self._note(name, facts, self._number, now)

    def late(self, now: float) -> list[Line]:
        """List what was counted, is overdue, and newer than what was sent of its subject.

        In the order of what happened, and all of a subject at once: the last is how it stands.
        """
        due = {
            kind.subject
            for kind in self._kinds.values()
            if kind.is_newest and now - kind.at >= self.seconds
        }
        overdue = sorted(
            (item for item in self._kinds.items() if item[1].is_newest and item[1].subject in due),
            key=lambda item: item[1].number,
        )
        self._forget_old(now)
        waiting = [kind.at + self.seconds for kind in self._kinds.values() if kind.is_newest]
        self.late_at = max(min(waiting, default=_NEVER), now + _RETRY_SECONDS)
        return [
            Line(name, sent.facts | ({"repeated": sent.counted - 1} if sent.counted > 1 else {}))
            for (name, _), sent in overdue
        ]

    def sent_late(self, line: Line, now: float) -> None:
        """Learn that a late line has gone out; what was counted after it is still news."""
        kind = self._find(line.name, line.facts)
        self._note(line.name, line.facts, kind.number if kind else self._number, now)

    def _find(self, name: str, facts: Mapping[str, object]) -> _Sent | None:
        """Find a line that an event may be a repeat of."""
        return self._kinds.get(_kind(name, facts)) if self._is_calm(name, facts) else None

    def _note(self, name: str, facts: Mapping[str, object], number: int, now: float) -> None:
        """Remember a line; what was counted up to that number is older than it."""
        subject = _subject(name, facts)
        for other in self._kinds.values():
            if other.subject == subject and other.number <= number:
                other.is_newest = False
        if name in _ALARMS and len(self._alarmed) < _MAX_KINDS:
            self._alarmed.add(subject[1])
        if self._is_calm(name, facts) and self.seconds:
            kind = _kind(name, facts)
            self._kinds.pop(kind, None)
            while len(self._kinds) >= _MAX_KINDS:
                del self._kinds[next(iter(self._kinds))]
            self._kinds[kind] = _Sent(now, subject)
        if name == _RECOVERED:
            self._alarmed.discard(subject[1])

    def _is_calm(self, name: str, facts: Mapping[str, object]) -> bool:
        """Whether an event may be a repeat."""
        if name != _RECOVERED:
            return name in _CALM
        return len(self._alarmed) < _MAX_KINDS and _subject(name, facts)[1] not in self._alarmed

    def _forget_old(self, now: float) -> None:
        """Let go of the kinds that nothing was counted of in their time."""
        old = [
            kind
            for kind, sent in self._kinds.items()
            if not sent.counted and now - sent.at >= self.seconds
        ]
        for kind in old:
            del self._kinds[kind]


def _kind(name: str, facts: Mapping[str, object]) -> _Kind:
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
