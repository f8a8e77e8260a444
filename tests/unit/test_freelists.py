"""Free blocks by migratetype, where pagetypeinfo stops counting."""

from builders import make_zone

from oomwatchd.mm.freelists import CAPPED_AT, eligible_blocks
from oomwatchd.model import Request


def test_what_pagetypeinfo_stops_counting_buddyinfo_still_counts() -> None:
    """A count of ">100000" single pages: all free pages but CMA's are the request's."""
    zone = make_zone(
        free_blocks=(250_000, 40),
        free_blocks_by_type={"Movable": (CAPPED_AT, 30), "CMA": (20_000, 10)},
        capped_order=0,
    )
    assert eligible_blocks(zone, Request.KERNEL, 0, 0) == 250_000 + 80 - 20_000 - 20
    assert eligible_blocks(zone, Request.KERNEL, 1, 0) == 30
    assert eligible_blocks(zone, Request.MOVABLE, 0, 0) == 250_000 + 80


def test_a_barred_type_that_was_not_counted_to_the_end_proves_nothing() -> None:
    """The rest may all be CMA: only what was counted as usable is."""
    zone = make_zone(
        free_blocks=(250_000, 0),
        free_blocks_by_type={"Movable": (500, 0), "CMA": (CAPPED_AT, 0)},
        capped_order=0,
    )
    assert eligible_blocks(zone, Request.KERNEL, 0, 0) == 500
