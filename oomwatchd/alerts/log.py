"""Events by structlog, onto a sink that never blocks and never fails.

Importing structlog draws in asyncio, which costs 2 MB of resident memory and serves nothing
here: an empty stand-in is there while it is imported.
"""

import sys
from collections.abc import Callable, MutableMapping
from types import ModuleType
from typing import Any

from oomwatchd.alerts.sinks import Sink, open_sink
from oomwatchd.alerts.text import render
from oomwatchd.alerts.vocabulary import PRIORITIES


class Log:
    """Takes events by name, with their facts."""

    def __init__(self, where: str) -> None:
        """Open the sink: `auto`, `stderr`, `syslog` or `journal`."""
        structlog = _import_structlog()
        self._sink = open_sink(where)
        self._logger = structlog.wrap_logger(
            _Lines(self._sink), processors=[_as_line], context_class=dict
        ).bind()
        self.recent: list[bytes] = []
        self.listener: Callable[[bytes], None] | None = None
        self.sink = where

    def __call__(self, event: str, /, **facts: object) -> None:
        """Send an event on its way."""
        self._logger.info(event, **facts)

    @property
    def trouble(self) -> str | None:
        """Why events are being lost now; None where none are."""
        return self._sink.trouble


def _as_line(
    _logger: object, _method: str, facts: MutableMapping[str, Any]
) -> tuple[tuple[str, str], dict[str, Any]]:
    """Render the event: structlog's last processor gives the sink's arguments."""
    event = str(facts.pop("event"))
    return (event, render(event, dict(facts))), {}


class _Lines:
    """What structlog wraps: sends each line at its event's priority."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def info(self, event: str, line: str) -> None:
        """Send one line."""
        self._sink.send(PRIORITIES[event], line)


def _import_structlog() -> Any:  # noqa: ANN401 - the module, where it is not yet imported
    """Import structlog without asyncio."""
    borrowed = "asyncio" not in sys.modules
    if borrowed:
        sys.modules["asyncio"] = ModuleType("asyncio")
    try:
        import structlog  # noqa: PLC0415 - the stand-in has to be there first
    finally:
        if borrowed:
            del sys.modules["asyncio"]
    return structlog
