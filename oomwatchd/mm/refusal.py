"""What the kernel does with a request that it can still not meet after reclaim and compaction.

Source: mm/page_alloc.c, __alloc_pages() of 2.6.18 to 2.6.30, __alloc_pages_slowpath() and
__alloc_pages_may_oom() of 2.6.31 to 6.18, should_compact_retry(); out_of_memory() in
mm/oom_kill.c.
"""

from enum import Enum
from typing import NamedTuple

from oomwatchd.mm.gfpflags import Flags
from oomwatchd.model import Version

COSTLY_ORDER = 3
"""PAGE_ALLOC_COSTLY_ORDER: up to here a request that may sleep is not refused, as a rule."""


class Outcome(Enum):
    """What becomes of the request."""

    __hash__ = object.__hash__

    KILLS = "kills"
    """The OOM killer ends a process, and the request is tried again."""
    KILLS_LATE = "kills_late"
    """It is tried for as long as reclaim frees anything and single pages are to be had, however
    few large blocks there are; then the OOM killer is called."""
    FAILS = "fails"
    """Whoever asked is told so: "page allocation failure"."""
    FAILS_SILENTLY = "fails_silently"
    """Whoever asked is told so, the log is not."""
    LOOPS = "loops"
    """It is tried again and again, with nobody killed for it."""


class Circumstances(NamedTuple):
    """What the outcome depends on besides the request."""

    compaction: bool | None = None
    """Whether the kernel is built with it; None where that is unknown."""
    dma_zone: bool = True
    """Whether there is a zone of its own for what __GFP_DMA or __GFP_DMA32 asks for."""
    reclaiming: bool = False
    """It is asked for in the middle of reclaim (PF_MEMALLOC): by kswapd, or below
    try_to_free_pages()."""


USUAL = Circumstances()


def outcome(
    flags: Flags, order: int, version: Version, circumstances: Circumstances = USUAL
) -> Outcome:
    """Say what the kernel does when it has reclaimed what it could and still has no block.

    Before 2.6.23 an order above 3 fails while reclaim frees anything, and leads to a kill when it
    frees nothing: KILLS here.
    """
    compaction, dma_zone, reclaiming = circumstances
    if reclaiming and flags.may_sleep:
        # There is nothing that it could wait for.
        flags = flags._replace(may_sleep=False)
        if flags.nofail:
            return Outcome.LOOPS
    lowmem = dma_zone and (flags.dma or flags.dma32)
    if flags.may_sleep and flags.nofail:
        found = _nofail(flags, order, version, lowmem=lowmem)
    elif flags.noretry or not flags.may_sleep:
        found = Outcome.FAILS
    elif order > COSTLY_ORDER:
        found = _costly(flags, version)
    else:
        found = _usual(flags, version, lowmem=lowmem)
    if found is Outcome.FAILS:
        # Since 5.17 nothing is said of a failed __GFP_DMA where no zone has such memory.
        silent = flags.nowarn or (flags.dma and not dma_zone and version >= (5, 17, 0))
        return Outcome.FAILS_SILENTLY if silent else found
    late = compaction is False and version >= (4, 7, 0) and 0 < order <= COSTLY_ORDER
    return Outcome.KILLS_LATE if late and found is Outcome.KILLS else found


def _usual(flags: Flags, version: Version, *, lowmem: bool) -> Outcome:
    """Judge an order up to COSTLY_ORDER."""
    if flags.repeat and version >= (4, 13, 0):
        return Outcome.FAILS
    # Without __GFP_FS they loop: for lowmem up to 3.19, for one node up to 4.6.
    if lowmem and version >= ((2, 6, 36) if flags.fs else (4, 0, 0)):
        return Outcome.FAILS
    if flags.thisnode and version >= ((4, 0, 0) if flags.fs else (4, 7, 0)):
        return Outcome.FAILS
    # From 2.6.33 to 3.19 nobody is killed for one node, but it is tried again.
    loops = not flags.fs or (flags.thisnode and version >= (2, 6, 33))
    return Outcome.LOOPS if loops else Outcome.KILLS


def _costly(flags: Flags, version: Version) -> Outcome:
    """Judge an order above COSTLY_ORDER; __GFP_REPEAT makes it try harder, then it fails too."""
    if flags.fs and version < (2, 6, 23):
        return Outcome.KILLS
    loops = flags.repeat and not flags.fs and version < (2, 6, 26)
    return Outcome.LOOPS if loops else Outcome.FAILS


def _nofail(flags: Flags, order: int, version: Version, *, lowmem: bool) -> Outcome:
    """Judge __GFP_NOFAIL; before 4.11 it fails nevertheless in some cases."""
    costly = order > COSTLY_ORDER
    if version >= (4, 11, 0):
        nobody = flags.noretry or flags.repeat or flags.thisnode or lowmem or costly
        return Outcome.KILLS if flags.fs and not nobody else Outcome.LOOPS
    unkept = costly and (
        (flags.fs and (2, 6, 23) <= version < (2, 6, 31))
        or (not flags.repeat and version >= (4, 7, 0))
    )
    if flags.noretry or unkept:
        return Outcome.FAILS
    # From 4.0 to 4.10 the OOM killer is called for it without __GFP_FS too.
    return Outcome.KILLS if flags.fs or version >= (4, 0, 0) else Outcome.LOOPS
