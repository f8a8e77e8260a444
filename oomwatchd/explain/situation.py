"""What advice is given for: the device and its failure, as far as they are known."""

from typing import NamedTuple

from oomwatchd.explain.kernel import KernelFound
from oomwatchd.explain.memory import Uses
from oomwatchd.explain.request import Asked, has_compaction
from oomwatchd.explain.trial import Trial
from oomwatchd.explain.verdict import Reason, Verdict
from oomwatchd.report.record import Kind, Report

NODE_CONSTRAINTS = ("CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY")
"""The request was kept to some nodes."""

_NO_MMU = frozenset({"do_mmap_private", "load_flat_file", "load_flat_binary"})


class Situation(NamedTuple):
    """All that advice depends on."""

    report: Report
    kernel: KernelFound
    asked: Asked
    reason: Reason
    by_new_rule: Verdict | None
    uses: Uses
    trials: tuple[Trial, ...]
    """Of all zones, by the min mark."""

    @property
    def can_compact(self) -> bool:
        """Whether the kernel may have compaction: old enough ones have not, others say so."""
        may = has_compaction(self.kernel) and not self.report.compaction_disabled
        return may and not self.lacks_mmu

    @property
    def is_kill(self) -> bool:
        """Whether somebody is killed for it."""
        return self.report.kind is Kind.OOM

    @property
    def lacks_mmu(self) -> bool:
        """Whether functions are there that only a kernel without an MMU has, or is likely to."""
        return not _NO_MMU.isdisjoint(self.report.trace)

    def is_at_least(self, *version: int) -> bool:
        """Whether the kernel is surely of that version or newer."""
        return self.kernel.since >= version

    def share(self, kib: int | None) -> float:
        """Give a part of all memory; 0 where either is not known."""
        if not kib or not self.uses.total_kib:
            return 0.0
        return kib / self.uses.total_kib


def has_highmem(report: Report) -> bool:
    """Whether the device has memory that the kernel cannot use for itself."""
    listed = any(
        zone.name == "HighMem" and zone.kib.get("managed", zone.kib.get("present"))
        for zone in report.zones
    )
    return listed or report.totals_pages.get("highmem", 0) > 0
