"""The words of the project as plain records (see also `assess` for the results).

Absent facts are None, never 0. Kernel terms keep the kernel's names.
"""

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from operator import lshift
from typing import NamedTuple, Self

Version = tuple[int, int, int]
"""A kernel version: (major, minor, patch)."""


class Request(Enum):
    """The kind of allocation that must succeed."""

    # Members are single: Enum's own hash is a call of Python's at each look into a table.
    __hash__ = object.__hash__

    KERNEL = "kernel"
    """GFP_KERNEL: may sleep, unmovable, no HighMem."""
    ATOMIC = "atomic"
    """GFP_ATOMIC: cannot sleep, may go deeper into the reserves."""
    MOVABLE = "movable"
    """User pages: HighMem, Movable and CMA too."""
    CMA = "cma"
    """A contiguous allocation from the CMA area."""
    DMA = "dma"
    """As kernel, from the zones up to DMA only."""
    DMA32 = "dma32"
    """As kernel, from the zones up to DMA32 only."""

    @property
    def may_sleep(self) -> bool:
        """Whether the kernel can reclaim and compact on behalf of the request."""
        return self not in (Request.ATOMIC, Request.CMA)


class Severity(Enum):
    """How bad it is; `rank` orders them: critical > warning > unknown > ok."""

    __hash__ = object.__hash__

    _value_: str
    rank: int

    def __new__(cls, value: str, rank: int = 0) -> Self:
        """Make the member of that name and rank."""
        member = object.__new__(cls)
        member._value_ = value
        member.rank = rank
        return member

    OK = "ok", 0
    UNKNOWN = "unknown", 1
    WARNING = "warning", 2
    CRITICAL = "critical", 3


class Cause(Enum):
    """Why a demand is low: the term of its headroom that binds."""

    SHORTAGE = "shortage"
    RESERVED = "reserved"
    FRAGMENTATION = "fragmentation"
    UNSATISFIABLE = "unsatisfiable"


class Demand(NamedTuple):
    """What the device needs: `warning` and `critical` are headrooms, in blocks of `order`."""

    name: str
    order: int
    request: Request
    warning: int
    critical: int


class DemandSpec(NamedTuple):
    """A demand as it is stated: by order or by size, with its levels or without."""

    name: str
    order: int | None
    size_bytes: int | None
    request: Request
    warning: int | None = None
    critical: int | None = None


class Watermarks(NamedTuple):
    """A zone's marks in pages, as printed: since 5.0 min, low and high include the boost.

    `boost` is None where the kernel does not print it (before 5.16).
    """

    min: int
    low: int
    high: int
    boost: int | None


class Zone(NamedTuple):
    """One zone of one node at one moment, put together from several kernel files.

    The files are not read atomically, so the parts may disagree slightly.
    """

    node: int
    name: str
    zone_index: int | None
    """Position among the zones that this kernel was compiled with; None if not known."""
    managed_pages: int | None
    free_pages: int | None
    free_cma_pages: int | None
    watermarks: Watermarks | None
    protection: tuple[int, ...] | None
    """The lowmem reserve in pages, by the index of the highest zone a request may use."""
    free_blocks: tuple[int, ...]
    """Free blocks by order, every migratetype; empty for an empty zone."""
    free_blocks_by_type: Mapping[str, tuple[int, ...]] | None
    """Free blocks by migratetype and order; None where pagetypeinfo was not read."""
    highatomic_reserved_pages: int | None
    """Pages in pageblocks of type HighAtomic, free or not; None where not read."""
    capped_order: int | None
    """The highest order at which pagetypeinfo stopped counting (">100000"), if at any."""

    @property
    def free_highatomic_pages(self) -> int | None:
        """Free pages in HighAtomic pageblocks; None where pagetypeinfo does not tell."""
        if self.free_blocks_by_type is None or "HighAtomic" not in self.free_blocks_by_type:
            return None
        return pages_in_blocks(self.free_blocks_by_type["HighAtomic"])

    def is_lower_bound(self, order: int) -> bool:
        """Whether headroom of `order` can only be bounded from below here."""
        if self.free_blocks_by_type is None:
            return True
        return self.capped_order is not None and self.capped_order >= order


@lru_cache(maxsize=16)
def pages_in_blocks(free_blocks: tuple[int, ...], order: int = 0) -> int:
    """Sum the pages that lie in free blocks of at least `order`."""
    return sum(map(lshift, free_blocks[order:], range(order, len(free_blocks))))


class Kernel(NamedTuple):
    """What is known of the running kernel; None where it is not."""

    release: str | None
    version: Version | None
    machine: str | None
    page_size: int


class Problem(NamedTuple):
    """Something that could not be had: an entry of the status document's `degraded`."""

    what: str
    why: str


class Remedy(Enum):
    """What the daemon can do about a low demand."""

    COMPACT = "compact"
    COMPACT_ASYNC = "compact_async"
    RECLAIM = "reclaim"
    DROP_PAGECACHE = "drop_pagecache"
    DROP_SLAB = "drop_slab"
    DROP_ALL = "drop_all"


class Action(NamedTuple):
    """One remedy to be run: on one node or (None) on all, reclaiming so much at most."""

    remedy: Remedy
    node: int | None = None
    amount_kib: int | None = None
    """How much to reclaim; None for every other remedy."""


class Run(NamedTuple):
    """How a remedy's run ended: `error` is None where the kernel did as it was told."""

    duration_seconds: float
    error: str | None


class Outcome(NamedTuple):
    """What a remedy changed, measured on its demand; times are monotonic seconds."""

    remedy: Remedy
    node: int | None
    demand: str
    cause: Cause | None
    """Why the demand was low; None where it was not, and somebody asked."""
    headroom_before: int | None
    headroom_after: int | None
    pages_freed: int | None
    cma_pages_taken: int | None
    """Free CMA pages that are not free any more: compaction moves data there."""
    duration_seconds: float
    effective: bool
    finished_at: float
    error: str | None
    """Why the kernel did not do as it was told; None where it did."""


class Capabilities(NamedTuple):
    """What this kernel offers and this process may use."""

    compaction: bool
    per_node_compaction: bool
    compact_async: bool
    reclaim: bool
    drop_caches: bool
    pagetypeinfo: bool
    psi: bool
    kmsg: bool


class Process(NamedTuple):
    """A process by the memory that it holds."""

    pid: int
    name: str
    rss_kib: int
    shared_kib: int
    oom_score_adj: int | None
