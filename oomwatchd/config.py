"""INI text → Config. Every fault is reported, one line each, with file and line.

The grammar is INI without surprises: `[section]`, `key = value`, comments from `#` or `;` at
the start of a line. Within one file duplicates are faults; across files keys merge, the later
file winning. The table `_KEYS` is the whole vocabulary.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from oomwatchd.errors import ConfigError, quote
from oomwatchd.model import DemandSpec, Request
from oomwatchd.settings import LOG_TO, Alerts, Config, Poll, Remedies, SocketSettings
from oomwatchd.units import parse_size

MAX_ORDER = 13
"""The largest order of any kernel's free lists (arm64 with 64 KiB pages)."""
MAX_CMA_ORDER = 20
"""A contiguous allocation from CMA may be larger than any free list's blocks."""
_MAX_LEVEL = 1 << 40
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_MAX_NAME = 32
_MAX_PATH_BYTES = 107
"""sun_path of unix(7) holds 108 bytes with the final NUL."""


class _Entry(NamedTuple):
    """One `key = value`, and where it stands."""

    where: str
    value: str


_Section = dict[str, _Entry]


def parse(files: Iterable[tuple[str, bytes]]) -> Config:
    """Read files given as (name for messages, content), in the order of their precedence.

    Raises:
        ConfigError: with all faults of all files.
    """
    faults: list[str] = []
    sections: dict[str, _Section] = {}
    headings: dict[str, str] = {}
    for name, data in files:
        _read_file(name, data, sections, headings, faults)
    built = {section: _build(section, sections.get(section, {}), faults) for section in _FIXED}
    demands = tuple(
        spec
        for section, where in headings.items()
        if section.startswith("demand ")
        if (spec := _demand(section[7:], where, sections[section], faults)) is not None
    )
    config = Config(
        poll=Poll(**built["poll"]),
        remedies=Remedies(**built["remedies"]),
        alerts=Alerts(**built["alerts"]),
        socket=SocketSettings(**built["socket"]),
        builtin_demands=built["demands"].get("builtin", True),
        demands=demands,
    )
    poll = sections.get("poll", {})
    readable = built["poll"].keys() == poll.keys()
    if readable and config.poll.interval_min_seconds > config.poll.interval_max_seconds:
        entry = poll.get("interval_min_seconds") or poll["interval_max_seconds"]
        faults.append(
            f"{entry.where}: [poll]: interval_min_seconds must not be more than "
            f"interval_max_seconds ({config.poll.interval_max_seconds:g})"
        )
    if faults:
        raise ConfigError(faults)
    return config


def _read_file(
    name: str,
    data: bytes,
    sections: dict[str, _Section],
    headings: dict[str, str],
    faults: list[str],
) -> None:
    """Add one file's entries to `sections`, and where sections first begin to `headings`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.append(f"{name}:{line}: not UTF-8 text")
        return
    section: _Section | None = None
    seen: dict[str, _Section] = {}
    for at, raw in enumerate(text.split("\n"), 1):
        where = f"{name}:{at}"
        statement = raw.strip()
        if not statement or statement.startswith(("#", ";")):
            continue
        if statement.startswith("["):
            section = _open_section(statement, where, seen, headings, faults)
            continue
        key, equals, value = (part.strip() for part in statement.partition("="))
        if not equals or not key:
            faults.append(f"{where}: neither a section nor key = value: {quote(statement)}")
        elif section is None:
            faults.append(f"{where}: {quote(key)} stands before any section")
        elif key in section:
            faults.append(f"{where}: {quote(key)} stands twice in this file")
        else:
            section[key] = _Entry(where, value)
    for heading, entries in seen.items():
        _check_keys(heading, entries, faults)
        _merge(sections.setdefault(heading, {}), entries)


def _merge(merged: _Section, entries: _Section) -> None:
    """Let a later file's entries win; it may state order instead of size, or size of order."""
    for key, other in (("order", "size"), ("size", "order")):
        if key in entries:
            merged.pop(other, None)
    merged.update(entries)


def _open_section(
    line: str,
    where: str,
    seen: dict[str, _Section],
    headings: dict[str, str],
    faults: list[str],
) -> _Section:
    """Open a section; a faulty one takes its keys with it, so that it is reported once."""
    heading = " ".join(line[1:-1].split()) if line.endswith("]") else ""
    kind, _, name = heading.partition(" ")
    if not heading:
        faults.append(f"{where}: not a section: {quote(line)}")
    elif heading not in _FIXED and kind != "demand":
        faults.append(f"{where}: unknown section {quote(heading)}")
    elif kind == "demand" and not _is_name(name):
        faults.append(
            f"{where}: a demand's name is a letter and up to {_MAX_NAME - 1} of a-z 0-9 _ -, "
            f"not {quote(name)}"
        )
    elif heading in seen:
        faults.append(f"{where}: section {quote(heading)} stands twice in this file")
    else:
        headings.setdefault(heading, where)
        return seen.setdefault(heading, {})
    return {}


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME and name[0].isalpha() and _NAME_CHARACTERS.issuperset(name)


def _check_keys(heading: str, entries: _Section, faults: list[str]) -> None:
    """Report keys that the section does not have."""
    kind = heading.partition(" ")[0]
    unknown = [key for key in entries if key not in _KEYS[kind]]
    faults += [f"{entries.pop(key).where}: [{heading}] has no key {quote(key)}" for key in unknown]


def _build(section: str, entries: _Section, faults: list[str]) -> dict[str, Any]:
    """Read the values of a section; a faulty one is reported and left out."""
    values: dict[str, Any] = {}
    label = f'demand "{section[7:]}"' if section.startswith("demand ") else f"[{section}]"
    for key, entry in entries.items():
        try:
            values[key] = _KEYS[section.partition(" ")[0]][key](entry.value)
        except ValueError as error:
            faults.append(f"{entry.where}: {label}: {key} {error}, not {quote(entry.value)}")
    return values


def _demand(name: str, heading: str, entries: _Section, faults: list[str]) -> DemandSpec | None:
    """Build one demand, whose section begins at `heading`; None where it is faulty."""
    before = len(faults)
    values = _build(f"demand {name}", entries, faults)
    where = next(iter(entries.values())).where if entries else heading
    label = f'demand "{name}"'
    request = values.get("request", Request.KERNEL)
    if ("order" in entries) == ("size" in entries):
        faults.append(f"{where}: {label}: needs either order or size")
    elif values.get("order", 0) > MAX_ORDER and request is not Request.CMA:
        entry = entries["order"]
        faults.append(
            f"{entry.where}: {label}: order must be a whole number from 0 to {MAX_ORDER}, "
            f"not {quote(entry.value)}"
        )
    warning, critical = values.get("warning"), values.get("critical")
    if warning is not None and critical is not None and warning < critical:
        faults.append(
            f"{entries['warning'].where}: {label}: warning must be at least critical "
            f"({critical}), not {quote(entries['warning'].value)}"
        )
    if len(faults) > before:
        return None
    return DemandSpec(name, values.get("order"), values.get("size"), request, warning, critical)


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
        raise ValueError(f"must be a whole number from 0 to {MAX_ORDER}") from None


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
    if not size_bytes or size_bytes > 1 << 32:
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
    return text


_KEYS: dict[str, dict[str, Callable[[str], Any]]] = {
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
        "hold_seconds": _seconds(0, 86400),
        "clear_seconds": _seconds(0, 86400),
        "settle_seconds": _seconds(0, 600),
    },
    "remedies": {
        "compact": _yes_no,
        "compact_spacing_seconds": _seconds(1, 86400),
        "compact_per_hour": _whole(0, 3600),
    },
    "alerts": {"log_to": _one_of(*LOG_TO)},
    "socket": {"path": _path, "group": _group, "control_group": _group},
}
_FIXED = tuple(section for section in _KEYS if section != "demand")
