"""Where the memory is, and what of it dropping caches could free."""

from collections.abc import Iterable
from typing import NamedTuple

from oomwatchd.model import Zone
from oomwatchd.procfs.meminfo import Meminfo
from oomwatchd.units import kib_of_pages


class Memory(NamedTuple):
    """The system's memory in kib; None where the kernel does not tell."""

    total_kib: int | None = None
    free_kib: int | None = None
    available_kib: int | None = None
    droppable_pagecache_kib: int | None = None
    droppable_slab_kib: int | None = None
    cma_total_kib: int | None = None
    cma_free_kib: int | None = None
    slab_unreclaimable_kib: int | None = None
    kernel_stack_kib: int | None = None
    page_tables_kib: int | None = None
    shmem_kib: int | None = None


def memory_of(meminfo: Meminfo | None, zones: tuple[Zone, ...], page_size: int) -> Memory:
    """Work out the system's memory."""
    if meminfo is None:
        return Memory()
    cma_free_kib = meminfo.cma_free_kib
    if cma_free_kib is None:
        cma_free_kib = _cma_free_kib(zones, page_size)
    return Memory(
        meminfo.total_kib,
        meminfo.free_kib,
        _available_kib(meminfo, zones, page_size),
        _droppable_pagecache_kib(meminfo),
        _droppable_slab_kib(meminfo, zones, page_size),
        meminfo.cma_total_kib,
        cma_free_kib,
        meminfo.slab_unreclaimable_kib,
        meminfo.kernel_stack_kib,
        meminfo.page_tables_kib,
        meminfo.shmem_kib,
    )


def _droppable_pagecache_kib(meminfo: Meminfo) -> int | None:
    """Bound from below what drop_caches=1 frees: clean, unmapped pages of files on a disk.

    The file lists hold neither tmpfs and shared memory (they count as anonymous), nor a root
    file system in RAM and mlocked pages (they are unevictable): what is left is the page
    cache proper. Dirty pages, pages under writeback and mapped ones stay; some mapped pages
    are shared memory and are taken off without need, hence a lower bound. Before 2.6.28
    there are no such lists, and Cached holds tmpfs as well: not known.
    """
    if meminfo.active_file_kib is None or meminfo.inactive_file_kib is None:
        return None
    staying = (meminfo.dirty_kib or 0) + (meminfo.writeback_kib or 0) + (meminfo.mapped_kib or 0)
    return max(0, meminfo.active_file_kib + meminfo.inactive_file_kib - staying)


def _droppable_slab_kib(meminfo: Meminfo, zones: tuple[Zone, ...], page_size: int) -> int | None:
    """Estimate what drop_caches=2 frees as the kernel does for MemAvailable.

    Reclaimable slabs hold objects in use as well: mm/page_alloc.c (mm/show_mem.c since 6.5),
    si_mem_available() counts all but half or the low marks, whichever is less.
    """
    if meminfo.slab_reclaimable_kib is None:
        return None
    return _reclaimable_kib(meminfo.slab_reclaimable_kib, _low_kib(zones, page_size))


def _available_kib(meminfo: Meminfo, zones: tuple[Zone, ...], page_size: int) -> int:
    """Take MemAvailable, or work it out for kernels before 3.14 as 3.14 does.

    fs/proc/meminfo.c (3.14 to 4.4): free less the low marks, plus the page cache and the
    reclaimable slab, of each all but half or the low marks. Before 2.6.28 the cache is Cached
    without Shmem and Dirty, as there are no file lists: too much where tmpfs is in use.
    """
    if meminfo.available_kib is not None:
        return meminfo.available_kib
    low_kib = _low_kib(zones, page_size)
    if meminfo.active_file_kib is None or meminfo.inactive_file_kib is None:
        staying_kib = (meminfo.shmem_kib or 0) + (meminfo.dirty_kib or 0)
        pagecache_kib = max(0, (meminfo.cached_kib or 0) - staying_kib)
    else:
        pagecache_kib = meminfo.active_file_kib + meminfo.inactive_file_kib
    return max(
        0,
        meminfo.free_kib
        - low_kib
        + _reclaimable_kib(pagecache_kib, low_kib)
        + _reclaimable_kib(meminfo.slab_reclaimable_kib or 0, low_kib),
    )


def _reclaimable_kib(kib: int, low_kib: int) -> int:
    """Leave half or the low marks, whichever is less: the kernel's caution."""
    return kib - min(kib // 2, low_kib)


def _low_kib(zones: Iterable[Zone], page_size: int) -> int:
    """Sum the low marks."""
    low = [marks.low for zone in zones if (marks := zone.watermarks) is not None]
    return kib_of_pages(sum(low), page_size)


def _cma_free_kib(zones: Iterable[Zone], page_size: int) -> int | None:
    """Sum the zones' free CMA pages where meminfo has no CmaFree (before 3.19)."""
    known = [zone.free_cma_pages for zone in zones if zone.free_cma_pages is not None]
    return kib_of_pages(sum(known), page_size) if known else None
