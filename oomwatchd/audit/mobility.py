"""Whether the kernel keeps movable pages apart from the others."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, note, problem

_SMALLEST_PAGE = 4096


def mobility(subject: Subject) -> Iterator[Finding]:
    """Mobility grouping: build_all_zonelists() in mm/page_alloc.c, 2.6.24 and later.

    It is off where memory is less than a pageblock for each migratetype. The kernel compares
    at boot with more than it manages later, but never with more than is present.
    """
    facts = subject.facts
    if not facts.pages_per_block or not facts.migratetypes:
        return
    needed_pages = facts.pages_per_block * facts.migratetypes
    if facts.present_pages is None or (facts.managed_pages or facts.present_pages) >= needed_pages:
        return
    size = f"one pageblock ({_mib(subject, facts.pages_per_block)}) for each migratetype"
    if facts.present_pages < needed_pages:
        yield problem(
            "mobility",
            f"Mobility grouping is off, since memory is less than {size}: unmovable pages lie "
            "everywhere, and compaction can do little.",
            "Take a kernel with 4 KiB pages, whose pageblocks are smaller."
            if subject.assessment.kernel.page_size > _SMALLEST_PAGE
            else "Make pageblocks smaller (CONFIG_ARCH_FORCE_MAX_ORDER, before 6.1 "
            "CONFIG_FORCE_MAX_ZONEORDER).",
        )
    else:
        yield note(
            "mobility",
            f"Mobility grouping may be off, since memory is hardly more than {size}.",
            'Look for "mobility grouping off" in the boot log.',
        )


def _mib(subject: Subject, pages: int) -> str:
    return f"{pages * subject.assessment.kernel.page_size / (1 << 20):g} MiB"


RULES = (mobility,)
