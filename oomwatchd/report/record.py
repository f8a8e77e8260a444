"""What a report says, as plain records. Absent facts are None, never 0."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from oomwatchd.model import pages_in_blocks


class Kind(Enum):
    """What the kernel reports."""

    __hash__ = object.__hash__

    OOM = "oom"
    """The OOM killer was called: an allocation could not be met, and nobody was allowed to fail."""
    CGROUP_OOM = "cgroup_oom"
    """A memory control group reached its limit."""
    ALLOCATION_FAILURE = "allocation_failure"
    """An allocation failed; whoever asked was told so."""
    VMALLOC_FAILURE = "vmalloc_failure"
    """An allocation of virtual space, or of pages for it, failed."""


class Banner(NamedTuple):
    """What the kernel said of itself while it booted: "Linux version ..."."""

    release: str
    text: str
    """The whole line, at most 400 characters."""


class Header(NamedTuple):
    """The line that opens a report."""

    comm: str | None
    """Who asked; 2.6.18 does not say."""
    gfp_mask: int | None
    gfp_names: tuple[str, ...] | None
    """Since 4.6 the kernel writes the names of the flags: as printed, "GFP_KERNEL" among them."""
    order: int | None
    """-1 where somebody asked for a kill (sysrq-f)."""
    adjustment: int | None
    """oom_score_adj; before 2.6.36 oom_adj (-17 to 15)."""
    nodemask: str | None
    """As printed; None where it is not, or "(null)"."""


class ReportZone(NamedTuple):
    """One zone, put together from its line of figures, its reserve and its free lists."""

    node: int | None
    """None where the kernel is not built for NUMA."""
    name: str
    kib: Mapping[str, int]
    """The figures by their keys as printed, in small letters: "free", "min", "active_anon" ..."""
    all_unreclaimable: bool | None
    lowmem_reserve: tuple[int, ...] | None
    """In pages, by the index of the highest zone that a request may use."""
    free_blocks: tuple[int, ...] | None
    """By order; None where the line of the free lists is missing or cut."""
    letters: tuple[str, ...] | None
    """By order the types of the free blocks (U, M, E, R, H, C, I), "" where there is none; None
    before 3.8, where the kernel does not write them."""
    smallest_block_kib: int | None
    """The size of a page, as the free lists tell it."""
    seen_blocks: tuple[int, ...] | None = None
    """Of a line of free lists that is cut: as many orders as can be read, from 0."""

    @property
    def free_kib_in_blocks(self) -> int | None:
        """Sum the free lists."""
        if self.free_blocks is None or self.smallest_block_kib is None:
            return None
        return pages_in_blocks(self.free_blocks) * self.smallest_block_kib


class ReportNode(NamedTuple):
    """Since 4.8 the figures of a node: caches and lists, no longer told by zone."""

    node: int
    kib: Mapping[str, int]
    all_unreclaimable: bool | None


class Task(NamedTuple):
    """A row of the table of tasks."""

    pid: int
    name: str
    uid: int | None
    tgid: int | None
    total_vm_pages: int | None
    rss_pages: int | None
    swap_pages: int | None
    page_tables_kib: int | None
    adjustment: int | None
    """oom_score_adj where the table has it, else oom_adj."""


class Chosen(NamedTuple):
    """Before 5.1: whom the kernel chose; a child may have died instead."""

    pid: int
    name: str
    score: int | None


class Kill(NamedTuple):
    """Who was killed."""

    pid: int
    name: str
    total_vm_kib: int | None
    anon_rss_kib: int | None
    file_rss_kib: int | None
    shmem_rss_kib: int | None
    page_tables_kib: int | None
    adjustment: int | None
    uid: int | None


class Cgroup(NamedTuple):
    """A memory control group at its limit."""

    path: str | None
    """The group whose limit it is."""
    task_path: str | None
    """The group that the killed task is in."""
    usage_kib: int | None
    limit_kib: int | None
    failures: int | None
    swap_usage_kib: int | None
    swap_limit_kib: int | None
    stats_kib: Mapping[str, int]
    """What the group's memory is, by the names as printed ("anon", "rss", "cache" ...)."""


class Slab(NamedTuple):
    """Since 4.15: a slab that cannot be reclaimed."""

    name: str
    used_kib: int
    total_kib: int


class Report(NamedTuple):
    """One report, whole or what there is of it."""

    kind: Kind
    line: int
    """Where it begins, counted from 1."""
    at: str | None
    """When, as the log's prefix says."""
    banner: Banner | None
    """The last one before it in the log."""
    release: str | None
    """As the stack dump says ("Not tainted 4.4.0-31-generic")."""
    architecture: str | None
    """arm, arm64, mips, x86, x86_64, powerpc, riscv: as the stack dump's form says."""
    hardware: str | None
    """"Hardware name: ..." of the stack dump."""
    pid: int | None
    header: Header | None
    trace: tuple[str, ...]
    """The functions of the stack dump, innermost first, at most 64."""
    compaction_disabled: bool
    """Since 4.9 the kernel says so."""
    counters_pages: Mapping[str, int]
    """Of the whole system, by their keys as printed, in small letters."""
    nodes: tuple[ReportNode, ...]
    zones: tuple[ReportZone, ...]
    totals_pages: Mapping[str, int]
    """pagecache, swapcache, ram, highmem, reserved, cma_reserved: as far as they are said."""
    swap_free_kib: int | None
    swap_total_kib: int | None
    slabs: tuple[Slab, ...]
    tasks: Sequence[Task]
    """At most 32768."""
    tasks_left_out: int
    """How many rows more the table has."""
    chosen: Chosen | None
    kills: tuple[Kill, ...]
    constraint: str | None
    """CONSTRAINT_NONE, CONSTRAINT_CPUSET, CONSTRAINT_MEMORY_POLICY, CONSTRAINT_MEMCG."""
    cgroup: Cgroup | None
    nobody_to_kill: bool
    """"no killable processes": the kernel panics then."""
    panic_on_oom: bool
    """The kernel is told to panic instead of killing."""
    vmalloc_bytes: int | None
    """What a vmalloc failure was about."""
    vmalloc_got_bytes: int | None
    """How much of it had been allocated, where pages were refused and not addresses."""
    missing: tuple[str, ...]
    """Parts that such a report has and that are not there: "header", "stack dump", "zones", "free
    lists", "reserves", "kill"."""
    signs: frozenset[str]
    """What tells the kernel's age (see `signs`)."""
