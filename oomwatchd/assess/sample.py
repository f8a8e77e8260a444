"""One look at the kernel, and the zones put together from it.

The files were read one after another while memory went on changing: nothing here needs two
of them to agree.
"""

from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from oomwatchd.mm.zonelist import compiled_zones
from oomwatchd.model import Kernel, Problem, Version, Watermarks, Zone, pages_in_blocks
from oomwatchd.procfs.buddyinfo import BuddyZone
from oomwatchd.procfs.meminfo import Meminfo
from oomwatchd.procfs.pagetypeinfo import Pagetypeinfo
from oomwatchd.procfs.zoneinfo import ZoneinfoZone


class Sample(NamedTuple):
    """The parsed files; None where one is missing or does not read (see `problems`)."""

    kernel: Kernel
    buddyinfo: tuple[BuddyZone, ...] | None
    zoneinfo: tuple[ZoneinfoZone, ...] | None
    pagetypeinfo: Pagetypeinfo | None
    meminfo: Meminfo | None
    min_free_order_shift: int | None
    """vm.min_free_order_shift, where a vendor's kernel has it."""
    largest_cma_chunk_pages: int | None
    """The largest free run in one CMA area, where debugfs tells."""
    problems: tuple[Problem, ...]
    migratetypes: frozenset[str] = frozenset()
    """The types that this kernel is known to have, also where pagetypeinfo was not read now."""


def compiled_of(sample: Sample) -> tuple[str, ...]:
    """Give the names of the zones that the kernel was compiled with, lowest first."""
    stanzas = sample.zoneinfo or ()
    printed = (*map(_ZONE, stanzas), *map(_ZONE, sample.buddyinfo or ()))
    return _compiled(printed, (*map(_PROTECTION, stanzas),), sample.kernel.version)


_ZONE, _PROTECTION = attrgetter("zone"), attrgetter("protection")


@lru_cache(maxsize=2)
def _compiled(
    printed: tuple[str, ...],
    protections: tuple[tuple[int, ...] | None, ...],
    version: Version | None,
) -> tuple[str, ...]:
    """Name the zones; mostly the same at each look at one kernel."""
    length = max([len(protection or ()) for protection in protections], default=0)
    return compiled_zones(printed, length, version)


def zones_of(sample: Sample, compiled: tuple[str, ...]) -> tuple[Zone, ...]:
    """Join the files by node and zone, in zoneinfo's order; a zone of one file only is kept."""
    lists = {(zone.node, zone.zone): zone.free_blocks for zone in sample.buddyinfo or ()}
    types = sample.pagetypeinfo.zones if sample.pagetypeinfo else {}
    zones: list[Zone] = []
    for stanza in sample.zoneinfo or ():
        where = stanza.node, stanza.zone
        free_blocks = lists.pop(where, None) if lists else None
        if free_blocks is None and where not in types:
            zones.append(_empty_zone(stanza, compiled))
        else:
            zones.append(_zone(where, stanza, free_blocks or (), sample.pagetypeinfo, compiled))
    for where, free_blocks in lists.items():
        zones.append(_zone(where, None, free_blocks, sample.pagetypeinfo, compiled))
    return tuple(zones)


@lru_cache(maxsize=16)
def _empty_zone(stanza: ZoneinfoZone, compiled: tuple[str, ...]) -> Zone:
    """Make the zone of a stanza alone; it is the same at each look."""
    return _zone((stanza.node, stanza.zone), stanza, (), None, compiled)


def _zone(
    where: tuple[int, str],
    stanza: ZoneinfoZone | None,
    free_blocks: tuple[int, ...],
    pagetypeinfo: Pagetypeinfo | None,
    compiled: tuple[str, ...],
) -> Zone:
    """Join one zone's parts."""
    node, name = where
    types = pagetypeinfo.zones.get(where) if pagetypeinfo else None
    reserved_pages = free_cma_pages = managed_pages = None
    if types and types.pageblocks is not None and pagetypeinfo and pagetypeinfo.pages_per_block:
        reserved_pages = types.pageblocks.get("HighAtomic", 0) * pagetypeinfo.pages_per_block
    if stanza:
        managed_pages = stanza.present if stanza.managed is None else stanza.managed
        free_cma_pages = stanza.nr_free_cma
    if free_cma_pages is None and types and "CMA" in types.free_blocks:
        free_cma_pages = pages_in_blocks(types.free_blocks["CMA"])
    return Zone(
        node,
        name,
        compiled.index(name) if name in compiled else None,
        managed_pages,
        stanza.free if stanza else None,
        free_cma_pages,
        _watermarks(stanza.min, stanza.low, stanza.high, stanza.boost) if stanza else None,
        stanza.protection if stanza else None,
        free_blocks,
        types.free_blocks if types else None,
        reserved_pages,
        types.capped_order if types else None,
    )


@lru_cache(maxsize=16)
def _watermarks(
    least: int | None, low: int | None, high: int | None, boost: int | None
) -> Watermarks | None:
    """Take the three marks, or none of them where one was cut off; they hardly ever change."""
    if least is None or low is None or high is None:
        return None
    return Watermarks(least, low, high, boost)
