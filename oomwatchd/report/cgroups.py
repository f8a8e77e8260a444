"""What the kernel says of a memory control group at its limit.

Source: mem_cgroup_print_oom_info() in mm/memcontrol.c. Up to 5.0 the figures stand in one line a
group, in KB; since then they are those of memory.stat, one a line, in bytes, events among them.
"""

import re

from oomwatchd.report.draft import MAX_KEYS, Draft, Stage
from oomwatchd.report.record import Cgroup, Kind

_TASK = re.compile(r"Task in (.{0,4096}?) killed as a result of limit of (.{0,4096})$")
_USAGE = re.compile(
    r"(memory|swap|memory\+swap|kmem): usage (\d{1,20})kB, limit (\d{1,20})kB"
    r"(?:, failcnt (\d{1,20}))?"
)
_STATS = re.compile(r"Memory cgroup stats(?: for (.{0,4096}?))? ?: ?(?=[a-z_]{1,40}:\d|$)")
_FIGURE = re.compile(r"([a-z_]{1,40}):(\d{1,20})KB")
_BYTES = re.compile(r"([a-z_]{1,40}) (\d{1,20})$")
_AMOUNTS = frozenset(
    {
        *("anon", "file", "kernel", "kernel_stack", "pagetables", "sec_pagetables", "percpu"),
        *("sock", "vmalloc", "shmem", "zswap", "zswapped", "file_mapped", "file_dirty"),
        *("file_writeback", "swapcached", "anon_thp", "file_thp", "shmem_thp", "inactive_anon"),
        *("active_anon", "inactive_file", "active_file", "unevictable", "slab_reclaimable"),
        *("slab_unreclaimable", "slab", "hugetlb"),
    }
)
"""Those of memory.stat that are bytes; the rest are events."""
NOTHING_KNOWN = Cgroup(None, None, None, None, None, None, None, {})


def take_task(draft: Draft, text: str) -> bool:
    """Take "Task in /a/b killed as a result of limit of /a" (before 5.0)."""
    match = _TASK.match(text)
    if match is None or not _may_be(draft):
        return False
    cgroup = draft.cgroup or NOTHING_KNOWN
    if cgroup.path is not None:
        return False
    draft.cgroup = cgroup._replace(path=match[2].strip() or None, task_path=match[1] or None)
    draft.kind = Kind.CGROUP_OOM
    draft.signs.add("Task in ... killed as a result of limit of")
    return True


def take_usage(draft: Draft, text: str) -> bool:
    """Take "memory: usage 1024kB, limit 1024kB, failcnt 24"."""
    match = _USAGE.match(text)
    if match is None or not _may_be(draft):
        return False
    cgroup = draft.cgroup or NOTHING_KNOWN
    usage, limit = int(match[2]), int(match[3])
    if match[1] == "memory":
        if cgroup.usage_kib is not None:
            return False
        failures = int(match[4]) if match[4] else None
        cgroup = cgroup._replace(usage_kib=usage, limit_kib=limit, failures=failures)
    elif match[1] == "swap":
        if cgroup.swap_usage_kib is not None:
            return False
        cgroup = cgroup._replace(swap_usage_kib=usage, swap_limit_kib=limit)
    draft.cgroup = cgroup
    draft.kind = Kind.CGROUP_OOM
    return True


def take_stats(draft: Draft, text: str) -> bool:
    """Take "Memory cgroup stats for /a:", with figures in KB, or with lines to follow."""
    match = _STATS.match(text)
    if match is None or not _may_be(draft):
        return False
    cgroup = draft.cgroup or NOTHING_KNOWN
    stats = dict(cgroup.stats_kib)
    # Before 5.0 each group below the limit has a line of its own, which does not count the others.
    for key, kib in _FIGURE.findall(text, match.end()):
        stats[key] = stats.get(key, 0) + int(kib)
    path = cgroup.path or match[1] or None
    draft.cgroup = cgroup._replace(path=path, stats_kib=stats)
    draft.kind = Kind.CGROUP_OOM
    draft.stats_open = match.end() == len(text)
    return True


def take_stat(draft: Draft, text: str) -> bool:
    """Take a line of memory.stat."""
    match = _BYTES.match(text)
    cgroup = draft.cgroup
    if match is None or cgroup is None or not draft.stats_open:
        return False
    key = match[1]
    if key in _AMOUNTS:
        if key in cgroup.stats_kib or len(cgroup.stats_kib) > MAX_KEYS:
            return False
        draft.cgroup = cgroup._replace(stats_kib={**cgroup.stats_kib, key: int(match[2]) // 1024})
    return True


def _may_be(draft: Draft) -> bool:
    """Whether that report may be one of a group."""
    return draft.may_kill and draft.stage <= Stage.TASKS
