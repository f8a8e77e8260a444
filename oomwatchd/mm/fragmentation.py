"""The fragmentation index and the unusable free space index.

Source: mm/vmstat.c, __fragmentation_index() and unusable_free_index(); 2.6.35 to 6.18 with
the same arithmetic. Both are in thousandths, and computed from every migratetype's blocks.
"""

from oomwatchd.model import pages_in_blocks


def fragmentation_index(free_blocks: tuple[int, ...], order: int) -> int:
    """Say why an allocation of `order` would fail: near 0 shortage, near 1000 fragmentation.

    -1000 where a free block is large enough, 0 where nothing is free; down to -500 where
    the only free block is just too small.
    """
    blocks = sum(free_blocks)
    if blocks == 0:
        return 0
    if any(free_blocks[order:]):
        return -1000
    scaled = pages_in_blocks(free_blocks) * 1000 >> order
    return 1000 - (1000 + scaled) // blocks


def unusable_index(free_blocks: tuple[int, ...], order: int) -> int:
    """Give the share of free memory in blocks below `order`; 1000 where nothing is free."""
    free_pages = pages_in_blocks(free_blocks)
    if free_pages == 0:
        return 1000
    return (free_pages - pages_in_blocks(free_blocks, order)) * 1000 // free_pages
