"""A draft becomes a report: what was read is put together, what is not there is said."""

from oomwatchd.report.draft import Draft, OpenZone
from oomwatchd.report.freelists import free_blocks, seen_blocks
from oomwatchd.report.record import Kind, Report, ReportNode, ReportZone
from oomwatchd.report.signs import of_figures
from oomwatchd.report.tasks import TaskTable

_OF_KILLS = ("oom_kill_process", "out_of_memory", "__out_of_memory", "dump_header")
_OF_CGROUPS = ("mem_cgroup_out_of_memory", "mem_cgroup_handle_oom", "mem_cgroup_oom_synchronize")
_USUAL_PAGE_KIB = 4


def worth(draft: Draft) -> bool:
    """Whether there is anything to tell."""
    if draft.unwanted:
        return False
    header = draft.header
    return bool(
        draft.has_memory
        or draft.kills
        or draft.chosen
        or draft.rows
        or draft.nobody_to_kill
        or draft.panicked
        or draft.cgroup
        or draft.constraint
        or draft.vmalloc_bytes is not None
        or (header and (header.gfp_mask is not None or header.order is not None))
    )


def report(draft: Draft) -> Report:
    """Make the record."""
    zones = [*draft.zones.values()]
    smallest = _smallest(zones)
    orders = max((len(zone.blocks or ()) for zone in zones if zone.total is not None), default=0)
    made = tuple(_zone(zone, smallest, orders) for zone in zones)
    nodes = tuple(
        ReportNode(node.node, node.kib, node.all_unreclaimable) for node in draft.nodes.values()
    )
    kind = _kind(draft)
    return Report(
        kind=kind,
        line=draft.line,
        at=draft.at,
        banner=draft.banner,
        release=draft.release,
        architecture=draft.architecture,
        hardware=draft.hardware,
        pid=draft.pid,
        header=draft.header,
        trace=tuple(draft.frames or draft.doubtful),
        compaction_disabled=draft.compaction_disabled,
        counters_pages=draft.counters,
        nodes=nodes,
        zones=made,
        totals_pages=draft.totals,
        swap_free_kib=draft.swap_free,
        swap_total_kib=draft.swap_total,
        slabs=tuple(draft.slabs),
        tasks=TaskTable(draft.rows, smallest or _USUAL_PAGE_KIB),
        tasks_left_out=draft.rows_left_out,
        chosen=draft.chosen,
        kills=tuple(draft.kills),
        constraint=draft.constraint or ("CONSTRAINT_MEMCG" if kind is Kind.CGROUP_OOM else None),
        cgroup=draft.cgroup,
        nobody_to_kill=draft.nobody_to_kill,
        panic_on_oom=draft.panicked and not draft.nobody_to_kill,
        vmalloc_bytes=draft.vmalloc_bytes,
        vmalloc_got_bytes=draft.vmalloc_got_bytes,
        missing=_missing(draft, kind, made),
        signs=frozenset(draft.signs) | of_figures(draft.counters, nodes, made),
    )


def _smallest(zones: list[OpenZone]) -> int | None:
    """Give the size of a page: the same in all free lists of a report."""
    sizes = [zone.blocks[0][1] for zone in zones if zone.blocks]
    return min(sizes, default=None)


def _zone(zone: OpenZone, smallest: int | None, orders: int) -> ReportZone:
    """Make the record of a zone."""
    blocks = free_blocks(zone, smallest, orders)
    seen = seen_blocks(zone, smallest) if blocks is None else None
    known = len(blocks or seen or ())
    letters = tuple(letters for _, _, letters in (zone.blocks or ())[:known])
    return ReportZone(
        node=zone.node,
        name=zone.name,
        kib=zone.kib,
        all_unreclaimable=zone.all_unreclaimable,
        lowmem_reserve=zone.reserve,
        free_blocks=blocks,
        letters=letters if any(letters) else None,
        smallest_block_kib=smallest if known else None,
        seen_blocks=seen,
    )


def _kind(draft: Draft) -> Kind:
    """Tell the kind of a report whose head was lost by what is left of it."""
    if draft.kind is not None and draft.kind is not Kind.OOM:
        return draft.kind
    if draft.cgroup is not None or any(name in _OF_CGROUPS for name in draft.frames):
        return Kind.CGROUP_OOM
    if (
        draft.kind is Kind.OOM
        or draft.kills
        or draft.chosen
        or draft.table_seen
        or draft.rows
        or draft.slabs
        or any(name in _OF_KILLS for name in draft.frames)
    ):
        return Kind.OOM
    return Kind.ALLOCATION_FAILURE


def _missing(draft: Draft, kind: Kind, zones: tuple[ReportZone, ...]) -> tuple[str, ...]:
    """Name the parts that are not there."""
    header = draft.header
    known = header is not None and header.gfp_mask is not None
    if header is not None and kind is not Kind.VMALLOC_FAILURE:
        known = known and header.order is not None
    only_a_line = kind is Kind.VMALLOC_FAILURE and header is None
    lacking = {
        "header": not (known or only_a_line),
        "stack dump": not (draft.frames or draft.doubtful or only_a_line),
    }
    if kind in (Kind.OOM, Kind.ALLOCATION_FAILURE):
        lacking["zones"] = not any(zone.kib for zone in zones)
        lacking["free lists"] = not zones or any(zone.free_blocks is None for zone in zones)
        lacking["reserves"] = not zones or any(not zone.lowmem_reserve for zone in zones)
    if kind in (Kind.OOM, Kind.CGROUP_OOM):
        lacking["kill"] = not (draft.kills or draft.panicked)
    return tuple(name for name, is_lacking in lacking.items() if is_lacking)
