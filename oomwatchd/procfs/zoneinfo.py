"""/proc/zoneinfo: marks, sizes and lowmem reserve of each zone.

Source: mm/vmstat.c, zoneinfo_show_print(). What is asked for, and since when:

- `pages free`, `min`, `low`, `high`, `spanned`, `present`, `protection`: 2.6.18
- `managed`: 3.7 to 3.9; `nr_free_cma`: 3.7; `cma` (the zone's total): 5.12; `boost`: 5.16
- since 4.8 one stanza a node also holds the node's own counters ("per-node stats")
- since 4.12 every compiled zone is printed, an empty one up to `protection` (5.8: before it)
- since 5.0 min, low and high include the boost, printed or not

The zones' counters stand before `protection` up to 4.11 and after it since. `high:` of the
per-CPU lists has a colon and is another thing than `high`.
"""

import re
from typing import NamedTuple

from oomwatchd.procfs.text import MAX_ZONES, fault, number, numbers

FILE = "zoneinfo"

_STANZA = re.compile(rb"^Node +(\d{1,9}), +zone +([!-~]{1,32})[ \r]*\n", re.MULTILINE)
_FACT = re.compile(
    rb"^ +(?:pages )?(free|boost|min|low|high|present|managed|cma|nr_free_cma) ++([^\n]*+)\n",
    re.MULTILINE,
)
_PROTECTION = re.compile(rb"^ +protection: \(([^)\n]*)\)[^\n]*\n", re.MULTILINE)


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
        zone=head[2].decode("ascii", "backslashreplace"),
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
