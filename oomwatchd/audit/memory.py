"""What the memory is made of: CMA, swap, the root file system, the reserve for atomics."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, note, ok, problem
from oomwatchd.model import Cause, Request
from oomwatchd.units import describe_size

_LARGE_SHARE = 4
"""A CMA area of more than one in so many pages is a large one."""
_EXAMPLE_DEMAND = "process"
_EXAMPLE = ", as config/profiles/read-only-root-in-ram.conf does"
_IN_RAM = ("rootfs", "ramfs", "tmpfs")


def cma(subject: Subject) -> Iterator[Finding]:
    """CMA: mm/cma.c, 3.5 and later; CmaTotal in /proc/meminfo since 3.19."""
    memory = subject.assessment.memory
    wanted = sorted(
        reading.demand.name
        for reading in subject.assessment.readings
        if reading.demand.request is Request.CMA
    )
    total_kib = memory.cma_total_kib
    if not total_kib:
        # Before 3.19 there may be an area that meminfo does not tell of.
        known = memory.total_kib is not None and (total_kib == 0 or subject.since(3, 19))
        if wanted and known:
            yield problem(
                "cma",
                f'Demand "{wanted[0]}" asks for CMA, but there is no CMA area.',
                "Build with CONFIG_DMA_CMA=y and boot with cma=SIZE, or state the demand "
                "without request = cma.",
            )
        return
    share = f"CMA holds {describe_size(total_kib << 10)}, for movable pages and drivers only"
    if memory.total_kib and total_kib * _LARGE_SHARE > memory.total_kib:
        yield note(
            "cma",
            f"{share}: a large part of {describe_size(memory.total_kib << 10)}, of which the "
            "kernel's own requests get nothing.",
            "Make it no larger than the drivers need (cma= on the kernel's command line, or the "
            "device tree).",
        )
    else:
        yield ok("cma", f"{share}.")


def swap(subject: Subject) -> Iterator[Finding]:
    """Without swap (SwapTotal in /proc/meminfo) anonymous memory stays until it is freed."""
    total_kib = subject.facts.swap_total_kib
    if total_kib == 0:
        yield ok("swap", "There is no swap: anonymous memory can be moved, but not evicted.")
    elif total_kib:
        yield ok(
            "swap",
            f"There are {describe_size(total_kib << 10)} of swap, which no demand counts as "
            "available.",
        )


def root_file_system(subject: Subject) -> Iterator[Finding]:
    """Pages of ramfs and tmpfs have no place to go (fs/ramfs, mm/shmem.c)."""
    if subject.facts.root_fs in _IN_RAM:
        yield note(
            "root",
            f"The root file system lies in RAM ({subject.facts.root_fs}): dropping caches frees "
            "nothing of it.",
            "Keep large files that are seldom read on flash, in a compressed file system.",
        )


def levels(subject: Subject) -> Iterator[Finding]:
    """Judge the built-in demands of a device that has hardly any page cache.

    Their levels stay clear of what is normal beside a full page cache. Measured on 6.1 with memory
    in single unmovable pages: a process start takes two blocks, so that at 14 a handful is left.
    """
    if subject.facts.root_fs not in _IN_RAM or _has_page_cache(subject):
        return
    # One that is stated without levels has those of the built-in ones.
    stated = {
        spec.name
        for spec in subject.config.demands
        if spec.warning is not None or spec.critical is not None
    }
    for reading in subject.assessment.readings:
        demand = reading.demand
        may_be_met = reading.cause is not Cause.UNSATISFIABLE
        watched = demand.request is Request.KERNEL and demand.order and may_be_met
        if watched and demand.name not in stated:
            example = _EXAMPLE if demand.name == _EXAMPLE_DEMAND else ""
            yield note(
                "levels",
                f'The built-in levels of demand "{demand.name}" ({demand.warning} and '
                f"{demand.critical} blocks) are meant for a device with a page cache: the kernel "
                "has little to give back here when blocks run out.",
                f"State it with levels that warn earlier ([demand {demand.name}]){example}.",
            )


def _has_page_cache(subject: Subject) -> bool:
    """Whether files of a disk or flash are in use all the same, and can be given back."""
    memory = subject.assessment.memory
    if not memory.droppable_pagecache_kib or not memory.total_kib:
        return False
    return memory.droppable_pagecache_kib * _LARGE_SHARE > memory.total_kib


def atomic(subject: Subject) -> Iterator[Finding]:
    """HighAtomic pageblocks are only set aside once an atomic request above order 0 was met.

    mm/page_alloc.c, reserve_highatomic_pageblock(), 4.4 and later.
    """
    zones = subject.assessment.system.zones
    pages = sum(zone.highatomic_reserved_pages or 0 for zone in zones)
    requests = {reading.demand.request for reading in subject.assessment.readings}
    if pages and Request.ATOMIC not in requests:
        size = describe_size(pages * subject.assessment.kernel.page_size)
        yield note(
            "atomic",
            f"Something here has taken blocks in atomic context ({size} are set aside as "
            "HighAtomic), and no demand watches that.",
            "State a demand with request = atomic for the driver that needs it.",
        )


RULES = (cma, swap, root_file_system, levels, atomic)
