"""Whether memory can be compacted and caches dropped, and by this process."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, note, ok, problem

_FILE = "/proc/sys/vm/compact_memory"


def availability(subject: Subject) -> Iterator[Finding]:
    """Compaction: mm/compaction.c, 2.6.35 and later with CONFIG_COMPACTION.

    Up to 2.6.37 that asked for HUGETLB_PAGE as well (mm/Kconfig), which 32-bit ARM lacked.
    """
    facts = subject.facts
    if facts.has_compact_memory:
        yield from _rights(subject)
    elif facts.has_proc_sys is False:
        yield problem(
            "compaction",
            "There is no /proc/sys/vm: what this kernel can do is not seen, and nothing can be "
            "asked of it.",
            "Copy it too."
            if facts.uid is None
            else "Let oomwatchd see all of /proc (no ProcSubset=pid in its unit).",
        )
    elif facts.has_compact_memory is False:
        yield problem("compaction", f"There is no {_FILE}: {_reason(subject)}.", _cure(subject))


def _reason(subject: Subject) -> str:
    if subject.before(2, 6, 35):
        return "compaction came with Linux 2.6.35"
    return "this kernel was built without CONFIG_COMPACTION"


def _cure(subject: Subject) -> str:
    if subject.before(2, 6, 35):
        return "Take a newer kernel; on this one dropping caches is all that can be tried."
    if subject.before(2, 6, 38):
        return "Build it with CONFIG_COMPACTION=y, which needs CONFIG_HUGETLB_PAGE before 2.6.38."
    return "Build it with CONFIG_COMPACTION=y."


def _rights(subject: Subject) -> Iterator[Finding]:
    """Judge the rights: files of /proc/sys ask for uid 0 itself (fs/proc/proc_sysctl.c)."""
    facts = subject.facts
    if facts.capabilities is not None and not facts.capabilities.compaction:
        if facts.uid:
            yield problem(
                "compaction",
                f"The kernel can compact, but not for uid {facts.uid}: {_FILE} is root's.",
                "Run oomwatchd as root; no capability stands in for that.",
            )
        elif facts.read_only:
            yield problem(
                "compaction",
                f"The kernel can compact, but {_FILE} is on a read-only mount.",
                "Add ReadWritePaths=/proc/sys/vm/compact_memory /proc/sys/vm/drop_caches to the "
                "unit that has ProtectKernelTunables=yes, or mount /proc/sys read-write.",
            )
        else:
            yield problem(
                "compaction",
                f"The kernel can compact, but {_FILE} may not be written.",
                "Run oomwatchd as the root of the whole system, not of a user namespace.",
            )
    elif not subject.config.remedies.compact:
        yield note(
            "compaction",
            "The kernel can compact, but the configuration forbids it.",
            "Take compact = no out of [remedies] if it is not meant so.",
        )
    else:
        yield ok("compaction", f"The kernel can compact ({_FILE}).")


def dropping(subject: Subject) -> Iterator[Finding]:
    """Dropping caches: fs/drop_caches.c, all kernels; root only like compaction."""
    capabilities = subject.facts.capabilities
    if not subject.facts.has_drop_caches or capabilities is None or capabilities.drop_caches:
        return
    if capabilities.compaction or subject.facts.has_compact_memory is False:
        yield note(
            "drop-caches",
            "/proc/sys/vm/drop_caches may not be written: caches cannot be dropped.",
            "Run oomwatchd as root, with ReadWritePaths=/proc/sys/vm/drop_caches if its unit "
            "has ProtectKernelTunables=yes.",
        )


def nodes(subject: Subject) -> Iterator[Finding]:
    """Compaction of one node: drivers/base/node.c, only with CONFIG_NUMA."""
    capabilities = subject.facts.capabilities
    populated = {zone.node for zone in subject.assessment.system.zones if zone.free_blocks}
    if capabilities is None or not capabilities.compaction or len(populated) <= 1:
        return
    if not capabilities.per_node_compaction:
        yield note(
            "nodes",
            f"There are {len(populated)} nodes, but no node's file `compact` may be written: "
            "each compaction goes over all of them.",
            "Let oomwatchd write /sys/devices/system/node/node*/compact.",
        )


RULES = (availability, dropping, nodes)
