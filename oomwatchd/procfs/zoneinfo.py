"""/proc/zoneinfo: marks, sizes and lowmem reserve of each zone.

Source: mm/vmstat.c, zoneinfo_show_print(). What is asked for, and since when:

- `pages free`, `min`, `low`, `high`, `spanned`, `present`, `protection`: 2.6.18
- `managed`: 3.7 to 3.9; `nr_free_cma`: 3.7; `cma` (the zone's total): 5.12; `boost`: 5.16
- since 4.8 one stanza a node also holds the node's own counters ("per-node stats")
- since 4.12 every compiled zone is printed, an empty one up to `protection` (5.8: before it)
- since 5.0 min, low and high include the boost, printed or not

The zones' counters stand before `protection` up to 4.11 and after it since. `high:` of the
per-CPU lists has a colon and is another thing than `high`. What stands before `pages free` is
the node's.

A kernel prints the same lines each time, and those of an empty zone do not change at all: what a
stanza is like is remembered. A file that is not just as usual is read fact by fact.
"""

import re
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from oomwatchd.procfs.text import (
    MAX_DIGITS,
    MAX_REMEMBERED_BYTES,
    MAX_ZONES,
    fault,
    number,
    numbers,
    plain_numbers,
    skeleton,
)

FILE = "zoneinfo"

_STANZA = re.compile(rb"^Node +(\d{1,9}), +zone +([!-~]{1,32})[ \r]*\n", re.MULTILINE)
_FACT = re.compile(
    rb"^ +(?:pages )?(free|boost|min|low|high|present|managed|cma|nr_free_cma) ++([^\n]*+)\n",
    re.MULTILINE,
)
_FREE = b"\n  pages free "
_CMA = re.compile(rb"\n +nr_free_cma +(\d{1,20})(?=\n)")
_PROTECTION = re.compile(rb"^ +protection: \(([^)\n]*)\)[^\n]*\n", re.MULTILINE)


class _Marks(NamedTuple):
    """What stands between `pages free` and the counters, and which facts do not."""

    pages: tuple[int | None, ...]
    """As in a ZoneinfoZone, from boost to cma."""
    protection: tuple[int, ...] | None
    lacking: frozenset[bytes]


_LINE = rb"\n        %s +(\d{1,20})"
_MARKS = re.compile(
    b"(?:" + _LINE % b"boost" + b")?" + _LINE % b"min" + _LINE % b"low" + _LINE % b"high"
    + rb"(?:\n        (?:promo|active|inactive|scanned|spanned) [^\n]*)*"
    + _LINE % b"present" + b"(?:" + _LINE % b"managed" + b")?(?:" + _LINE % b"cma" + b")?"
    + rb"(?:\n        protection: \(([\d, ]*)\))?"
)  # fmt: skip
"""The lines between `pages free` and the counters, in the order of every kernel."""
_OPTIONAL = (b"boost", b"managed", b"cma")


class ZoneinfoZone(NamedTuple):
    """One stanza, in pages. Anything may be None where the kernel (or a cut) left it out."""

    node: int
    zone: str
    free: int | None
    boost: int | None
    min: int | None
    low: int | None
    high: int | None
    present: int | None
    managed: int | None
    cma: int | None
    nr_free_cma: int | None
    protection: tuple[int, ...] | None


_WHERE = attrgetter("node", "zone")


def parse(data: bytes) -> tuple[ZoneinfoZone, ...]:
    """Parse the whole file, in the file's order; a stanza cut short lacks what was cut off.

    Raises:
        ParseError: no stanza at all, a zone named twice, or a fact that is not a number.
    """
    zones = _read_quickly(data)
    return _read_fact_by_fact(data) if zones is None else zones


class _QuickReader:
    """Reads a file that is as usual; None where that is in doubt.

    A stanza that is as it was the time before, as those of empty zones are, is known.
    """

    def __init__(self) -> None:
        self._texts: list[bytes] = []
        self._zones: list[ZoneinfoZone | None] = []

    def __call__(self, data: bytes) -> tuple[ZoneinfoZone, ...] | None:
        if not (data.startswith(b"Node") and data.endswith(b"\n")):
            return None
        texts = data[len(b"Node") : -1].split(b"\nNode")
        if len(texts) > MAX_ZONES:
            return None
        if len(texts) != len(self._texts):
            self._texts, self._zones = [b""] * len(texts), [None] * len(texts)
        self._zones = [
            zone if text == before else _zone(text)
            for text, before, zone in zip(texts, self._texts, self._zones, strict=True)
        ]
        self._texts = texts
        zones = tuple([zone for zone in self._zones if zone])
        return zones if len(set(map(_WHERE, zones))) == len(texts) else None


_read_quickly = _QuickReader()


def _zone(text: bytes) -> ZoneinfoZone | None:
    """Read a stanza without its first word and last line break; None where in doubt."""
    if len(text) > MAX_REMEMBERED_BYTES:
        return None
    before, _, rest = text.partition(_FREE)
    free, _, rest = rest.partition(b"\n")
    end = rest.rfind(b"\n", 0, max(0, rest.find(b" nr_")))
    where = _where(before.partition(b"\n")[0])
    marks = _marks(b"\n" + (rest if end < 0 else rest[:end]))
    counters = b"" if end < 0 else rest[end:] + b"\n"
    free = free.strip(b" ")
    if where is None or marks is None or not free.isdigit() or len(free) > MAX_DIGITS:
        return None
    if marks.lacking and not marks.lacking.isdisjoint(_names(skeleton(counters))):
        return None
    nr_free_cma = None
    name = counters.find(b" nr_free_cma ")
    if name >= 0:
        found = _CMA.match(counters, counters.rfind(b"\n", 0, name))
        if found is None:
            return None
        nr_free_cma = int(found[1])
    protection = marks.protection
    if protection is None and b" protection: (" in counters:
        protection = _late_reserve(counters)
        if protection is None:
            return None
    return ZoneinfoZone._make((*where, int(free), *marks.pages, nr_free_cma, protection))


def _late_reserve(counters: bytes) -> tuple[int, ...] | None:
    """Read the reserve where it stands behind the counters, up to 4.11."""
    start = counters.rfind(b"\n", 0, counters.find(b" protection: (")) + 1
    found = _PROTECTION.match(counters, start)
    row = plain_numbers(found[1].replace(b",", b" ").split()) if found else None
    return None if row is None else tuple(row)


@lru_cache(maxsize=8)
def _where(head: bytes) -> tuple[int, str] | None:
    """Read a head, but for its first word."""
    match = _STANZA.fullmatch(b"Node" + head + b"\n")
    return (int(match[1]), str(match[2], "ascii")) if match else None


@lru_cache(maxsize=8)
def _marks(text: bytes) -> _Marks | None:
    """Read the marks and sizes, which hardly ever change."""
    match = _MARKS.fullmatch(text)
    if match is None:
        return None
    *facts, reserve = match.groups()
    pages = tuple([None if digits is None else int(digits) for digits in facts])
    protection = None
    if reserve is not None:
        row = plain_numbers(reserve.replace(b",", b" ").split())
        if row is None:
            return None
        protection = tuple(row)
    lacking = [
        name for name, fact in zip(_OPTIONAL, (pages[0], *pages[5:]), strict=True) if fact is None
    ]
    return _Marks(pages, protection, frozenset(lacking))


@lru_cache(maxsize=8)
def _names(skeleton: bytes) -> frozenset[bytes]:
    """Give the names of the optional facts that a text of that skeleton could hold.

    With digits and blanks left out, the line of a fact begins with its name.
    """
    lines = skeleton.split(b"\n")
    return frozenset(
        [
            name
            for name in _OPTIONAL
            if any(line.startswith((name, b"pages" + name)) for line in lines)
        ]
    )


def _read_fact_by_fact(data: bytes) -> tuple[ZoneinfoZone, ...]:
    """Read any file."""
    heads = list(_STANZA.finditer(data))
    if not heads:
        raise fault(FILE, data, 0, "no zone in the file")
    if len(heads) > MAX_ZONES:
        raise fault(FILE, data, heads[MAX_ZONES].start(), f"more than {MAX_ZONES} zones")
    zones: dict[tuple[int, str], ZoneinfoZone] = {}
    ends = [head.start() for head in heads[1:]] + [len(data)]
    for head, end in zip(heads, ends, strict=True):
        zone = _stanza(data, head, end)
        if (zone.node, zone.zone) in zones:
            raise fault(FILE, data, head.start(), "the zone stands twice")
        zones[zone.node, zone.zone] = zone
    return tuple(zones.values())


def _stanza(data: bytes, head: re.Match[bytes], end: int) -> ZoneinfoZone:
    """Read one stanza, from its head to where the next begins."""
    facts: dict[bytes, int] = {}
    start = max(head.end(), data.find(_FREE, head.end() - 1, end) + 1)
    for match in _FACT.finditer(data, start, end):
        # The first one counts: a later line of the same name is another thing.
        if match[1] not in facts:
            facts[match[1]] = number(match[2].rstrip(b" \r"), FILE, data, match.start(1))
    protection = _PROTECTION.search(data, start, end)
    return ZoneinfoZone(
        node=int(head[1]),
        zone=str(head[2], "ascii"),
        free=facts.get(b"free"),
        boost=facts.get(b"boost"),
        min=facts.get(b"min"),
        low=facts.get(b"low"),
        high=facts.get(b"high"),
        present=facts.get(b"present"),
        managed=facts.get(b"managed"),
        cma=facts.get(b"cma"),
        nr_free_cma=facts.get(b"nr_free_cma"),
        protection=None if protection is None else _reserve(data, protection),
    )


def _reserve(data: bytes, protection: re.Match[bytes]) -> tuple[int, ...]:
    """Read the numbers between the parentheses."""
    row = protection[1].replace(b",", b" ")
    return numbers(row, FILE, data, protection.start(1))
