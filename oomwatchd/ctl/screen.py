"""What `watch` shows, as the lines of a frame; made of the messages that came."""

from oomwatchd.ctl.events import event_line, local_time
from oomwatchd.ctl.spark import sparkline
from oomwatchd.ctl.terminal import paint
from oomwatchd.fault import shown
from oomwatchd.status.amounts import page_size
from oomwatchd.status.demands import demand_table, painted
from oomwatchd.status.fields import Json, as_whole, items, number, record, records, text, whole
from oomwatchd.status.layout import cut, span

_EVENTS_KEPT = 64
_HEADROOMS_KEPT = 512
_LEAST_SPARK = 10
_LEAST_ROWS = 3
"""With no more room than for so many the titles are left out."""
_NARROW = 32
"""A window with no room for the recent past."""
_ORDER = {"critical": 0, "warning": 1, "unknown": 2}
_TIME = "%H:%M:%S"


class Screen:
    """Remembers the last status, what headrooms have been, and the last events."""

    def __init__(self, *, blocks: bool, colours: bool) -> None:
        """Know nothing yet. `blocks`: Unicode's block elements can be shown."""
        self._blocks = blocks
        self._paint = paint if colours else str
        self._status: Json = {}
        self._past: dict[str, list[int | None]] = {}
        self._events: list[str] = []

    def take(self, message: Json) -> None:
        """Remember a message; of a kind that is not known, nothing."""
        if isinstance(message.get("event"), str):
            self._events = [*self._events, event_line(message, _TIME)][-_EVENTS_KEPT:]
        elif isinstance(message.get("status"), dict):
            self._status = record(message, "status")
            self._remember(record(self._status, "history"))

    def frame(self, columns: int, lines: int, silent_seconds: float | None = None) -> list[str]:
        """Lay everything out for a window; the last line stays free, as does the last column."""
        width, height = max(1, columns - 1), max(1, lines - 1)
        demands = records(self._status, "demands")
        rows = self._rows(demands, width)
        below = [cut(self._news(silent_seconds), width)]
        roomy = height >= len(rows) + len(below) + 5
        room = height - 1 - len(below) - (2 if roomy else 0)
        if rows and len(rows) > room:
            rows = self._most_important(rows, max(1, room), width)
        gap = [""] if roomy else []
        events = [cut(event, width) for event in self._events]
        frame = [self._title(width), *gap, *rows, *gap, *below]
        left = max(0, height - len(frame))
        return [*frame, *(events[-left:] if left else [])][:height]

    def _remember(self, history: Json) -> None:
        """Note how the demands stand now; at first, how they stood before."""
        past: dict[str, list[int | None]] = {}
        for demand in records(self._status, "demands"):
            name = text(demand, "name", "?")
            past[name] = self._past.get(name, [])[-_HEADROOMS_KEPT:]
            if not any(shown(key) == name for key in history):
                past[name].append(whole(demand, "headroom"))
        for key in history:
            if shown(key) in past:
                past[shown(key)] = [*map(as_whole, items(history, key))][-_HEADROOMS_KEPT:]
        self._past = past

    def _title(self, width: int) -> str:
        """Say how bad it is, and when that was."""
        severity = cut(text(self._status, "severity", "unknown"), 8)
        time = local_time(number(self._status, "wall_seconds"))
        title = cut(f"{f'severity {severity}':<{max(0, width - len(time) - 1)}} {time}", width)
        return title.replace(severity, self._paint(severity), 1)

    def _rows(self, demands: list[Json], width: int) -> list[str]:
        """Write the table of the demands with their recent past at the right."""
        reserved = _LEAST_SPARK + 1 if width >= _NARROW else 0
        rows = demand_table(demands, page_size(self._status), width - reserved, brief=True)
        used = max(map(len, rows), default=0)
        if reserved and rows:
            room = width - used - 1
            past = [self._spark(demand, room) for demand in demands]
            sparks = ["RECENT".rjust(room), *past]
            rows = [f"{row:<{used}} {spark}" for row, spark in zip(rows, sparks, strict=True)]
        return [painted(row, self._paint) for row in rows]

    def _spark(self, demand: Json, columns: int) -> str:
        past = self._past.get(text(demand, "name", "?"), [])
        return sparkline(past, whole(demand, "warning") or 0, columns, blocks=self._blocks)

    def _most_important(self, rows: list[str], room: int, width: int) -> list[str]:
        """Keep the rows of what is lowest, where there is no room for all."""
        title, *rest = rows
        head = [title] if room > _LEAST_ROWS else []
        demands = records(self._status, "demands")
        ranks = [_ORDER.get(text(demand, "severity"), 3) for demand in demands]
        ranked = sorted(range(len(rest)), key=lambda at: (ranks[at], at))
        kept = [rest[at] for at in sorted(ranked[: max(1, room - len(head) - 1)])]
        return [*head, *kept, cut(f"and {len(rest) - len(kept)} more", width)][:room]

    def _news(self, silent_seconds: float | None) -> str:
        """Say what is going on besides."""
        if silent_seconds is not None:
            return f"oomwatchd has been silent for {silent_seconds:.0f} s"
        running = text(self._status, "running")
        if running:
            return f"running: {running}"
        inhibited_seconds = number(self._status, "inhibited_until_seconds")
        if inhibited_seconds is not None and inhibited_seconds > 0:
            return f"no remedy runs for {span(inhibited_seconds)}: inhibited"
        return "no remedy is running"
