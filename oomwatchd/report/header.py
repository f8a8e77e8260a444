"""The line that opens a report.

Source: dump_header() in mm/oom_kill.c, warn_alloc() (before 4.9 warn_alloc_failed()) in
mm/page_alloc.c, mm/vmalloc.c. A name may hold blanks, dots and colons: what follows it is fixed.
"""

import re
from typing import NamedTuple

from oomwatchd.report.draft import Draft, Stage, known
from oomwatchd.report.record import Header, Kind

_MAX_COMM = 15
_MAX_ORDER = 63
"""More is nobody's: such a number is damaged."""

_OOM = "invoked oom-killer:"
_OLD_OOM = "oom-killer: gfp_mask="
_FAILURE = "page allocation failure"
_ENDS_FAILURE = "allocation failure"
_BEGINS_FAILURE = ": page allocation"
"""Of a header that a mail program has wrapped: what its second line begins, its first ends with."""
_AFTER_FAILURE = re.compile(r"([.:])? ?(?=order|mode|$)")
_STALL = re.compile(r"page allocation stalls for \d")
_VMALLOC = re.compile(
    r"(?:(.{0,80}?): )?(?:vmalloc: allocation failure(?:: (\d{1,20}) bytes|, allocated (\d{1,20}) "
    r"of (\d{1,20}) bytes|)|vmalloc error: size (\d{1,20}),?)"
)
_VMAP = re.compile(r"vmap allocation for size (\d{1,20}) failed")
_NO_MMU = re.compile(r"(?:nommu: )?Allocation of length \d{1,20} from process \d{1,10}\b")
_SHOW_MEMORY = re.compile(r"(?:sysrq|SysRq) ?: (?:HELP|Show Memory)", re.IGNORECASE)

OPENINGS = (
    *(b"oom-kill", b"llocation ", b"page allocation\n", b"page allocation\r"),
    *(b"vmalloc error", b"sysrq", b"SysRq", b"Linux version "),
)
"""A line without any of these neither opens a report nor says that a kernel boots."""

_GFP = re.compile(r"(?:gfp_mask=|mode:)(?:0x)?([0-9a-f]{1,16})(?:\(([^)]{0,1000})\))?")
_ORDER = re.compile(r"order[=:] ?(-?\d{1,10})(?!\d)")
_NODEMASK = re.compile(r"nodemask=(\(null\)|\d[\d,-]*\d|\d)")
_SCORE_ADJ = re.compile(r"oom_score_adj=(-?\d{1,5})(?!\d)")
_ADJ = re.compile(r"oom_adj=(-?\d{1,3})(?!\d)")
_KILLADJ = re.compile(r"oomkilladj=(-?\d{1,3})(?!\d)")
_UNSIGNED_MINUS_ONE = 2**32 - 1
_NOTHING = Header(None, None, None, None, None, None)


class Opening(NamedTuple):
    """What the first line of a report says."""

    kind: Kind | None
    """None where it is no report, only printed like one."""
    header: Header | None
    signs: frozenset[str] = frozenset()
    vmalloc_bytes: int | None = None
    vmalloc_got_bytes: int | None = None


def opening(text: str) -> Opening | None:  # noqa: PLR0911 - a form a branch
    """Read a line that opens a report; None where it does not."""
    if "oom-killer:" in text and (_OOM in text or _OLD_OOM in text):
        return _oom(text)
    if "allocation " in text and (opened := _allocation(text)):
        return opened
    if "Allocation of length" in text and _NO_MMU.match(text):
        return Opening(None, None)  # the same again: the report came before
    if text.endswith(_BEGINS_FAILURE) and len(text) <= _MAX_COMM + len(_BEGINS_FAILURE):
        who = _comm(text.removesuffix(_BEGINS_FAILURE))
        return Opening(Kind.ALLOCATION_FAILURE, _NOTHING._replace(comm=who))
    if "vmalloc" in text:
        match = _VMALLOC.match(text)
        if match:
            return _vmalloc(text, match)
    if text.startswith(("sysrq", "SysRq")) and _SHOW_MEMORY.match(text):
        return Opening(None, None)
    return None


def _oom(text: str) -> Opening:
    """Read the header of the OOM killer."""
    before, found, _ = text.partition(_OOM)
    header = _facts(text)._replace(comm=_comm(before) if found else None)
    signs = set()
    if not found and "adj=" not in text:  # else it is the second line of a wrapped header
        signs.add("oom-killer: without a name")
    if "nodemask=" in text:
        signs.add("OOM header: nodemask=")
        if ",  order=" in text:
            signs.add("OOM header: two blanks before order=")
    return Opening(Kind.OOM, header, frozenset(signs) | _signs(text))


def _allocation(text: str) -> Opening | None:
    """Read a line that names an allocation."""
    failure = _failure(text)
    if failure is not None:
        return failure
    stall = _STALL.search(text)
    if stall:
        who = _comm(text[: stall.start()].rstrip(": "))
        return Opening(None, _NOTHING._replace(comm=who))
    match = _VMAP.match(text)
    return Opening(Kind.VMALLOC_FAILURE, None, vmalloc_bytes=int(match[1])) if match else None


def _failure(text: str) -> Opening | None:
    """Read the header of a failed allocation; None where it is none."""
    before, found, after = text.partition(_FAILURE)
    if not found:
        before, after = "", text.removeprefix(_ENDS_FAILURE)
    match = _AFTER_FAILURE.match(after)
    if match is None or (not found and (after == text or match.end() == len(after))):
        return None
    header = _facts(text)._replace(comm=_comm(before.rstrip().removesuffix(":")))
    signs = set()
    if match[1]:
        signs.add(f"failure{match[1]} order:")
    if "nodemask=" in text:
        signs.add("failure header: nodemask=")
    if "cpuset=" in text:
        signs.add("failure header: cpuset=")
    return Opening(Kind.ALLOCATION_FAILURE, header, frozenset(signs) | _signs(text))


def _vmalloc(text: str, match: re.Match[str]) -> Opening:
    """Read the header of a failure to allocate virtually; before 4.9 a second line has the rest."""
    size, got = match[2] or match[4] or match[5], match[3]
    header = _facts(text)
    comm = _comm(match[1])
    wanted = None if header == _NOTHING and comm is None else header._replace(comm=comm)
    return Opening(
        Kind.VMALLOC_FAILURE,
        wanted,
        _signs(text),
        vmalloc_bytes=int(size) if size else None,
        vmalloc_got_bytes=int(got) if got else None,
    )


def _facts(text: str) -> Header:
    """Read what a header says by its keys."""
    gfp = _GFP.search(text)
    order = _ORDER.search(text)
    nodemask = _NODEMASK.search(text)
    adjustment = _SCORE_ADJ.search(text) or _ADJ.search(text) or _KILLADJ.search(text)
    number = int(order[1]) if order else None
    return Header(
        comm=None,
        gfp_mask=int(gfp[1], 16) if gfp else None,
        gfp_names=_names(gfp[2]) if gfp and gfp[2] is not None else None,
        order=_order(number),
        adjustment=int(adjustment[1]) if adjustment else None,
        nodemask=nodemask[1] if nodemask and nodemask[1] != "(null)" else None,
    )


def _order(number: int | None) -> int | None:
    """Give an order that can be one."""
    if number in (-1, _UNSIGNED_MINUS_ONE):
        return -1
    return None if number is None or not 0 <= number <= _MAX_ORDER else number


def _names(printed: str) -> tuple[str, ...]:
    """Take the names of flags apart."""
    return tuple(name for name in printed.split("|") if name)


def _signs(text: str) -> frozenset[str]:
    """Tell what of a header (or of its rest) dates the kernel."""
    signs = set()
    if "oomkilladj=" in text:
        signs.add("oomkilladj=")
    if "oom_score_adj=" in text:
        signs.add("oom_adj= and oom_score_adj=" if "oom_adj=" in text else "oom_score_adj=")
    elif "oom_adj=" in text:
        signs.add("oom_adj=")
    gfp = _GFP.search(text)
    if gfp and gfp[2] is not None:
        signs.add("names of GFP flags")
    return frozenset(signs)


def _comm(printed: str | None) -> str | None:
    """Give a task's name; of a longer text, which still has something before it, its end."""
    if printed is None:
        return None
    name = printed.strip()
    if len(name) > _MAX_COMM:
        for separator in (": ", "]", " "):
            name = name.rpartition(separator)[2] if len(name) > _MAX_COMM else name
    return name or None


def take_rest(draft: Draft, text: str) -> bool:
    """Take what of a header stands in the line after it: mails are wrapped."""
    header = draft.header
    if header is None or draft.stage > Stage.HEADER:
        return False
    if "adj=" in text and not draft.is_oom:
        return False  # only who may kill says so
    facts = _facts(text)
    better = "oom_score_adj=" in text and "oom_adj=" in draft.signs
    new = any(old is None and fact is not None for old, fact in zip(header, facts, strict=True))
    if not (new or better or text.startswith(("cpuset=", "mems_", "failure"))):
        return False
    draft.header = header = Header(
        comm=header.comm,
        gfp_mask=known(header.gfp_mask, facts.gfp_mask),
        gfp_names=header.gfp_names if header.gfp_mask is not None else facts.gfp_names,
        order=known(header.order, facts.order),
        adjustment=known(header.adjustment, facts.adjustment),
        nodemask=header.nodemask or facts.nodemask,
    )
    if better and facts.adjustment is not None:
        draft.signs.discard("oom_adj=")
        draft.signs.add("oom_adj= and oom_score_adj=")
        draft.header = header._replace(adjustment=facts.adjustment)
    else:
        draft.signs |= _signs(text)
    return True


def take_cpuset(draft: Draft, _text: str) -> bool:
    """Take the line "COMM cpuset=/ mems_allowed=0": it says nothing but the kernel's age."""
    if draft.stage > Stage.HEADER:
        return False
    draft.signs.add("cpuset= mems_allowed= on a line of its own")
    return True


def take_compaction(draft: Draft, text: str) -> bool:
    """Take "COMPACTION is disabled!!!"."""
    if not text.startswith("COMPACTION is disabled") or draft.stage > Stage.STACK:
        return False
    draft.compaction_disabled = True
    return True
