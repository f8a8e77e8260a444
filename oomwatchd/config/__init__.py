"""INI text → Config. Every fault is reported, one line each, with file and line.

`ini` knows the grammar, `vocabulary` the sections, keys and values; here they are put together.
Across files keys merge, the later file winning.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from oomwatchd.config import ini
from oomwatchd.config.ini import Section
from oomwatchd.config.vocabulary import KEYS, MAX_ORDER
from oomwatchd.errors import ConfigError, quote
from oomwatchd.model import DemandSpec, Request
from oomwatchd.settings import Alerts, Config, Hook, Poll, Remedies, SocketSettings, Survival

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_MAX_NAME = 32
_BOUNDS = {
    "poll": ("interval_min_seconds", "interval_max_seconds"),
    "remedies": ("backoff_min_seconds", "backoff_max_seconds"),
}
"""By section: two keys, the first of which must not be more than the second."""


def parse(files: Iterable[tuple[str, bytes]]) -> Config:
    """Read files given as (name for messages, content), in the order of their precedence.

    Raises:
        ConfigError: with all faults of all files.
    """
    faults: list[str] = []
    sections: dict[str, Section] = {}
    for name, data in files:
        for heading, section in ini.read(name, data, faults).items():
            if _is_known(heading, section, faults):
                _merge(sections.setdefault(heading, Section(section.where, {})), section)
    values = {
        heading: _values(heading, sections.get(heading, Section("", {})), faults)
        for heading in KEYS
        if heading != "demand"
    }
    demands = tuple(
        spec
        for heading, section in sections.items()
        if heading.startswith("demand ")
        if (spec := _demand(heading, section, faults)) is not None
    )
    config = Config(
        poll=Poll(**values["poll"]),
        remedies=Remedies(**values["remedies"]),
        alerts=Alerts(**values["alerts"]),
        socket=SocketSettings(**values["socket"]),
        survival=Survival(**values["daemon"]),
        hook=Hook(**values["hook"]),
        builtin_demands=values["demands"].get("builtin", True),
        demands=demands,
    )
    for heading, part in (("poll", config.poll), ("remedies", config.remedies)):
        if heading in sections:
            _check_bounds(heading, part, values[heading], sections[heading], faults)
    if not (config.builtin_demands or demands or faults):
        where = sections["demands"].entries["builtin"].where
        faults.append(f"{where}: [demands]: builtin = no and no [demand NAME]: nothing is watched")
    if faults:
        raise ConfigError(faults)
    return config


def _is_known(heading: str, section: Section, faults: list[str]) -> bool:
    """Report an unknown section whole, or its unknown keys one by one, and take these out."""
    kind, _, name = heading.partition(" ")
    if kind == "demand":
        if not _is_name(name):
            faults.append(
                f"{section.where}: a demand's name is a letter and up to {_MAX_NAME - 1} of "
                f"a-z 0-9 _ -, not {quote(name)}"
            )
            return False
    elif heading not in KEYS:
        faults.append(f"{section.where}: unknown section {quote(heading)}")
        return False
    unknown = [key for key in section.entries if key not in KEYS[kind]]
    for key in unknown:
        entry = section.entries.pop(key)
        faults.append(f"{entry.where}: [{heading}] has no key {quote(key)}")
    return True


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME and name[0].isalpha() and _NAME_CHARACTERS.issuperset(name)


def _merge(merged: Section, section: Section) -> None:
    """Let a later file's entries win; it may state order instead of size, or size of order."""
    for key, other in (("order", "size"), ("size", "order")):
        if key in section.entries:
            merged.entries.pop(other, None)
    merged.entries.update(section.entries)


def _values(heading: str, section: Section, faults: list[str]) -> dict[str, Any]:
    """Read the values of a section; a faulty one is reported and left out."""
    kind, _, name = heading.partition(" ")
    label = f'demand "{name}"' if name else f"[{heading}]"
    values: dict[str, Any] = {}
    for key, entry in section.entries.items():
        try:
            values[key] = KEYS[kind][key](entry.value)
        except ValueError as error:
            faults.append(f"{entry.where}: {label}: {key} {error}, not {quote(entry.value)}")
    return values


def _demand(heading: str, section: Section, faults: list[str]) -> DemandSpec | None:
    """Build one demand; None where it is faulty."""
    name = heading.removeprefix("demand ")
    label = f'demand "{name}"'
    before = len(faults)
    entries = section.entries
    values = _values(heading, section, faults)
    request = values.get("request", Request.KERNEL)
    if ("order" in entries) == ("size" in entries):
        where = next(iter(entries.values())).where if entries else section.where
        both = "order" in entries
        what = "give either order or size, not both" if both else "needs either order or size"
        faults.append(f"{where}: {label}: {what}")
    elif values.get("order", 0) > MAX_ORDER and request is not Request.CMA:
        where, value = entries["order"]
        faults.append(
            f"{where}: {label}: order must be a whole number from 0 to {MAX_ORDER}, "
            f"not {quote(value)}"
        )
    warning, critical = values.get("warning"), values.get("critical")
    if warning is not None and critical is not None and warning < critical:
        where, value = entries["warning"]
        faults.append(
            f"{where}: {label}: warning must be at least critical ({critical}), not {quote(value)}"
        )
    if len(faults) > before:
        return None
    return DemandSpec(name, values.get("order"), values.get("size"), request, warning, critical)


def _check_bounds(
    heading: str, part: NamedTuple, values: dict[str, Any], section: Section, faults: list[str]
) -> None:
    """See that a section's bounds are the right way round."""
    low, high = _BOUNDS[heading]
    entries = section.entries
    stated = [key for key in (low, high) if key in entries]
    # A bound that could not be read was reported, and leaves nothing to compare with.
    if not stated or not values.keys() >= set(stated):
        return
    highest = getattr(part, high)
    if getattr(part, low) > highest:
        where = entries[stated[0]].where
        lowest = getattr(part, low)
        faults.append(
            f"{where}: [{heading}]: {low} ({lowest:g}) must be at most {high} ({highest:g})"
        )
