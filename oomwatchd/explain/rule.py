"""Turning the kernel's rule round: which min mark would have let a request pass."""

from oomwatchd.explain.trial import Trial
from oomwatchd.mm.gfpflags import Flags
from oomwatchd.mm.watermark import unlowered


def largest_min_kib(trial: Trial, flags: Flags, page_size: int) -> int | None:
    """Give the largest min mark of the zone with which all checks pass, in KiB; None if none.

    The per-order rule up to 4.3 in mainline: check i compares with the lowered mark halved i times.
    """
    if not trial.checks:
        return None
    most = min(
        ((check.pages << at) - 1 if at else check.pages - trial.reserve_pages - 1)
        for at, check in enumerate(trial.checks)
    )
    if most < 0:
        return None
    pages = unlowered(most, high=flags.high, harder=flags.harder)
    return (pages + 1) * page_size // 1024 - 1
