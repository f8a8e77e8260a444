"""`oomwatchctl check`: the line and the exit code of a monitoring plugin."""

from oomwatchd import fault
from oomwatchd.ctl.client import ask
from oomwatchd.ctl.documents import status_document
from oomwatchd.fault import OomwatchdError
from oomwatchd.status.fields import Json, records, text, whole
from oomwatchd.system.stdio import write_output

_CODES = {"ok": fault.OK, "warning": fault.WARNING, "critical": fault.CRITICAL}


def check(path: str | None) -> int:
    """Print the line; whatever is wrong is unknown, never a healthy daemon."""
    try:
        severity, line = plugin_line(ask(path, b"status\n"))
    except OomwatchdError as error:
        severity, line = "unknown", f"OOMWATCHD UNKNOWN - {error}"
    write_output(f"{line}\n")
    return _CODES.get(severity, fault.UNKNOWN)


def plugin_line(reply: bytes) -> tuple[str, str]:
    """Give the severity, and what is low, then every demand's headroom as performance data.

    Raises:
        ReplyError: the reply is no status document.
    """
    status = status_document(reply)
    severity, demands = text(status, "severity"), records(status, "demands")
    low = "; ".join(_low(demand) for demand in demands if text(demand, "severity") != "ok")
    figures = " ".join(
        f"{text(demand, 'name', '?')}={headroom};{_range(demand, 'warning')};"
        f"{_range(demand, 'critical')}"
        for demand in demands
        if (headroom := whole(demand, "headroom")) is not None
    )
    detail = low or ("all demands met" if severity == "ok" else _degraded(status))
    return severity, f"OOMWATCHD {severity.upper()} - {detail} | {figures}"


def _low(demand: Json) -> str:
    """Say how a demand stands that is not met."""
    headroom, cause = whole(demand, "headroom"), text(demand, "cause")
    shown = "unknown" if headroom is None else str(headroom)
    return (
        f"{text(demand, 'name', '?')} {text(demand, 'severity', 'unknown')}: headroom {shown}"
        + (f", {cause}" if cause else "")
    )


def _range(demand: Json, key: str) -> str:
    """Write the headrooms that are well, as plugins do: from a level on."""
    level = whole(demand, key)
    return "" if level is None else f"{level}:"


def _degraded(status: Json) -> str:
    """Say what could not be had, where no demand tells."""
    entries = records(status, "degraded")
    return "; ".join(f"{text(it, 'what', '?')}: {text(it, 'why', '?')}" for it in entries) or "?"
