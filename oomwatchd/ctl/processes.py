"""`oomwatchctl processes`: who has the memory, and what no process has."""

from oomwatchd.ctl.documents import listed
from oomwatchd.ctl.reading import parse_object
from oomwatchd.status.fields import Json, record, text, whole
from oomwatchd.status.layout import Column, cut, short_size, table, wrap

_MOST_NAME = 64
_OTHERS = (
    ("slab_unreclaimable_kib", "unreclaimable slab"),
    ("page_tables_kib", "page tables"),
    ("kernel_stack_kib", "kernel stacks"),
    ("shmem_kib", "shared memory and tmpfs"),
)


def process_lines(reply: bytes, width: int) -> list[str]:
    """Write a reply to `processes` as a table, and below it where else memory is.

    Raises:
        ReplyError: it is none.
    """
    found = listed(reply, "processes")
    columns = [
        Column("PID", [_number(process, "pid") for process in found], ">"),
        Column("RESIDENT", [_size(process, "rss_kib") for process in found], ">"),
        Column("SHARED", [_size(process, "shared_kib") for process in found], ">"),
        Column("OOM_ADJ", [_number(process, "oom_score_adj") for process in found], ">"),
        Column("NAME", [cut(text(process, "name", "?"), _MOST_NAME) for process in found]),
    ]
    rows = table(columns, width, "NAME", ("OOM_ADJ", "SHARED"))
    return [*(rows or wrap("no processes are known", width)), *_others(parse_object(reply), width)]


def _others(document: Json, width: int) -> list[str]:
    """Say how much memory is none of a process's."""
    memory = record(document, "memory")
    parts = [f"{what} {_size(memory, key)}" for key, what in _OTHERS if _size(memory, key)]
    if whole(memory, "cma_total_kib"):
        free = _size(memory, "cma_free_kib")
        parts.append(f"CMA {_size(memory, 'cma_total_kib')}" + (f" ({free} free)" if free else ""))
    return ["", *wrap(", ".join(parts), width)] if parts else []


def _size(of: Json, key: str) -> str:
    kib = whole(of, key)
    return "" if kib is None else short_size(kib << 10)


def _number(of: Json, key: str) -> str:
    value = whole(of, key)
    return "" if value is None else str(value)
