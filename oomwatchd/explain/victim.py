"""Who was killed, and what that gave back."""

from typing import NamedTuple

from oomwatchd.explain.kernel import KernelFound
from oomwatchd.report.record import Chosen, Kill, Report, Task

_SHOWN_TASKS = 5
Ranked = list[tuple[Task, int]]
"""Tasks with their resident memory in KiB, the largest first."""


class Victim(NamedTuple):
    """The killed process."""

    kill: Kill
    chosen: Chosen | None
    """Whom the kernel chose, where a child of it died instead."""
    freed_kib: int | None
    """What it held alone: anonymous memory, and its page tables where they are told."""
    rank: int | None
    """Its place among the tasks by resident memory, from 1."""


class Tasks(NamedTuple):
    """The tasks of a report."""

    processes: int
    largest: tuple[tuple[Task, int], ...]
    """By resident memory, in KiB; threads of the same process count once."""
    rss_kib: int
    left_out: int
    """Rows of a very long table that are not counted."""


def victims_of(report: Report, ranked: Ranked) -> tuple[Victim, ...]:
    """Say who was killed."""
    return tuple(_victim(kill, report, ranked) for kill in report.kills)


def _victim(kill: Kill, report: Report, ranked: Ranked) -> Victim:
    chosen = report.chosen
    if chosen is not None and chosen.pid == kill.pid:
        chosen = None
    row = next(
        ((at, kib) for at, (task, kib) in enumerate(ranked, 1) if task.pid == kill.pid), None
    )
    freed = kill.anon_rss_kib
    if freed is None and row is not None:
        freed = row[1]
    if freed is not None and kill.page_tables_kib is not None:
        freed += kill.page_tables_kib
    return Victim(kill, chosen, freed, row[0] if row else None)


def tasks_of(report: Report, ranked: Ranked) -> Tasks | None:
    """Sum up the table of tasks; None where there is none."""
    if not ranked:
        return None
    resident = sum(kib for _, kib in ranked)
    return Tasks(len(ranked), tuple(ranked[:_SHOWN_TASKS]), resident, report.tasks_left_out)


def ranked_tasks(report: Report, kernel: KernelFound) -> Ranked:
    """Give processes by resident memory, the largest first."""
    kib = kernel.page_size // 1024
    seen: dict[int, tuple[Task, int]] = {}
    for task in report.tasks:
        key = task.tgid if task.tgid is not None else task.pid
        if key not in seen:
            seen[key] = (task, max(0, task.rss_pages or 0) * kib)  # damaged logs have any sign
    return sorted(seen.values(), key=lambda one: -one[1])
