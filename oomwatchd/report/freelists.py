"""The free lists: "Normal: 1445*4kB (UME) 1781*8kB ... = 20396kB", zone by zone.

Source: show_free_areas(). Before 4.9 the kernel prints each count by itself, and other lines come
between; a piece is put where its size is the next that is lacking. Letters since 3.7 to 3.9.
"""

import re

from oomwatchd.report.draft import Draft, OpenZone, Stage

MAX_ORDERS = 32

_LIST = re.compile(r"(?:Node (\d{1,5}),? )?([A-Za-z]\w{0,15}): *(?=\d{1,20}\*\d|empty|$)")
_BLOCK = re.compile(r"(\d{1,20})\*(\d{1,10})kB(?: *\(([A-Za-z]{0,8})\))?")
_TOTAL = re.compile(r"(?:^|[ =])= ?(\d{1,20})kB")
_LONE_TOTAL = re.compile(r"(\d{1,20})kB$")
_LETTERS = re.compile(r"\(([A-Z]{1,8})\)")


def is_list(text: str) -> bool:
    """Whether a line begins a zone's free lists."""
    return _LIST.match(text) is not None


def take_list(draft: Draft, text: str) -> bool:
    """Take the line of a zone's free lists, or its beginning."""
    match = _LIST.match(text)
    if match is None:
        return False
    node = int(match[1]) if match[1] else draft.pending_node
    known = draft.zones.get((node, match[2])) or _unsure(draft, node, match[2])
    if (known is not None and known.blocks is not None) or draft.stage > Stage.LISTS:
        return False
    if match.end() == len(text) and known is None:
        return False  # a word and a colon: as good as anything
    zone = known or draft.zone(node, match[2])
    if zone is None:
        return False
    draft.stage = Stage.LISTS
    draft.listed = zone
    draft.pending_node = None
    zone.blocks = []
    if text.startswith("empty", match.end()):
        zone.empty = True
    else:
        _fill(zone, text, match.end())
        _mark_torn(draft, zone, text)
    return True


def _unsure(draft: Draft, node: int | None, name: str) -> OpenZone | None:
    """Give the zone of that name whose node was lost from one of its lines."""
    for zone in draft.zones.values():
        if zone.name == name and zone.blocks is None and None in (node, zone.node):
            return zone
    return None


def take_piece(draft: Draft, text: str) -> bool:
    """Take counts, letters or a total that stand by themselves."""
    zone = draft.listed
    if zone is None or zone.blocks is None or draft.stage is not Stage.LISTS:
        return False
    blocks = zone.blocks
    if zone.total is not None or len(blocks) >= MAX_ORDERS:
        return False
    lone = _LONE_TOTAL.match(text)
    if lone:
        zone.total = int(lone[1])
        return True
    letters = _LETTERS.match(text)
    if letters:
        if not blocks or blocks[-1][2]:
            return False
        blocks[-1] = (*blocks[-1][:2], letters[1])
    else:
        first = _BLOCK.match(text)
        if first and blocks and int(first[2]) != 2 * blocks[-1][1]:
            return False
    _fill(zone, text, letters.end() if letters else 0)
    _mark_torn(draft, zone, text)
    return True


def _mark_torn(draft: Draft, zone: OpenZone, text: str) -> None:
    """Keep the last word of a line that a terminal has cut in the middle of it."""
    if zone.total is None and not text.endswith(("B", ")", "=", ":")):
        draft.torn = text.rpartition(" ")[2]


def _fill(zone: OpenZone, text: str, start: int) -> None:
    """Keep the counts and the total of a line."""
    blocks = zone.blocks
    if blocks is None:
        return
    for count, kib, letters in _BLOCK.findall(text, start)[:MAX_ORDERS]:
        blocks.append((int(count), int(kib), letters))
    total = _TOTAL.search(text, start)
    if total:
        zone.total = int(total[1])


def seen_blocks(zone: OpenZone, smallest_kib: int | None) -> tuple[int, ...] | None:
    """Give the blocks of lists that are cut, as far as they can be read; None where they cannot."""
    blocks = zone.blocks or []
    whole = zone.total is not None and zone.total == sum(count * kib for count, kib, _ in blocks)
    if not blocks or whole or blocks[0][1] != smallest_kib:
        return None
    seen = []
    for order, (count, kib, _) in enumerate(blocks):
        if kib != smallest_kib << order:
            break
        seen.append(count)
    return tuple(seen)


def free_blocks(zone: OpenZone, smallest_kib: int | None, orders: int) -> tuple[int, ...] | None:
    """Give a zone's blocks by order; None where some are missing, or do not sum up."""
    blocks = zone.blocks
    if blocks is None or (not blocks and not zone.empty):
        return None
    if zone.empty:
        return ()
    if any(kib != (smallest_kib or 0) << order for order, (_, kib, _) in enumerate(blocks)):
        return None
    if zone.total is None:
        whole = len(blocks) == orders
    else:
        whole = sum(count * kib for count, kib, _ in blocks) == zone.total
    return tuple(count for count, _, _ in blocks) if whole else None
