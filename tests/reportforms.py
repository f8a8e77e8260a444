"""Reports made up, and the text that a kernel of each age would print for them.

All of it is synthetic: the forms follow mm/oom_kill.c, mm/page_alloc.c and mm/show_mem.c, the
figures are drawn. The printer is written from the formats and not from the parser, which must read
back what was put in.
"""

import json
from collections.abc import Callable, Iterator

from hypothesis import strategies as st

from oomwatchd.model import Version
from oomwatchd.report.record import (
    Chosen,
    Header,
    Kill,
    Kind,
    Report,
    ReportNode,
    ReportZone,
    Slab,
    Task,
)

ERAS: tuple[Version, ...] = (
    *((2, 6, 18), (2, 6, 24), (2, 6, 28), (2, 6, 32), (2, 6, 35), (3, 2, 0), (3, 10, 0), (4, 1, 0)),
    *((4, 4, 0), (4, 9, 0), (4, 14, 0), (4, 19, 0), (5, 0, 0), (5, 4, 0), (5, 15, 0), (6, 1, 0)),
    *((6, 12, 0), (6, 18, 0)),
)

PAGES = st.integers(0, 2**40)
KIB = st.integers(0, 2**40)
PIDS = st.integers(1, 4_194_304)
COMMS = st.sampled_from(
    [
        "checkd",
        "stream.cgi",
        "kworker/u4:1",
        "Web Content",
        "a.b: c (d)",
        "init",
        "(sd-pam)",
        "x) score 1",
        "1",
    ]
)
_NAMES = st.sampled_from(
    ["oom_kill_process", "out_of_memory", "__alloc_pages_internal", "foo.isra.0", "vfs_write"]
)


def name_of(version: Version) -> str:
    """Name a version for the test's id."""
    return ".".join(map(str, version))


def counter_lines(version: Version) -> list[list[str]]:
    """Give the keys of the whole system's figures, line by line."""
    if version < (2, 6, 28):
        return [
            ["Active", "inactive", "dirty", "writeback", "unstable"],
            ["free", "slab", "mapped", "pagetables", *(["bounce"] if version > (2, 6, 18) else [])],
        ]
    if version < (2, 6, 32):
        return [
            ["Active_anon", "active_file", "inactive_anon"],
            ["inactive_file", "unevictable", "dirty", "writeback", "unstable"],
            ["free", "slab", "mapped", "pagetables", "bounce"],
        ]
    unstable = ["unstable"] if version < (5, 8, 0) else []
    return [
        ["active_anon", "inactive_anon", "isolated_anon"],
        ["active_file", "inactive_file", "isolated_file"],
        ["unevictable", "dirty", "writeback", *unstable],
        ["slab_reclaimable", "slab_unreclaimable"],
        ["mapped", "shmem", "pagetables", *(["sec_pagetables"] if version >= (6, 1, 0) else [])],
        ["bounce"],
        *([["kernel_misc_reclaimable"]] if version >= (5, 15, 0) else []),
        [
            "free",
            *(["free_pcp"] if version >= (4, 1, 0) else []),
            *(["free_cma"] if version >= (3, 10, 0) else []),
        ],
    ]


def zone_keys(version: Version) -> list[str]:
    """Give the keys of a zone's line, in their order."""
    v = version
    keys = ["free"]
    keys += ["boost"] if v >= (5, 16, 0) else []
    keys += ["min", "low", "high"]
    keys += ["reserved_highatomic"] if v >= (5, 5, 0) else []
    keys += ["free_highatomic"] if v >= (6, 17, 0) else []
    if v < (2, 6, 28):
        return [*keys, "active", "inactive", "present"]
    keys += ["active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable"]
    keys += ["isolated(anon)", "isolated(file)"] if (2, 6, 32) <= v < (4, 8, 0) else []
    keys += ["writepending"] if v >= (4, 8, 0) else []
    keys += ["zspages"] if v >= (6, 18, 0) else []
    keys += ["present"]
    keys += ["managed"] if v >= (3, 9, 0) else []
    if v < (2, 6, 32):
        return keys
    keys += ["mlocked"]
    if v < (4, 8, 0):
        keys += ["dirty", "writeback", "mapped", "shmem"]
    keys += ["slab_reclaimable", "slab_unreclaimable"] if v < (4, 13, 0) else []
    keys += ["kernel_stack"] if v < (5, 9, 0) else []
    keys += ["pagetables"] if v < (5, 11, 0) else []
    keys += ["bounce"] if v >= (2, 6, 32) else []
    keys += ["free_pcp", "local_pcp"] if v >= (4, 1, 0) else []
    keys += ["free_cma"] if v >= (3, 9, 0) else []
    return [*keys, "writeback_tmp"] if v < (4, 8, 0) else keys


def node_keys(version: Version) -> list[str]:
    """Give the keys of a node's line; none before 4.8."""
    if version < (4, 8, 0):
        return []
    keys = ["active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable"]
    keys += ["isolated(anon)", "isolated(file)", "mapped", "dirty", "writeback", "shmem"]
    keys += ["kernel_stack"] if version >= (5, 9, 0) else []
    keys += ["pagetables"] if version >= (5, 11, 0) else []
    return [*keys, "sec_pagetables"] if version >= (6, 1, 0) else keys


def task_columns(version: Version) -> list[str]:
    """Give the columns of the table of tasks; none where there is no table."""
    if version < (2, 6, 25):
        return []
    columns = ["uid", "tgid", "total_vm", "rss"]
    if version < (2, 6, 36):
        return [*columns, "cpu", "oom_adj"]
    if version < (3, 6, 0):
        return [*columns, "cpu", "oom_adj", "oom_score_adj"]
    if version < (4, 0, 0):
        return [*columns, "nr_ptes", "swapents", "oom_score_adj"]
    if version < (4, 15, 0):
        return [*columns, "nr_ptes", "nr_pmds", "swapents", "oom_score_adj"]
    if version >= (6, 8, 0):
        columns += ["rss_anon", "rss_file", "rss_shmem"]
    return [*columns, "pgtables_bytes", "swapents", "oom_score_adj"]


@st.composite
def reports(
    draw: st.DrawFn, version: Version, *, kinds: tuple[Kind, ...] = (), numa: bool | None = None
) -> Report:
    """Make up a report of a kernel of that version, whole."""
    kind = draw(st.sampled_from(kinds or (Kind.OOM, Kind.ALLOCATION_FAILURE)))
    with_nodes = version < (2, 6, 19) or draw(st.booleans() if numa is None else st.just(numa))
    frames = draw(st.lists(_NAMES, min_size=1, max_size=5, unique=True))
    modern = version >= (3, 10, 0)
    zones = tuple(
        draw(_zones(version, node, name))
        for node, name in draw(
            st.lists(
                st.tuples(
                    st.integers(0, 1) if with_nodes else st.none(),
                    st.sampled_from(["DMA", "DMA32", "Normal", "HighMem", "Movable"]),
                ),
                min_size=1,
                max_size=4,
                unique=True,
            )
        )
    )
    comm = draw(COMMS)
    return Report(
        kind=kind,
        line=1,
        at=None,
        banner=None,
        release=f"{name_of(version)}-7-board" if modern else None,
        architecture="arm",
        hardware="Some Board, Rev 2" if modern else None,
        pid=draw(PIDS) if modern else None,
        header=draw(_headers(version, kind, comm)),
        trace=("dump_stack", *frames),
        compaction_disabled=False,
        counters_pages={
            key.lower(): draw(PAGES) for line in counter_lines(version) for key in line
        },
        nodes=tuple(
            ReportNode(node, {key: draw(KIB) for key in node_keys(version)}, draw(st.booleans()))
            for node in ((0, 1) if version >= (4, 8, 0) else ())
        ),
        zones=zones,
        totals_pages={key: draw(PAGES) for key in ("pagecache", "swapcache", "ram", "reserved")},
        swap_free_kib=draw(KIB),
        swap_total_kib=draw(KIB),
        slabs=tuple(
            Slab(name, draw(KIB), draw(KIB))
            for name in (("kmalloc-128", "dentry") if version >= (4, 15, 0) else ())
        )
        if kind is Kind.OOM
        else (),
        tasks=tuple(draw(st.lists(_tasks(version), max_size=4)))
        if kind is Kind.OOM and task_columns(version)
        else (),
        tasks_left_out=0,
        chosen=Chosen(draw(PIDS), draw(COMMS), draw(st.integers(0, 2000)))
        if kind is Kind.OOM and version < (5, 1, 0)
        else None,
        kills=(draw(_kills(version)),) if kind is Kind.OOM else (),
        constraint="CONSTRAINT_NONE" if kind is Kind.OOM and version >= (5, 0, 0) else None,
        cgroup=None,
        nobody_to_kill=False,
        panic_on_oom=False,
        vmalloc_bytes=None,
        vmalloc_got_bytes=None,
        missing=(),
        signs=frozenset(),
    )


@st.composite
def _headers(draw: st.DrawFn, version: Version, kind: Kind, comm: str) -> Header:
    """Make up the facts of a header."""
    named = version >= (4, 6, 0)
    oom = kind is Kind.OOM
    nodemask = draw(st.sampled_from([None, "0", "0-1,3"]))
    has_mask = (4, 9, 0) <= version < (5, 0, 0) if oom else version >= (4, 11, 0)
    low, high = (-1000, 1000) if version >= (2, 6, 36) else (-17, 15)
    return Header(
        comm=None if oom and version < (2, 6, 19) else comm,
        gfp_mask=draw(st.integers(0, 2**28)),
        gfp_names=("GFP_KERNEL", "__GFP_COMP") if named else None,
        order=draw(st.integers(0 if not oom else -1, 10)),
        adjustment=draw(st.integers(low, high)) if oom and version >= (2, 6, 19) else None,
        nodemask=nodemask if has_mask else None,
    )


@st.composite
def _zones(draw: st.DrawFn, version: Version, node: int | None, name: str) -> ReportZone:
    """Make up a zone."""
    free_blocks = tuple(draw(st.lists(st.integers(0, 99999), min_size=11, max_size=11)))
    lettered = version >= (3, 8, 0)
    letters = tuple(
        draw(st.sampled_from(["U", "M", "UME", "UMEC", "R" if version < (4, 4, 0) else "H"]))
        if count
        else ""
        for count in free_blocks
    )
    return ReportZone(
        node=node,
        name=name,
        kib={key: draw(KIB) for key in zone_keys(version)},
        all_unreclaimable=draw(st.booleans()) if version < (4, 8, 0) else None,
        lowmem_reserve=tuple(draw(st.lists(st.integers(0, 99999), min_size=2, max_size=5))),
        free_blocks=free_blocks,
        letters=letters if lettered and any(letters) else None,
        smallest_block_kib=4,
    )


@st.composite
def _tasks(draw: st.DrawFn, version: Version) -> Task:
    """Make up a row of the table."""
    columns = task_columns(version)
    tables = None
    if "pgtables_bytes" in columns:
        tables = draw(st.integers(0, 2**20))
    elif "nr_ptes" in columns:
        tables = 4 * draw(st.integers(0, 2**20))
    return Task(
        pid=draw(PIDS),
        name=draw(COMMS),
        uid=draw(st.integers(0, 65534)),
        tgid=draw(PIDS),
        total_vm_pages=draw(PAGES),
        rss_pages=draw(PAGES),
        swap_pages=draw(PAGES) if "swapents" in columns else None,
        page_tables_kib=tables,
        adjustment=draw(st.integers(-1000, 1000)),
    )


@st.composite
def _kills(draw: st.DrawFn, version: Version) -> Kill:
    """Make up who was killed."""
    figures = version >= (2, 6, 33)
    late = version >= (5, 4, 0)
    return Kill(
        pid=draw(PIDS),
        name=draw(COMMS.filter(lambda name: ")" not in name)),
        total_vm_kib=draw(KIB) if figures else None,
        anon_rss_kib=draw(KIB) if figures else None,
        file_rss_kib=draw(KIB) if figures else None,
        shmem_rss_kib=draw(KIB) if version >= (4, 5, 0) else None,
        page_tables_kib=draw(KIB) if late else None,
        adjustment=draw(st.integers(-1000, 1000)) if late else None,
        uid=draw(st.integers(0, 65534)) if late else None,
    )


def print_report(report: Report, version: Version) -> list[str]:
    """Print a report as a kernel of that version does, line by line."""
    return [
        *_print_header(report, version),
        *_print_stack(report, version),
        *print_memory(report, version),
        *_print_slabs(report),
        *_print_tasks(report, version),
        *_print_kill(report, version),
    ]


def _print_header(  # noqa: C901 - an age a branch
    report: Report, version: Version
) -> Iterator[str]:
    """Print the line that opens a report, and what belongs to it."""
    header = report.header
    assert header is not None
    gfp = f"0x{header.gfp_mask:x}"
    if header.gfp_names is not None:
        gfp += f"({'|'.join(header.gfp_names)})"
    mask = header.nodemask or "(null)"
    if report.kind is Kind.ALLOCATION_FAILURE:
        sign = "." if version < (2, 6, 38) else ":"
        line = f"{header.comm}: page allocation failure{sign} order:{header.order}, mode:{gfp}"
        if version >= (4, 11, 0):
            line += f", nodemask={mask}"
        if version >= (5, 0, 0):
            line += ",cpuset=/,mems_allowed=0"
        yield line
    else:
        adjustment = header.adjustment
        if version < (2, 6, 19):
            yield f"oom-killer: gfp_mask={gfp}, order={header.order}"
            return
        line = f"{header.comm} invoked oom-killer: gfp_mask={gfp}, "
        if (4, 9, 0) <= version < (5, 0, 0):
            line += f"nodemask={mask}, "
            line += " " if (4, 11, 0) <= version < (4, 15, 0) else ""
        line += f"order={header.order}, "
        if version < (2, 6, 32):
            line += f"oomkilladj={adjustment}"
        elif version < (2, 6, 36):
            line += f"oom_adj={adjustment}"
        elif version < (3, 7, 0):
            line += f"oom_adj=-5, oom_score_adj={adjustment}"
        else:
            line += f"oom_score_adj={adjustment}"
        yield line
    if (2, 6, 29) <= version < (5, 0, 0):
        yield f"{header.comm} cpuset=/ mems_allowed=0"


def _print_stack(report: Report, version: Version) -> Iterator[str]:
    """Print the stack dump, in ARM's forms."""
    if report.release is not None:
        comm = report.header.comm if report.header else None
        uid = "UID: 0 " if version >= (6, 12, 0) else ""
        yield f"CPU: 0 {uid}PID: {report.pid} Comm: {comm} Not tainted {report.release} #1"
        yield f"Hardware name: {report.hardware}"
    if version >= (5, 15, 0):
        yield "Call trace: "
        for upper, lower in zip(report.trace, report.trace[1:], strict=False):
            yield f" {upper} from {lower}+0x18/0x1c"
        return
    for upper, lower in zip(report.trace, report.trace[1:], strict=False):
        yield f"[<c00328c8>] ({upper}+0x0/0x14) from [<c006baf0>] ({lower}+0x104/0x1cc)"
        yield " r8:c002f004 r7:cf093f78 r6:00007b8e r5:bee9db40 r4:c69ad980"


def print_memory(report: Report, version: Version) -> Iterator[str]:
    """Print the figures of the memory."""
    yield "Mem-info:" if version < (4, 0, 0) else "Mem-Info:"
    for zone in report.zones if version < (4, 1, 0) else ():
        yield f"{_where(zone.node)}{zone.name} per-cpu:"
        if version < (2, 6, 19):
            yield "cpu 0 hot: high 18, batch 3 used:2"
            yield "cpu 0 cold: high 6, batch 1 used:0"
        elif version < (2, 6, 25):
            yield "CPU    0: Hot: hi:   18, btch:   3 usd:   2   Cold: hi:    6, btch:   1 usd:   0"
        else:
            yield "CPU    0: hi:   90, btch:  15 usd:   0"
    counters = report.counters_pages
    for keys in counter_lines(version):
        yield " " + " ".join(f"{key}:{counters[key.lower()]}" for key in keys)
    for node in report.nodes:
        figures = " ".join(f"{key}:{kib}kB" for key, kib in node.kib.items())
        yield f"Node {node.node} {figures} all_unreclaimable? {_yes(node.all_unreclaimable)}"
    for zone in report.zones:
        figures = " ".join(
            f"{key}:{kib}{'KB' if 'highatomic' in key else 'kB'}" for key, kib in zone.kib.items()
        )
        if zone.all_unreclaimable is not None:
            figures += f" pages_scanned:3 all_unreclaimable? {_yes(zone.all_unreclaimable)}"
        yield f"{_where(zone.node)}{zone.name} {figures}"
        yield f"lowmem_reserve[]: {' '.join(map(str, zone.lowmem_reserve or ()))}"
    for zone in report.zones:
        yield f"{_where(zone.node)}{zone.name}: {_blocks(zone)}"
    yield from _print_totals(report, version)


def _print_totals(report: Report, version: Version) -> Iterator[str]:
    """Print what stands below the free lists."""
    totals = report.totals_pages
    if version >= (3, 10, 0):
        yield "Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB"
    yield f"{totals['pagecache']} total pagecache pages"
    if version >= (2, 6, 28):
        yield f"{totals['swapcache']} pages in swap cache"
    if version < (6, 0, 0):
        yield "Swap cache stats: add 0, delete 0, find 0/0"
    yield f"Free swap  = {report.swap_free_kib}kB"
    yield f"Total swap = {report.swap_total_kib}kB"
    if version < (4, 0, 0):
        yield f"{totals['ram']} pages of RAM"
        yield "5256 free pages"
        yield f"{totals['reserved']} reserved pages"
        yield "1388 slab pages"
        yield "6670 pages shared"
        if version < (2, 6, 28):
            yield f"{totals['swapcache']} pages swap cached"
    else:
        yield f"{totals['ram']} pages RAM"
        yield f"{totals['reserved']} pages reserved"
        yield "0 pages hwpoisoned"


def _where(node: int | None) -> str:
    """Print the node, where the kernel does."""
    return "" if node is None else f"Node {node} "


def _yes(answer: bool | None) -> str:  # noqa: FBT001 - a field of a record
    """Print yes or no."""
    return "yes" if answer else "no"


def _blocks(zone: ReportZone) -> str:
    """Print the free lists of a zone."""
    text = ""
    counts = zone.free_blocks or ()
    for order, count in enumerate(counts):
        text += f"{count}*{4 << order}kB "
        letters = zone.letters[order] if zone.letters else ""
        text += f"({letters}) " if letters else ""
    return text + f"= {sum(count * (4 << order) for order, count in enumerate(counts))}kB"


def _print_slabs(report: Report) -> Iterator[str]:
    """Print the slabs that cannot be reclaimed."""
    if report.slabs:
        yield "Unreclaimable slab info:"
        yield "Name                      Used          Total"
    for slab in report.slabs:
        yield f"{slab.name:<17} {slab.used_kib:10d}KB {slab.total_kib:10d}KB"


def _print_tasks(report: Report, version: Version) -> Iterator[str]:
    """Print the table of tasks."""
    columns = task_columns(version)
    if report.kind is not Kind.OOM or not columns:
        return
    if version >= (4, 19, 0):
        yield "Tasks state (memory values in pages):"
    titles = " ".join(f"{column:>8}" for column in columns)
    yield f"{'[  pid  ]' if version >= (4, 19, 0) else '[ pid ]'} {titles} name"
    for task in report.tasks:
        tables = task.page_tables_kib or 0
        figures = {
            "uid": task.uid,
            "tgid": task.tgid,
            "total_vm": task.total_vm_pages,
            "rss": task.rss_pages,
            "rss_anon": 1,
            "rss_file": 2,
            "rss_shmem": 3,
            "cpu": 0,
            "oom_adj": task.adjustment if "oom_score_adj" not in columns else 9,
            "oom_score_adj": task.adjustment,
            "nr_ptes": tables // 4,
            "nr_pmds": 0,
            "pgtables_bytes": tables * 1024,
            "swapents": task.swap_pages,
        }
        row = " ".join(f"{figures[column]:8d}" for column in columns)
        yield f"[{task.pid:5d}] {row} {task.name}"


def _print_kill(  # noqa: C901 - an age a branch
    report: Report, version: Version
) -> Iterator[str]:
    """Print who was chosen, and who was killed."""
    if report.kind is not Kind.OOM:
        return
    chosen, (kill, *_) = report.chosen, report.kills
    if version >= (5, 0, 0):
        yield (
            f"oom-kill:constraint={report.constraint},nodemask=(null),cpuset=/,mems_allowed=0,"
            f"global_oom,task_memcg=/,task={kill.name},pid={kill.pid},uid=0"
        )
    if chosen is not None:
        if version < (2, 6, 19):
            words, tail = "Out of Memory: Kill", "and children."
        elif version < (2, 6, 36):
            words, tail = "Out of memory: kill", "or a child"
        else:
            words, tail = "Out of memory: Kill", "or sacrifice child"
        yield f"{words} process {chosen.pid} ({chosen.name}) score {chosen.score} {tail}"
    line = f"Killed process {kill.pid} ({kill.name})"
    if version < (2, 6, 19):
        line = f"Out of memory: {line}."
    elif version >= (5, 1, 0):
        line = f"Out of memory: {line}"
    if kill.total_vm_kib is not None:
        total = "vsz" if version < (2, 6, 36) else "total-vm"
        line += f" {total}:{kill.total_vm_kib}kB, anon-rss:{kill.anon_rss_kib}kB"
        line += f", file-rss:{kill.file_rss_kib}kB"
    if kill.shmem_rss_kib is not None:
        line += f", shmem-rss:{kill.shmem_rss_kib}kB"
    if kill.uid is not None:
        line += (
            f", UID:{kill.uid} pgtables:{kill.page_tables_kib}kB oom_score_adj:{kill.adjustment}"
        )
    yield line


PREFIXES: dict[str, Callable[[int, str], str]] = {
    "none": lambda _, text: text,
    "dmesg": lambda number, text: f"[{number / 1000:12.6f}] {text}",
    "dmesg with caller": lambda number, text: f"[{number / 1000:12.6f}][  T123] {text}",
    "dmesg -T": lambda _, text: f"[Mon Nov  2 10:11:12 2020] {text}",
    "dmesg -T, in German": lambda _, text: f"[Di Okt 12 10:11:12 2021] {text}",
    "dmesg -x": lambda number, text: f"kern  :warn  : [{number / 1000:12.6f}] {text}",
    "printk": lambda number, text: f"<4>[{number / 1000:12.6f}] {text}",
    "old printk": lambda _, text: f"<4>{text}",
    "syslog": lambda _, text: f"Nov  2 10:11:12 some-host kernel: {text}",
    "syslog and dmesg": lambda number, text: (
        f"Nov  2 10:11:12 some-host kernel: [{number / 1000:12.6f}] {text}"
    ),
    "busybox": lambda _, text: f"Nov  2 10:11:12 some-host user.notice kernel: {text}",
    "OpenWrt": lambda number, text: (
        f"Mon Nov  2 10:11:12 2020 kern.warn kernel: [{number / 1000:12.6f}] {text}"
    ),
    "ISO syslog": lambda _, text: f"2020-11-02T10:11:12.345678+01:00 some-host kernel: {text}",
    "RFC 5424": lambda _, text: f"<4>1 2020-11-02T10:11:12.345Z some-host kernel - - - {text}",
    "journal": lambda _, text: f"2020-11-02 10:11:12 some-host kernel: {text}",
    "journal -o short-full": lambda _, text: f"Mon 2020-11-02 10:11:12 CET host kernel: {text}",
    "journal -o short-monotonic": lambda number, text: (
        f"[{number / 1000:12.6f}] some-host kernel: {text}"
    ),
    "dmesg -H": lambda number, text: f"[  +{number / 1e6:8.6f}] {text}",
    "dmesg -H, another minute": lambda _, text: f"[Nov 2 10:11] {text}",
    "dmesg --time-format delta": lambda number, text: f"[<{number / 1e6:12.6f}>] {text}",
    "dmesg --json": lambda _, text: f'         "msg": {json.dumps(text)}',
    "journal -o json": lambda number, text: (
        f'{{"PRIORITY":"4","_SOURCE_MONOTONIC_TIMESTAMP":"{number}000","MESSAGE":{json.dumps(text)}'
        ',"_TRANSPORT":"kernel"}'
    ),
    "journal -o json-pretty": lambda _, text: f'        "MESSAGE" : {json.dumps(text)},',
    "journal -o json-sse": lambda _, text: f'data: {{"MESSAGE":{json.dumps(text)}}}',
    "Docker": lambda _, text: f'{{"log":{json.dumps(text)},"stream":"stdout"}}',
    "journal -o short-unix": lambda _, text: f"1604311872.345678 some-host kernel: {text}",
    "logcat": lambda _, text: f"11-02 10:11:12.345     0     0 W         : {text}",
    "logcat with printk": lambda number, text: (
        f"11-02 10:11:12.345     0     0 W : <4>[{number / 1000:12.6f}] {text}"
    ),
    "logcat brief": lambda _, text: f"W/KERNEL  (  123): {text}",
    "kmsg": lambda number, text: f"4,{number},{number * 1000},-;{text}",
    "kmsg with caller": lambda number, text: f"4,{number},{number * 1000},-,caller=T123;{text}",
    "a mail": lambda _, text: f"> {text}",
    "a mail in a mail": lambda _, text: f">> > {text}",
    "a board": lambda number, text: f"[{number / 1000:12.6f}] (0)[123:kworker/0:1]{text}",
    "colours": lambda number, text: f"\x1b[32m[{number / 1000:12.6f}] \x1b[0m\x1b[33m{text}\x1b[0m",
}


def prefixed(lines: list[str], prefix: str, end: str = "\n") -> bytes:
    """Put a log's prefix before each line."""
    put = PREFIXES[prefix]
    return "".join(put(number, text) + end for number, text in enumerate(lines, 1000)).encode()


def plain(report: Report) -> Report:
    """Leave out what depends on the log and not on the report."""
    return report._replace(at=None, signs=frozenset(), line=1)
