"""The status document for people: a table of the demands, and below it what is to be known.

Shared by the client and `oomwatchd --once`. The document may be of an older or newer daemon:
what it does not say is left out.
"""

from oomwatchd.status.amounts import page_size
from oomwatchd.status.demands import demand_table, painted
from oomwatchd.status.fields import Json, record, records, text, whole
from oomwatchd.status.layout import cut, labelled, short_size, wrap
from oomwatchd.status.remedies import remedy_lines

TYPE_CHECKING = False
if TYPE_CHECKING:  # not loaded: a client waits for it
    from collections.abc import Callable

WIDTH = 80
_MOST_SEVERITY = 8
_CALM = ("ok", "")


def describe(
    document: Json,
    width: int = WIDTH,
    paint: "Callable[[str], str]" = str,
    *,
    watching: bool = False,
) -> str:
    """Write the document in lines of at most `width` columns.

    `paint` colours a severity. `watching`: a daemon wrote it, which has something to say of its
    remedies and alerts; else it is of one look.
    """
    kernel = record(document, "kernel")
    page_bytes = page_size(kernel)
    demands = records(document, "demands")
    severity = cut(text(document, "severity", "unknown"), _MOST_SEVERITY)
    system = (
        f"severity {severity}, kernel {text(kernel, 'release', 'unknown')} on "
        f"{text(kernel, 'machine', 'unknown machine')}, pages of {page_bytes} bytes"
    )
    title, *more = wrap(system, width)
    lines = [title.replace(severity, paint(severity), 1), *more]
    rows = demand_table(demands, page_bytes, width)
    if rows:
        lines += ["", *(painted(row, paint) for row in rows), ""]
    lines += _advice(document, demands, width)
    lines += _memory(record(document, "memory"), width)
    if watching:
        lines += remedy_lines(document, demands, page_bytes, width)
    for entry in records(document, "degraded"):
        what = f"{text(entry, 'what', '?')}: {text(entry, 'why', '?')}"
        lines += labelled("degraded", what, width)
    if watching:
        lines += _alerts(record(document, "alerts"), width)
    return "\n".join(lines)


def _advice(document: Json, demands: list[Json], width: int) -> list[str]:
    """Say of each low demand what it means, and of the lowest why nothing is done."""
    lines: list[str] = []
    for demand in demands:
        reasons = [text(demand, "cause"), text(demand, "advice")]
        if text(demand, "severity") not in _CALM and any(reasons):
            what = ": ".join(reason for reason in (text(demand, "name", "?"), *reasons) if reason)
            lines += labelled("advice", what, width)
    why_not = text(record(document, "remedies"), "why_not")
    return lines + (labelled("why not", why_not, width) if why_not else [])


def _memory(memory: Json, width: int) -> list[str]:
    """Say in one line how much memory there is, as far as the line goes."""

    def part(key: str, what: str) -> str:
        kib = whole(memory, key)
        return "" if kib is None else what.format(short_size(kib << 10))

    pagecache_kib = whole(memory, "droppable_pagecache_kib")
    slab_kib = whole(memory, "droppable_slab_kib")
    droppable = ""
    if pagecache_kib is not None or slab_kib is not None:
        droppable = f"{short_size(((pagecache_kib or 0) + (slab_kib or 0)) << 10)} droppable"
    cma = part("cma_total_kib", "CMA {}")
    if cma and whole(memory, "cma_total_kib"):
        cma += part("cma_free_kib", " ({} free)")
    line = ""
    for said in (
        part("total_kib", "{}"),
        part("free_kib", "{} free"),
        part("available_kib", "{} available"),
        droppable,
        cma if whole(memory, "cma_total_kib") else "",
        part("slab_unreclaimable_kib", "{} unreclaimable slab"),
        part("page_tables_kib", "{} page tables"),
    ):
        longer = f"{line}, {said}" if line else said
        if said and len(labelled("memory", longer, width)) == 1:
            line = longer
    return labelled("memory", line, width) if line else []


def _alerts(alerts: Json, width: int) -> list[str]:
    """Say what did not reach anybody."""
    troubles = [
        f"{what}: {count}"
        for key, what in (
            ("lines_lost", "lines lost"),
            ("lines_withheld", "lines withheld"),
            ("hook_suppressed", "hook runs left out"),
        )
        if (count := whole(alerts, key))
    ]
    problem = text(alerts, "hook_problem")
    if problem:
        troubles.append(f"hook: {problem}")
    if not troubles:
        return []
    return labelled("alerts", f"{text(alerts, 'sink', '?')}: {', '.join(troubles)}", width)
