"""Reports made to order: a device of one zone, and what of it is to be otherwise.

Figures are in pages, as the rules count them; the record has KiB.
"""

from typing import Any

from oomwatchd.mm.gfpflags import NAMES_SINCE, encode
from oomwatchd.model import Version
from oomwatchd.report.record import Banner, Header, Kill, Kind, Report, ReportZone

ORDERS = 11
MARKS = (400, 500, 600)
"""min, low, high."""
MANAGED = 60_000


def blocks_of(**counts: int) -> tuple[int, ...]:
    """Give free blocks by order: `blocks_of(o0=7, o2=1)`."""
    return tuple(counts.get(f"o{order}", 0) for order in range(ORDERS))


def zone(  # noqa: PLR0913 - each is one part of a zone
    name: str = "Normal",
    blocks: tuple[int, ...] | None = blocks_of(o0=1000),
    *,
    marks: tuple[int, int, int] = MARKS,
    letters: dict[int, str] | None = None,
    reserve: tuple[int, ...] | None = (0, 0),
    managed: int = MANAGED,
    node: int | None = None,
    page_kib: int = 4,
    **pages: int,
) -> ReportZone:
    """Make a zone; what is named besides is one of its figures: `free_cma=7`."""
    figures = {"free": sum(count << order for order, count in enumerate(blocks or ()))}
    figures |= dict(zip(("min", "low", "high"), marks, strict=True))
    figures |= {"managed": managed, "present": managed, **pages}
    return ReportZone(
        node=node,
        name=name,
        kib={key: count * page_kib for key, count in figures.items()},
        all_unreclaimable=None,
        lowmem_reserve=reserve,
        free_blocks=blocks,
        letters=None
        if letters is None
        else tuple(
            letters.get(order, "U" if (blocks or ())[order] else "") for order in range(ORDERS)
        ),
        smallest_block_kib=page_kib if blocks is not None else None,
    )


def version_of(release: str) -> Version:
    """Read a version as `report` takes it: 6.1, 2.6.28."""
    major, minor, *patch = (int(part) for part in release.split("-", maxsplit=1)[0].split("."))
    return (major, minor, patch[0] if patch else 0)


def header(
    release: str, order: int | None, flags: str | None, comm: str | None = "camera"
) -> Header:
    """Make the header of a request: flags are names with blanks between."""
    names = tuple(flags.split()) if flags is not None else ()
    version = version_of(release)
    return Header(
        comm=comm,
        gfp_mask=None if flags is None else encode(names, version),
        gfp_names=names if flags is not None and version >= NAMES_SINCE else None,
        order=order,
        adjustment=None,
        nodemask=None,
    )


def report(
    *zones: ReportZone,
    release: str = "6.1.0",
    order: int | None = 2,
    flags: str | None = "GFP_KERNEL",
    kind: Kind = Kind.ALLOCATION_FAILURE,
    **changes: Any,  # noqa: ANN401 - any field
) -> Report:
    """Make a report: the kernel is named, and nothing is missing."""
    made = Report(
        kind=kind,
        line=1,
        at=None,
        banner=None,
        release=release,
        architecture="arm",
        hardware=None,
        pid=42,
        header=header(release, order, flags),
        trace=(),
        compaction_disabled=False,
        counters_pages={},
        nodes=(),
        zones=zones or (zone(),),
        totals_pages={},
        swap_free_kib=None,
        swap_total_kib=None,
        slabs=(),
        tasks=(),
        tasks_left_out=0,
        chosen=None,
        kills=(),
        constraint=None,
        cgroup=None,
        nobody_to_kill=False,
        panic_on_oom=False,
        vmalloc_bytes=None,
        vmalloc_got_bytes=None,
        missing=(),
        signs=frozenset(),
    )
    return made._replace(**changes)


def kill(pid: int = 7, name: str = "victim", **facts: Any) -> Kill:  # noqa: ANN401 - any field
    """Make one who was killed."""
    return Kill(pid, name, *(None,) * 7)._replace(**facts)


def banner(release: str, rest: str = "(gcc version 12) #1 SMP") -> Banner:
    """Make a boot message."""
    return Banner(release, f"Linux version {release} {rest}")
