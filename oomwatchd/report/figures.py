"""The figures of the memory: of the whole system in pages, of nodes and zones in kB.

Source: show_free_areas() in mm/page_alloc.c (mm/show_mem.c since 6.5). Keys came and went, and
vendors add their own: a line is known by one key, and all that it says is kept. A line that mail
programs have wrapped goes on with the zone (or node) that came last.
"""

import re

from oomwatchd.report.draft import MAX_KEYS, Draft, OpenNode, OpenZone, Stage

ZONES = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device", "CMA")

_KIB = re.compile(r"([a-z_]{1,40}(?:\([a-z]{1,10}\))?): ?(\d{1,20})kb")
_PAGES = re.compile(r"([a-z_]{1,40}): ?(\d{1,20})(?![\dk])")
"""Both of a text in small letters."""
_ALL = re.compile(r"all_unreclaimable\? (yes|no)")
_ASKED = "all_unreclaimable?"
_ZONE = re.compile(r"(?:Node (\d{1,5}),? )?([A-Za-z]\w{0,15}) +(?=free:|boost:|min:|per-cpu:)")
_NODE = re.compile(r"Node (\d{1,5}) (?=[a-z_()]{1,40}:\d)")
_LONE_NODE = re.compile(r"Node (\d{1,5})$")
_NUMBERS = re.compile(r"\d{1,20}(?: +\d{1,20})*$")
_MAX_RESERVES = 32

COUNTERS = (
    "active",
    "active_anon",
    "inactive_anon",
    "isolated_anon",
    "active_file",
    "inactive_file",
    "isolated_file",
    "unevictable",
    "inactive",
    "dirty",
    "writeback",
    "unstable",
    "free",
    "slab",
    "slab_reclaimable",
    "slab_unreclaimable",
    "mapped",
    "shmem",
    "pagetables",
    "sec_pagetables",
    "bounce",
    "kernel_misc_reclaimable",
    "free_pcp",
    "free_cma",
)
"""The keys with which a line of the whole system's figures begins."""


def take_mark(draft: Draft, text: str) -> bool:
    """Take "Mem-Info:"."""
    if draft.marked or draft.stage > Stage.STACK:
        return False
    draft.marked = True
    draft.stage = Stage.COUNTERS
    if text.startswith("Mem-info"):
        draft.signs.add("Mem-info:")
    return True


def take_per_cpu(draft: Draft, text: str) -> bool:
    """Take a line of the lists of a processor: it says nothing but the kernel's age."""
    if not draft.reach(Stage.COUNTERS):
        return False
    if "hot: high" in text:
        draft.signs.add("cpu 0 hot: high")
    elif "Hot: hi:" in text:
        draft.signs.add("CPU 0: Hot: hi:")
    elif ": hi:" in text:
        draft.signs.add("CPU 0: hi:")
    return True


def take_counters(draft: Draft, text: str) -> bool:
    """Take figures of the whole system, in pages."""
    found = _PAGES.findall(text.lower())
    if not found or draft.stage > Stage.COUNTERS or len(draft.counters) > MAX_KEYS:
        return False
    if found[0][0] in draft.counters:
        return False
    draft.stage = Stage.COUNTERS
    if text.startswith(("Active:", "Active_anon:")):
        draft.signs.add(text[: text.index(":") + 1])
    _keep(draft.counters, found)
    return True


def take_free_pages(draft: Draft, _text: str) -> bool:
    """Pass over "Free pages: ...kB", which 2.6.18 prints among the figures."""
    return draft.reach(Stage.COUNTERS)


def take_node_line(draft: Draft, text: str) -> bool:  # noqa: PLR0911 - a form a branch
    """Take a line that begins with "Node": a zone's, since 4.8 also a node's own."""
    match = _NODE.match(text)
    if match is None:
        if _ZONE.match(text):
            return take_zone(draft, text)
        alone = _LONE_NODE.match(text)
        if alone and draft.stage <= Stage.LISTS:
            draft.pending_node = int(alone[1])
            return True
        return False
    if "hugepages_" in text:
        if not draft.reach(Stage.LISTS):
            return False
        draft.signs.add("hugepages_total=")
        return True
    number = int(match[1])
    if number in draft.nodes or len(draft.nodes) > MAX_KEYS or not draft.reach(Stage.ZONES):
        return False
    node = draft.nodes[number] = draft.last = OpenNode(number)
    _fill(node, text, match.end())
    _mark_torn(draft, text)
    return True


def take_zone(draft: Draft, text: str) -> bool:
    """Take the line of a zone's figures."""
    match = _ZONE.match(text)
    if match is None:
        return False
    if text.startswith("per-cpu:", match.end()):
        return take_per_cpu(draft, text)
    node = int(match[1]) if match[1] else draft.pending_node
    key = (node, match[2])
    known = draft.zones.get(key)
    if (known is not None and known.kib) or not draft.reach(Stage.ZONES):
        return False
    zone = draft.zone(node, match[2])
    if zone is None:
        return False
    draft.last = zone
    draft.pending_node = None
    draft.reserve_open = False
    _fill(zone, text, match.end())
    _mark_torn(draft, text)
    return True


def take_figures(draft: Draft, text: str) -> bool:
    """Take the rest of a wrapped line of a zone or a node."""
    last = draft.last
    if last is None or draft.stage is not Stage.ZONES or len(last.kib) > MAX_KEYS:
        return False
    found = _KIB.findall(text.lower())
    if found and found[0][0] in last.kib:
        return False
    if not found and last.all_unreclaimable is not None:
        return False
    if text.startswith(_ASKED) and text != _ASKED and not _ALL.match(text):
        return False  # its answer is lost, and something else follows
    _fill(last, text, 0)
    _mark_torn(draft, text)
    return True


def _fill(into: OpenZone | OpenNode, text: str, start: int) -> None:
    """Keep every figure of a line."""
    _keep(into.kib, _KIB.findall(text.lower(), start))
    match = _ALL.search(text, start) if _ASKED in text else None
    if match is not None:
        into.all_unreclaimable = match[1] == "yes"


def _keep(figures: dict[str, int], found: list[tuple[str, str]]) -> None:
    """Add figures; what is there already stays."""
    new = {key: int(figure) for key, figure in found}
    if len(new) == len(found) and figures.keys().isdisjoint(new):
        figures.update(new)
        return
    for key, figure in found:
        figures.setdefault(key, int(figure))


def _mark_torn(draft: Draft, text: str) -> None:
    """Keep the last word of a line that a terminal has cut in the middle of it."""
    if not text.endswith(_WHOLE_ENDS):
        draft.torn = text.rpartition(" ")[2] + (" " if text.endswith(_ASKED) else "")


def take_reserve(draft: Draft, text: str) -> bool:
    """Take "lowmem_reserve[]: ...", which follows its zone's figures."""
    zone = draft.last
    if not isinstance(zone, OpenZone) or draft.stage is not Stage.ZONES:
        return False
    if zone.reserve is not None:
        return False
    words = text.partition(":")[2].split()[:_MAX_RESERVES]
    zone.reserve = tuple(int(word) for word in words if word.isdecimal() and len(word) <= _DIGITS)
    draft.reserve_open = True
    return True


def take_numbers(draft: Draft, text: str) -> bool:
    """Take numbers that a kernel before 4.9 printed one by one, or that were wrapped."""
    zone = draft.last
    if not draft.reserve_open or not isinstance(zone, OpenZone) or draft.stage is not Stage.ZONES:
        return False
    if zone.reserve is None or len(zone.reserve) >= _MAX_RESERVES or not _NUMBERS.match(text):
        return False
    zone.reserve += tuple(int(word) for word in text.split())[:_MAX_RESERVES]
    return True


_DIGITS = 20
_WHOLE_ENDS = ("? yes", "? no", "kB", "KB")
