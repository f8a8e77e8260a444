"""Settings of the kernel that bear on fragmentation and compaction."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, note

_DEFAULT_THRESHOLD = 500
_DEFAULT_PROACTIVENESS = 20
_ZONE_THAT_KEEPS_TYPES_APART = "DMA32"


def threshold(subject: Subject) -> Iterator[Finding]:
    """vm.extfrag_threshold: mm/compaction.c, 2.6.35 and later; above order 3 only since 4.9."""
    value = subject.facts.tunables.extfrag_threshold
    if value is None or value == _DEFAULT_THRESHOLD:
        return
    what = "for orders above 3" if subject.since(4, 9) else "for a request"
    yield note(
        "extfrag-threshold",
        f"vm.extfrag_threshold is {value}, not {_DEFAULT_THRESHOLD}: {what} the kernel itself "
        f"compacts only where the fragmentation index is above {value / 1000:.3f}.",
        f"Set it to {_DEFAULT_THRESHOLD}, unless it is meant so; oomwatchd's own compaction does "
        "not heed it.",
    )


def proactiveness(subject: Subject) -> Iterator[Finding]:
    """vm.compaction_proactiveness: mm/compaction.c, 5.9 and later."""
    value = subject.facts.tunables.compaction_proactiveness
    if value == 0:
        yield note(
            "proactiveness",
            "vm.compaction_proactiveness is 0: the kernel compacts when a request wants it, "
            "never ahead of that.",
            "Leave it so where oomwatchd compacts; else set it to "
            f"{_DEFAULT_PROACTIVENESS}, the default.",
        )
    elif value is not None and value > _DEFAULT_PROACTIVENESS:
        yield note(
            "proactiveness",
            f"vm.compaction_proactiveness is {value}, above the default of "
            f"{_DEFAULT_PROACTIVENESS}: on a small device kcompactd may pass over memory often.",
            f"Set it to {_DEFAULT_PROACTIVENESS} or less if kcompactd takes processor time.",
        )


def unevictable(subject: Subject) -> Iterator[Finding]:
    """vm.compact_unevictable_allowed: mm/compaction.c, 4.1 and later; 0 with PREEMPT_RT."""
    if subject.facts.tunables.compact_unevictable_allowed == 0:
        yield note(
            "unevictable",
            "vm.compact_unevictable_allowed is 0: compaction leaves locked memory where it is.",
            "Set it to 1 if no real-time task suffers when its locked pages are moved.",
        )


def defrag_mode(subject: Subject) -> Iterator[Finding]:
    """vm.defrag_mode: mm/page_alloc.c, 6.15 and later.

    Keeping types apart rides on ALLOC_NOFRAGMENT, which is nothing without CONFIG_ZONE_DMA32.
    """
    if not subject.facts.tunables.defrag_mode:
        return
    text = "vm.defrag_mode is 1: the kernel reclaims and compacts rather than mix pageblocks"
    if _ZONE_THAT_KEEPS_TYPES_APART in subject.assessment.system.compiled:
        yield note("defrag-mode", f"{text}.")
    else:
        yield note(
            "defrag-mode",
            f"{text}, but without a zone {_ZONE_THAT_KEEPS_TYPES_APART} it has little effect.",
            "Do not rely on it here.",
        )


RULES = (threshold, proactiveness, unevictable, defrag_mode)
