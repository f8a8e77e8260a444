"""A report's zone as the kernel's rules take it: in pages, with what a cut line lacks."""

from oomwatchd.explain.kernel import KernelFound
from oomwatchd.model import Watermarks, Zone
from oomwatchd.report.record import Report, ReportZone


def zone_of(zone: ReportZone, compiled: tuple[str, ...], kernel: KernelFound) -> Zone:
    """Give the zone as the rules take it."""

    def pages(key: str) -> int | None:
        return pages_of(zone, key, kernel)

    low, high, least = pages("low"), pages("high"), pages("min")
    marks = None
    if least is not None:
        marks = Watermarks(least, low or least, high or low or least, pages("boost"))
    managed = pages("managed")
    return Zone(
        node=zone.node or 0,
        name=zone.name,
        zone_index=compiled.index(zone.name) if zone.name in compiled else None,
        managed_pages=managed if managed is not None else pages("present"),
        free_pages=pages("free"),
        free_cma_pages=pages("free_cma"),
        watermarks=marks,
        protection=zone.lowmem_reserve,
        free_blocks=zone.free_blocks or zone.seen_blocks or (),
        free_blocks_by_type=None,
        highatomic_reserved_pages=pages("reserved_highatomic"),
        capped_order=None,
    )


def pages_of(zone: ReportZone, key: str, kernel: KernelFound) -> int | None:
    """Give a figure of a zone in pages; None where it is not printed."""
    kib = zone.kib.get(key)
    return None if kib is None else kib * 1024 // kernel.page_size


def with_cma(zone: ReportZone, report: Report) -> ReportZone:
    """Give a zone its free CMA where its line is cut: all of it, if there is no other zone."""
    pages, free = report.counters_pages.get("free_cma"), report.counters_pages.get("free")
    size = zone.smallest_block_kib
    if len(report.zones) > 1 or "free_cma" in zone.kib or not (pages and free and size):
        return zone
    return zone._replace(kib={**zone.kib, "free_cma": pages * size})
