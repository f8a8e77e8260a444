"""The raw facts that the audit judges, beside the assessment and the configuration."""

from typing import NamedTuple

from oomwatchd.model import Capabilities


class Tunables(NamedTuple):
    """Numbers below /proc/sys; None where the kernel has no such file.

    Documented in the kernel's Documentation/admin-guide/sysctl/vm.rst and kernel.rst; the
    last two of `vm` are those of vendors' kernels.
    """

    compact_unevictable_allowed: int | None = None
    compaction_proactiveness: int | None = None
    defrag_mode: int | None = None
    extfrag_threshold: int | None = None
    min_free_kbytes: int | None = None
    oom_kill_allocating_task: int | None = None
    panic_on_oom: int | None = None
    watermark_boost_factor: int | None = None
    extra_free_kbytes: int | None = None
    min_free_order_shift: int | None = None
    panic: int | None = None
    """kernel.panic: seconds from a panic to the reboot; 0 never, negative at once."""


class Facts(NamedTuple):
    """What was gathered of one system. Everything is optional: None is "not known"."""

    has_proc_sys: bool | None = None
    """Whether there is a /proc/sys/vm at all."""
    has_compact_memory: bool | None = None
    has_drop_caches: bool | None = None
    has_pagetypeinfo: bool | None = None
    read_only: bool | None = None
    """Whether compact_memory lies on a mount that is read-only for this process."""
    uid: int | None = None
    """The effective user; None on a copied tree, where nothing is ever written."""
    capabilities: Capabilities | None = None
    tunables: Tunables = Tunables()
    pages_per_block: int | None = None
    migratetypes: int | None = None
    """How many kinds of pageblocks the kernel was compiled with."""
    managed_pages: int | None = None
    """Of all zones; None where this kernel does not print it (before 3.7 to 3.9)."""
    present_pages: int | None = None
    swap_total_kib: int | None = None
    has_psi_file: bool | None = None
    """Whether /proc/pressure/memory is there, be it switched off."""
    thp: bool | None = None
    """Whether transparent huge pages are on: they raise min_free_kbytes."""
    lru_gen_min_ttl_ms: int | None = None
    lowmemorykiller: bool | None = None
    root_fs: str | None = None
    hidepid: bool | None = None
    sees_others: bool | None = None
    """Whether this process sees those of others all the same (CAP_SYS_PTRACE, gid=)."""
    lxcfs: bool | None = None
    """Whether files of /proc are made by lxcfs."""
    container: str | None = None
    processes: frozenset[str] | None = None
    """The names (comm, at most 15 bytes) of all processes."""
    realtime: str | None = None
    """What makes this a real-time system, in words; None where nothing does."""
    oom_score_adj: int | None = None
    """The daemon's own; None where somebody else makes the audit."""
    locked_kib: int | None = None
    """How much of the daemon's own memory is locked."""
