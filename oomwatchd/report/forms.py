"""Which reader a line is for: by its first word, else by its form.

A reader takes a line into a draft, or refuses it where the draft has that part already.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from oomwatchd.report import cgroups, figures, freelists, header, kills, stack, tasks, totals
from oomwatchd.report.draft import Draft

Reader = Callable[[Draft, str], bool]

_BY_WORD: dict[str, Reader] = {
    **dict.fromkeys(figures.ZONES, figures.take_zone),
    **dict.fromkeys([f"{zone}:" for zone in figures.ZONES], freelists.take_list),
    "Mem-Info:": figures.take_mark,
    "Mem-info:": figures.take_mark,
    "lowmem_reserve[]:": figures.take_reserve,
    "protections[]:": figures.take_reserve,
    "Call": stack.take_call,
    "Backtrace:": stack.take_place,
    "Hardware": stack.take_place,
    "Stack": stack.take_place,
    "Pid:": stack.take_state,
    "RIP:": stack.take_register,
    "EIP:": stack.take_register,
    "NIP:": stack.take_register,
    "Code:": stack.take_register,
    "COMPACTION": header.take_compaction,
    "Swap": totals.take_swap,
    "Total": totals.take_swap,
    "Killed": kills.take_kill,
    "Kill": kills.take_chosen,
    "Task": cgroups.take_task,
    "memory:": cgroups.take_usage,
    "memory+swap:": cgroups.take_usage,
    "swap:": cgroups.take_usage,
    "kmem:": cgroups.take_usage,
    "Unreclaimable": tasks.take_slab_title,
    "oom_reaper:": kills.take_reaper,
    "Kernel": kills.take_last_gasp,
}


def _killed(draft: Draft, text: str) -> bool:
    """Take a line that gives the reason of a kill before the kill."""
    if "Killed process" in text:
        return kills.take_kill(draft, text)
    return kills.take_last_gasp(draft, text) or kills.take_chosen(draft, text)


def _memory(draft: Draft, text: str) -> bool:
    """Take a line that begins with "Memory"."""
    if text.startswith("Memory cgroup stats"):
        return cgroups.take_stats(draft, text)
    return _killed(draft, text)


def _free(draft: Draft, text: str) -> bool:
    """Take "Free swap" or "Free pages"."""
    if text.startswith("Free pages:"):
        return figures.take_free_pages(draft, text)
    return totals.take_swap(draft, text)


def _processor(draft: Draft, text: str) -> bool:
    """Take a line that begins with "CPU": of its lists, or of what ran on it."""
    if "hi:" in text:
        return figures.take_per_cpu(draft, text)
    return stack.take_state(draft, text)


def _node(draft: Draft, text: str) -> bool:
    """Take a line that begins with "Node": figures, or free lists."""
    if freelists.is_list(text):
        return freelists.take_list(draft, text)
    return figures.take_node_line(draft, text)


def _tasks(draft: Draft, text: str) -> bool:
    """Take a line that begins with "Tasks"."""
    return tasks.take_state(draft, text) or kills.take_group_kill(draft, text)


_BY_WORD.update(
    {
        "Out": _killed,
        "No": _killed,
        "Memory": _memory,
        "Free": _free,
        "CPU": _processor,
        "CPU:": _processor,
        "Node": _node,
        "Tasks": _tasks,
    }
)

_REMEMBERED = 512
_ROW = re.compile(r"\[ *\d{1,10} *\] +-?\d")
_FORM = re.compile(
    r"(?P<counters>(?:[Aa]ctive|inactive|isolated_|unevictable|dirty|writeback|unstable|free|slab"
    r"|mapped|shmem|pagetables|sec_pagetables|bounce|kernel_misc_)[a-z_]{0,40}:\d+(?![\dkK]))"
    r"|(?P<kill>(?:total-vm|vsz|(?:anon|file|shmem)-rss|pgtables|UID|oom_score_adj):)"
    r"|(?P<figures>[A-Za-z_]{1,40}(?:\([a-z]{1,10}\))?: ?\d{1,20}[kK]B|pages_scanned:\d"
    r"|all_unreclaimable\?)"
    r"|(?P<piece>\d{1,20}\*\d|= ?\d|=$|\([UMERHCI]{1,8}\)|\d{1,20}kB$)"
    r"|(?P<total>\d{1,20} (?:total|pages|free|reserved|slab) ?)"
    r"|(?P<percpu>cpu \d+ (?:hot|cold):)"
    r"|(?P<numbers>\d{1,20}(?: +\d{1,20})*$)"
    r"|(?P<summary>oom-kill:constraint=)"
    r"|(?P<rest>failure[.:] ?(?:order|mode)|gfp_mask=|mode:|order[=:]|nodemask=|oom_score_adj="
    r"|oom_adj=|oomkilladj=|cpuset=|mems_)"
    r"|(?P<stat>[a-z_]{1,40} \d{1,20}$)"
)
_BY_FORM: dict[str, Reader] = {
    "counters": figures.take_counters,
    "kill": kills.take_rest,
    "figures": figures.take_figures,
    "piece": freelists.take_piece,
    "total": totals.take_total,
    "percpu": figures.take_per_cpu,
    "numbers": figures.take_numbers,
    "summary": kills.take_summary,
    "rest": header.take_rest,
    "stat": cgroups.take_stat,
}


def reader(text: str) -> Reader | None:
    """Give the reader of a line; None where it is no part of any report."""
    return tasks.take_row if text[0] == "[" and _ROW.match(text) else _reader(text)


@lru_cache(maxsize=_REMEMBERED)
def _reader(text: str) -> Reader | None:
    """Give that of a line which is no row: half of them say the same in a log's next report."""
    if text[0] == "[":
        if tasks.is_header(text):
            return tasks.take_header
        return stack.take_frame if "+0x" in text or " from" in text else None
    found = _BY_WORD.get(text.partition(" ")[0])
    if found is not None:
        return found
    match = _FORM.match(text)
    if match is not None:
        kind = match.lastgroup or ""
        if kind == "total" and not totals.is_total(text):
            return None
        return _BY_FORM[kind]
    return _by_content(text)


def _by_content(text: str) -> Reader | None:  # noqa: PLR0911 - a form a branch
    """Give the reader of a line whose first word says nothing."""
    if ("+0x" in text or " from " in text or "}" in text) and stack.is_frame(text):
        return stack.take_frame
    if text.endswith("KB"):
        return tasks.take_slab
    if text.startswith("Name ") and text.endswith("Total"):
        return tasks.take_slab
    if " mems_allowed=" in text and " cpuset=" in text:
        return header.take_cpuset
    if kills.is_rest(text):
        return kills.take_rest
    if freelists.is_list(text):
        return freelists.take_list
    return figures.take_zone if " free:" in text else None


_MAY_OPEN: frozenset[Reader] = frozenset(
    {
        _node,
        figures.take_zone,
        figures.take_mark,
        freelists.take_list,
        tasks.take_header,
        kills.take_kill,
        kills.take_chosen,
        kills.take_summary,
        kills.take_last_gasp,
        cgroups.take_task,
        cgroups.take_usage,
        _killed,
        _memory,
    }
)


def may_open(found: Reader) -> bool:
    """Whether a report whose head was lost may begin with such a line."""
    return found in _MAY_OPEN


OF_MEMORY: frozenset[Reader] = frozenset(
    {
        *(_node, _free, figures.take_mark),
        *(figures.take_zone, figures.take_counters, figures.take_figures, figures.take_reserve),
        *(figures.take_numbers, freelists.take_list, freelists.take_piece),
        *(totals.take_total, totals.take_swap),
    }
)
"""The readers of "Mem-Info:" and of what comes behind it."""
WHOSE: frozenset[Reader] = frozenset({_BY_WORD["Pid:"], _BY_WORD["CPU:"]})
"""The readers of what names the task that a report is about."""
