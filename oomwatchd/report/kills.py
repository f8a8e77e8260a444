"""Who was chosen, who was killed, and why nobody was.

Source: oom_kill_process() in mm/oom_kill.c. Up to 5.0 two lines: whom the
kernel chose, and who died.
"""

import re

from oomwatchd.report.cgroups import NOTHING_KNOWN
from oomwatchd.report.draft import MAX_KILLS, Draft, Stage, known
from oomwatchd.report.record import Chosen, Kill, Kind

_WHY = r"(?:(Out of [Mm]emory|Memory cgroup out of memory|No available memory)([^:]{0,60}): )?"
_CHOSEN = re.compile(_WHY + r"([Kk]ill) process (\d{1,10}) \((.*)\)(?:,? score (\d{1,20})(.*))?")
_KILL = re.compile(_WHY + r"Killed process (\d{1,10})(?:,? UID:? ?(\d{1,10}),?)? ?\((.*)\)(.*)")
_TORN_KILL = re.compile(_WHY + r"Killed process (\d{1,10}) \(([^()]{0,15})$")
"""A name with a line feed in it."""
_UNFINISHED = re.compile(
    r"(?:Out(?: of)?|Memory cgroup(?: out(?: of)?)?)$"
    r"|(?:(?:Out of [Mm]emory|Memory cgroup out of memory|No available memory[^:]{0,60}):)?"
    r"(?:(?:^| )(?:[Kk]ill|Killed)(?: process(?: \d{1,10}(?: \([^()]{0,15}\)(?:,? score)?)?)?)?)?$"
)
"""A kill that goes on in the next line: mails are wrapped."""
_UID = re.compile(r"UID:? ?(\d{1,10})")
_FIGURE = re.compile(r"(total-vm|vsz|anon-rss|file-rss|shmem-rss|pgtables): ?(\d{1,20})kB")
_SCORE_ADJ = re.compile(r"oom_score_adj:(-?\d{1,5})")
_REST = re.compile(
    r"(?:[^()]{0,15}\) )?(?:total-vm|vsz|anon-rss|file-rss|shmem-rss|UID|pgtables|oom_score_adj):"
)
_SUMMARY = re.compile(r"oom-kill:constraint=(CONSTRAINT_[A-Z_]{1,20})")
_SUMMARY_PATHS = re.compile(
    r",oom_memcg=(.{0,4096}?),task_memcg=(.{0,4096}?),task=(.{0,80}),pid=\d"
)
_MOST_SUMMARY = 1100
"""The kernel prints no longer line; paths are sought in it in every way that they may end."""
_SUMMARY_TASK = re.compile(r",task_memcg=(.{0,4096}?),task=")
_PANIC = "Kernel panic - not syncing:"
_PANIC_BEGUN = re.compile(
    rf"{_PANIC}(?: Out(?: of(?: memory(?:: ?(?:compulsory|system-wide)?"
    r"| and(?: no(?: killable)?)?)?)?)?)?$"
)
_LAST_GASP = re.compile(
    rf"(?:{_PANIC} )?Out of memory(?: and no killable processes|.*panic_on_oom)"
)
_CONSTRAINTS = {
    "Memory cgroup out of memory": "CONSTRAINT_MEMCG",
    "No available memory": "CONSTRAINT_MEMORY_POLICY",
}


def is_rest(text: str) -> bool:
    """Whether a line goes on with the figures of a kill."""
    return _REST.match(text) is not None


def take_chosen(draft: Draft, text: str) -> bool:
    """Take "Out of memory: Kill process 995 (httpd) score 2646 or sacrifice child"."""
    match = _CHOSEN.match(text)
    if match is None or not draft.may_kill:
        return _take_unfinished(draft, text)
    if match[6] is None and text.endswith("sharing same memory"):
        return _add(draft, Kill(int(match[4]), match[5], *(None,) * 7))
    if draft.chosen is not None or draft.kills or match[1] is None:
        return False
    draft.chosen = Chosen(int(match[4]), match[5], int(match[6]) if match[6] else None)
    rest = match[7] or ""
    if "sacrifice" in rest:
        draft.signs.add("Kill process ... or sacrifice child")
    elif "or a child" in rest:
        draft.signs.add("kill process ... or a child")
    elif "and children" in rest:
        draft.signs.add("Kill process ... and children.")
    _reason(draft, match[1], match[2])
    draft.stage = Stage.KILL
    return True


def take_kill(draft: Draft, text: str) -> bool:
    """Take "Killed process 2491 (stream.cgi) ..."."""
    match = _KILL.match(text)
    if match is None:
        return _take_torn(draft, text)
    if not draft.may_kill:
        return False
    another = draft.chosen is None or match[6].startswith(" total-vm")
    if draft.kills and match[1] is not None and another and not draft.group_kill:
        return False  # a child of 2.6.18 is the same event, one killed since 5.1 is the next
    uid = match[4] or ((found := _UID.search(match[6])) and found[1])
    kill = _filled(Kill(int(match[3]), match[5], *(None,) * 6, int(uid) if uid else None), match[6])
    if not _add(draft, kill):
        return False
    if match[1] is None:
        draft.signs.add("vsz:" if "vsz:" in match[6] else "Killed process")
    elif "total-vm:" in match[6]:
        draft.signs.add("Out of memory: Killed process ... total-vm:")
        if "pgtables:" in match[6]:
            draft.signs.add("Killed process ... pgtables:")
    if "shmem-rss:" in match[6]:
        draft.signs.add("Killed process ... shmem-rss:")
    _reason(draft, match[1], match[2])
    draft.kill_open = True
    return True


def _take_torn(draft: Draft, text: str) -> bool:
    """Take a kill whose line ends within the name; what is left of that goes before its figures."""
    match = _TORN_KILL.match(text)
    if match is None:
        return _take_unfinished(draft, text)
    if not draft.may_kill or (draft.kills and match[1] is not None):
        return False
    if not _add(draft, Kill(int(match[3]), match[4], *(None,) * 7)):
        return False
    _reason(draft, match[1], match[2])
    draft.kill_open = True
    return True


def _take_unfinished(draft: Draft, text: str) -> bool:
    """Take the beginning of a line about a kill; it waits for the rest."""
    if not draft.is_oom or not _UNFINISHED.match(text):
        return False
    draft.torn = text + " "
    return True


def take_rest(draft: Draft, text: str) -> bool:
    """Take the figures of a kill that stand in the line after it."""
    if not draft.kill_open or not draft.kills:
        return False
    kill = draft.kills[-1]
    uid = _UID.search(text)
    if kill.uid is None and uid:
        kill = kill._replace(uid=int(uid[1]))
    draft.kills[-1] = _filled(kill, text)
    return True


def _filled(kill: Kill, text: str) -> Kill:
    """Add the figures that a text has."""
    found = {key: int(value) for key, value in _FIGURE.findall(text)}
    adjustment = _SCORE_ADJ.search(text)
    total = found.get("total-vm", found.get("vsz"))
    return kill._replace(
        total_vm_kib=known(kill.total_vm_kib, total),
        anon_rss_kib=known(kill.anon_rss_kib, found.get("anon-rss")),
        file_rss_kib=known(kill.file_rss_kib, found.get("file-rss")),
        shmem_rss_kib=known(kill.shmem_rss_kib, found.get("shmem-rss")),
        page_tables_kib=known(kill.page_tables_kib, found.get("pgtables")),
        adjustment=known(kill.adjustment, int(adjustment[1]) if adjustment else None),
    )


def _add(draft: Draft, kill: Kill) -> bool:
    """Add one who was killed, not twice."""
    if len(draft.kills) >= MAX_KILLS or any(other.pid == kill.pid for other in draft.kills):
        return False
    draft.kills.append(kill)
    draft.stage = Stage.KILL
    return True


def _reason(draft: Draft, why: str | None, detail: str | None) -> None:
    """Keep what the line says of the kind of the report."""
    if why is None:
        return
    if why.startswith("Memory cgroup"):
        draft.kind = Kind.CGROUP_OOM
    else:
        draft.kind = draft.kind or Kind.OOM
    constraint = _CONSTRAINTS.get(why)
    if constraint and detail and "cpuset" in detail:
        constraint = "CONSTRAINT_CPUSET"
    draft.constraint = draft.constraint or constraint


def take_summary(draft: Draft, text: str) -> bool:
    """Take "oom-kill:constraint=...,task=...,pid=...,uid=..." (since 5.0)."""
    text = text[:_MOST_SUMMARY]
    match = _SUMMARY.match(text)
    if match is None or not draft.may_kill or draft.stage > Stage.TASKS:
        return False
    if "oom-kill:" in draft.signs:
        return False
    draft.signs.add("oom-kill:")
    draft.constraint = match[1]
    draft.stage = Stage.TASKS
    draft.kind = draft.kind or Kind.OOM
    if match[1] == "CONSTRAINT_MEMCG":
        draft.kind = Kind.CGROUP_OOM
        paths = _SUMMARY_PATHS.search(text)
        task = paths[2] if paths else None
        if task is None and (found := _SUMMARY_TASK.search(text)):
            task = found[1]
        cgroup = draft.cgroup or NOTHING_KNOWN
        draft.cgroup = cgroup._replace(
            path=cgroup.path or (paths[1] if paths else None), task_path=cgroup.task_path or task
        )
    return True


def take_last_gasp(draft: Draft, text: str) -> bool:
    """Take what is said when nobody may be killed, or when the kernel is to panic instead."""
    if not draft.may_kill or draft.kills:
        return False
    if not _LAST_GASP.match(text):
        if draft.is_oom and _PANIC_BEGUN.match(text):
            draft.torn = text + " "  # mails are wrapped
            return True
        return False
    if "no killable" in text:
        draft.nobody_to_kill = True
    draft.panicked = True
    draft.kind = draft.kind or Kind.OOM
    draft.stage = Stage.KILL
    return True


def take_reaper(draft: Draft, _text: str) -> bool:
    """Pass over the reaper's lines, which follow a kill (since 4.6)."""
    if draft.stage < Stage.KILL:
        return False
    draft.signs.add("oom_reaper:")
    draft.kill_open = False
    return True


def take_group_kill(draft: Draft, text: str) -> bool:
    """Take "Tasks in /a are going to be killed due to memory.oom.group set"."""
    if "memory.oom.group" not in text or not draft.may_kill:
        return False
    draft.group_kill = True
    return True
