"""What was asked for: how large, with which rights, for what, and from which zones."""

import re
from typing import NamedTuple

from oomwatchd.explain.kernel import KernelFound
from oomwatchd.explain.purpose import Purpose, is_interrupted, names_until_interrupt, purpose
from oomwatchd.mm.gfpflags import Flags, decode
from oomwatchd.mm.refusal import Circumstances, Outcome, outcome
from oomwatchd.model import Request
from oomwatchd.report.record import Report

_RECLAIMING = frozenset(
    {
        "balance_pgdat",
        "do_try_to_free_pages",
        "kswapd",
        "shrink_folio_list",
        "shrink_inactive_list",
        "shrink_page_list",
        "try_to_compact_pages",
        "try_to_free_mem_cgroup_pages",
        "try_to_free_pages",
    }
)
"""Who asks inside of these is freeing memory itself (PF_MEMALLOC) and may have the last page.

An interrupt that comes meanwhile may not."""


_KSWAPD = re.compile(r"kswapd\d+")


class Asked(NamedTuple):
    """The request of a report, as far as its header tells."""

    comm: str | None
    pid: int | None
    order: int | None
    size_bytes: int | None
    mask: int | None
    flags: Flags | None
    purpose: Purpose | None
    outcome: Outcome | None
    """What the kernel does about such a request when it cannot be met."""
    is_reclaiming: bool
    """It comes from the kernel's own freeing of memory, or for it: no mark holds for it."""
    is_in_reclaim: bool
    """It is made in the middle of reclaim: nobody can reclaim for it, even where marks hold."""
    is_dying: bool
    """Whoever asks was just killed: such a one may go deeper, and is refused without a kill."""
    is_known: bool
    """Whether order and flags are those of a real request (a page fault's kill has neither)."""

    @property
    def purpose_key(self) -> str:
        """Name what the memory was for in a word; "" where that is not known."""
        return self.purpose.key if self.purpose else ""

    @property
    def top_zone(self) -> str:
        """The highest zone that it may use, by its flags: gfp_zone()."""
        flags = self.flags
        if flags is None:
            return "Normal"
        if flags.highmem:
            return "Movable" if flags.movable else "HighMem"
        if flags.dma:
            return "DMA"
        return "DMA32" if flags.dma32 else "Normal"

    @property
    def request(self) -> Request:
        """The kind of demand that this is: ours, for a configuration."""
        flags = self.flags
        if flags is None:
            return Request.KERNEL
        if flags.movable and flags.highmem:
            return Request.MOVABLE
        if flags.dma:
            return Request.DMA
        if flags.dma32:
            return Request.DMA32
        return Request.KERNEL if flags.may_sleep else Request.ATOMIC


def asked_of(report: Report, kernel: KernelFound, *, is_dying: bool) -> Asked:
    """Read the request of a report."""
    header = report.header
    comm = header.comm if header else None
    order = header.order if header and header.order is not None and header.order >= 0 else None
    mask = header.gfp_mask if header else None
    flags = None
    if header is not None and mask is not None:
        flags = decode(mask, header.gfp_names, kernel.version)
    # __do_softirq() takes PF_MEMALLOC off the task that it borrows; up to 3.5 no interrupt has it.
    is_kswapd = _KSWAPD.fullmatch(comm or "") is not None and not is_interrupted(report.trace)
    in_reclaim = is_kswapd or not _RECLAIMING.isdisjoint(names_until_interrupt(report.trace))
    memalloc = flags is not None and flags.memalloc
    nomemalloc = flags is not None and flags.nomemalloc
    circumstances = Circumstances(
        compaction=False if report.compaction_disabled or not has_compaction(kernel) else None,
        dma_zone=any(zone.name in ("DMA", "DMA32") for zone in report.zones),
        reclaiming=in_reclaim or memalloc,
    )
    by_fault = mask == 0 and order == 0 and "pagefault_out_of_memory" in report.trace
    return Asked(
        comm=comm,
        pid=report.pid,
        order=order,
        size_bytes=None
        if order is None or not kernel.knows_page_size
        else kernel.page_size << order,
        mask=mask,
        flags=flags,
        purpose=purpose(report.trace, comm, order, kernel.architecture),
        outcome=None
        if flags is None or order is None or is_dying
        else outcome(flags, order, kernel.version, circumstances),
        is_reclaiming=(in_reclaim or memalloc) and not nomemalloc,
        is_in_reclaim=in_reclaim,
        is_dying=is_dying,
        is_known=flags is not None and order is not None and not by_fault,
    )


def has_compaction(kernel: KernelFound) -> bool:
    """Whether such a kernel can have compaction at all (on boards: 2.6.38 on)."""
    return kernel.last >= (2, 6, 38)
