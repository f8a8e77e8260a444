"""Below the free lists: caches, swap, and how much memory there is.

Source: show_mem() in lib/show_mem.c (mm/show_mem.c since 6.5); arch/arm/mm/init.c up to 3.19.
"""

import re

from oomwatchd.report.draft import Draft, Stage

_TOTAL = re.compile(r"(\d{1,20}) (?=[A-Za-z])")
_SWAP = re.compile(r"(Free|Total) swap(?: +=|:) +(\d{1,20})kB")
_NAMES = {
    "total pagecache pages": "pagecache",
    "pages in swap cache": "swapcache",
    "pages swap cached": "swapcache",
    "pages of RAM": "ram",
    "pages RAM": "ram",
    "pages HighMem/MovableOnly": "highmem",
    "pages of HIGHMEM": "highmem",
    "pages HighMem": "highmem",
    "reserved pages": "reserved",
    "pages reserved": "reserved",
    "pages cma reserved": "cma_reserved",
}
_OTHERS = frozenset(
    {
        "free pages",
        "slab pages",
        "pages shared",
        "pages non-shared",
        "pages hwpoisoned",
        "pages in pagetable cache",
        "pages slab",
        "pages pagetables",
        "pages mapped",
        "pages dirty",
        "pages writeback",
    }
)


def is_total(text: str) -> bool:
    """Whether a line is one of those below the free lists."""
    match = _TOTAL.match(text)
    return match is not None and _name(text, match) in _BEGUN


def _name(text: str, match: re.Match[str]) -> str:
    """Give what a line counts."""
    return text[match.end() :].rstrip()


def take_total(draft: Draft, text: str) -> bool:
    """Take "48566 total pagecache pages" and its like."""
    match = _TOTAL.match(text)
    if match is None or draft.stage > Stage.TOTALS:
        return False
    printed = _name(text, match)
    name = _NAMES.get(printed)
    if printed not in _ALL:
        draft.torn = text + " "
        return printed in _BEGUN
    if name in draft.totals:
        return False
    draft.stage = Stage.TOTALS
    if name is not None:
        draft.totals[name] = int(match[1])
    if printed == "pages of RAM":
        draft.signs.add("pages of RAM")
    return True


def take_swap(draft: Draft, text: str) -> bool:
    """Take "Free swap  = 0kB", "Total swap = 0kB", "Swap cache stats: ..."."""
    match = _SWAP.match(text)
    if draft.stage > Stage.TOTALS:
        return False
    if match is None:
        if not text.startswith("Swap cache"):
            return False
        draft.signs.add("Swap cache stats:")
    elif match[1] == "Free":
        if draft.swap_free is not None:
            return False
        draft.swap_free = int(match[2])
    else:
        if draft.swap_total is not None:
            return False
        draft.swap_total = int(match[2])
    # 2.6.18 prints the swap above the counters of the zones on some architectures.
    draft.stage = max(draft.stage, Stage.TOTALS) if draft.has_memory else draft.stage
    return True


_ALL = frozenset(_NAMES) | _OTHERS
_BEGUN = _ALL | {name[:at] for name in _ALL for at in range(len(name)) if name[at] == " "}
"""With what mail programs leave of them in the first of two lines."""
