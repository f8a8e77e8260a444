"""What may be said: the sections, their keys, and how each value reads.

A reader takes the text of a value and gives the value, or raises ValueError with what it must
be, worded to follow the key's name.
"""

import re
from collections.abc import Callable
from typing import Any

from oomwatchd.model import Request
from oomwatchd.settings import LOG_TO, Hours
from oomwatchd.units import parse_size

MAX_ORDER = 13
"""The largest order of any kernel's free lists (arm64 with 64 KiB pages)."""
MAX_CMA_ORDER = 20
"""A contiguous allocation from CMA may be larger than any free list's blocks."""
_MAX_LEVEL = 1 << 40
_MAX_GROUP_ID = (1 << 32) - 2
_MAX_SIZE_BYTES = 1 << 32
_MAX_PATH_BYTES = 107
"""sun_path of unix(7) holds 108 bytes with the final NUL."""
_MAX_COMMAND_BYTES = 1024
_DAY_SECONDS = 86400
_MAX_PER_DAY = 2000
"""Each start of a day is remembered, over restarts too."""
_DAY_MINUTES = 1440
_LEAST_LINES_PER_HOUR = 10
"""Room for a whole incident, and to say that lines are withheld."""
_MOST_LINES_PER_HOUR = 1000
"""The time of each line is remembered for an hour."""
_LEAST_OOM_SCORE_ADJ = -1000
"""OOM_SCORE_ADJ_MIN of the kernel: never chosen."""
_MAX_HOURS = 8
_HOURS = re.compile(r"([0-9]{2}):([0-5][0-9]) *- *([0-9]{2}):([0-5][0-9])")


def _whole(low: int, high: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        # int() would take signs, blanks, underscores and other scripts' digits.
        if text.isascii() and text.isdigit() and len(text) <= len(str(high)):
            number = int(text)
            if low <= number <= high:
                return number
        raise ValueError(f"must be a whole number from {low} to {high}")

    return read


def _order(text: str) -> int:
    """Read an order; those above MAX_ORDER are for cma alone, which the demand checks."""
    try:
        return _whole(0, MAX_CMA_ORDER)(text)
    except ValueError:
        large = text.isdecimal() and len(text) <= len("100")
        extent = f"{MAX_ORDER}, with request = cma to {MAX_CMA_ORDER}" if large else f"{MAX_ORDER}"
        raise ValueError(f"must be a whole number from 0 to {extent}") from None


def _seconds(low: float, high: float) -> Callable[[str], float]:
    """Make a reader of seconds."""

    def read(text: str) -> float:
        whole, _, fraction = text.partition(".")
        digits = whole + fraction
        if digits.isascii() and digits.isdigit() and len(digits) <= len("86400.000"):
            seconds = float(text)
            if low <= seconds <= high:
                return seconds
        raise ValueError(f"must be seconds from {low:g} to {high:g}")

    return read


def _size(text: str) -> int:
    size_bytes = parse_size(text)
    if not size_bytes or size_bytes > _MAX_SIZE_BYTES:
        raise ValueError("must be a size such as 32K or 1M, at most 4G")
    return size_bytes


def _yes_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("must be yes or no")
    return text == "yes"


def _one_of(*words: str) -> Callable[[str], str]:
    """Make a reader of one word of several."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return read


def _request(text: str) -> Request:
    return Request(_one_of(*(request.value for request in Request))(text))


def _path(text: str) -> str:
    if not text.startswith("/") or "\0" in text or len(text.encode()) > _MAX_PATH_BYTES:
        raise ValueError(f"must be an absolute path of at most {_MAX_PATH_BYTES} bytes")
    return text


def _group(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be the name or number of a group")
    if text.isdecimal():
        _whole(0, _MAX_GROUP_ID)(text)
    return text


def _oom_score_adj(text: str) -> int | None:
    """Read the score; None for auto."""
    if text == "auto":
        return None
    if text == "0":
        return 0
    try:
        return -_whole(1, -_LEAST_OOM_SCORE_ADJ)(text.removeprefix("-") if text[:1] == "-" else "")
    except ValueError:
        raise ValueError(
            f"must be auto or a whole number from {_LEAST_OOM_SCORE_ADJ} to 0"
        ) from None


def _command(text: str) -> tuple[str, ...]:
    """Read a command as its words; there is no shell, and so no quoting; nothing at all is none."""
    blanks = text.replace("\t", " ")
    words = tuple(word for word in blanks.split(" ") if word)
    # Anything else that looks like a blank would be taken for a part of a word.
    plain = blanks.isprintable() and len(text.encode()) <= _MAX_COMMAND_BYTES
    if not plain or (words and not words[0].startswith("/")):
        raise ValueError(
            "must be an absolute path and arguments, separated by blanks, "
            f"at most {_MAX_COMMAND_BYTES} bytes"
        )
    return words


def _quiet_hours(text: str) -> tuple[Hours, ...]:
    """Read parts of the day; none at all is good."""
    parts = [part.strip() for part in text.split(",")] if text else []
    found = [match for part in parts if (match := _HOURS.fullmatch(part))]
    hours = [
        Hours(int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4]))
        for match in found
    ]
    readable = len(found) == len(parts) <= _MAX_HOURS and all(
        start < _DAY_MINUTES and end <= _DAY_MINUTES for start, end in hours
    )
    if not readable:
        raise ValueError(
            f"must be parts of the day such as 22:00-06:00, at most {_MAX_HOURS}, "
            "separated by commas"
        )
    if any(start == end for start, end in hours):
        raise ValueError("must be parts of the day that do not end where they begin")
    return tuple(hours)


KEYS: dict[str, dict[str, Callable[[str], Any]]] = {
    "demand": {
        "order": _order,
        "size": _size,
        "request": _request,
        "warning": _whole(0, _MAX_LEVEL),
        "critical": _whole(0, _MAX_LEVEL),
    },
    "demands": {"builtin": _yes_no},
    "poll": {
        "interval_min_seconds": _seconds(0.05, 3600),
        "interval_max_seconds": _seconds(0.05, 3600),
        "hold_seconds": _seconds(0, _DAY_SECONDS),
        "clear_seconds": _seconds(0, _DAY_SECONDS),
        "settle_seconds": _seconds(0, 600),
        "psi": _yes_no,
    },
    "remedies": {
        "compact": _yes_no,
        "compact_async": _yes_no,
        "compact_spacing_seconds": _seconds(1, _DAY_SECONDS),
        "compact_per_hour": _whole(0, 3600),
        "compact_per_day": _whole(0, _MAX_PER_DAY),
        "reclaim": _yes_no,
        "reclaim_spacing_seconds": _seconds(1, _DAY_SECONDS),
        "reclaim_per_hour": _whole(0, 3600),
        "reclaim_per_day": _whole(0, _MAX_PER_DAY),
        "drop_caches": _yes_no,
        "drop_spacing_seconds": _seconds(1, _DAY_SECONDS),
        "drop_per_hour": _whole(0, 3600),
        "drop_per_day": _whole(0, _MAX_PER_DAY),
        "backoff_min_seconds": _seconds(1, _DAY_SECONDS),
        "backoff_max_seconds": _seconds(1, _DAY_SECONDS),
        "realtime": _yes_no,
        "quiet_hours": _quiet_hours,
    },
    "daemon": {"lock_memory": _yes_no, "oom_score_adj": _oom_score_adj, "kmsg": _yes_no},
    "hook": {
        "command": _command,
        "timeout_seconds": _seconds(1, 600),
        "floor_blocks": _whole(0, _MAX_LEVEL),
    },
    "alerts": {
        "log_to": _one_of(*LOG_TO),
        "lines_per_hour": _whole(_LEAST_LINES_PER_HOUR, _MOST_LINES_PER_HOUR),
        "repeat_seconds": _seconds(0, _DAY_SECONDS),
    },
    "socket": {"path": _path, "group": _group, "control_group": _group},
}
"""By section, then by key; "demand" stands for every [demand NAME]."""
