"""An explanation as text for people: for a terminal of any width, and for a bug report.

Names out of the log stand in it as they are: whoever prints it escapes them.
"""

import re
from collections.abc import Iterator

from oomwatchd.explain.explanation import Explanation
from oomwatchd.explain.kernel import KernelFound, name_of
from oomwatchd.explain.request import Asked, has_compaction
from oomwatchd.explain.story import headline, later_rule, story
from oomwatchd.explain.zonetext import Paragraph, zone_paragraphs
from oomwatchd.report.record import Kind
from oomwatchd.units import describe_size

_SHOWN_FUNCTIONS = 6
_OF_ALLOCATOR = re.compile(
    r"(unwind_backtrace|dump_|show_stack|show_regs|warn_alloc|__warn_alloc|out_of_memory|oom_kill_"
    r"|_*alloc_pages|_*alloc_frozen|_*get_free_page|get_page_from|_*folio_alloc|kmalloc_order)"
)
_CMA_SINCE = (3, 5, 0)


def paragraphs(it: Explanation) -> Iterator[Paragraph]:
    """Write the explanation: labels and texts, to be laid out by whoever knows the width."""
    yield "", story(it)
    yield "kernel", kernel_text(it.kernel)
    if it.is_doubtful:
        yield "", "the kernels that it may be would not agree on the reason"
    yield from _request(it)
    for trial in it.trials:
        yield from zone_paragraphs(trial, it)
    if later := later_rule(it):
        yield "rule", later
    yield from _memory(it)
    yield from _tasks(it)
    if it.report.missing:
        yield "missing", f"from the report: {', '.join(it.report.missing)}"
    for number, advice in enumerate(it.advice):
        yield "" if number else "advice", f"- {advice}"


def title(it: Explanation) -> str:
    """Write the line above it: where, when, what."""
    at = f" at {it.report.at}" if it.report.at else ""
    return f"line {it.report.line}{at}: {headline(it)}"


def kernel_text(kernel: KernelFound) -> str:
    """Say which kernel it is, and how that is known."""
    parts = []
    if kernel.is_certain:
        parts.append(f"{kernel.release or ''} (from the {kernel.source})")
    else:
        first, last = name_of(kernel.since), name_of(kernel.last)
        text = first if first == last else f"{first} to {last}"
        if kernel.before is None:
            text = f"{first} or newer"
        parts.append(f"{text} (by the form of the report)")
    if kernel.architecture:
        parts.append(kernel.architecture)
    if kernel.knows_page_size:
        parts.append(f"pages of {kernel.page_size >> 10} KiB")
    return ", ".join(parts)


def _request(it: Explanation) -> Iterator[Paragraph]:
    asked, flags = it.asked, it.asked.flags
    if asked.is_known and flags is not None and asked.order is not None:
        said = any(name.startswith("0x") for name in flags.names)
        unknown = f" and {flags.unknown_bits:#x}" if flags.unknown_bits and not said else ""
        what = (
            f"order {asked.order}: {_pages(asked)}; "
            f"gfp_mask {asked.mask or 0:#x}: {' | '.join(flags.names) or 'nothing'}{unknown}"
        )
        yield "request", what
        yield "", _rights(it)
    if it.report.kind is not Kind.CGROUP_OOM and it.report.trace:
        callers = callers_of(it.report.trace)[:_SHOWN_FUNCTIONS]
        functions = " < ".join(callers)
        chain = asked.purpose.function if asked.purpose else None
        yield "", f"called by {chain}" if chain else f"called by {functions}"


def callers_of(trace: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out the functions that print the report, and the allocator's own."""
    last = max((at for at, name in enumerate(trace) if _OF_ALLOCATOR.match(name)), default=-1)
    return trace[last + 1 :] or trace


def _pages(asked: Asked) -> str:
    """Say how much was asked for."""
    pages = 1 << (asked.order or 0)
    text = "1 page" if pages == 1 else f"{pages} pages"
    return text if asked.size_bytes is None else f"{text}, {describe_size(asked.size_bytes)}"


def _rights(it: Explanation) -> str:
    """Say what the request may do."""
    asked, flags = it.asked, it.asked.flags
    if flags is None:
        return ""
    parts = []
    if asked.is_dying:
        parts.append("who asks was killed just before: it may go deeper, and nobody else is killed")
    if flags.memalloc and asked.is_reclaiming:
        parts.append("may use every reserve (__GFP_MEMALLOC): no mark holds for it")
    elif asked.is_reclaiming:
        parts.append("it comes from the kernel's own reclaim: no mark holds for it")
    elif asked.is_in_reclaim:
        parts.append(
            "it comes from the kernel's own reclaim, which cannot wait for itself; the marks hold "
            "all the same (__GFP_NOMEMALLOC)"
        )
    elif flags.may_sleep:
        compacts = " (and compacts)" if has_compaction(it.kernel) else ""
        parts.append(f"may sleep: the kernel reclaims{compacts} for it first")
    else:
        parts.append("cannot sleep: nobody reclaims or compacts for it")
    if flags.high or flags.harder:
        parts.append("may go below the min mark")
    if it.has_highmem:
        parts.append("HighMem too" if flags.highmem else "no HighMem")
    if it.kernel.last >= _CMA_SINCE:
        parts.append("CMA too" if flags.movable else "no CMA")
    return "; ".join(parts)


def _memory(it: Explanation) -> Iterator[Paragraph]:
    """Say where the memory is."""
    uses = it.uses
    named = (
        ("free", uses.free_kib),
        ("programs and page cache", uses.lists_kib),
        ("programs", uses.anon_kib),
        (f"shared memory and tmpfs{' (at least)' if uses.is_shmem_least else ''}", uses.shmem_kib),
        ("page cache", uses.file_kib),
        ("unevictable (locked, or files in RAM)", uses.unevictable_kib),
        ("slab (how much is reclaimable is not said)", uses.slab_kib),
        ("slab, reclaimable", uses.slab_reclaimable_kib),
        ("slab, not reclaimable", uses.slab_unreclaimable_kib),
        ("page tables", uses.page_tables_kib),
        ("kernel stacks", uses.kernel_stack_kib),
        ("in none of these", uses.unaccounted_kib),
    )
    parts = [f"{name} {describe_size(kib << 10)}" for name, kib in named if kib is not None]
    if not parts:
        return
    total = f"of {describe_size(uses.total_kib << 10)}: " if uses.total_kib else ""
    yield "memory", total + ", ".join(parts)
    if uses.free_cma_kib:
        yield "", f"of what is free, {describe_size(uses.free_cma_kib << 10)} lie in CMA"
    if uses.swap_total_kib is not None:
        free = describe_size((uses.swap_free_kib or 0) << 10)
        swap = f"swap: {free} free of {describe_size(uses.swap_total_kib << 10)}"
        yield "", swap if uses.swap_total_kib else "no swap"


def _tasks(it: Explanation) -> Iterator[Paragraph]:
    """Name the largest tasks."""
    if it.tasks is None:
        return
    named = ", ".join(
        f"{task.name} ({task.pid}) {describe_size(kib << 10)}" for task, kib in it.tasks.largest
    )
    resident = describe_size(it.tasks.rss_kib << 10)
    more = f"; {it.tasks.left_out} rows more are not counted" if it.tasks.left_out else ""
    yield "tasks", f"{it.tasks.processes} in {resident} resident; largest {named}{more}"
