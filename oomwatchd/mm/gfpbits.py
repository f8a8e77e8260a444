"""What the bits of a GFP mask mean, by kernel: their names, and the names of usual combinations.

Source: include/linux/gfp.h (2.6.18 to 5.19) and gfp_types.h (6.0 on) for the bits;
include/trace/events/gfpflags.h (to 4.5) and mmflags.h (4.6 on) for what the kernel writes of
them and in which order. The tables were compared with the headers of 2.6.18, 2.6.20, 2.6.22,
2.6.24, 2.6.32, 2.6.39, 3.13, 3.14, 4.4, 4.6, 4.9, 4.10, 4.12, 4.15, 4.18, 4.19, 5.0, 5.2, 5.9,
5.11, 5.14, 5.17, 5.19, 6.1, 6.3, 6.4, 6.8 and 6.12.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from oomwatchd.model import Version

OLDEST: Version = (2, 6, 18)
"""The oldest kernel that the tables speak of."""


class Bit(NamedTuple):
    """A flag, and where it is in the kernels from `since` up to, without, `before`."""

    name: str
    mask: int
    since: Version = OLDEST
    before: Version | None = None


BITS = (
    Bit("__GFP_DMA", 0x1),
    Bit("__GFP_HIGHMEM", 0x2),
    Bit("__GFP_DMA32", 0x4),
    Bit("__GFP_MOVABLE", 0x80000, (2, 6, 23), (2, 6, 24)),
    Bit("__GFP_MOVABLE", 0x100000, (2, 6, 24), (2, 6, 31)),
    Bit("__GFP_MOVABLE", 0x8, (2, 6, 31)),
    Bit("__GFP_RECLAIMABLE", 0x80000, (2, 6, 24), (4, 4, 0)),
    Bit("__GFP_RECLAIMABLE", 0x10, (4, 4, 0)),
    Bit("__GFP_WAIT", 0x10, OLDEST, (4, 4, 0)),
    Bit("__GFP_HIGH", 0x20),
    Bit("__GFP_IO", 0x40),
    Bit("__GFP_FS", 0x80),
    Bit("__GFP_COLD", 0x100, OLDEST, (4, 15, 0)),
    Bit("__GFP_NOWARN", 0x200, OLDEST, (5, 1, 0)),
    Bit("__GFP_NOWARN", 0x2000, (5, 1, 0)),
    Bit("__GFP_REPEAT", 0x400, OLDEST, (4, 13, 0)),
    Bit("__GFP_RETRY_MAYFAIL", 0x400, (4, 13, 0), (5, 1, 0)),
    Bit("__GFP_RETRY_MAYFAIL", 0x4000, (5, 1, 0)),
    Bit("__GFP_NOFAIL", 0x800, OLDEST, (5, 1, 0)),
    Bit("__GFP_NOFAIL", 0x8000, (5, 1, 0)),
    Bit("__GFP_NORETRY", 0x1000, OLDEST, (5, 1, 0)),
    Bit("__GFP_NORETRY", 0x10000, (5, 1, 0)),
    Bit("__GFP_NO_GROW", 0x2000, OLDEST, (2, 6, 22)),
    Bit("__GFP_MEMALLOC", 0x2000, (3, 6, 0), (5, 1, 0)),
    Bit("__GFP_MEMALLOC", 0x20000, (5, 1, 0)),
    Bit("__GFP_COMP", 0x4000, OLDEST, (5, 1, 0)),
    Bit("__GFP_COMP", 0x40000, (5, 1, 0)),
    Bit("__GFP_ZERO", 0x8000, OLDEST, (5, 1, 0)),
    Bit("__GFP_ZERO", 0x100, (5, 1, 0)),
    Bit("__GFP_NOMEMALLOC", 0x10000, OLDEST, (5, 1, 0)),
    Bit("__GFP_NOMEMALLOC", 0x80000, (5, 1, 0)),
    Bit("__GFP_HARDWALL", 0x20000, OLDEST, (5, 1, 0)),
    Bit("__GFP_HARDWALL", 0x100000, (5, 1, 0)),
    Bit("__GFP_THISNODE", 0x40000, (2, 6, 19), (5, 1, 0)),
    Bit("__GFP_THISNODE", 0x200000, (5, 1, 0)),
    Bit("__GFP_KMEMCG", 0x100000, (3, 8, 0), (3, 16, 0)),
    Bit("__GFP_NOACCOUNT", 0x100000, (4, 1, 0), (4, 5, 0)),
    Bit("__GFP_ACCOUNT", 0x100000, (4, 5, 0), (5, 1, 0)),
    Bit("__GFP_ACCOUNT", 0x400000, (5, 1, 0)),
    Bit("__GFP_NOTRACK", 0x200000, (2, 6, 31), (4, 15, 0)),
    Bit("__GFP_NO_KSWAPD", 0x400000, (2, 6, 38), (4, 4, 0)),
    Bit("__GFP_OTHER_NODE", 0x800000, (2, 6, 39), (4, 10, 0)),
    Bit("__GFP_WRITE", 0x1000000, (3, 3, 0), (4, 10, 0)),
    Bit("__GFP_WRITE", 0x800000, (4, 10, 0), (4, 18, 0)),
    Bit("__GFP_WRITE", 0x100, (4, 18, 0), (5, 1, 0)),
    Bit("__GFP_WRITE", 0x1000, (5, 1, 0)),
    Bit("__GFP_ATOMIC", 0x80000, (4, 4, 0), (5, 1, 0)),
    Bit("__GFP_ATOMIC", 0x200, (5, 1, 0), (6, 3, 0)),
    Bit("__GFP_DIRECT_RECLAIM", 0x400000, (4, 4, 0), (4, 18, 0)),
    Bit("__GFP_DIRECT_RECLAIM", 0x200000, (4, 18, 0), (5, 1, 0)),
    Bit("__GFP_DIRECT_RECLAIM", 0x400, (5, 1, 0)),
    Bit("__GFP_KSWAPD_RECLAIM", 0x2000000, (4, 4, 0), (4, 10, 0)),
    Bit("__GFP_KSWAPD_RECLAIM", 0x1000000, (4, 10, 0), (4, 18, 0)),
    Bit("__GFP_KSWAPD_RECLAIM", 0x400000, (4, 18, 0), (5, 1, 0)),
    Bit("__GFP_KSWAPD_RECLAIM", 0x800, (5, 1, 0)),
    Bit("__GFP_ZEROTAGS", 0x800000, (5, 14, 0)),
    # For kernels built to be debugged. Since 6.9 the bits from 24 up are given out to whatever the
    # build has of these and of __GFP_NO_OBJ_EXT: nobody can tell from a mask.
    Bit("__GFP_NOLOCKDEP", 0x2000000, (4, 12, 0), (4, 18, 0)),
    Bit("__GFP_NOLOCKDEP", 0x800000, (4, 18, 0), (5, 14, 0)),
    Bit("__GFP_NOLOCKDEP", 0x2000000, (5, 14, 0), (5, 18, 0)),
    Bit("__GFP_NOLOCKDEP", 0x8000000, (5, 18, 0), (6, 4, 0)),
    Bit("__GFP_NOLOCKDEP", 0x4000000, (6, 4, 0), (6, 9, 0)),
    Bit("__GFP_SKIP_ZERO", 0x1000000, (5, 18, 0), (6, 9, 0)),
    Bit("__GFP_SKIP_KASAN_POISON", 0x1000000, (5, 14, 0), (5, 18, 0)),
    Bit("__GFP_SKIP_KASAN_UNPOISON", 0x2000000, (5, 18, 0), (6, 4, 0)),
    Bit("__GFP_SKIP_KASAN_POISON", 0x4000000, (5, 18, 0), (6, 4, 0)),
    Bit("__GFP_SKIP_KASAN", 0x2000000, (6, 4, 0), (6, 9, 0)),
)
"""All flags. No two that a kernel has at the same time share a bit."""

ORDER = (
    "__GFP_HIGHMEM",
    "__GFP_HIGH",
    "__GFP_ATOMIC",
    "__GFP_WAIT",
    "__GFP_IO",
    "__GFP_FS",
    "__GFP_COLD",
    "__GFP_NOWARN",
    "__GFP_REPEAT",
    "__GFP_RETRY_MAYFAIL",
    "__GFP_NOFAIL",
    "__GFP_NORETRY",
    "__GFP_COMP",
    "__GFP_ZERO",
    "__GFP_NOMEMALLOC",
    "__GFP_MEMALLOC",
    "__GFP_HARDWALL",
    "__GFP_THISNODE",
    "__GFP_RECLAIMABLE",
    "__GFP_MOVABLE",
    "__GFP_ACCOUNT",
    "__GFP_NOTRACK",
    "__GFP_WRITE",
)
"""In which order the kernel writes them (mmflags.h of 4.6 to 6.8); others follow by their bit."""


class Composite(NamedTuple):
    """A combination that has a name; the kernel looks for them in the order of the table."""

    name: str
    parts: tuple[str, ...]
    """Names of flags, or of combinations."""
    since: Version = OLDEST
    before: Version | None = None


_WAITS_NOT = (4, 4, 0)
"""Since 4.4 __GFP_WAIT is split in two."""
_THP = ("__GFP_COMP", "__GFP_NOMEMALLOC", "__GFP_NOWARN")
_MOVABLE_PAGE = ("__GFP_IO", "__GFP_FS", "__GFP_HARDWALL", "__GFP_HIGHMEM", "__GFP_MOVABLE")

COMPOSITES = (
    Composite(
        "GFP_TRANSHUGE",
        ("GFP_HIGHUSER_MOVABLE", *_THP, "__GFP_NORETRY", "__GFP_NO_KSWAPD"),
        (2, 6, 38),
        (4, 4, 0),
    ),
    Composite(
        "GFP_TRANSHUGE",
        ("__GFP_DIRECT_RECLAIM", *_MOVABLE_PAGE, *_THP, "__GFP_NORETRY"),
        (4, 4, 0),
        (4, 6, 0),
    ),
    Composite("GFP_TRANSHUGE", (*_MOVABLE_PAGE, *_THP, "__GFP_NORETRY"), (4, 6, 0), (4, 8, 0)),
    # From 5.14 to 5.17 the pages of processes have __GFP_SKIP_KASAN_POISON, in all builds.
    Composite("GFP_TRANSHUGE", ("GFP_TRANSHUGE_LIGHT", "__GFP_DIRECT_RECLAIM"), (4, 8, 0)),
    Composite("GFP_TRANSHUGE_LIGHT", (*_MOVABLE_PAGE, *_THP), (4, 8, 0), (5, 14, 0)),
    Composite(
        "GFP_TRANSHUGE_LIGHT",
        (*_MOVABLE_PAGE, *_THP, "__GFP_SKIP_KASAN_POISON"),
        (5, 14, 0),
        (5, 18, 0),
    ),
    Composite("GFP_TRANSHUGE_LIGHT", (*_MOVABLE_PAGE, *_THP), (5, 18, 0)),
    Composite("GFP_HIGHUSER_MOVABLE", ("GFP_HIGHUSER", "__GFP_MOVABLE"), (2, 6, 23), (5, 14, 0)),
    Composite(
        "GFP_HIGHUSER_MOVABLE",
        ("GFP_HIGHUSER", "__GFP_MOVABLE", "__GFP_SKIP_KASAN_POISON"),
        (5, 14, 0),
        (5, 18, 0),
    ),
    Composite("GFP_HIGHUSER_MOVABLE", ("GFP_HIGHUSER", "__GFP_MOVABLE"), (5, 18, 0)),
    Composite("GFP_HIGHUSER", ("GFP_USER", "__GFP_HIGHMEM")),
    Composite("GFP_USER", ("GFP_KERNEL", "__GFP_HARDWALL")),
    Composite("GFP_TEMPORARY", ("GFP_KERNEL", "__GFP_RECLAIMABLE"), (2, 6, 24), (4, 14, 0)),
    Composite("GFP_KERNEL_ACCOUNT", ("GFP_KERNEL", "__GFP_ACCOUNT"), (4, 5, 0)),
    Composite("GFP_KERNEL", ("GFP_NOFS", "__GFP_FS")),
    Composite("GFP_NOFS", ("GFP_NOIO", "__GFP_IO")),
    Composite("GFP_ATOMIC", ("__GFP_HIGH",), OLDEST, _WAITS_NOT),
    Composite(
        "GFP_ATOMIC", ("__GFP_HIGH", "__GFP_ATOMIC", "__GFP_KSWAPD_RECLAIM"), (4, 4, 0), (6, 3, 0)
    ),
    Composite("GFP_ATOMIC", ("__GFP_HIGH", "__GFP_KSWAPD_RECLAIM"), (6, 3, 0)),
    Composite("GFP_NOIO", ("__GFP_WAIT",), OLDEST, _WAITS_NOT),
    Composite("GFP_NOIO", ("__GFP_DIRECT_RECLAIM", "__GFP_KSWAPD_RECLAIM"), (4, 4, 0)),
    Composite("GFP_NOWAIT", ("__GFP_KSWAPD_RECLAIM",), (4, 4, 0), (6, 8, 0)),
    Composite("GFP_NOWAIT", ("__GFP_KSWAPD_RECLAIM", "__GFP_NOWARN"), (6, 8, 0)),
    Composite("GFP_DMA", ("__GFP_DMA",)),
    Composite("GFP_DMA32", ("__GFP_DMA32",)),
)
"""GFP_NOWAIT up to 4.3 is no bit at all."""

ALIASES = MappingProxyType(
    {
        "__GFP_RECLAIM": ("__GFP_DIRECT_RECLAIM", "__GFP_KSWAPD_RECLAIM"),
        "GFP_IOFS": ("__GFP_IO", "__GFP_FS"),
        "GFP_THISNODE": ("__GFP_THISNODE", "__GFP_NOWARN", "__GFP_NORETRY"),
    }
)
"""Combinations that no report writes: the kernel finds another of the same bits before them."""


class Layout(NamedTuple):
    """The bits of one kernel."""

    bits: Mapping[str, int]
    """By name, in the order in which they are written."""
    composites: Mapping[str, int]
    """By name, in the order in which they are looked for."""

    def mask_of(self, name: str) -> int:
        """Give the bits of a flag or of a combination; 0 where the kernel does not have it."""
        if name in self.composites:
            return self.composites[name]
        return self.bits.get(name, 0)


@lru_cache(maxsize=64)
def layout(version: Version) -> Layout:
    """Give the bits of a kernel version; what is older than the tables is taken for the oldest."""
    version = max(version, OLDEST)
    bits = {bit.name: bit.mask for bit in sorted(BITS, key=_position) if _has(version, bit)}
    composites = {each.name: each for each in COMPOSITES if _has(version, each)}
    masks = dict(bits)
    # From the end: a combination is made of what stands below it.
    for each in reversed(composites.values()):
        masks[each.name] = 0
        for part in each.parts:
            masks[each.name] |= masks[part]
    return Layout(
        MappingProxyType(bits), MappingProxyType({name: masks[name] for name in composites})
    )


def boundaries() -> list[Version]:
    """Give the versions from which on a mask means something else, the oldest first."""
    rows: tuple[Bit | Composite, ...] = (*BITS, *COMPOSITES)
    ends = {row.before for row in rows if row.before is not None}
    return sorted(ends | {row.since for row in rows})


def _has(version: Version, row: Bit | Composite) -> bool:
    return row.since <= version and (row.before is None or version < row.before)


def _position(bit: Bit) -> tuple[int, int]:
    return (ORDER.index(bit.name) if bit.name in ORDER else len(ORDER), bit.mask)
