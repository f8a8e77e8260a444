"""What the device needs: the built-in demands of each system, and levels that scale with it."""

from functools import lru_cache

from oomwatchd.assess.headroom import System
from oomwatchd.assess.memory import Memory
from oomwatchd.mm.zonelist import reached_zones
from oomwatchd.model import Demand, DemandSpec, Kernel, Request, Version
from oomwatchd.procfs.meminfo import Meminfo
from oomwatchd.units import order_of, pages_of_kib

_KERNEL, _MOVABLE, _CMA = Request.KERNEL, Request.MOVABLE, Request.CMA
_SOCKET_BYTES = 32 * 1024
PROCESS_BYTES = 16 * 1024
"""The most that a process start takes in one piece, pages being no larger: a page directory on
32-bit ARM, elsewhere a kernel stack."""
_KIB_32BIT_VMALLOC = 4 * 1024 * 1024
"""No 32-bit kernel has more address space for vmalloc than this; every 64-bit one has."""

_MAPPED_STACK_SINCE: dict[str, Version] = {
    "x86_64": (4, 9, 0),
    "aarch64": (4, 14, 0),
    "s390x": (4, 20, 0),
    "ppc": (5, 7, 0),
    "riscv64": (5, 14, 0),
}
"""Since when CONFIG_VMAP_STACK, on by default, spares a process its block for the stack.

i386, MIPS and SuperH do not have it up to 6.18; ARM32 has it since 5.18, but needs a page
directory all the same, or (LPAE) is treated as if it had not.
"""


def builtin_specs(kernel: Kernel, meminfo: Meminfo | None) -> tuple[DemandSpec, ...]:
    """State what every device of this kind needs, whatever runs on it.

    ARM32 with two-level page tables takes a 16 KiB page directory for each process
    (arch/arm/mm/pgd.c, 2.6.18 to 6.18); elsewhere a process takes a kernel stack, unless that
    lies in vmalloc space; where no process start needs a block, a 32 KiB socket buffer does.
    """
    machine = kernel.machine or _guessed_machine(meminfo)
    if _is_arm32(machine) and not _has_lpae(kernel, meminfo):
        specific = DemandSpec(
            "process", order_of(PROCESS_BYTES, kernel.page_size), None, Request.KERNEL
        )
    elif _stack_is_mapped(machine, kernel.version):
        specific = DemandSpec("socket", None, _SOCKET_BYTES, Request.KERNEL)
    else:
        stack_bytes = _stack_bytes(machine, kernel)
        specific = DemandSpec("process", None, stack_bytes, Request.KERNEL)
    return specific, DemandSpec("memory", 0, None, Request.MOVABLE)


def resolve(spec: DemandSpec, system: System, memory: Memory, page_size: int) -> Demand:
    """Fill in what the statement leaves open: order of a size, levels by the system's marks."""
    order = spec.order
    if order is None:
        order = order_of(spec.size_bytes or 1, page_size)
    if memory.total_kib is not None and measures_available(system, spec.request, order):
        return _demand(spec, order, page_size, memory.total_kib, None)
    return _demand(spec, order, page_size, None, _gap_pages(system, spec.request))


@lru_cache(maxsize=32)
def _demand(
    spec: DemandSpec, order: int, page_size: int, total_kib: int | None, gap_pages: int | None
) -> Demand:
    """Take the stated levels, or those by the system's memory or marks: both hardly change."""
    warning, critical = builtin_levels(order, page_size, total_kib, gap_pages)
    if spec.warning is not None:
        # In proportion: a stage between the two is what the warning is for.
        in_proportion = spec.warning * critical // warning
        critical = min(spec.warning, max(in_proportion, min(2, critical)))
        warning = spec.warning
    if spec.critical is not None:
        critical = spec.critical
        warning = max(warning, critical)
    return Demand(spec.name, order, spec.request, warning, critical)


def measures_available(system: System, request: Request, order: int) -> bool:
    """Whether the demand is one for plain memory, measured by what is available.

    Single pages for a request that may sleep come from reclaim too. Available memory counts
    HighMem, so for requests that cannot use it only where there is none.
    """
    if order != 0:
        return False
    if request is _MOVABLE:
        return True
    if request is not _KERNEL:
        return False
    return not any(zone.name == "HighMem" and zone.free_blocks for zone in system.zones)


def _gap_pages(system: System, request: Request) -> int | None:
    """Sum what is between the min and low marks; None for CMA, which is bound by none.

    The boost is in both marks alike, so it falls out of their difference.
    """
    if request is _CMA:
        return None
    gap_pages = 0
    for zone in reached_zones(system.zones, system.compiled, request):
        marks = zone.watermarks
        if marks is not None:
            gap_pages += marks.low - marks.min
    return gap_pages


def builtin_levels(
    order: int, page_size: int, total_kib: int | None, gap_pages: int | None
) -> tuple[int, int]:
    """Give default levels (warning, critical) in blocks: of all memory, by the marks, or of CMA."""
    if total_kib is not None:
        return (
            pages_of_kib(max(4 * 1024, total_kib * 6 // 100), page_size),
            pages_of_kib(max(2 * 1024, total_kib * 3 // 100), page_size),
        )
    if gap_pages is None:
        return 1, 0
    warning = max(4, gap_pages >> (order + 1))
    return warning, max(2, warning // 4)


def _guessed_machine(meminfo: Meminfo | None) -> str:
    """Guess the kind of machine of files without an origin: 64-bit, else the ARM board."""
    if meminfo and (meminfo.vmalloc_total_kib or 0) > _KIB_32BIT_VMALLOC:
        return "aarch64"
    return "arm"


def _is_arm32(machine: str) -> bool:
    return machine.startswith("arm") and not machine.startswith("arm64")


def _has_lpae(kernel: Kernel, meminfo: Meminfo | None) -> bool:
    """Whether a 32-bit ARM kernel has three-level page tables: only then has it huge pages."""
    return "lpae" in (kernel.release or "") or bool(meminfo and meminfo.hugepage_kib)


def _stack_is_mapped(machine: str, version: Version | None) -> bool:
    since = _MAPPED_STACK_SINCE.get(machine)
    return since is not None and (version or since) >= since


def _stack_bytes(machine: str, kernel: Kernel) -> int:
    """Give the size of a kernel stack (THREAD_SIZE of the architecture's thread_info.h)."""
    version = kernel.version or (6, 18, 0)
    large = machine in ("mips64", "riscv64", "ppc64", "ppc64le", "s390x")
    large |= machine == "aarch64" and version >= (3, 11, 0)
    large |= machine == "x86_64" and version >= (3, 15, 0)
    return max(PROCESS_BYTES if large else 8 * 1024, kernel.page_size)
