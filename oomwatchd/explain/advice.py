"""What would help on this device: only what is true of its kernel, and of these figures."""

from collections.abc import Callable, Iterator, Mapping

from oomwatchd.explain.kernel import name_of
from oomwatchd.explain.pieces import against_pieces, compaction, for_atomic
from oomwatchd.explain.situation import NODE_CONSTRAINTS, Situation, has_highmem
from oomwatchd.explain.usage import by_purpose, by_uses
from oomwatchd.explain.verdict import Verdict
from oomwatchd.units import describe_size

_NOTABLE = 0.1
_MOST = 0.5
_WORTH_NAMING = 8
"""CMA is named where it has at least this part of what is free."""
_SMALL_KIB = 200 * 1024
"""A hundredth of it is less than a pageblock of 2 MiB, the smallest there are mostly."""


def advice_for(situation: Situation) -> Iterator[str]:
    """Give advice, the most telling first."""
    give = _BY_VERDICT.get(situation.reason.verdict)
    if give is not None:
        yield from give(situation)


def _reserved(it: Situation) -> Iterator[str]:
    trial = it.reason.trial
    free_pages = (trial.free_pages or 0) if trial is not None else 0
    if it.asked.flags is not None and it.asked.flags.movable:
        yield (
            "Programs' pages could have gone to CMA until the last moment; the last try before a "
            "kill leaves it out. All but CMA was used up."
        )
        yield from by_uses(it)
        return
    if trial is not None and trial.cma_pages * _WORTH_NAMING >= free_pages > 0:
        size = describe_size(trial.cma_pages * it.kernel.page_size)
        yield (
            f"{size} of what is free lies in CMA, which serves programs' pages but no kernel "
            "allocation: make the area no larger than its drivers need (cma= on the kernel's "
            "command line, or linux,cma in the device tree)."
        )
        if it.can_compact:
            yield (
                "Compaction moves programs' pages into CMA and leaves the kernel what they lay "
                "in: `echo 1 >/proc/sys/vm/compact_memory`, or oomwatchd, before it comes to this."
            )
    elif trial is not None and it.asked.order:
        yield from compaction(it)
    if trial is not None and trial.highatomic_pages:
        size = describe_size(trial.highatomic_pages * it.kernel.page_size)
        yield (
            f"{size} are kept as HighAtomic for requests that cannot wait, since one of them "
            "took a large block; the kernel gives that back only just before it kills. "
            + (
                "Since 6.8 so small a device sets nothing aside."
                if not it.is_at_least(6, 8) and _is_small(it)
                else "Keep drivers from asking for large blocks in interrupts."
            )
        )
    yield from by_purpose(it)


def _is_small(it: Situation) -> bool:
    """Whether a hundredth of memory is less than a pageblock, as far as that is known."""
    return 0 < (it.uses.total_kib or 0) < _SMALL_KIB


def _lowmem(it: Situation) -> Iterator[str]:
    if it.report.constraint in NODE_CONSTRAINTS:
        yield "Allow a node that has memory in these zones (cpuset.mems, numactl)."
        return
    if it.asked.top_zone in ("DMA", "DMA32"):
        yield (
            f"Such a request may use {it.asked.top_zone} and below only: whether the device needs "
            "that is set in its driver (the DMA mask)."
        )
        return
    yield (
        "The kernel's own memory has to lie in lowmem. Find what fills that: slab, page tables, "
        "drivers, and programs' pages that came to lie there."
    )
    if has_highmem(it.report):
        yield (
            "Build the kernel so that lowmem is larger (CONFIG_VMSPLIT_2G, or CONFIG_VMSPLIT_3G_OPT"
            " where that is enough to have no HighMem at all), or use a 64-bit one."
            if it.kernel.architecture in ("arm", "x86")
            else "Build a kernel with more lowmem, or a 64-bit one."
        )
    yield from by_uses(it)


def _boost(it: Situation) -> Iterator[str]:
    if it.share(it.uses.unaccounted_kib) >= _MOST:
        yield from by_uses(it)
    yield (
        "Set vm.watermark_boost_factor=0: the marks are raised for a while after a request took "
        "a block of another type, which on a small device refuses requests that would be met."
    )
    if it.share(it.uses.unaccounted_kib) < _MOST:
        yield from by_uses(it)
    yield from by_purpose(it)


def _shortage(it: Situation) -> Iterator[str]:
    flags = it.asked.flags
    if flags is not None and not flags.may_sleep:
        cache = ""
        if it.share(it.uses.file_kib) >= _NOTABLE:
            size = describe_size((it.uses.file_kib or 0) << 10)
            cache = f" ({size} of page cache could not be given back in time)"
        yield (
            f"Raise vm.min_free_kbytes: whoever asks cannot wait{cache}, and the kernel then "
            "begins earlier to keep memory free."
            + (" vm.watermark_scale_factor does so too." if it.is_at_least(4, 6) else "")
        )
    yield from by_uses(it)
    yield from by_purpose(it)


def _granted_now(it: Situation) -> Iterator[str]:
    yield (
        "The failure was momentary: memory came free between the refusal and the report. Look at "
        "what takes memory in bursts."
    )
    if it.asked.flags is not None and not it.asked.flags.may_sleep:
        yield from for_atomic(it)
    yield from by_purpose(it)


def _cgroup_limit(it: Situation) -> Iterator[str]:
    cgroup = it.report.cgroup
    where = f" of {cgroup.path}" if cgroup and cgroup.path else ""
    yield (
        f"The limit{where} was reached; the device as a whole need not have been short of "
        "memory, and pieces have nothing to do with it. Raise the limit (memory.max, in cgroup 1 "
        "memory.limit_in_bytes), or find what grew in that group: files in tmpfs count too."
    )


def _requested(_it: Situation) -> Iterator[str]:
    yield "Find who wrote f to /proc/sysrq-trigger, or pressed SysRq-f: memory was not the reason."


def _too_large(it: Situation) -> Iterator[str]:
    trial = it.reason.trial
    orders = len(trial.zone.free_blocks or ()) if trial else 0
    yield (
        f"No allocation of order {it.asked.order} can ever be met: the largest blocks here are "
        f"of order {orders - 1}. The driver needs CMA, vmalloc, or smaller pieces."
    )


def _address_space(it: Situation) -> Iterator[str]:
    wanted, total_kib = it.report.vmalloc_bytes, it.uses.total_kib
    if wanted is not None and total_kib is not None and wanted > total_kib << 10:
        yield (
            "More was asked for than the machine has: a wrong size, from a program (a table, a "
            "rule set, a buffer) or from a device. Look at who asks."
        )
        return
    if it.report.vmalloc_got_bytes is not None:
        yield "There were addresses, pages were refused: memory was short at that moment."
        yield from by_uses(it)
        return
    if it.asked.flags is not None and it.asked.flags.account:
        yield "It counts for a control group: that group's limit may be what was reached."
        return
    if it.kernel.architecture in ("arm", "x86", "mips", "powerpc"):
        yield (
            "Address space for vmalloc is small on 32-bit kernels: enlarge it (vmalloc= on the "
            "kernel's command line; lowmem becomes smaller by as much), or map less."
        )
    yield "/proc/vmallocinfo names who has how much."


def _unknown(it: Situation) -> Iterator[str]:
    missing = ", ".join(it.report.missing)
    if missing:
        yield (
            f"The log lacks: {missing}. A larger kernel log keeps whole reports "
            "(log_buf_len=1M on the kernel's command line), or copy it from /dev/kmsg as it comes."
        )
    if it.asked.mask == 0 and it.asked.order == 0:
        yield (
            "A page fault failed and called the killer without saying what it could not have "
            f"(kernels up to {name_of((5, 14, 0))} do): a report just before may."
        )
    if it.is_kill:
        yield from by_uses(it)


_BY_VERDICT: Mapping[Verdict, Callable[[Situation], Iterator[str]]] = {
    Verdict.SHORTAGE: _shortage,
    Verdict.FRAGMENTATION: against_pieces,
    Verdict.RESERVED: _reserved,
    Verdict.LOWMEM: _lowmem,
    Verdict.BOOST: _boost,
    Verdict.CGROUP_LIMIT: _cgroup_limit,
    Verdict.REQUESTED: _requested,
    Verdict.TOO_LARGE: _too_large,
    Verdict.ADDRESS_SPACE: _address_space,
    Verdict.GRANTED_NOW: _granted_now,
    Verdict.UNKNOWN: _unknown,
}
