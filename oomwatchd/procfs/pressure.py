"""/proc/pressure/memory: pressure stall information, since 4.20 with CONFIG_PSI.

Source: kernel/sched/psi.c, psi_show().
"""

import re
from typing import NamedTuple

from oomwatchd.procfs.text import fault, lines, number

FILE = "pressure/memory"

_LINE = re.compile(
    rb"(some|full) avg10=(\d{1,3}\.\d\d) avg60=(\d{1,3}\.\d\d) avg300=(\d{1,3}\.\d\d) total=(\d+)"
)


class Stall(NamedTuple):
    """Share of time lost, in per cent over the last seconds, and microseconds since boot."""

    avg10_percent: float
    avg60_percent: float
    avg300_percent: float
    total_us: int


class Pressure(NamedTuple):
    """`some`: at least one task stalled; `full`: all of them at once."""

    some: Stall
    full: Stall | None


def parse(data: bytes) -> Pressure:
    """Parse the whole file.

    Raises:
        ParseError: a line that is not a stall or was cut short, or no line `some`.
    """
    stalls: dict[bytes, Stall] = {}
    for offset, line in lines(data):
        match = _LINE.fullmatch(line)
        if match is None:
            raise fault(FILE, data, offset, "not a line of pressure")
        total_us = number(match[5], FILE, data, offset)
        stalls[match[1]] = Stall(float(match[2]), float(match[3]), float(match[4]), total_us)
    if b"some" not in stalls:
        raise fault(FILE, data, 0, 'no line "some"')
    if not data.endswith(b"\n"):
        raise fault(FILE, data, len(data), "the line is cut short")
    return Pressure(stalls[b"some"], stalls.get(b"full"))
