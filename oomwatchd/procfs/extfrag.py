"""/sys/kernel/debug/extfrag/{extfrag_index,unusable_index}: the kernel's own indices.

Source: mm/vmstat.c, extfrag_show_print() and unusable_show_print(), since 2.6.35 with
CONFIG_COMPACTION and debugfs. A value v is printed as v/1000, a dot and v%1000 in three
digits, both truncated towards zero: -1000 is "-1.000", and -500 is "0.-500".
"""

import re
from typing import NamedTuple

from oomwatchd.errors import ParseError
from oomwatchd.procfs.text import cut_short, fault, lines

FILE = "extfrag"

_LINE = re.compile(rb"Node +(\d{1,9}), +zone +([!-~]{1,32}) +(\S[^\n]*)")
_INDEX = re.compile(rb"(-?\d{1,4})\.(\d{3}|-\d{2,3})")


class IndexZone(NamedTuple):
    """One zone's index by order, in thousandths."""

    node: int
    zone: str
    index_thousandths: tuple[int, ...]


def parse(data: bytes) -> tuple[IndexZone, ...]:
    """Parse either file, in the file's order.

    Raises:
        ParseError: no zone, a line that is not a zone with its indices, zones with different
            numbers of orders, or a last line that was cut short.
    """
    zones: list[IndexZone] = []
    for offset, line in lines(data):
        match = _LINE.fullmatch(line)
        values = [_INDEX.fullmatch(text) for text in match[3].split()] if match else []
        if match is None or None in values:
            raise fault(FILE, data, offset, "not a line of indices")
        thousandths = tuple(int(value[1]) * 1000 + int(value[2]) for value in values if value)
        zone = match[2].decode("ascii", "backslashreplace")
        if zones and len(thousandths) != len(zones[0].index_thousandths):
            raise fault(FILE, data, offset, "another number of orders than before")
        zones.append(IndexZone(int(match[1]), zone, thousandths))
    if not zones:
        raise ParseError(FILE, 0, b"", "no zone in the file")
    if cut_short(data, rows=len(zones)):
        raise fault(FILE, data, len(data), "the line is cut short")
    return tuple(zones)
