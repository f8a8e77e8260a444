"""Where the memory of a report is: parts that do not overlap, and what could be given back."""

from collections.abc import Mapping
from typing import NamedTuple

from oomwatchd.explain.kernel import KernelFound
from oomwatchd.report.record import Report

_SLACK = 32
"""Figures that are not of the same moment may sum up to so small a part more."""


class Uses(NamedTuple):
    """KiB of each; None where the report does not tell."""

    total_kib: int | None
    """What the parts sum up to, where the report's own total is less."""
    free_kib: int | None
    free_cma_kib: int | None
    lists_kib: int | None
    """Up to 2.6.27 the next two together: nothing tells them apart."""
    anon_kib: int | None
    """Programs' own memory: the anonymous lists without shared memory and tmpfs."""
    file_kib: int | None
    """Page cache on the lists: files of a disk or flash."""
    unevictable_kib: int | None
    """Locked, or of a root file system in RAM."""
    slab_kib: int | None
    """Up to 2.6.31 the next two together."""
    slab_reclaimable_kib: int | None
    slab_unreclaimable_kib: int | None
    page_tables_kib: int | None
    kernel_stack_kib: int | None
    shmem_kib: int | None
    """Shared memory and tmpfs, as far as it is not among what is unevictable."""
    is_shmem_least: bool
    """Up to 2.6.31 it is worked out: at least so much, and programs have at most theirs."""
    dirty_kib: int | None
    """Part of the page cache that is still to be written, or being written."""
    mapped_kib: int | None
    unaccounted_kib: int | None
    """In none of these: drivers, network buffers, graphics; None where not all zones are told."""
    swap_total_kib: int | None
    swap_free_kib: int | None

    @property
    def droppable_kib(self) -> int | None:
        """At most this much could be dropped: page cache that is clean, and reclaimable slab."""
        if self.file_kib is None:
            return None
        return max(0, self.file_kib - (self.dirty_kib or 0)) + (self.slab_reclaimable_kib or 0)


class _Cache(NamedTuple):
    """What is known of the page cache, in KiB: shared memory and tmpfs are part of it.

    NR_FILE_PAGES counts the file lists, the swap cache, what of files and shared memory is
    unevictable, and shared memory on the anonymous lists (mm/filemap.c, mm/shmem.c).
    """

    all_kib: int
    swap_kib: int
    file_kib: int
    unevictable_kib: int
    mlocked_kib: int | None

    @property
    def least_shmem_kib(self) -> int | None:
        """What must be shared memory on the anonymous lists, up to 2.6.31, which do not tell."""
        if not self.all_kib:
            return None
        least = self.all_kib - self.swap_kib - self.file_kib - self.unevictable_kib
        return least if least > 0 else None

    def least_locked_kib(self, shmem_kib: int) -> int:
        """What of shared memory must be unevictable: neither other files nor locked memory is."""
        if not self.all_kib or self.mlocked_kib is None:
            return 0
        others = max(0, self.all_kib - self.swap_kib - self.file_kib - shmem_kib)
        return max(0, min(shmem_kib, self.unevictable_kib - others - self.mlocked_kib))


def uses_of(report: Report, kernel: KernelFound) -> Uses:
    """Sum up the figures of a report: its system counters, else its nodes', else its zones'."""
    kib = kernel.page_size // 1024
    counters = {key: pages * kib for key, pages in report.counters_pages.items()}
    nodes = _summed([node.kib for node in report.nodes])
    zones = _summed([zone.kib for zone in report.zones])

    def figure(*keys: str) -> int | None:
        for source in (counters, nodes, zones):
            found = [source[key] for key in keys if key in source]
            if found:
                return sum(found)
        return None

    whole = _total_kib(report, zones, counters, kib)
    anon = figure("active_anon", "inactive_anon", "isolated_anon", "isolated(anon)")
    file = figure("active_file", "inactive_file", "isolated_file", "isolated(file)")
    lists = figure("active", "inactive") if anon is None and file is None else None
    told, on_lists = figure("shmem"), anon
    cache = _Cache(
        report.totals_pages.get("pagecache", 0) * kib if file is not None else 0,
        report.totals_pages.get("swapcache", 0) * kib,
        file or 0,
        figure("unevictable") or 0,
        _summed_key(nodes, zones, "mlocked"),
    )
    locked = cache.least_locked_kib(told or 0)
    shmem = cache.least_shmem_kib if told is None else told - locked
    if anon is not None and shmem is not None:
        shmem = min(anon, shmem)  # the rest is swapped out
        anon -= shmem
    uses = Uses(
        total_kib=whole,
        free_kib=figure("free"),
        free_cma_kib=figure("free_cma"),
        lists_kib=lists,
        anon_kib=anon,
        file_kib=file,
        unevictable_kib=figure("unevictable"),
        slab_kib=figure("slab"),
        slab_reclaimable_kib=figure("slab_reclaimable"),
        slab_unreclaimable_kib=figure("slab_unreclaimable"),
        page_tables_kib=figure("pagetables"),
        kernel_stack_kib=_summed_key(nodes, zones, "kernel_stack"),
        shmem_kib=shmem,
        is_shmem_least=told is None and shmem is not None,
        dirty_kib=figure("dirty", "writeback", "unstable"),
        mapped_kib=figure("mapped"),
        unaccounted_kib=None,
        swap_total_kib=report.swap_total_kib,
        swap_free_kib=report.swap_free_kib,
    )
    if not counters and not _is_most(zones.get("managed", zones.get("present")), whole):
        # Since 6.1 not all zones are listed: theirs are not the system's figures.
        return uses._replace(free_kib=None, free_cma_kib=None)
    if any("managed" not in zone.kib for zone in report.zones) and tells_managed(kernel):
        return uses  # cut
    known_kib = _known_kib(uses, on_lists, figure("free_pcp") or 0)
    if known_kib is None or uses.total_kib is None:
        return uses
    if known_kib > uses.total_kib + uses.total_kib // _SLACK:
        # Up to 3.10 what is managed leaves CMA out, and a log may lack a node.
        return uses._replace(total_kib=known_kib)
    return uses._replace(unaccounted_kib=max(0, uses.total_kib - known_kib))


def tells_managed(kernel: KernelFound) -> bool:
    """Whether zones tell what is managed: the kernel's own text and tables are not among it.

    Since 3.9 (show_free_areas() in mm/page_alloc.c): there all memory is what is managed.
    """
    return kernel.since >= (3, 9, 0)


def _known_kib(uses: Uses, on_lists_kib: int | None, pcp_kib: int) -> int | None:
    """Sum up the parts; None where the largest of them are not told."""
    listed_kib = uses.lists_kib if on_lists_kib is None else on_lists_kib
    if uses.free_kib is None or listed_kib is None:
        return None
    known = (
        uses.free_kib,
        listed_kib,
        uses.file_kib,
        uses.unevictable_kib,
        uses.slab_kib,
        uses.slab_reclaimable_kib,
        uses.slab_unreclaimable_kib,
        uses.page_tables_kib,
        uses.kernel_stack_kib,
        pcp_kib,
    )
    return sum(one or 0 for one in known)


def _total_kib(
    report: Report, zones: Mapping[str, int], counters: Mapping[str, int], kib: int
) -> int | None:
    """Give all memory that the kernel manages; the zones alone may be only some of it.

    Since 6.1 a report leaves zones out, and a copy of one may have lost some.
    """
    ram, reserved = report.totals_pages.get("ram"), report.totals_pages.get("reserved")
    if ram is not None and reserved is not None:
        return max(0, ram - reserved) * kib
    if "free" in counters and not _is_most(zones.get("free"), counters["free"]):
        return None
    return zones.get("managed", zones.get("present"))


def _is_most(part: int | None, whole: int | None) -> bool:
    """Whether figures of zones are those of the system, but for what has changed meanwhile."""
    return part is not None and whole is not None and part * 8 >= whole * 7


def _summed(parts: list[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for part in parts:
        for key, kib in part.items():
            sums[key] = sums.get(key, 0) + kib
    return sums


def _summed_key(nodes: Mapping[str, int], zones: Mapping[str, int], key: str) -> int | None:
    """Give a figure that the counters do not have, or in another unit."""
    return nodes.get(key, zones.get(key))
