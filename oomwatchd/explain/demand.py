"""The section of oomwatchd.conf that would have spoken of a failure before it came."""

from typing import NamedTuple

from oomwatchd.assess.demands import PROCESS_BYTES, builtin_levels
from oomwatchd.explain.situation import NODE_CONSTRAINTS, Situation, has_highmem
from oomwatchd.explain.trial import Trial
from oomwatchd.explain.verdict import Verdict
from oomwatchd.mm.watermark import grants
from oomwatchd.model import Request, pages_in_blocks
from oomwatchd.units import describe_size, order_of, pages_of_kib

_NAMES = {
    "process_start": "process",
    "page_directory": "process",
    "kernel_stack": "process",
    "unix_socket": "message",
    "netlink": "message",
    "socket_buffer": "message",
    "network_receive": "network",
    "wifi": "network",
    "usb": "usb",
    "dma_coherent": "dma",
    "sound": "sound",
    "video": "video",
    "graphics": "graphics",
}
"""None is that of a built-in demand for something else: such a section would take its place."""
_LEAST_WARNING = 8
_ATOMIC_LEVELS = (32, 16)
"""How many blocks a driver takes at once is not in any report: state it."""
_WATCHED = frozenset(
    {
        Verdict.SHORTAGE,
        Verdict.FRAGMENTATION,
        Verdict.RESERVED,
        Verdict.LOWMEM,
        Verdict.BOOST,
        Verdict.GRANTED_NOW,
    }
)


class DemandSection(NamedTuple):
    """One demand, with the levels that fit this device."""

    name: str
    order: int
    request: Request
    warning: int
    critical: int
    page_kib: int | None = None
    """Of a demand for single pages."""
    is_built_in: bool = False
    """Whether the daemon watches for it without being told."""

    @property
    def text(self) -> str:
        """Write it as it stands in the configuration."""
        note = ""
        if self.page_kib is not None:
            sizes = (
                describe_size(pages * self.page_kib << 10)
                for pages in (self.warning, self.critical)
            )
            note = f"# {', '.join(sizes)}\n"
        return (
            f"[demand {self.name}]\norder = {self.order}\nrequest = {self.request.value}\n"
            f"{note}warning = {self.warning}\ncritical = {self.critical}\n"
        )


def demand_for(situation: Situation) -> DemandSection | None:
    """State what the device needs, judging by what it could not have.

    At the moment of the report headroom was 0, or what lies below these levels: by the built-in
    levels' formulas, of the marks of the zone that refused, or of all memory for single pages.
    """
    asked, reason = situation.asked, situation.reason
    if asked.order is None or not asked.is_known or reason.verdict not in _WATCHED:
        return None
    if asked.is_dying or situation.report.constraint in NODE_CONSTRAINTS:
        return None
    request = asked.request
    warning, critical = _levels(situation, asked.order, request)
    built_in = _built_in(situation, asked.order, request)
    if request is Request.ATOMIC:
        other = "atomic"
    else:
        other = "lowmem" if asked.order == 0 else f"order{asked.order}"
    name = built_in or _NAMES.get(asked.purpose_key, other)
    headroom = _headroom(situation, asked.order, request)
    if headroom is None or headroom > warning:
        return None
    page_kib = situation.kernel.page_size // 1024 if asked.order == 0 else None
    is_built_in = built_in is not None
    return DemandSection(name, asked.order, request, warning, critical, page_kib, is_built_in)


def _built_in(situation: Situation, order: int, request: Request) -> str | None:
    """Name the built-in demand that says the same; None where there is none."""
    if order == 0 and request is Request.MOVABLE:
        return "memory"
    page_directory = order_of(PROCESS_BYTES, situation.kernel.page_size)
    if request is Request.KERNEL and order == page_directory:
        return "process" if situation.kernel.architecture == "arm" else None
    return None


def _headroom(situation: Situation, order: int, request: Request) -> int | None:
    """Give the demand's headroom by the report's figures, at most; None where they do not tell.

    What is available counts for single pages of whoever may sleep, as for the daemon.
    """
    uses = situation.uses
    highmem = has_highmem(situation.report)
    if order == 0 and (request is Request.MOVABLE or (request is Request.KERNEL and not highmem)):
        if uses.free_kib is None:
            return None
        available_kib = uses.free_kib + (uses.droppable_kib or 0)
        return available_kib * 1024 // situation.kernel.page_size
    return sum(_most_blocks(trial, order) for trial in situation.trials if trial.is_reached)


def _most_blocks(trial: Trial, order: int) -> int:
    """Bound what could be taken from a zone: by its checks, and by its blocks."""
    if not trial.checks:
        return 0
    budget = min(grants(check, order) for check in trial.checks)
    if trial.usable_blocks == 0:
        return 0
    blocks = pages_in_blocks(trial.zone.free_blocks or (), order) >> order
    return min(budget, blocks) if trial.zone.free_blocks is not None else budget


def _levels(situation: Situation, order: int, request: Request) -> tuple[int, int]:
    """Give the levels, in blocks."""
    page_size, trial = situation.kernel.page_size, situation.reason.trial
    if order == 0 and request in (Request.MOVABLE, Request.KERNEL):
        return builtin_levels(order, page_size, situation.uses.total_kib or 0, None)
    if request is Request.ATOMIC:
        return _ATOMIC_LEVELS
    kib = trial.zone.kib if trial is not None else {}
    gap_pages = pages_of_kib(kib.get("low", 0) - kib.get("min", 0), page_size)
    warning, critical = builtin_levels(order, page_size, None, gap_pages)
    return max(_LEAST_WARNING, warning), critical
