"""The stream of `watch` as plain lines, for pipes and terminals that only print."""

from oomwatchd.ctl.events import event_line, line, local_time
from oomwatchd.status.amounts import amount, page_size
from oomwatchd.status.fields import Json, flag, number, record, records, text, whole

_WORTH = {"critical": "crit", "warning": "warning", "unknown": "warning"}
"""What a severity is worth, in syslog's words."""


class Ticker:
    """Remembers how each demand stood, to tell what has changed."""

    def __init__(self) -> None:
        """Know of no demand."""
        self._severities: dict[str, str] = {}

    def lines_for(self, message: Json) -> list[str]:
        """Write what one message says; nothing where it is of a kind that is not known."""
        if isinstance(message.get("event"), str):
            return [event_line(message)]
        if isinstance(message.get("status"), dict):
            status = record(message, "status")
            return [*self._changes(status), _tick(status)]
        return []

    def _changes(self, status: Json) -> list[str]:
        """Write a line for each demand that stands otherwise than before."""
        lines: list[str] = []
        severities: dict[str, str] = {}
        for demand in records(status, "demands"):
            name, severity = text(demand, "name", "?"), text(demand, "severity", "unknown")
            before = self._severities.get(name, severity)
            severities[name] = severity
            if severity != before:
                facts: Json = {"demand": name, "severity": severity, "was": before}
                for key in ("headroom", "warning", "critical", "cause"):
                    if demand.get(key) is not None:
                        facts[key] = demand[key]
                when = local_time(number(status, "wall_seconds"))
                lines.append(line(when, _WORTH.get(severity, "notice"), "severity", facts))
        self._severities = severities
        return lines


def _tick(status: Json) -> str:
    """Write one look: every demand's headroom, with a plus where there may be more."""
    page_bytes = page_size(status)
    facts: Json = {"severity": text(status, "severity", "unknown")}
    for demand in records(status, "demands"):
        more = "+" if flag(demand, "lower_bound") else ""
        headroom = amount(whole(demand, "headroom"), demand, page_bytes, "unknown")
        facts[text(demand, "name", "?")] = f"{headroom}{more}"
    if text(status, "running"):
        facts["running"] = text(status, "running")
    return line(local_time(number(status, "wall_seconds")), "info", "status", facts)
