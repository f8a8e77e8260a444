"""Events by structlog, onto a sink that never blocks and never fails.

An event passes: stamp → weigh → remember → spare → render → the sink.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from oomwatchd.alerts.courier import Courier
from oomwatchd.alerts.limit import Limit, Verdict
from oomwatchd.alerts.record import as_json
from oomwatchd.alerts.repeats import Line
from oomwatchd.alerts.sinks import open_sink
from oomwatchd.alerts.text import render
from oomwatchd.alerts.vocabulary import EVENTS, Entry
from oomwatchd.lean import import_lean
from oomwatchd.settings import Alerts

_UNUSED = (
    *("structlog.dev", "structlog.processors", "structlog.stdlib", "structlog.testing"),
    *("structlog.threadlocal", "structlog.tracebacks", "structlog.types", "structlog.typing"),
    *("contextvars", "copy", "pickle", "rich", "traceback"),
)
"""What structlog imports at once, besides a wrapped logger and a chain of processors."""
_KEPT = 64
_RETRY_SECONDS = 60.0
_VERDICT = "_verdict"
_STAMPS = ("event", "priority", "boot_id", "monotonic_seconds", "wall_seconds")

Facts = MutableMapping[str, Any]


class Log:
    """Takes events by name, with their facts, the weightiest first."""

    def __init__(
        self,
        where: str,
        alerts: Alerts,
        boot_id: str | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Open the sink: `auto`, `stderr`, `syslog` or `journal`."""
        structlog = import_lean("structlog", _UNUSED, empty=("asyncio",))
        self.listener: Callable[[bytes], None] | None = None
        """Is called with each event as a line of JSON, repeats and withheld ones too."""
        self._clock = clock
        self._wall = wall
        self._boot_id = boot_id
        self._recent: deque[bytes] = deque(maxlen=_KEPT)
        self._limit = Limit(alerts.lines_per_hour, alerts.repeat_seconds)
        self._courier = Courier(open_sink(where))
        self._dropped: type[Exception] = structlog.DropEvent
        self._logger = structlog.wrap_logger(
            _End(self._deliver),
            processors=[self._stamp, self._weigh, self._remember, self._spare, _render],
            context_class=dict,
        ).bind()
        # What the first event would load is loaded now.
        as_json(self._stamp(None, "", {"event": "test_alert"}))

    def __call__(self, event: str, /, **facts: object) -> None:
        """Send an event on its way.

        Raises:
            KeyError: no event has that name.
        """
        try:
            self.catch_up()
            self._logger.info(event, **facts)
            self._say_of_the_limit()
        except MemoryError:
            self._courier.lose()

    def catch_up(self) -> float:
        """Send what is due though nothing happens; returns when something may be again.

        That is: how many lines were lost, that the cap is over, and what was counted and is still
        news. Times are monotonic seconds; infinity where nothing waits.
        """
        now = self._clock()
        try:
            self._tell_what_is_due(now)
        except MemoryError:
            return now + _RETRY_SECONDS
        waiting = math.inf if self._courier.untold == 0 else now + _RETRY_SECONDS
        return min(waiting, self._limit.due(now))

    def reconfigure(self, alerts: Alerts) -> None:
        """Go by other limits from now on; another sink takes a new start."""
        self._limit.reconfigure(alerts.lines_per_hour, alerts.repeat_seconds)

    @property
    def recent(self) -> Sequence[bytes]:
        """The last 64 events, oldest first, each a JSON object."""
        return self._recent

    @property
    def trouble(self) -> str | None:
        """Why events are being lost now; None where none are."""
        return self._courier.trouble

    @property
    def is_full(self) -> bool:
        """Whether the cap withholds lines that are not urgent, the last event's too."""
        return self._limit.is_full

    @property
    def sink(self) -> str:
        """The sink in use: `stderr`, `syslog` or `journal`."""
        return self._courier.sink.name

    @property
    def lost(self) -> int:
        """How many events the sink did not take."""
        return self._courier.lost

    @property
    def repeated(self) -> int:
        """How many events were only counted because they said nothing new."""
        return self._limit.repeated

    @property
    def withheld(self) -> int:
        """How many events were only counted: repeats, and what was beyond the cap."""
        return self._limit.withheld

    def _stamp(self, _logger: object, _method: str, facts: Facts) -> Facts:
        """Put first what every event has."""
        event = facts.pop("event")
        stamps = {
            "event": event,
            "priority": int(EVENTS[event].priority),
            "boot_id": self._boot_id,
            "monotonic_seconds": self._clock(),
            "wall_seconds": self._wall(),
        }
        return {**stamps, **facts}

    def _weigh(self, _logger: object, _method: str, facts: Facts) -> Facts:
        """Ask the limit; what is sent says how many like it were not."""
        event, own, now = facts["event"], _own(facts), facts["monotonic_seconds"]
        verdict = self._limit.weigh(event, own, now)
        if verdict is Verdict.SEND and (repeated := self._limit.repeats(event, own)):
            subject = next(iter(own))
            # Second, so that it is not cut off.
            own = {subject: own[subject], "repeated": repeated, **own}
        return {key: facts[key] for key in _STAMPS} | own | {_VERDICT: verdict}

    def _remember(self, _logger: object, _method: str, facts: Facts) -> Facts:
        """Keep the event, whatever becomes of its line."""
        self._keep({key: value for key, value in facts.items() if key != _VERDICT})
        return facts

    def _spare(self, _logger: object, _method: str, facts: Facts) -> Facts:
        """End here with what is only counted."""
        if facts.pop(_VERDICT) is not Verdict.SEND:
            raise self._dropped
        return facts

    def _deliver(self, entry: Entry) -> None:
        """Hand an event over."""
        if self._courier.deliver(entry):
            self._limit.sent(entry.name, entry.facts, self._clock())

    def _tell_what_is_due(self, now: float) -> None:
        """Send lines until the sink refuses one."""
        lost = self._courier.untold
        if lost and self._limit.has_room(now):
            why = f"{lost} {'line was' if lost == 1 else 'lines were'} lost"
            if not self._say(Line("degraded", {"what": "log", "why": why})):
                return
            self._courier.untold -= lost
            self._limit.took(now)
        self._say_of_the_limit()
        for line in self._limit.late(now):
            if not self._courier.offer(_entry(line.name, line.facts)):
                return
            self._limit.sent_late(line, now)

    def _say_of_the_limit(self) -> None:
        """Say that lines are withheld, or how many were."""
        now = self._clock()
        if (line := self._limit.notice(now)) and self._say(line):
            self._limit.noticed(now)

    def _say(self, line: Line) -> bool:
        """Send a line on the log itself, and keep it as an event if it was taken."""
        taken = self._courier.offer(_entry(line.name, line.facts))
        if taken:
            self._keep(self._stamp(None, "", {"event": line.name, **line.facts}))
        return taken

    def _keep(self, facts: Mapping[str, Any]) -> None:
        """Remember an event, and tell who listens."""
        record = as_json(facts)
        self._recent.append(record)
        if self.listener is not None:
            self.listener(record + b"\n")


class _End:
    """What structlog wraps: where a rendered event goes."""

    def __init__(self, deliver: Callable[[Entry], None]) -> None:
        self.info = deliver


def _own(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Give an event's own keys."""
    return {key: value for key, value in facts.items() if key not in _STAMPS}


def _entry(name: str, facts: dict[str, Any]) -> Entry:
    return Entry(name, render(name, facts), facts)


def _render(_logger: object, _method: str, facts: Facts) -> tuple[tuple[Entry], dict[str, Any]]:
    """Write the line; structlog's last processor gives the arguments of what it wraps."""
    return (_entry(facts["event"], _own(facts)),), {}
