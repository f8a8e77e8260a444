"""Events by structlog, onto a sink that never blocks and never fails.

Importing structlog draws in asyncio, which costs 2 MB of resident memory and serves nothing
here: an empty stand-in is there while it is imported.
"""

import os
import sys
from collections.abc import MutableMapping
from types import ModuleType
from typing import Any, Protocol

from oomwatchd.alerts.text import render


class Emit(Protocol):
    """Takes an event's name and its facts."""

    def __call__(self, event: str, /, **facts: object) -> None:
        """Send the event on its way."""


def stderr_log() -> Emit:
    """Make a log whose events are lines on stderr."""
    structlog = _import_structlog()
    logger = structlog.wrap_logger(_Stderr(), processors=[_as_line], context_class=dict).bind()

    def emit(event: str, /, **facts: object) -> None:
        logger.info(event, **facts)

    return emit


def _as_line(_logger: object, _method: str, facts: MutableMapping[str, Any]) -> str:
    """Render the event: structlog's last processor."""
    return render(str(facts.pop("event")), dict(facts))


class _Stderr:
    """Writes lines to stderr; one that cannot be written is lost, not waited for."""

    def info(self, line: str) -> None:
        """Write one line."""
        try:
            os.write(2, line.encode("ascii", "backslashreplace") + b"\n")
        except OSError:
            pass  # closed or full: the status socket still tells


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
