"""The tables of every zone and order, for those who look: costly, so never in the loop."""

from typing import NamedTuple

from oomwatchd.assess.headroom import System, zone_headroom
from oomwatchd.mm.fragmentation import fragmentation_index, unusable_index
from oomwatchd.mm.zonelist import Reached, zonelist
from oomwatchd.model import Request, Zone

SURVEYED = (Request.KERNEL, Request.ATOMIC, Request.MOVABLE)


class OrderSurvey(NamedTuple):
    """One order of one zone; headroom is None where it cannot be told."""

    order: int
    free_blocks: int
    headroom: dict[Request, int | None]
    fragmentation_index_thousandths: int
    unusable_index_thousandths: int


class ZoneSurvey(NamedTuple):
    """One zone; no orders where it is empty."""

    zone: Zone
    orders: tuple[OrderSurvey, ...]


def survey(system: System) -> tuple[ZoneSurvey, ...]:
    """Work out the tables of all zones, empty ones included."""
    reached = {
        request: {
            (reached.zone.node, reached.zone.name): reached
            for reached in zonelist(system.zones, system.compiled, request)
        }
        for request in SURVEYED
    }
    return tuple(
        ZoneSurvey(
            zone,
            tuple(_order(zone, order, system, reached) for order in range(len(zone.free_blocks))),
        )
        for zone in system.zones
    )


def _order(
    zone: Zone,
    order: int,
    system: System,
    reached: dict[Request, dict[tuple[int, str], Reached]],
) -> OrderSurvey:
    """Work out one order; a request that may not use the zone has no headroom there."""
    headroom: dict[Request, int | None] = {}
    for request, zones in reached.items():
        here = zones.get((zone.node, zone.name))
        measured = zone_headroom(here, request, order, system) if here else None
        headroom[request] = measured.blocks if measured else None if here else 0
    return OrderSurvey(
        order=order,
        free_blocks=zone.free_blocks[order],
        headroom=headroom,
        fragmentation_index_thousandths=fragmentation_index(zone.free_blocks, order),
        unusable_index_thousandths=unusable_index(zone.free_blocks, order),
    )
