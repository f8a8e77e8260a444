"""The watermark check: would the kernel grant a block now, and how many one after another?

Source: mm/page_alloc.c, zone_watermark_ok() of 2.6.18 to 4.3, __zone_watermark_ok() of 4.4
to 6.18, gfp_to_alloc_flags(). Up to 4.3 the check demands a stock of free pages at each
order below the requested one; since 4.4 it demands the mark once, and one usable block.

Names: `pages` f and `mark` m of the kernel's loop. A test passes when f > m.
"""

from enum import Enum
from typing import NamedTuple

from oomwatchd.mm.freelists import most_highatomic_pages
from oomwatchd.mm.gfp import RIGHTS
from oomwatchd.mm.zonelist import Reached
from oomwatchd.model import Request, Version, Zone


class CmaRule(Enum):
    """Which tests leave free CMA pages out for requests that cannot use them."""

    __hash__ = object.__hash__

    NONE = "none"
    """Up to 3.6: none."""
    ALL_TESTS = "all_tests"
    """3.7 to 3.9, and since 4.4 (one test): all."""
    FIRST_TEST = "first_test"
    """3.10 to 4.3: the first one, before the loop over the orders."""


class HighatomicRule(Enum):
    """What of the HighAtomic reserve is left out for requests without a right to it."""

    __hash__ = object.__hash__

    NONE = "none"
    """Up to 4.3: there is no such reserve."""
    RESERVED = "reserved"
    """From 4.4: its whole pageblocks, used or free (nr_reserved_highatomic)."""
    FREE = "free"
    """From 6.12: its free pages (nr_free_highatomic); no earlier stable series has that."""


# In Python 3.11 it costs more to look a member up in its class than to compare it.
_ALL_TESTS, _FIRST_TEST = CmaRule.ALL_TESTS, CmaRule.FIRST_TEST
_NONE, _FREE = HighatomicRule.NONE, HighatomicRule.FREE


class WatermarkRule(NamedTuple):
    """The rule of one kernel."""

    per_order: bool
    """Up to 4.3: a test at each order below the requested one."""
    slack_pages: int
    """Added to the free pages less the block: 1 up to 4.3, but -1 in 2.6.38 to 3.2."""
    order_shift: int
    """By how much the mark is halved per order: 1, or vm.min_free_order_shift of vendors."""
    cma: CmaRule
    highatomic: HighatomicRule
    capped_below_pageblock: bool
    """Since 6.8 no HighAtomic reserve where 1 % of the zone is less than a pageblock."""
    atomic_pages_ignore_boost: bool
    """Since 5.9 an atomic request for one page is tried again without the boost."""


def rule_of(version: Version, order_shift: int = 1) -> WatermarkRule:
    """Give the rule of a kernel version; `order_shift` where the vendor file exists."""
    if version >= (4, 4, 0):
        return WatermarkRule(
            per_order=False,
            slack_pages=1,
            order_shift=1,
            cma=CmaRule.ALL_TESTS,
            highatomic=(HighatomicRule.FREE if version >= (6, 12, 0) else HighatomicRule.RESERVED),
            capped_below_pageblock=version >= (6, 8, 0),
            atomic_pages_ignore_boost=version >= (5, 9, 0),
        )
    if version < (3, 7, 0):
        cma = CmaRule.NONE
    else:
        cma = CmaRule.ALL_TESTS if version < (3, 10, 0) else CmaRule.FIRST_TEST
    return WatermarkRule(
        per_order=True,
        slack_pages=-1 if (2, 6, 38) <= version < (3, 3, 0) else 1,
        order_shift=order_shift,
        cma=cma,
        highatomic=HighatomicRule.NONE,
        capped_below_pageblock=False,
        atomic_pages_ignore_boost=False,
    )


class Check(NamedTuple):
    """One comparison of the check: it passes when `pages` is more than `mark`."""

    pages: int
    mark: int

    @property
    def passed(self) -> bool:
        """Whether the comparison holds."""
        return self.pages > self.mark


def checks(  # noqa: PLR0913, PLR0917 - what the kernel's function is given
    reached: Reached,
    request: Request,
    order: int,
    mark_pages: int,
    rule: WatermarkRule,
    highatomic_pages: int,
) -> list[Check]:
    """Write out the comparisons that the kernel makes in a zone, all of them, in its order.

    Since 4.4 there is one, and a usable block must be there besides (see `freelists`).
    `mark_pages` is the mark as lowered for the request (`min_mark`), `highatomic_pages` what is
    left out for it (`unusable_highatomic_pages`).
    """
    zone = reached.zone
    cma_pages = 0 if RIGHTS[request].cma else zone.free_cma_pages or 0
    pages = (zone.free_pages or 0) - highatomic_pages - (1 << order) + rule.slack_pages
    if rule.cma is _ALL_TESTS:
        pages -= cma_pages
    first = pages - cma_pages if rule.cma is _FIRST_TEST else pages
    written = [Check(first, mark_pages + (reached.reserve_pages or 0))]
    if rule.per_order:
        mark = mark_pages
        for at_order, blocks in enumerate(zone.free_blocks[:order]):
            pages -= blocks << at_order
            mark >>= rule.order_shift
            written.append(Check(pages, mark))
    return written


def min_mark(zone: Zone, request: Request, order: int, rule: WatermarkRule) -> int | None:
    """Give the min mark as lowered for the request's rights; None where the marks are unknown.

    GFP_ATOMIC: half off (__GFP_HIGH), then a quarter of the rest (ALLOC_HARDER, since 6.3
    ALLOC_NON_BLOCK): 2.6.18 to 6.18 alike.
    """
    if zone.watermarks is None:
        return None
    mark = zone.watermarks.min
    if RIGHTS[request].reserves:
        if order == 0 and rule.atomic_pages_ignore_boost:
            mark -= zone.watermarks.boost or 0
        return lowered(mark, high=True, harder=True)
    return mark


def lowered(mark: int, *, high: bool, harder: bool) -> int:
    """Lower a min mark for a request: half for __GFP_HIGH, then a quarter for ALLOC_HARDER."""
    if high:
        mark -= mark // 2
    if harder:
        mark -= mark // 4
    return mark


def unlowered(mark: int, *, high: bool, harder: bool) -> int:
    """Give the largest min mark that is lowered to no more than `mark`: lowered() turned round."""
    if harder:
        mark = mark * 4 // 3
    if high:
        mark *= 2
    return mark


def tightest(written: list[Check]) -> Check:
    """Give the comparison that fails first as blocks are taken: each takes the same off all."""
    return written[0] if len(written) == 1 else min(written, key=_margin)


def _margin(check: Check) -> int:
    return check.pages - check.mark


def grants(check: Check, order: int, spare_pages: int = 0) -> int:
    """Count the blocks that can be taken one after another before the check fails.

    Each takes 2^order pages off f: the closed form of taking them one by one. With so many
    pages to spare as are free besides.
    """
    pages, mark = check
    blocks = (pages + spare_pages - mark - 1 >> order) + 1
    return blocks if blocks > 0 else 0  # noqa: FURB136 - in the hot path max() is dear


def unusable_highatomic_pages(zone: Zone, request: Request, rule: WatermarkRule) -> int:
    """Count the pages that the checks leave out where there is no right to HighAtomic."""
    if rule.highatomic is _NONE or RIGHTS[request].reserves:
        return 0
    if rule.highatomic is _FREE:
        known = zone.free_highatomic_pages
    else:
        known = zone.highatomic_reserved_pages
    if known is None:
        return most_highatomic_pages(zone, capped_below_pageblock=rule.capped_below_pageblock)
    return known
