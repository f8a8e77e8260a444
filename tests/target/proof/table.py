"""Shows what was found, as tables for a README."""

from collections.abc import Callable, Mapping, Sequence

from target.proof.claims import Claim, Runs
from target.proof.figures import Figures, figures
from target.proof.scenarios import CONTESTANTS, SCENARIOS, VARIANTS

LEGEND = """\
- failed bursts: those of 16 blocks of which not all came; slowest: the slowest of their allocations
- starts: processes that could be started; starts left: how many still could when the first alert
  came, at worst
- worst wake-up: of a SCHED_FIFO thread of the kernel while memory was compacted or given back
- CPU: millions of instructions that the contestant took in the whole run; kernel's: those of kswapd
  and kcompactd
- PSS: of the contestant's memory, beside another Python program"""
_NAMES = {**CONTESTANTS, **VARIANTS}
Cell = Callable[[Figures], str]


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _remedies(it: Figures) -> str:
    if not it.remedies:
        return ""
    named = ", ".join(f"{count} {remedy}" for remedy, count in sorted(it.remedies.items()))
    return f"{named}; {it.effective}"


_COLUMNS: Mapping[str, Cell] = {
    "runs without an end": lambda it: str(it.lost or ""),
    "failed bursts": lambda it: f"{it.failed_bursts} of {it.bursts}" if it.bursts else "",
    "blocks at the first": lambda it: _number(it.first_blocks),
    "slowest, ms": lambda it: _number(it.slowest_ms, 3),
    "runs with a kill": lambda it: f"{it.killed_runs} of {it.runs}",
    "work killed": lambda it: str(it.application_killed or ""),
    "starts": lambda it: _number(it.starts),
    "alert after, s": lambda it: _number(it.alert_seconds),
    "starts left": lambda it: _number(it.starts_left),
    "cause": lambda it: ", ".join(cause for cause, _ in it.causes.most_common()),
    "remedies, effective": _remedies,
    "cache lost, MB": lambda it: _number(it.cache_lost_mib, 0) if it.cache_lost_mib >= 1 else "",
    "CMA taken, MB": lambda it: _number(it.cma_taken_mib, 0) if it.cma_taken_mib >= 1 else "",
    "worst wake-up, us": lambda it: _number(it.late_us),
    "CPU, M": lambda it: _number(it.instructions_m, 1),
    "kernel's, M": lambda it: _number(it.kernel_m, 1),
    "PSS beside a Python, KiB": lambda it: _number(it.pss_kib),
}


def tables(runs: Runs) -> str:
    """Write one table for each scenario, in Markdown; a column that says nothing is left out."""
    parts: list[str] = []
    for name, scenario in SCENARIOS.items():
        found = {
            contestant: figures(records)
            for contestant in _NAMES
            if (records := runs.get((name, contestant)))
        }
        if found:
            seeds = max(one.runs for one in found.values())
            count = f"{seeds} seed{'s' if seeds > 1 else ''}"
            title = f"**({scenario.letter}) {name}**: {scenario.title}; {count}"
            parts.append(f"{title}\n\n{_table(found)}")
    return "\n\n".join(parts)


def _table(found: Mapping[str, Figures]) -> str:
    columns = {
        title: cells
        for title, cell in _COLUMNS.items()
        if any(cells := [cell(one) for one in found.values()])
    }
    rows = [
        ["", *columns],
        ["---"] * (len(columns) + 1),
        *(
            [_NAMES[contestant], *(cells[at] for cells in columns.values())]
            for at, contestant in enumerate(found)
        ),
    ]
    return _written(rows)


def _failed(it: Figures) -> str:
    return f"{it.failed_bursts} of {it.bursts}"


def _kills(it: Figures) -> str:
    return f"{it.application_killed} of {it.runs}"


_SUMMARY: Sequence[tuple[str, str, Cell]] = (
    ("a: failed bursts", "movable", _failed),
    ("slowest, ms", "movable", lambda it: _number(it.slowest_ms, 2)),
    ("b: failed bursts", "slab", _failed),
    ("slowest, ms", "slab", lambda it: _number(it.slowest_ms, 2)),
    ("c: failed bursts", "pagecache", _failed),
    ("blocks", "pagecache", lambda it: _number(it.first_blocks)),
    ("d: starts left at the alert", "unmovable", lambda it: _number(it.starts_left) or "no alert"),
    ("e: work killed", "reserved", _kills),
    ("f: work killed", "shortage", _kills),
    ("g: CPU, M", "healthy", lambda it: _number(it.instructions_m)),
    ("h: work killed", "highmem", _kills),
    ("i: failed bursts", "returning", _failed),
    ("j: work killed", "borrowed", _kills),
)


def summary(runs: Runs) -> str:
    """Write one table of what matters in each scenario."""
    columns = [
        (title, scenario, cell) for title, scenario, cell in _SUMMARY if _is_in(runs, scenario)
    ]
    rows = [["", *(title for title, _, _ in columns)], ["---"] * (len(columns) + 1)]
    for contestant, name in _NAMES.items():
        cells = [
            cell(figures(records)) if (records := runs.get((scenario, contestant))) else ""
            for _, scenario, cell in columns
        ]
        if any(cells):
            rows.append([name, *cells])
    return _written(rows)


def _is_in(runs: Runs, scenario: str) -> bool:
    return any(name == scenario for name, _ in runs)


def _written(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def verdicts(claims: Sequence[Claim]) -> str:
    """List the claims, with what was found."""
    return "\n".join(
        f"({SCENARIOS[claim.scenario].letter}) {'met   ' if claim.met else 'MISSED'} "
        f"{claim.what}: {claim.found}"
        for claim in claims
    )
