"""/proc/zoneinfo: marks, sizes and lowmem reserve of each zone.

Source: mm/vmstat.c, zoneinfo_show_print(). What is asked for, and since when:

- `pages free`, `min`, `low`, `high`, `spanned`, `present`, `protection`: 2.6.18
- `managed`: 3.7 to 3.9; `nr_free_cma`: 3.7; `cma` (the zone's total): 5.12; `boost`: 5.16
- since 4.8 one stanza a node also holds the node's own counters ("per-node stats")
- since 4.12 every compiled zone is printed, an empty one up to `protection` (5.8: before it)
- since 5.0 min, low and high include the boost, printed or not

The zones' counters stand before `protection` up to 4.11 and after it since. `high:` of the
per-CPU lists has a colon and is another thing than `high`.

A kernel prints the same lines each time, and those of an empty zone do not change at all: what a
stanza is like is remembered. A file that is not just as usual is read fact by fact.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from oomwatchd.procfs.text import (
    MAX_DIGITS,
    MAX_REMEMBERED_BYTES,
    MAX_ZONES,
    fault,
    number,
    numbers,
    skeleton,
)

FILE = "zoneinfo"

_STANZA = re.compile(rb"^Node +(\d{1,9}), +zone +([!-~]{1,32})[ \r]*\n", re.MULTILINE)
_FACT = re.compile(
    rb"^ +(?:pages )?(free|boost|min|low|high|present|managed|cma|nr_free_cma) ++([^\n]*+)\n",
    re.MULTILINE,
)
_PROTECTION = re.compile(rb"^ +protection: \(([^)\n]*)\)[^\n]*\n", re.MULTILINE)

_LINE = rb"\n        %s +(\d{1,20})"
_BLOCK = re.compile(
    rb"\n  pages free +(\d{1,20})(?:" + _LINE % b"boost" + b")?"
    + _LINE % b"min" + _LINE % b"low" + _LINE % b"high"
    + rb"(?:\n        (?:promo|active|inactive|scanned|spanned) [^\n]*)*"
    + _LINE % b"present" + b"(?:" + _LINE % b"managed" + b")?(?:" + _LINE % b"cma" + rb")?\n"
)  # fmt: skip
"""The marks and sizes as every kernel prints them: one block, in this order."""
_BLOCK_NAMES = (b"free", b"boost", b"min", b"low", b"high", b"present", b"managed", b"cma")
_SHORT_BYTES = 512
"""Only an empty zone's stanza is so short (since 4.12), and there may be several."""


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


def parse(data: bytes) -> tuple[ZoneinfoZone, ...]:
    """Parse the whole file, in the file's order; a stanza cut short lacks what was cut off.

    Raises:
        ParseError: no stanza at all, a zone named twice, or a fact that is not a number.
    """
    zones = _read_quickly(data)
    return _read_fact_by_fact(data) if zones is None else zones


def _read_quickly(data: bytes) -> tuple[ZoneinfoZone, ...] | None:
    """Read a file that is as usual; None where that is in doubt."""
    if not (data.startswith(b"Node") and data.endswith(b"\n")):
        return None
    texts = [b"Node%s\n" % text for text in data[4:-1].split(b"\nNode")]
    zones = [
        _short_stanza(text) if len(text) < _SHORT_BYTES else _usual_stanza(text) for text in texts
    ]
    known = [zone for zone in zones if zone is not None]
    if len(zones) > MAX_ZONES or len({zone[:2] for zone in known}) < len(zones):
        return None
    return tuple(known)


def _usual_stanza(text: bytes) -> ZoneinfoZone | None:
    """Read one stanza that is as usual; None where that is in doubt."""
    layout = _layout(skeleton(text)) if len(text) <= MAX_REMEMBERED_BYTES else None
    head = _STANZA.match(text)
    block = _BLOCK.match(text, text.find(b"\n  pages free "))
    if layout is None or head is None or block is None:
        return None
    facts = [None if digits is None else int(digits) for digits in block.groups()]
    nr_free_cma = protection = None
    if layout.nr_free_cma:
        fact = _FACT.match(text, text.rfind(b"\n", 0, text.find(b" nr_free_cma ")) + 1)
        if fact is None or not fact[2].isdigit() or len(fact[2]) > MAX_DIGITS:
            return None
        nr_free_cma = int(fact[2])
    if layout.protection:
        reserve = _PROTECTION.match(text, text.find(b"\n        protection: (") + 1)
        words = reserve[1].replace(b",", b" ").split() if reserve else []
        if not words or max(map(len, words)) > MAX_DIGITS:
            return None
        protection = (*map(int, words),)
    if facts.count(None) != layout.lacking:
        return None
    return ZoneinfoZone(int(head[1]), str(head[2], "ascii"), *facts, nr_free_cma, protection)


_short_stanza = lru_cache(maxsize=16)(_usual_stanza)


class _Layout(NamedTuple):
    """Which facts a stanza has, each on the first line of its name."""

    lacking: int
    """How many of the block's facts stand nowhere."""
    nr_free_cma: bool
    protection: bool


@lru_cache(maxsize=8)
def _layout(skeleton: bytes) -> _Layout | None:
    """Say what a stanza of that skeleton has; None where a fact could stand in two places.

    With digits and blanks left out a line begins with the name of its fact. So a fact that no
    line begins with is missing, and nothing before the block can be one of the block's.
    """
    lines = skeleton.split(b"\n")
    found = {
        name: [n for n, line in enumerate(lines) if line.startswith((name, b"pages" + name))]
        for name in (*_BLOCK_NAMES, b"nr_free_cma", b"protection")
    }
    block = min(found[b"free"], default=0)
    single = all(len(found[name]) <= 1 for name in (b"free", b"nr_free_cma", b"protection"))
    if not single or any(block > min(found[name], default=block) for name in _BLOCK_NAMES):
        return None
    return _Layout(
        lacking=sum(not found[name] for name in _BLOCK_NAMES),
        nr_free_cma=bool(found[b"nr_free_cma"]),
        protection=bool(found[b"protection"]),
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
    for match in _FACT.finditer(data, head.end(), end):
        # The first one counts: a later line of the same name is another thing.
        if match[1] not in facts:
            facts[match[1]] = number(match[2].rstrip(b" \r"), FILE, data, match.start(1))
    protection = _PROTECTION.search(data, head.end(), end)
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
