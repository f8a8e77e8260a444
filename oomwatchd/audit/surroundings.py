"""Where oomwatchd runs: container, /proc that hides or lies, real-time tasks."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, note, problem
from oomwatchd.errors import escape
from oomwatchd.units import describe_size

_TOLERANCE = 10
"""MemTotal and the zones may differ by one page in so many."""
_NAME_LENGTH = 32


def container(subject: Subject) -> Iterator[Finding]:
    """In a container the zones are the host's, and lxcfs makes files of /proc up."""
    facts = subject.facts
    if facts.lxcfs:
        yield problem(
            "container",
            "lxcfs makes up files of this /proc: /proc/meminfo is the container's, buddyinfo and "
            "zoneinfo are the host's.",
            "Run oomwatchd on the host.",
        )
    elif facts.container is not None:
        name = escape(facts.container)[:_NAME_LENGTH]
        yield note(
            "container",
            f"This looks like a container ({name}): free blocks and compaction are then the "
            "host's, shared with all that runs there.",
            "Run oomwatchd on the host.",
        )
    if not facts.lxcfs:
        yield from _disagreement(subject)


def _disagreement(subject: Subject) -> Iterator[Finding]:
    """MemTotal is what all zones manage (fs/proc/meminfo.c): else they are not of one system.

    Compared only where the kernel prints `managed`: `present` holds the kernel itself too.
    """
    total_kib = subject.assessment.memory.total_kib
    pages = subject.facts.managed_pages
    if total_kib is None or not pages:
        return
    zones_kib = pages * subject.assessment.kernel.page_size // 1024
    if abs(zones_kib - total_kib) * _TOLERANCE > zones_kib:
        yield note(
            "meminfo",
            f"/proc/meminfo tells of {describe_size(total_kib << 10)}, /proc/zoneinfo of "
            f"{describe_size(zones_kib << 10)}: memory is ballooned or hot-plugged, or one file "
            "is not the kernel's own.",
            "Trust the demands on blocks (buddyinfo, zoneinfo) rather than those on available "
            "memory.",
        )


def hidepid(subject: Subject) -> Iterator[Finding]:
    """hidepid=1 and up: fs/proc/base.c, 3.3 and later; whoever may trace sees through it."""
    if subject.facts.hidepid and not subject.facts.sees_others:
        yield note(
            "hidepid",
            "/proc is mounted with hidepid: other users' processes are not seen, neither who "
            "holds memory nor who else acts on it.",
            "Give oomwatchd CAP_SYS_PTRACE, or its group with gid= among the mount options.",
        )


def realtime(subject: Subject) -> Iterator[Finding]:
    """Compaction delays whoever touches a page that is being moved."""
    fact = subject.facts.realtime
    if fact is None:
        return
    text = f"This is a real-time system ({escape(fact)})"
    if subject.config.remedies.realtime:
        yield note("realtime", f"{text}, and the configuration lets remedies run all the same.")
    else:
        yield note(
            "realtime",
            f"{text}: no remedy runs by itself.",
            "Set realtime = yes in [remedies] if the tasks bear the delays.",
        )


RULES = (container, hidepid, realtime)
