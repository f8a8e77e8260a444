"""/proc/buddyinfo: free blocks by order, a line for each populated zone.

Source: mm/vmstat.c, frag_show_print(); 2.6.18 to 6.18 differ in the number of orders only
(9 to 14 are known). Every migratetype is counted, CMA and HighAtomic included.
"""

import re
from typing import NamedTuple

from oomwatchd.errors import ParseError
from oomwatchd.procfs.text import MAX_ZONES, cut_short, fault, lines, numbers

FILE = "buddyinfo"
MAX_ORDERS = 32
"""More columns than any kernel has: beyond it the file is not believed."""

_LINE = re.compile(rb"Node +(\d{1,9}), +zone +([!-~]{1,32}) +(\d[\d ]*)")


class BuddyZone(NamedTuple):
    """The free blocks of one populated zone, by order."""

    node: int
    zone: str
    free_blocks: tuple[int, ...]


def parse(data: bytes) -> tuple[BuddyZone, ...]:
    """Parse the whole file, in the file's order.

    Raises:
        ParseError: no zone at all, a line that is not a zone, zones with different numbers
            of orders, a zone named twice, or a last line that was cut short.
    """
    zones: dict[tuple[int, str], BuddyZone] = {}
    orders = 0
    for offset, line in lines(data):
        match = _LINE.fullmatch(line)
        if match is None:
            raise fault(FILE, data, offset, "not a line of free blocks")
        free_blocks = numbers(match[3], FILE, data, offset)
        zone = BuddyZone(int(match[1]), str(match[2], "ascii"), free_blocks)
        orders = orders or len(free_blocks)
        if orders > MAX_ORDERS:
            raise fault(FILE, data, offset, f"more than {MAX_ORDERS} orders")
        if len(free_blocks) != orders:
            raise fault(FILE, data, offset, f"{len(free_blocks)} orders, not {orders} as before")
        if (zone.node, zone.zone) in zones:
            raise fault(FILE, data, offset, "the zone stands twice")
        if len(zones) == MAX_ZONES:
            raise fault(FILE, data, offset, f"more than {MAX_ZONES} zones")
        zones[zone.node, zone.zone] = zone
    if not zones:
        raise ParseError(FILE, 0, b"", "no zone in the file")
    if cut_short(data, rows=len(zones)):
        raise fault(FILE, data, len(data), "the line is cut short")
    return tuple(zones.values())
