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
| headroom_critical, oom_kill, stopped | always sent | twice |
| headroom_warning, headroom_recovered after an alarm | always sent | once |
| headroom_low, other headroom_recovered | counted | once |
| remedy_*, degraded, restored | counted | once |
| the others: asked for, or once in a life | always sent | once |

`repeats` knows the middle column, the last one is here.
"""

from collections import deque
from collections.abc import Mapping
from enum import Enum

from oomwatchd.alerts.repeats import Line, Repeats

_HOUR_SECONDS = 3600.0
_RETRY_SECONDS = 60.0
_URGENT = frozenset(("headroom_critical", "oom_kill", "stopped"))


class Verdict(Enum):
    """What becomes of an event."""

    SEND = "send"
    REPEAT = "repeat"
    WITHHOLD = "withhold"


class Limit:
    """Decides on each event; is told what was sent. Times are monotonic seconds."""

    def __init__(self, lines_per_hour: int, repeat_seconds: float) -> None:
        """Begin with an empty log; `lines_per_hour` is at least 3."""
        self.withheld = 0
        self.repeated = 0
        """Of the withheld ones, those that said nothing new."""
        self._cap = lines_per_hour
        self._repeats = Repeats(repeat_seconds)
        self._now = 0.0
        self._lines: deque[float] = deque()
        self._is_full = self._is_full_told = False
        self._held_back = 0

    def reconfigure(self, lines_per_hour: int, repeat_seconds: float) -> None:
        """Go by other figures from now on."""
        self._cap = lines_per_hour
        self._repeats.seconds = repeat_seconds

    @property
    def is_full(self) -> bool:
        """Whether what is not urgent is withheld, as of the last event."""
        return self._is_full

    def weigh(self, name: str, facts: Mapping[str, object], now: float) -> Verdict:
        """Decide on an event, and count it if it is not to be sent."""
        lines = self._count(now)
        if self._repeats.is_one(name, facts, self._now):
            self.repeated += 1
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
        return self._repeats.counted(name, facts)

    def sent(self, name: str, facts: Mapping[str, object], now: float) -> None:
        """Learn that a line has gone out."""
        self.took(now)
        self._repeats.sent(name, facts, self._now)

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
        """Tell when `notice` or `late` may have something; infinity where nothing waits.

        It is always still to come: what is overdue waits for a sink that takes it.
        """
        late_at, retry_at = self._repeats.late_at, now + _RETRY_SECONDS
        if late_at <= now:
            return retry_at
        return min(late_at, retry_at) if self._held_back else late_at

    def late(self, now: float) -> list[Line]:
        """List the late lines that there is room for; each that goes out is told to `sent_late`."""
        if now < self._repeats.late_at:
            return []
        lines = self._count(now)
        room = 0 if self._is_full else max(0, self._cap - 1 - lines)
        return self._repeats.late(self._now)[:room]

    def sent_late(self, line: Line, now: float) -> None:
        """Learn that a late line has gone out: one that was counted is sent after all."""
        self.took(now)
        self._repeats.sent_late(line, self._now)
        self.repeated -= 1
        self.withheld -= 1

    def _count(self, now: float) -> int:
        """Count the lines of the last hour; a clock that went back stands still here."""
        self._now = max(now, self._now)
        while self._lines and self._now - self._lines[0] >= _HOUR_SECONDS:
            self._lines.popleft()
        if self._is_full and len(self._lines) <= self._cap // 2:
            self._is_full = False
        return len(self._lines)
