"""An event as a line: local time, what it is worth, its name, its facts."""

import time

from oomwatchd.logfmt import bare, quoted
from oomwatchd.status.fields import Json, number, text, whole

DATE_AND_TIME = "%Y-%m-%d %H:%M:%S"
_PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_TOLD = ("event", "priority", "wall_seconds", "monotonic_seconds", "boot_id")
"""What the line says otherwise, or who reads it knows."""

_ODD = frozenset(' "=\\')


def event_line(event: Json, form: str = DATE_AND_TIME) -> str:
    """Write an event, its time in a form of strftime(3); facts that are absent are left out."""
    priority = whole(event, "priority")
    known = priority is not None and 0 <= priority < len(_PRIORITIES)
    facts = {key: value for key, value in event.items() if key not in _TOLD and value is not None}
    return line(
        local_time(number(event, "wall_seconds"), form),
        _PRIORITIES[priority or 0] if known else "?",
        text(event, "event", "?"),
        facts,
    )


def line(time_text: str, priority: str, name: str, facts: Json) -> str:
    """Write any line of that kind: printable ASCII."""
    written = "".join(f" {_plain(key)}={_value(value)}" for key, value in facts.items())
    return f"{time_text} {priority:<7} {_plain(name)}{written}"


def local_time(wall_seconds: float | None, form: str = DATE_AND_TIME) -> str:
    """Write a wall time as it is here."""
    try:
        return "-" if wall_seconds is None else time.strftime(form, time.localtime(wall_seconds))
    except (OverflowError, ValueError, OSError):
        return "?"  # far beyond the clocks of this machine


def _value(value: object) -> str:
    """Write a value as logfmt does."""
    try:
        return _plain(bare(value))
    except RecursionError:
        return "?"  # lists in lists in lists: nothing that was ever sent


def _plain(word: str) -> str:
    """Write a word that needs no quotes as it is."""
    if word and word.isascii() and word.isprintable() and not _ODD.intersection(word):
        return word
    return quoted(word)
