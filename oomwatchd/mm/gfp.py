"""What each request may do: the flags of its allocation, as far as the rules ask for them.

Source: include/linux/gfp.h (2.6.18 to 5.19), gfp_types.h (6.0 on) and gfp_to_alloc_flags()
in mm/page_alloc.c.
"""

from typing import NamedTuple

from oomwatchd.model import Request


class Rights(NamedTuple):
    """The rights of a request."""

    top_zone: str
    """The highest zone that it may use: "DMA", "DMA32", "Normal", or "Movable" for all."""
    cma: bool
    """Free CMA pages serve it (__GFP_MOVABLE user pages only)."""
    reserves: bool
    """It may go below the min mark and into HighAtomic (GFP_ATOMIC)."""


RIGHTS = {
    Request.KERNEL: Rights("Normal", cma=False, reserves=False),
    Request.ATOMIC: Rights("Normal", cma=False, reserves=True),
    Request.MOVABLE: Rights("Movable", cma=True, reserves=False),
    Request.DMA: Rights("DMA", cma=False, reserves=False),
    Request.DMA32: Rights("DMA32", cma=False, reserves=False),
}
"""By request. `cma` is not here: it takes no blocks from the free lists by the page."""
