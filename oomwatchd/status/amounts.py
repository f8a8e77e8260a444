"""Amounts of blocks for people: of single pages their size, of others their number."""

from oomwatchd.status.fields import Json, whole
from oomwatchd.status.layout import short_size

_PAGE_BYTES = 4096
_MOST_PAGE_BYTES = 1 << 30
_MOST_ORDER = 32


def page_size(of: Json) -> int:
    """Give the size of a page in bytes; the usual one where it is not told, or absurd."""
    size_bytes = whole(of, "page_size") or 0
    return size_bytes if 0 < size_bytes <= _MOST_PAGE_BYTES else _PAGE_BYTES


def order_of(demand: Json) -> int | None:
    """Give a demand's order, if it has a sensible one."""
    order = whole(demand, "order")
    return order if order is not None and 0 <= order <= _MOST_ORDER else None


def amount(blocks: int | None, demand: Json, page_bytes: int, absent: str = "") -> str:
    """Write so many blocks of a demand."""
    if blocks is None:
        return absent
    return short_size(blocks * page_bytes) if order_of(demand) == 0 else str(blocks)
