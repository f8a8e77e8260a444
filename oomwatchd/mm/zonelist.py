"""Which zones a request may use, and what is kept back from it in each.

Source: mm/page_alloc.c (get_page_from_freelist(), setup_per_zone_lowmem_reserve()) and
include/linux/mmzone.h, 2.6.18 to 6.18. A kernel has the zones that it was compiled with, in
a fixed order; the lowmem reserve (`protection`) is indexed by the highest zone of a request.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from oomwatchd.mm.gfp import RIGHTS
from oomwatchd.model import Request, Version, Zone

CANONICAL = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")
"""Every zone that any kernel has, lowest first."""

_MOVABLE_SINCE: Version = (2, 6, 23)


def compiled_zones(
    printed: Iterable[str], protection_length: int, version: Version | None
) -> tuple[str, ...]:
    """Say which zones the kernel was compiled with, lowest first.

    Since 4.12 all of them are printed. Before, empty ones are not, and only their number is
    known, from the length of `protection` (0 where that is not known either). Normal always
    exists, Movable since 2.6.23. Which of the others fill the gap is a guess, harmless since an
    empty zone adds nothing to any reserve; a DMA zone comes late in it, so that requests for
    one fall back to Normal.
    """
    names = {name for name in printed if name in CANONICAL}
    certain = ["Normal"]
    if version is None or version >= _MOVABLE_SINCE:
        certain.append("Movable")
    if protection_length == 0:
        names.update(certain)
    for name in [*certain, "HighMem", "DMA", "DMA32", "Device"]:
        if len(names) >= protection_length:
            break
        names.add(name)
    return tuple(name for name in CANONICAL if name in names)


class Reached(NamedTuple):
    """A zone that a request may use, and the pages that are kept back from it there."""

    zone: Zone
    reserve_pages: int | None
    """None where the file was cut short before it."""


def zonelist(zones: Iterable[Zone], compiled: tuple[str, ...], request: Request) -> list[Reached]:
    """Give the populated zones of all nodes that the request may use, with its reserve."""
    top = top_index(compiled, request)
    populated = [zone for zone in zones if zone.free_blocks]
    return [found for zone in populated if (found := reach(zone, top)) is not None]


def reached_zones(zones: Iterable[Zone], compiled: tuple[str, ...], request: Request) -> list[Zone]:
    """Give the populated zones of all nodes that the request may use."""
    top = top_index(compiled, request)
    return [
        zone
        for zone in zones
        if zone.free_blocks and zone.zone_index is not None and zone.zone_index <= top
    ]


def reach(zone: Zone, top: int) -> Reached | None:
    """Give the zone to a request whose highest one is `top`; None where it may not use it."""
    index, protection = zone.zone_index, zone.protection
    if index is None or index > top:
        return None
    if protection is None:
        return Reached(zone, None)
    return Reached(zone, protection[top] if top < len(protection) else 0)


@lru_cache(maxsize=len(Request))
def top_index(compiled: tuple[str, ...], request: Request) -> int:
    """Give the index of the highest zone that the request may use."""
    return highest_index(compiled, RIGHTS[request].top_zone)


def highest_index(compiled: tuple[str, ...], top_zone: str) -> int:
    """Give the index of a zone (gfp_zone()), or of the next below where it is not compiled in.

    Without a DMA or DMA32 zone a request for one may use Normal (OPT_ZONE_DMA, OPT_ZONE_DMA32).
    """
    if top_zone in ("DMA", "DMA32") and top_zone not in compiled:
        top_zone = "Normal"
    limit = CANONICAL.index(top_zone)
    return max(
        (index for index, name in enumerate(compiled) if CANONICAL.index(name) <= limit), default=-1
    )
