"""Records of kernel files, made up, and the text that the kernel would print for them.

The printers follow mm/vmstat.c, fs/proc/meminfo.c and kernel/sched/psi.c: they are written
from the formats and not from the parsers, which must read back what was put in.
"""

from typing import NamedTuple

from hypothesis import strategies as st

from oomwatchd.errors import ParseError
from oomwatchd.procfs.buddyinfo import BuddyZone
from oomwatchd.procfs.extfrag import IndexZone
from oomwatchd.procfs.meminfo import Meminfo
from oomwatchd.procfs.pagetypeinfo import Pagetypeinfo, PagetypeZone
from oomwatchd.procfs.pressure import Pressure, Stall
from oomwatchd.procfs.zoneinfo import ZoneinfoZone

ZONES = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")
COUNTS = st.one_of(st.integers(0, 200_000), st.integers(0, 2**64 - 1))
ORDERS = st.integers(9, 14)
_WHERE = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(ZONES)), min_size=1, max_size=5, unique=True
).map(sorted)
_CAP = 100_000


def shows_where_and_what(error: ParseError, file: str) -> bool:
    """Whether the message is one short printable line that begins with the file's name."""
    message = str(error)
    return message.startswith(file) and message.isprintable() and len(message) < 200


@st.composite
def buddyinfos(draw: st.DrawFn) -> tuple[BuddyZone, ...]:
    """Make up the zones of a machine."""
    orders = draw(ORDERS)
    row = st.lists(COUNTS, min_size=orders, max_size=orders).map(tuple)
    return tuple(BuddyZone(node, zone, draw(row)) for node, zone in draw(_WHERE))


def print_buddyinfo(zones: tuple[BuddyZone, ...]) -> bytes:
    """Print /proc/buddyinfo."""
    return "".join(
        f"Node {zone.node}, zone {zone.zone:>8} "
        + "".join(f"{count:6d} " for count in zone.free_blocks)
        + "\n"
        for zone in zones
    ).encode()


@st.composite
def extfrags(draw: st.DrawFn) -> tuple[IndexZone, ...]:
    """Make up indices in thousandths."""
    orders = draw(ORDERS)
    row = st.lists(st.integers(-1000, 1000), min_size=orders, max_size=orders).map(tuple)
    return tuple(IndexZone(node, zone, draw(row)) for node, zone in draw(_WHERE))


def print_extfrag(zones: tuple[IndexZone, ...]) -> bytes:
    """Print extfrag_index with C's division, which truncates towards zero."""
    lines = []
    for zone in zones:
        line = f"Node {zone.node}, zone {zone.zone:>8} "
        for value in zone.index_thousandths:
            whole = abs(value) // 1000 * (1 if value >= 0 else -1)
            line += "%2d.%03d " % (whole, value - whole * 1000)  # noqa: UP031 - C's format
        lines.append(line + "\n")
    return "".join(lines).encode()


def meminfos() -> st.SearchStrategy[Meminfo]:
    """Make up a meminfo; only total and free are in every kernel's."""
    optional = st.one_of(st.none(), COUNTS)
    return st.builds(
        Meminfo,
        **{
            field: COUNTS if field in ("total_kib", "free_kib") else optional
            for field in Meminfo._fields
        },
    )


MEMINFO_NAMES = (
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Cached",
    "Active(file)",
    "Inactive(file)",
    "Dirty",
    "Writeback",
    "Mapped",
    "Shmem",
    "SReclaimable",
    "SUnreclaim",
    "KernelStack",
    "PageTables",
    "CmaTotal",
    "CmaFree",
    "Hugepagesize",
    "VmallocTotal",
    "SwapTotal",
)
"""The kernel's names in the order of the record's fields."""


def print_meminfo(meminfo: Meminfo) -> bytes:
    """Print /proc/meminfo, with lines in between that nobody asks for."""
    lines = []
    for name, value in zip(MEMINFO_NAMES, meminfo, strict=True):
        if value is not None:
            lines.append(f"{name + ':':<15} {value:8d} kB\n")
        lines.append(f"Other{name}: {7:8d} kB\n")
    lines.append("HugePages_Total:       0\n")
    return "".join(lines).encode()


def vmstats() -> st.SearchStrategy[dict[str, int]]:
    """Make up counters."""
    names = st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True)
    return st.dictionaries(names, COUNTS, min_size=1, max_size=20)


def print_vmstat(counters: dict[str, int]) -> bytes:
    """Print /proc/vmstat."""
    return "".join(f"{name} {value}\n" for name, value in counters.items()).encode()


def pressures() -> st.SearchStrategy[Pressure]:
    """Make up stalls; the averages have two decimals."""
    percent = st.integers(0, 10_000).map(lambda hundredths: hundredths / 100)
    stall = st.builds(Stall, percent, percent, percent, COUNTS)
    return st.builds(Pressure, stall, st.one_of(st.none(), stall))


def print_pressure(pressure: Pressure) -> bytes:
    """Print /proc/pressure/memory."""
    return "".join(
        f"{name} avg10={stall.avg10_percent:.2f} avg60={stall.avg60_percent:.2f} "
        f"avg300={stall.avg300_percent:.2f} total={stall.total_us}\n"
        for name, stall in zip(("some", "full"), pressure, strict=True)
        if stall is not None
    ).encode()


@st.composite
def pagetypeinfos(draw: st.DrawFn) -> Pagetypeinfo:
    """Make up free counts and pageblocks, some of the counts capped."""
    types = draw(
        st.sampled_from(
            [
                ("Unmovable", "Reclaimable", "Movable", "Reserve", "(null)"),
                ("Unmovable", "Reclaimable", "Movable", "Reserve", "CMA", "Isolate"),
                ("Unmovable", "Movable", "Reclaimable", "HighAtomic"),
                ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"),
            ]
        )
    )
    orders = draw(ORDERS)
    row = st.lists(st.one_of(COUNTS, st.just(-1)), min_size=orders, max_size=orders)
    zones: dict[tuple[int, str], PagetypeZone] = {}
    for where in draw(_WHERE):
        rows = {name: draw(row) for name in types}
        capped = [o for counts in rows.values() for o, count in enumerate(counts) if count < 0]
        zones[where] = PagetypeZone(
            {name: tuple(_CAP if c < 0 else c for c in counts) for name, counts in rows.items()},
            {name: draw(st.integers(0, 4096)) for name in types},
            max(capped, default=None),
        )
    return Pagetypeinfo(draw(st.integers(1, 1 << 20)), zones)


def print_pagetypeinfo(info: Pagetypeinfo) -> bytes:
    """Print /proc/pagetypeinfo; at the capped order every count of 100,000 is a capped one."""
    text = ""
    for node in sorted({node for node, _ in info.zones}):
        zones = {zone: parts for (at, zone), parts in info.zones.items() if at == node}
        types = next(iter(zones.values())).free_blocks
        text += f"Page block order: 10\nPages per block:  {info.pages_per_block}\n\n"
        text += f"{'Free pages count per migrate type at order':<43} "
        text += "".join(f"{order:6d} " for order in range(len(next(iter(types.values()))))) + "\n"
        for zone, parts in zones.items():
            for name, counts in parts.free_blocks.items():
                text += f"Node {node:4d}, zone {zone:>8}, type {name:>12} "
                for order, count in enumerate(counts):
                    capped = count == _CAP and order == parts.capped_order
                    text += f"{'>' if capped else ''}{count:6d} "
                text += "\n"
        text += f"\n{'Number of blocks type':<23}" + "".join(f"{name:>12} " for name in types)
        text += "\n"
        for zone, parts in zones.items():
            text += f"Node {node}, zone {zone:>8} "
            text += "".join(f"{blocks:12d} " for blocks in (parts.pageblocks or {}).values())
            text += "\n"
    return text.encode()


class ZoneinfoEra(NamedTuple):
    """What a kernel's zoneinfo has, and where."""

    since: str
    managed: bool = False
    nr_free_cma: bool = False
    node_stats: bool = False
    counters_last: bool = False
    cma: bool = False
    boost: bool = False
    promo: bool = False


_3_9 = ZoneinfoEra("3.9", managed=True, nr_free_cma=True)
_4_8 = _3_9._replace(since="4.8", node_stats=True)
_4_12 = _4_8._replace(since="4.12", counters_last=True)
_5_12 = _4_12._replace(since="5.12", cma=True)
_5_16 = _5_12._replace(since="5.16", boost=True)
_6_13 = _5_16._replace(since="6.13", promo=True)
ZONEINFO_ERAS = (ZoneinfoEra("2.6.18"), _3_9, _4_8, _4_12, _5_12, _5_16, _6_13)


@st.composite
def zoneinfos(draw: st.DrawFn, era: ZoneinfoEra) -> tuple[ZoneinfoZone, ...]:
    """Make up the stanzas of a kernel of that era."""
    reserve = st.lists(COUNTS, min_size=3, max_size=6).map(tuple)

    def when(printed: bool) -> int | None:  # noqa: FBT001 - a column of the era's table
        return draw(COUNTS) if printed else None

    return tuple(
        ZoneinfoZone(
            node=node,
            zone=zone,
            free=draw(COUNTS),
            boost=when(era.boost),
            min=draw(COUNTS),
            low=draw(COUNTS),
            high=draw(COUNTS),
            present=draw(COUNTS),
            managed=when(era.managed),
            cma=when(era.cma),
            nr_free_cma=when(era.nr_free_cma),
            protection=draw(reserve),
        )
        for node, zone in draw(_WHERE)
    )


def print_zoneinfo(zones: tuple[ZoneinfoZone, ...], era: ZoneinfoEra) -> bytes:
    """Print /proc/zoneinfo, with the traps: `high:` and other lines like those asked for."""
    text = ""
    for zone in zones:
        text += f"Node {zone.node}, zone {zone.zone:>8}\n"
        if era.node_stats:
            text += "  per-node stats\n      nr_inactive_anon 77\n      nr_free_something 78\n"
        text += f"  pages free     {zone.free}\n"
        text += f"        boost    {zone.boost}\n" if era.boost else ""
        text += f"        min      {zone.min}\n        low      {zone.low}\n"
        text += f"        high     {zone.high}\n"
        text += f"        promo    {79}\n" if era.promo else ""
        text += "" if era.managed else "        scanned  0 (a: 12 i: 4)\n"
        text += f"        spanned  80\n        present  {zone.present}\n"
        text += f"        managed  {zone.managed}\n" if era.managed else ""
        text += f"        cma      {zone.cma}\n" if era.cma else ""
        indent = " " * (6 if era.node_stats else 4)
        counters = f"{indent}nr_free_pages {81}\n{indent}nr_zone_active_anon 82\n"
        counters += f"{indent}nr_free_cma  {zone.nr_free_cma}\n" if era.nr_free_cma else ""
        protection = f"        protection: ({', '.join(map(str, zone.protection or ()))})\n"
        text += protection + counters if era.counters_last else counters + protection
        text += "  pagesets\n    cpu: 0\n              count:    83\n"
        text += "              high:     84\n              batch:    85\n"
        text += "              high_min: 86\n              high_max: 87\n" if era.promo else ""
        text += "  vm stats threshold: 24\n  start_pfn:           512\n"
    return text.encode()
