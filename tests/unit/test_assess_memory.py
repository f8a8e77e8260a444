"""Where the memory is: what dropping caches could free, and what is available."""

import pytest
from builders import make_kernel, make_meminfo, make_sample, make_stanza

from oomwatchd.assess.assessment import assess
from oomwatchd.assess.memory import Memory
from oomwatchd.procfs.meminfo import Meminfo

FILES = {"active_file_kib": 3000, "inactive_file_kib": 5000}


def memory_of(meminfo: Meminfo | None, page_size: int = 4096) -> Memory:
    """Work out the memory of a board whose low mark is 608 pages (2432 kB of 4 KiB)."""
    kernel = make_kernel((4, 9, 0), page_size=page_size)
    sample = make_sample(meminfo=meminfo, zoneinfo=(make_stanza(),), kernel=kernel)
    return assess(sample, ()).memory


@pytest.mark.parametrize(
    ("facts", "droppable"),
    [
        ({}, 8000),
        ({"dirty_kib": 1000}, 7000),
        ({"writeback_kib": 500, "dirty_kib": 1000}, 6500),
        ({"mapped_kib": 2500}, 5500),
        ({"mapped_kib": 20000}, 0),
        ({"cached_kib": 90000, "shmem_kib": 82000}, 8000),
        ({"active_file_kib": 0, "inactive_file_kib": 0, "cached_kib": 128912}, 0),
        ({"active_file_kib": None}, None),
        ({"inactive_file_kib": None}, None),
    ],
)
def test_the_droppable_page_cache(facts: dict[str, int | None], droppable: int | None) -> None:
    """Clean and unmapped pages of files: tmpfs and mlocked pages are on no file list."""
    assert memory_of(make_meminfo(**(FILES | facts))).droppable_pagecache_kib == droppable


def test_before_2_6_28_the_droppable_page_cache_is_unknown() -> None:
    """There Cached is all there is, and it holds tmpfs as well."""
    memory = memory_of(make_meminfo(cached_kib=90000, available_kib=None))
    assert memory.droppable_pagecache_kib is None


@pytest.mark.parametrize(
    ("slab", "droppable"), [(None, None), (0, 0), (1000, 500), (10000, 10000 - 2432)]
)
def test_the_droppable_slab(slab: int | None, droppable: int | None) -> None:
    """All but half, or but the low marks where these are less: as MemAvailable counts it."""
    assert memory_of(make_meminfo(slab_reclaimable_kib=slab)).droppable_slab_kib == droppable


def test_available_memory_is_the_kernels_where_it_tells() -> None:
    """MemAvailable, since 3.14."""
    assert memory_of(make_meminfo(available_kib=77)).available_kib == 77


@pytest.mark.parametrize(
    ("facts", "available"),
    [
        (FILES | {"slab_reclaimable_kib": 1000}, 20000 - 2432 + (8000 - 2432) + 500),
        (FILES | {"slab_reclaimable_kib": 9000}, 20000 - 2432 + (8000 - 2432) + (9000 - 2432)),
        ({"active_file_kib": 100, "inactive_file_kib": 100}, 20000 - 2432 + 100),
        ({"cached_kib": 8000, "dirty_kib": 100}, 20000 - 2432 + (7900 - 2432)),
        ({"cached_kib": 8000, "shmem_kib": 7000}, 20000 - 2432 + 500),
        ({"cached_kib": 8000, "shmem_kib": 9000}, 20000 - 2432),
        ({"free_kib": 1000}, 0),
    ],
)
def test_available_memory_before_3_14(facts: dict[str, int], available: int) -> None:
    """Worked out as later kernels do: free, page cache and slab less the low marks, twice."""
    meminfo = make_meminfo(**({"available_kib": None, "free_kib": 20000} | facts))
    assert memory_of(meminfo).available_kib == available


def test_the_low_marks_are_in_pages() -> None:
    """With 64 KiB pages the same marks are sixteen times as much."""
    meminfo = make_meminfo(available_kib=None, free_kib=100000)
    assert memory_of(meminfo, page_size=65536).available_kib == 100000 - 608 * 64


def test_free_cma_of_old_kernels_is_the_zones() -> None:
    """Before 3.19 meminfo has no CmaFree, zoneinfo has nr_free_cma since 3.7."""
    assert memory_of(make_meminfo()).cma_free_kib == 0
    sample = make_sample(zoneinfo=(make_stanza(nr_free_cma=256),), meminfo=make_meminfo())
    assert assess(sample, ()).memory.cma_free_kib == 1024
    sample = make_sample(
        zoneinfo=(make_stanza(nr_free_cma=None),), meminfo=make_meminfo(), pagetypeinfo=None
    )
    assert assess(sample, ()).memory.cma_free_kib is None


def test_without_meminfo_nothing_is_known() -> None:
    """Absent is None, never 0."""
    assert set(memory_of(None)) == {None}
