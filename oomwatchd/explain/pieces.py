"""Advice where memory was free in too small pieces."""

from collections.abc import Iterator

from oomwatchd.explain.request import has_compaction
from oomwatchd.explain.rule import largest_min_kib
from oomwatchd.explain.situation import Situation
from oomwatchd.explain.trial import Refusal
from oomwatchd.explain.usage import by_purpose
from oomwatchd.explain.verdict import Verdict
from oomwatchd.units import describe_size

_DROPPABLE_KIB = 2 * 1024
"""Less is not worth dropping."""
_NOTABLE = 0.1


def against_pieces(it: Situation) -> Iterator[str]:
    """Give advice where enough was free, in too small pieces."""
    yield from compaction(it)
    yield from _per_order(it)
    yield from by_purpose(it)
    if it.asked.flags is not None and not it.asked.flags.may_sleep:
        yield from for_atomic(it)
    yield _dropping(it)


def compaction(it: Situation) -> Iterator[str]:
    """Say whether free pages can be put together here."""
    if it.lacks_mmu:
        yield (
            "Without an MMU no kernel can compact memory: take large blocks at start and keep "
            "them, and start large programs first."
        )
        return
    if not has_compaction(it.kernel):
        yield (
            "This kernel cannot compact memory (2.6.35 began with it, boards without huge pages "
            "have it since 2.6.38): nothing puts free pages together. A newer kernel can."
        )
        return
    if it.report.compaction_disabled:
        yield "The kernel is built without compaction: build it with CONFIG_COMPACTION=y."
        return
    yield (
        "Compact memory before it is needed: `echo 1 >/proc/sys/vm/compact_memory` (needs "
        "CONFIG_COMPACTION), which is what oomwatchd does as headroom falls. It moves programs' "
        "pages and page cache; slab, page tables, network buffers and drivers' pages stay where "
        "they are"
        + (
            ": when the kernel refuses a request that may sleep it has just tried, so that by "
            "then little is left that could be moved."
            if it.asked.flags is not None and it.asked.flags.may_sleep
            else "."
        )
    )
    if it.is_at_least(5, 9):
        yield (
            "Let the kernel compact by itself: vm.compaction_proactiveness (0 is off, 20 the "
            "default; raise it where it costs nothing that matters)."
        )


def _per_order(it: Situation) -> Iterator[str]:
    """Up to 4.3 the kernel asks for a stock of large blocks, which grows with its min mark."""
    trial = it.reason.trial
    if trial is None or trial.refusal is not Refusal.STOCK or it.asked.flags is None:
        return
    most_kib = largest_min_kib(trial, it.asked.flags, it.kernel.page_size)
    min_kib = trial.zone.kib.get("min", 0)
    if it.reason.mark == "min" and most_kib is not None and 0 < most_kib < min_kib:
        yield (
            f"Do not raise vm.min_free_kbytes against this: before 4.4 the kernel asks for a "
            f"stock of large blocks that grows with it. With min at {most_kib} KiB or less in "
            f"{trial.zone.name} (it is {min_kib}) these very figures would have passed."
        )
    if it.by_new_rule is Verdict.GRANTED_NOW:
        yield (
            "Take a kernel since 4.4, if there is one for the device: it asks for one block that "
            "is large enough, not for a stock of them, and it can compact."
        )


def for_atomic(it: Situation) -> Iterator[str]:
    """Give advice for whoever cannot wait."""
    yield (
        "Whoever asks cannot wait, so that nobody reclaims or compacts for it: the blocks have "
        "to be there before. State a demand for it, with as many blocks as are taken at once."
    )
    if it.asked.order:
        yield (
            "In the driver: take large buffers once at start, use single pages with "
            "scatter-gather, or CMA (dma_alloc_coherent with a CMA area)."
        )


def _dropping(it: Situation) -> str:
    """Say whether dropping caches could have helped."""
    droppable_kib = it.uses.droppable_kib
    if droppable_kib is None:
        return f"Dropping caches gives back scattered pages{_if_compacted(it)}."
    size = describe_size(droppable_kib << 10)
    if droppable_kib < _DROPPABLE_KIB:
        file_size = describe_size((it.uses.file_kib or 0) << 10)
        text = f"Dropping caches could not help: page cache is as good as gone ({file_size})"
        if it.share(it.uses.unevictable_kib) >= _NOTABLE:
            kept = describe_size((it.uses.unevictable_kib or 0) << 10)
            text += f"; {kept} are unevictable (locked, or a root file system in RAM), and stay"
        if it.share(it.uses.shmem_kib) >= _NOTABLE:
            least = "at least " if it.uses.is_shmem_least else ""
            kept = describe_size((it.uses.shmem_kib or 0) << 10)
            text += f"; {least}{kept} are tmpfs or shared memory, which only deleting gives back"
        if it.uses.slab_kib:
            slab = describe_size(it.uses.slab_kib << 10)
            text += f"; how much of {slab} of slab could go is not said"
        return f"{text}."
    return (
        f"Dropping caches frees at most {size}, in scattered pages: it helps "
        f"little{_if_compacted(it)}."
    )


def _if_compacted(it: Situation) -> str:
    """Say what has to follow, where it can."""
    return " unless memory is compacted afterwards" if it.can_compact else ""
