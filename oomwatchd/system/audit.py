"""Gathering what the audit judges. Nothing is written, and nothing is ever raised."""

import os
import re

from oomwatchd.audit.facts import Facts, Tunables
from oomwatchd.errors import ParseError
from oomwatchd.model import Kernel
from oomwatchd.procfs import meminfo, pagetypeinfo, zoneinfo
from oomwatchd.system.capabilities import find_capabilities
from oomwatchd.system.files import read_optional, read_tiny
from oomwatchd.system.realtime import kernel_sign
from oomwatchd.system.surroundings import container_name, mounts_of, process_names, root_fs_of

_NUMBER = re.compile(rb"-?[0-9]{1,18}")
_ENABLED = 0x0001
"""The bit of lru_gen/enabled without which the rest is not heeded."""


def gather(root: str, kernel: Kernel, *, live: bool, own: bool, realtime: str | None) -> Facts:
    """Gather the facts below `root` ("/" for the running system).

    `live`: it is the running system, so rights count as well. `own`: this process is the
    daemon, whose protection is to be judged. `realtime` is what is known of real-time
    tasks elsewhere; of the kernel it is found here.
    """
    root = root.rstrip("/")

    def there(path: str) -> bool:
        return os.path.exists(f"{root}/{path}")

    def tunable(path: str) -> int | None:
        return _number(f"{root}/proc/sys/{path}")

    managed_pages, present_pages = _sizes(root)
    pages_per_block, migratetypes = _pageblocks(root)
    mounts = mounts_of(root)
    status = _own_status() if own else {}
    return Facts(
        has_proc_sys=there("proc/sys/vm"),
        has_compact_memory=there("proc/sys/vm/compact_memory"),
        has_drop_caches=there("proc/sys/vm/drop_caches"),
        has_pagetypeinfo=there("proc/pagetypeinfo"),
        read_only=_is_read_only("/proc/sys/vm/compact_memory") if live else None,
        uid=os.geteuid() if live else None,
        capabilities=find_capabilities(root or "/", kernel, live=live),
        tunables=Tunables(
            panic=tunable("kernel/panic"),
            **{name: tunable(f"vm/{name}") for name in Tunables._fields if name != "panic"},
        ),
        pages_per_block=pages_per_block,
        migratetypes=migratetypes,
        managed_pages=managed_pages,
        present_pages=present_pages,
        swap_total_kib=_swap_total_kib(root),
        has_psi_file=there("proc/pressure/memory"),
        thp=_has_huge_pages(root, live=live),
        lru_gen_min_ttl_ms=_min_ttl_ms(root),
        lowmemorykiller=there("sys/module/lowmemorykiller"),
        root_fs=root_fs_of(root, mounts),
        hidepid=mounts.hidepid if mounts else None,
        sees_others=read_tiny("/proc/1/comm") is not None if live else None,
        lxcfs=mounts.lxcfs if mounts else None,
        container=container_name(root) if live else None,
        processes=process_names(root),
        realtime=realtime or kernel_sign(root),
        oom_score_adj=_number("/proc/self/oom_score_adj") if own else None,
        locked_kib=status.get(b"VmLck"),
    )


def _number(path: str) -> int | None:
    """Read one whole number; None where the file holds none."""
    text = (read_tiny(path) or b"").strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def _is_read_only(path: str) -> bool | None:
    """Whether a file lies on a mount that is read-only; a file can be a mount of its own."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return None


def _sizes(root: str) -> tuple[int | None, int | None]:
    """Sum what all zones manage and what is present in them; None where a zone does not tell."""
    try:
        stanzas = zoneinfo.parse(read_optional(f"{root}/proc/zoneinfo") or b"")
    except ParseError:
        return None, None
    managed = [stanza.managed for stanza in stanzas if stanza.present != 0]
    present = [stanza.present for stanza in stanzas]
    return _sum(managed), _sum(present)


def _sum(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _pageblocks(root: str) -> tuple[int | None, int | None]:
    """Give the size of a pageblock and the number of migratetypes."""
    try:
        found = pagetypeinfo.parse(read_optional(f"{root}/proc/pagetypeinfo") or b"")
    except ParseError:
        return None, None
    return found.pages_per_block, max(len(zone.free_blocks) for zone in found.zones.values())


def _swap_total_kib(root: str) -> int | None:
    try:
        return meminfo.parse(read_optional(f"{root}/proc/meminfo") or b"").swap_total_kib
    except ParseError:
        return None


def _has_huge_pages(root: str, *, live: bool) -> bool | None:
    """Whether transparent huge pages are on: "always [madvise] never".

    Without the file the kernel has none; a copied tree may just lack it.
    """
    text = read_tiny(f"{root}/sys/kernel/mm/transparent_hugepage/enabled")
    if text is None:
        return False if live else None
    return b"[never]" not in text


def _min_ttl_ms(root: str) -> int | None:
    """Read what the multi-generational LRU protects, where it is on."""
    place = f"{root}/sys/kernel/mm/lru_gen"
    try:
        if not int(read_tiny(f"{place}/enabled") or b"1", 16) & _ENABLED:
            return None
    except ValueError:
        pass  # in a form of later kernels
    return _number(f"{place}/min_ttl_ms")


def _own_status() -> dict[bytes, int]:
    """Read the sizes in /proc/self/status, in kib."""
    text = read_optional("/proc/self/status") or b""
    sizes = re.findall(rb"^(Vm\w+):\s+([0-9]{1,12}) kB$", text, re.MULTILINE)
    return {name: int(size) for name, size in sizes}
