"""The mark that holds for a request, and what of it is there for a while only (boost).

Source: __zone_watermark_ok(), zone_watermark_fast() and __alloc_pages_may_oom() in mm/page_alloc.c.
"""

from oomwatchd.explain.request import Asked
from oomwatchd.mm.gfpflags import Flags
from oomwatchd.mm.watermark import lowered
from oomwatchd.model import Version, Watermarks, Zone

_BOOSTS: Version = (5, 0, 0)
_TELLS_BOOST: Version = (5, 16, 0)
_OTHER_MIN = ("HighMem", "Movable")
_ROUNDING = 3


def mark_of(
    whole: Zone, asked: Asked, flags: Flags, version: Version, mark: str
) -> tuple[int, int]:
    """Give the mark as it is for the request, and what of it is boost."""
    marks = whole.watermarks or Watermarks(0, 0, 0, None)
    boost = boost_pages(whole.name, marks, version)
    if mark == "high":
        return marks.high, boost
    unboosted = _min_mark(marks.min - boost, asked, flags, version)
    if asked.order == 0 and _ignores_boost(flags, version):
        return unboosted, 0
    boosted = _min_mark(marks.min, asked, flags, version)
    return boosted, boosted - unboosted


def _ignores_boost(flags: Flags, version: Version) -> bool:
    """Whether a request for a page is tried again without the boost: zone_watermark_fast()."""
    return version >= (5, 9, 0) and (flags.high if version >= (6, 3, 0) else flags.harder)


def boost_pages(name: str, marks: Watermarks, version: Version) -> int:
    """Give the boost, or the least that it can be; from 5.0 to 5.15 it is in the marks, not told.

    Low and high lie a quarter of what min is without it above each other, or more. HighMem and
    Movable have a min of their own.
    """
    if marks.boost is not None:
        return marks.boost
    if not _BOOSTS <= version < _TELLS_BOOST or name in _OTHER_MIN:
        return 0
    gap = marks.low - marks.min
    steady = gap > 0 and abs(marks.high - marks.low - gap) <= 1
    return max(0, marks.min - 4 * gap) & ~_ROUNDING if steady else 0


def _min_mark(mark: int, asked: Asked, flags: Flags, version: Version) -> int:
    """Lower the min mark for the request's rights.

    A process that was killed (ALLOC_OOM, since 4.14) has half, up to 6.2 instead of ALLOC_HARDER's
    three quarters, then besides (__zone_watermark_ok()).
    """
    if not asked.is_dying:
        return lowered(mark, high=flags.high, harder=flags.harder)
    mark = lowered(mark, high=flags.high, harder=flags.harder and version >= (6, 3, 0))
    return mark - mark // 2


def is_unbounded(asked: Asked, version: Version) -> bool:
    """Whether no mark holds for the request: in reclaim, and up to 4.13 for who was killed."""
    return asked.is_reclaiming or (asked.is_dying and version < (4, 14, 0))
