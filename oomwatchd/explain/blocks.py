"""Which free blocks of a report may serve a request, and what is kept back as HighAtomic.

Source: see `oomwatchd.mm.freelists`; here the letters of the free lists tell the types.
"""

from oomwatchd.explain.kernel import KernelFound
from oomwatchd.explain.reported import pages_of
from oomwatchd.mm.gfpflags import Flags
from oomwatchd.mm.watermark import HighatomicRule, WatermarkRule
from oomwatchd.model import Version
from oomwatchd.report.record import ReportZone

_TELLS_HIGHATOMIC: Version = (5, 5, 0)
_PAGEBLOCK_ORDER = 9
"""Of the smallest pageblocks that there are with pages of 4 KiB: 2 MiB."""
_USABLE = frozenset("UMER")
"""Types whose blocks serve everybody: unmovable, movable, reclaimable, up to 4.3 reserve."""


def blocks_of(
    zone: ReportZone, flags: Flags, order: int, version: Version, *, takes_cma: bool
) -> tuple[int | None, int]:
    """Count free blocks of at least the order: those that may serve, and the others.

    A letter says that there is a block of that type among the blocks of an order, no more. From
    4.4 to 4.13 the check is content with any block (ALLOC_HARDER), what hands them out is not.
    """
    listed = zone.free_blocks if zone.free_blocks is not None else zone.seen_blocks
    if listed is None:
        return None, 0
    usable_types = set(_USABLE)
    if takes_cma:
        usable_types.add("C")
    if has_highatomic_right(flags, order, version):
        usable_types.add("H")
    usable = barred = 0
    for at in range(order, len(listed)):
        letters = zone.letters[at] if zone.letters is not None else ""
        if not letters or not usable_types.isdisjoint(letters):
            usable += listed[at]
        else:
            barred += listed[at]
    if zone.free_blocks is None and not usable:
        return None, 0
    return usable, barred


def highatomic_pages(
    zone: ReportZone, flags: Flags, kernel: KernelFound, version: Version, rule: WatermarkRule
) -> int:
    """Count what the check leaves out where there is no right to the reserve.

    Its free pages where the report tells them (6.13 on), else all of its pageblocks (5.5 on).
    """
    has_right = flags.harder or (version >= (6, 3, 0) and flags.high)
    if rule.highatomic is HighatomicRule.NONE or has_right:
        return 0
    free = pages_of(zone, "free_highatomic", kernel)
    reserved = pages_of(zone, "reserved_highatomic", kernel)
    if free is None and reserved is None and version < _TELLS_HIGHATOMIC:
        # The letter says that there is some: at least a pageblock.
        orders = len(zone.free_blocks or ())
        has_some = any("H" in letters for letters in zone.letters or ())
        return 1 << min(_PAGEBLOCK_ORDER, orders - 1) if has_some and orders else 0
    return (free if free is not None else reserved) or 0


def has_highatomic_right(flags: Flags, order: int, version: Version) -> bool:
    """Whether a request may take blocks of type HighAtomic (mm/page_alloc.c, 4.4 on)."""
    if version < (4, 4, 0) or order == 0:
        return False
    if version < (6, 3, 0):
        return flags.harder
    return not flags.may_sleep and (flags.high or version < (6, 18, 0))
