"""What a request may do and what may be done for it, read from its GFP mask.

Source: include/linux/gfp.h, gfp_types.h (6.0 on) and gfp_to_alloc_flags() in mm/page_alloc.c; the
tables are in `gfpbits`. Since 4.6 the kernel writes names beside the number: they are trusted over
it, for vendors move bits.
"""

from functools import lru_cache
from typing import NamedTuple

from oomwatchd.mm.gfpbits import ALIASES, Layout, layout
from oomwatchd.model import Version

NAMES_SINCE: Version = (4, 6, 0)
"""Since then reports have names."""
SPLIT_WAIT: Version = (4, 4, 0)
"""Since then __GFP_WAIT is two flags, and whoever cannot sleep says __GFP_ATOMIC."""
_NO_ATOMIC: Version = (6, 3, 0)
"""Since then there is no __GFP_ATOMIC: who cannot sleep and has __GFP_HIGH goes deeper."""
_NOMEMALLOC_NOT_HARDER: Version = (2, 6, 39)
"""Since then __GFP_NOMEMALLOC keeps a request out of the deeper reserve."""


class Flags(NamedTuple):
    """A GFP mask, read."""

    names: tuple[str, ...]
    """As the kernel of that version writes them: combinations first, then what is left. As
    printed where they were printed."""
    unknown_bits: int
    """What has no name."""
    may_sleep: bool
    """It reclaims and compacts on its own behalf, and waits for it."""
    wakes_kswapd: bool
    io: bool
    fs: bool
    high: bool
    """It may use half of what lies below the min mark."""
    harder: bool
    """It may use a quarter more of that (since 6.3 a quarter of what __GFP_HIGH left)."""
    highmem: bool
    movable: bool
    reclaimable: bool
    dma: bool
    dma32: bool
    memalloc: bool
    """It may use everything."""
    nomemalloc: bool
    noretry: bool
    repeat: bool
    """__GFP_REPEAT, since 4.13 __GFP_RETRY_MAYFAIL."""
    nofail: bool
    nowarn: bool
    thisnode: bool
    zero: bool
    comp: bool
    account: bool
    """It is charged to a memory control group as kernel memory."""


@lru_cache(maxsize=128)
@lru_cache(maxsize=64)
def decode(mask: int, names: tuple[str, ...] | None, version: Version) -> Flags:
    """Read a mask as the kernel of that version means it, by its names where they are printed."""
    if names:
        # A kernel that writes names is at least so new, whatever is believed of it.
        version = max(version, NAMES_SINCE)
        unknown, flags = 0, set[str]()
        for name in names:
            unknown |= _number(name)
            flags |= _parts(name, layout(version))
    else:
        names, unknown = _names(mask, version)
        flags = {name for name, bit in layout(version).bits.items() if mask & bit}
    return _read(names, unknown, flags, version)


def encode(names: tuple[str, ...], version: Version) -> int:
    """Give the mask of those names; numbers among them count, names of other kernels do not."""
    known = layout(version)
    mask = 0
    for name in names:
        mask |= _number(name)
        for part in ALIASES.get(name, (name,)):
            mask |= known.mask_of(part)
    return mask


def composites(version: Version) -> dict[str, int]:
    """Give the masks of the combinations that have a name, in the order of looking for them."""
    return dict(layout(version).composites)


def _names(mask: int, version: Version) -> tuple[tuple[str, ...], int]:
    """Name a mask as the kernel does: the largest combinations first, each bit once."""
    known = layout(version)
    names: list[str] = []
    left = mask
    old, sleeps = version < SPLIT_WAIT, mask & known.bits.get("__GFP_WAIT", 0)
    for name, bits in known.composites.items():
        # GFP_ATOMIC is __GFP_HIGH alone up to 4.3: with __GFP_WAIT it would mislead.
        if left & bits == bits and not (name == "GFP_ATOMIC" and old and sleeps):
            names.append(name)
            left &= ~bits
    if old and not sleeps and "GFP_ATOMIC" not in names:
        names.insert(0, "GFP_NOWAIT")
    for name, bit in known.bits.items():
        if left & bit:
            names.append(name)
            left &= ~bit
    return tuple(names), left


def _parts(name: str, known: Layout) -> set[str]:
    """Take a name apart; one that this kernel does not have stands for itself."""
    parts = ALIASES.get(name)
    if parts is not None:
        return set(parts)
    mask = known.mask_of(name)
    return {each for each, bit in known.bits.items() if mask & bit} or {name}


def _number(name: str) -> int:
    """Read what the kernel writes for bits that it has no name for."""
    if name[:2] not in {"0x", "0X"}:
        return 0
    try:
        return int(name, 16)
    except ValueError:
        return 0


def _read(names: tuple[str, ...], unknown: int, flags: set[str], version: Version) -> Flags:
    has = flags.__contains__
    old = version < SPLIT_WAIT
    may_sleep = has("__GFP_WAIT" if old else "__GFP_DIRECT_RECLAIM")
    return Flags(
        names=names,
        unknown_bits=unknown,
        may_sleep=may_sleep,
        wakes_kswapd=not has("__GFP_NO_KSWAPD") if old else has("__GFP_KSWAPD_RECLAIM"),
        io=has("__GFP_IO"),
        fs=has("__GFP_FS"),
        high=has("__GFP_HIGH"),
        harder=_harder(flags, version, may_sleep=may_sleep),
        highmem=has("__GFP_HIGHMEM"),
        movable=has("__GFP_MOVABLE"),
        reclaimable=has("__GFP_RECLAIMABLE"),
        dma=has("__GFP_DMA") or has("GFP_DMA"),
        dma32=has("__GFP_DMA32") or has("GFP_DMA32"),
        memalloc=has("__GFP_MEMALLOC") and not has("__GFP_NOMEMALLOC"),
        nomemalloc=has("__GFP_NOMEMALLOC"),
        noretry=has("__GFP_NORETRY"),
        repeat=has("__GFP_REPEAT") or has("__GFP_RETRY_MAYFAIL"),
        nofail=has("__GFP_NOFAIL"),
        nowarn=has("__GFP_NOWARN"),
        thisnode=has("__GFP_THISNODE"),
        zero=has("__GFP_ZERO"),
        comp=has("__GFP_COMP"),
        account=has("__GFP_ACCOUNT") or has("__GFP_KMEMCG"),
    )


def _harder(flags: set[str], version: Version, *, may_sleep: bool) -> bool:
    """Apply the rule of ALLOC_HARDER (to 6.2) and ALLOC_NON_BLOCK (since 6.3).

    Late 6.1.y has the newer rule; with the flags that are in use both give the same there.
    """
    if "__GFP_NOMEMALLOC" in flags and version >= _NOMEMALLOC_NOT_HARDER:
        return False
    if version < SPLIT_WAIT:
        return not may_sleep
    if version < _NO_ATOMIC:
        return "__GFP_ATOMIC" in flags
    return not may_sleep and "__GFP_HIGH" in flags
