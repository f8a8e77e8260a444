"""Which kernels a GFP mask can come from, where a report does not say which kernel wrote it.

Source: `gfpbits`, and what callers in the kernel ask for.
"""

from functools import lru_cache

from oomwatchd.mm.gfpbits import OLDEST, boundaries, layout
from oomwatchd.mm.gfpflags import NAMES_SINCE, SPLIT_WAIT, encode
from oomwatchd.model import Version

_COUNTED: Version = (6, 9, 0)
_FIXED_BITS = 0xFFFFFF
"""Since 6.9 the bits above these are given out by what the kernel is built with."""
_DEBUGGING = frozenset(
    {
        "__GFP_NOLOCKDEP",
        "__GFP_SKIP_ZERO",
        "__GFP_SKIP_KASAN",
        "__GFP_SKIP_KASAN_POISON",
        "__GFP_SKIP_KASAN_UNPOISON",
    }
)
_SLEEPERS_ONLY = frozenset({"__GFP_FS", "__GFP_NOFAIL", "__GFP_NO_KSWAPD", "__GFP_NO_GROW"})
_KERNEL_MEMORY_ONLY = frozenset(
    {"__GFP_RECLAIMABLE", "__GFP_KMEMCG", "__GFP_NOACCOUNT", "__GFP_MEMALLOC"}
)


@lru_cache(maxsize=128)
def family(mask: int, *, names_printed: bool) -> tuple[Version | None, Version | None]:
    """Tell which kernels a mask can come from: since when, and before when; None where open.

    A kernel is left out if the mask has bits that it does not know, or flags that nobody asks for
    together. (None, None) where the mask tells nothing.
    """
    if mask == 0:  # a page fault's kill, up to 5.14 in every kernel
        return (NAMES_SINCE, None) if names_printed else (None, NAMES_SINCE)
    # Flags of kernels built to be debugged only where nothing else explains the mask.
    windows = _windows(mask, names_printed=names_printed, debugging=False) or _windows(
        mask, names_printed=names_printed, debugging=True
    )
    if not names_printed:
        # No names: an old kernel, unless no old kernel can have meant it.
        windows = [window for window in windows if window[0] < NAMES_SINCE] or windows
    if not windows:
        return (NAMES_SINCE, None) if names_printed else (None, None)
    since, before = windows[0][0], windows[-1][1]
    return (None if since == OLDEST else since), before


def _windows(
    mask: int, *, names_printed: bool, debugging: bool
) -> list[tuple[Version, Version | None]]:
    edges = sorted({*boundaries(), NAMES_SINCE})
    ends: list[Version | None] = [*edges[1:], None]
    return [
        (since, before)
        for since, before in zip(edges, ends, strict=True)
        if since >= NAMES_SINCE or not names_printed
        if _plausible(mask, since, debugging=debugging)
    ]


def _plausible(mask: int, version: Version, *, debugging: bool) -> bool:
    if version >= _COUNTED and debugging:
        mask &= _FIXED_BITS
    known = layout(version)
    flags = {name for name, bit in known.bits.items() if mask & bit}
    if encode(tuple(flags), version) != mask:
        return False
    odd = {known.bits[name] for name in flags & _DEBUGGING}
    if "__GFP_MOVABLE" in flags:
        # From 5.14 to 5.17 one of them is on all pages of processes.
        odd -= {known.composites["GFP_HIGHUSER_MOVABLE"] & bit for bit in odd}
    if odd and not debugging:
        return False
    # Huge pages for user memory are asked for in ways of their own.
    huge = [bits for name, bits in known.composites.items() if name.startswith("GFP_TRANSHUGE")]
    return any(mask & bits == bits for bits in huge) or _asked_for(flags, version)


def _asked_for(flags: set[str], version: Version) -> bool:
    """Say whether somebody in a kernel of that version would ask so."""
    if flags & {"__GFP_HIGHMEM", "__GFP_MOVABLE"} and flags & _KERNEL_MEMORY_ONLY:
        return False
    if "__GFP_WRITE" in flags and "__GFP_IO" not in flags:
        return False
    if version < SPLIT_WAIT:
        return "__GFP_WAIT" in flags or not flags & _SLEEPERS_ONLY
    if "__GFP_KSWAPD_RECLAIM" not in flags:
        return False
    return "__GFP_DIRECT_RECLAIM" in flags or not flags & _SLEEPERS_ONLY
