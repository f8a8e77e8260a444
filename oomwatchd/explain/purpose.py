"""What a piece of memory was for, from the functions of a report's stack dump.

The stack is read from the allocator outward. The first function that leaves nothing open decides;
of the others the most telling one does. Beyond an interrupt or a page fault nothing is looked at:
what was going on there is not what the memory was for.
"""

import re
from collections.abc import Iterator
from fnmatch import translate
from functools import lru_cache
from itertools import dropwhile
from typing import NamedTuple

from oomwatchd.explain.use import ALL, Use
from oomwatchd.explain.uses_devices import ALLOCATORS, DEVICES
from oomwatchd.explain.uses_files import USES as FILES
from oomwatchd.explain.uses_network import USES as NETWORK
from oomwatchd.explain.uses_processes import USES as PROCESSES

USES = (*PROCESSES, *FILES, *NETWORK, *DEVICES, *ALLOCATORS)
"""The first that a function's name fits is what it asks for memory for."""


class Purpose(NamedTuple):
    """What the memory was for."""

    key: str
    what: str
    """Goes on from "The memory was for "."""
    function: str
    """The function that decided."""
    sure: bool
    """Not where only functions that serve many ends were found."""


_BOUNDARY = re.compile(
    r"(__|arch_)?do_softirq\w*|call_softirq|do_softirq_own_stack|run_ksoftirqd|_*irq_exit\w*"
    r"|\w*do_IRQ|handle_irq\w*|__handle_domain_irq|handle_domain_irq|__irq_svc|__irq_usr"
    r"|el[01][th]?(_64)?_irq\w*|(smp_)?apic_timer_interrupt|ret_from_intr|common_interrupt"
    r"|asm_common_interrupt|asm_sysvec_\w+|plat_irq_dispatch|\w*generic_handle_irq\w*"
    r"|(__)?do_page_fault|do_user_addr_fault|(asm_)?exc_page_fault|page_fault|error_code"
    r"|do_DataAbort|do_PrefetchAbort|do_translation_fault|do_mem_abort|__[dp]abt_(svc|usr)"
    r"|async_page_fault|ret_from_exception|tlb_do_page_fault\w*|handle_page_fault|el[01]_[di]a"
)
"""Where an interrupt or a page fault begins."""
_HANDED_ON = re.compile(
    r"(__)?netif_receive_skb\w*|ip(v6)?_rcv\w*|ip6_rcv|process_backlog|arp_rcv"
    r"|dev_hard_start_xmit|(__)?dev_queue_xmit"
)
"""Where a network driver and the network hand each other a packet."""
_RECLAIM = re.compile(
    r"(do_)?try_to_free_pages|shrink_(node|zone|slab|list|inactive_list|folio_list|page_list)\w*"
    r"|kswapd|balance_pgdat"
)
"""Reclaim: what asks for memory in it is named, who was to be helped by it is not."""
_CORE = re.compile(
    r"dump_(stack|header|backtrace)\w*|show_stack\w*|unwind_backtrace|__?warn_alloc\w*|warn_alloc\w*"
    r"|_*alloc_(frozen_)?pages\w*|get_page_from_freelist|_*get_free_pages|_*out_of_memory\w*"
    r"|oom_kill_process|oom_badness|select_bad_process|delayacct_end|ktime_get_ts\w*"
)
"""What every report's stack begins with: nobody has asked for anything yet."""
_SUFFIX = re.compile(r"\.(isra|constprop|part|cold|cfi_jt|llvm|lto_priv|clone)\b.*$")
_FORKS = frozenset({"copy_process", "do_fork", "_do_fork", "kernel_clone"})
_NEW_SPACES = frozenset({"mm_init", "mm_alloc", "bprm_mm_init", "dup_mm", "alloc_bprm"})
_MODULE = re.compile(r"(\S+) \[([\w-]+)\]$")
_OF_DRIVERS = frozenset(
    {
        "cma",
        "dma_coherent",
        "graphics",
        "ioctl",
        "kmalloc",
        "network_receive",
        "network_setup",
        "network_transmit",
        "slab",
        "sound",
        "storage",
        "tty",
        "usb",
        "video",
        "vmalloc",
        "wifi",
    }
)
"""Uses of which it helps to know the module."""
_SIZES = {
    ("page_directory", "arm", 2): "16 KiB in one piece on 32-bit ARM",
    ("kernel_stack", "arm", 1): "8 KiB in one piece on 32-bit ARM",
    ("kernel_stack", "mips", 1): "8 KiB in one piece on MIPS",
    ("kernel_stack", "arm64", 2): "16 KiB in one piece on arm64",
    ("kernel_stack", "x86_64", 2): "16 KiB in one piece on x86-64",
}
"""By use, architecture and order: what makes it hard to get. With pages of 4 KiB."""
_PAGE_DIRECTORY_ORDER = 2
"""On 32-bit ARM without LPAE."""
_THREADS = {
    "khugepaged": ("huge_page", "a huge page"),
    "kthreadd": ("process_start", "starting a thread of the kernel"),
    "ksmd": ("copy_on_write", "merging equal pages (KSM)"),
}
"""Threads of the kernel that do one thing only."""


@lru_cache(maxsize=64)
def purpose(
    trace: tuple[str, ...], comm: str | None, order: int | None, architecture: str | None
) -> Purpose | None:
    """Say what the memory was for; None where nothing tells.

    `trace` is innermost first; a function may have its module behind it: "name [module]".
    """
    best: tuple[Use, str] | None = None
    modules: list[str] = []
    in_slab = False
    for name, module in _until_interrupt(trace):
        if best is not None and (_RECLAIM.fullmatch(name) or _HANDED_ON.fullmatch(name)):
            break
        if module is not None:
            modules.append(module)
        use = _use_of(name)
        if use is None:
            continue
        in_slab = in_slab or use.key == "slab"
        if best is None or use.telling > best[0].telling:
            best = (use, name)
            if module is not None:
                modules.insert(0, module)  # the one that decides goes before those in between
        if use.telling >= ALL:
            break
    if best is None:
        return _by_thread(comm)
    use, function = best
    if not in_slab:
        use = _inlined(use, function, order, architecture)
    return Purpose(use.key, _worded(use, order, architecture, modules), function, use.sure)


@lru_cache(maxsize=64)
def names_until_interrupt(trace: tuple[str, ...]) -> frozenset[str]:
    """Name the functions that worked for whoever asked, not for whom an interrupt stopped."""
    return frozenset(name for name, _ in _until_interrupt(trace))


@lru_cache(maxsize=64)
def is_interrupted(trace: tuple[str, ...]) -> bool:
    """Whether an interrupt (or a page fault) asks, and not what the task itself was about."""
    names = [_split(frame)[0] for frame in trace]
    called = dropwhile(lambda name: _CORE.fullmatch(name) or _BOUNDARY.fullmatch(name), names)
    return any(map(_BOUNDARY.fullmatch, called))


def _until_interrupt(trace: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    """Give names and modules from the allocator outward.

    An interrupt cannot begin in the allocator itself: where nobody called it before, its functions
    are left over on the stack (x86 marks them with "?").
    """
    is_called = False
    for frame in trace:
        name, module = _split(frame)
        if _BOUNDARY.fullmatch(name):
            if is_called:
                return
            continue
        is_called = is_called or not _CORE.fullmatch(name)
        yield name, module


@lru_cache(maxsize=2048)
def _split(frame: str) -> tuple[str, str | None]:
    """Tell the function from its module, and its name from what the compiler made of it."""
    found = _MODULE.match(frame)
    name, module = (found[1], found[2]) if found else (frame, None)
    return _SUFFIX.sub("", name), module


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, Use], tuple[tuple[re.Pattern[str], Use], ...]]:
    """Put the table into a form that is quick to search: names, and patterns in their order."""
    names: dict[str, Use] = {}
    patterns: list[tuple[re.Pattern[str], Use]] = []
    for use in USES:
        wild = []
        for function in use.functions.split():
            if "*" in function or "?" in function:
                wild.append(translate(function))
            else:
                names.setdefault(function, use)
        if wild:
            patterns.append((re.compile("|".join(wild)), use))
    return names, tuple(patterns)


@lru_cache(maxsize=1024)
def _use_of(name: str) -> Use | None:
    """Look a function up: a full name goes before a pattern."""
    names, patterns = _table()
    if name in names:
        return names[name]
    return next((use for pattern, use in patterns if pattern.fullmatch(name)), None)


def _inlined(use: Use, function: str, order: int | None, architecture: str | None) -> Use:
    """Undo what the compiler put into its caller: pgd_alloc(), dup_task_struct()."""
    if use.key != "process_start" or not order:
        return use
    if function in _FORKS:
        return _use_of("dup_task_struct") or use
    if architecture == "arm" and order == _PAGE_DIRECTORY_ORDER and function in _NEW_SPACES:
        return _use_of("pgd_alloc") or use
    return use


def _worded(use: Use, order: int | None, architecture: str | None, modules: list[str]) -> str:
    size = _SIZES.get((use.key, architecture or "", order or 0))
    if size is not None:
        return f"{use.what} ({size})"
    if modules and use.key in _OF_DRIVERS:
        return f"{use.what} (module {modules[0]})"
    return use.what


def _by_thread(comm: str | None) -> Purpose | None:
    known = _THREADS.get((comm or "").partition("/")[0])
    return Purpose(*known, function="", sure=False) if known else None
