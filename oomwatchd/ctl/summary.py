"""What the client makes of a status document: text for people, a line for monitoring systems."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from oomwatchd.ctl.client import ReplyError
from oomwatchd.errors import Exit
from oomwatchd.status.text import describe

T = TypeVar("T")


def status_text(reply: bytes) -> str:
    """Describe a status reply.

    Raises:
        ReplyError: it is no status document.
    """
    return _made_of(reply, describe)


def plugin_line(reply: bytes) -> tuple[str, str]:
    """Give a status reply's severity, and its line for a monitoring plugin.

    Raises:
        ReplyError: it is no status document.
    """
    return _made_of(reply, _plugin_line)


def _made_of(reply: bytes, make: Callable[[dict[str, Any]], T]) -> T:
    """Make something of a reply that may be anything."""
    try:
        return make(json.loads(reply))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ReplyError(Exit.DATA, "the answer is not a status document") from None


def _plugin_line(status: dict[str, Any]) -> tuple[str, str]:
    """Write what is low, then every demand's headroom with its levels as performance data."""
    severity = status["severity"]
    low = [
        f"{demand['name']} {demand['severity']}: headroom {_shown(demand['headroom'])}"
        + (f", {demand['cause']}" if demand["cause"] else "")
        for demand in status["demands"]
        if demand["severity"] != "ok"
    ]
    figures = " ".join(
        f"{demand['name']}={demand['headroom']};{demand['warning']}:;{demand['critical']}:"
        for demand in status["demands"]
        if demand["headroom"] is not None
    )
    detail = "; ".join(low) or ("all demands met" if severity == "ok" else _degraded(status))
    return severity, f"OOMWATCHD {severity.upper()} - {detail} | {figures}"


def _shown(headroom: int | None) -> str:
    return "unknown" if headroom is None else str(headroom)


def _degraded(status: dict[str, Any]) -> str:
    """Say what could not be had, where no demand tells."""
    return "; ".join(f"{entry['what']}: {entry['why']}" for entry in status["degraded"]) or "?"
