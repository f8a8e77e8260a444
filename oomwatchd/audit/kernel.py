"""What the kernel is, and what it tells."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, note, ok, problem
from oomwatchd.units import describe_size

_USUAL_PAGE_SIZE = 4096
_EXAMPLE_ORDER = 2


def version(subject: Subject) -> Iterator[Finding]:
    """Live monitoring needs Linux 3.2 (the C library of Python 3.11 asks for it)."""
    kernel = subject.assessment.kernel
    if kernel.version is None:
        yield problem(
            "kernel",
            "The kernel's version is not known; the stricter watermark rule of kernels before "
            "4.4 is taken where the migratetypes do not tell.",
            "Make /proc/sys/kernel/osrelease or /proc/version readable.",
        )
    elif subject.before(3, 2):
        yield problem(
            "kernel",
            f"Linux {kernel.release} is older than 3.2, the oldest on which oomwatchd runs.",
            "Look at copies of this device's files with `oomwatchd --once --root DIR`, or take "
            "a newer kernel.",
        )


def page_size(subject: Subject) -> Iterator[Finding]:
    """An order is a number of pages, so it means another size where pages are larger."""
    size = subject.assessment.kernel.page_size
    if size != _USUAL_PAGE_SIZE:
        text = (
            f"Pages are {describe_size(size)}: a block of order {_EXAMPLE_ORDER} is "
            f"{describe_size(size << _EXAMPLE_ORDER)} here, not "
            f"{describe_size(_USUAL_PAGE_SIZE << _EXAMPLE_ORDER)}."
        )
        if any(spec.order for spec in subject.config.demands):
            yield note("page-size", text, "State demands by size instead of order.")
        else:
            yield ok("page-size", text)


def pagetypeinfo(subject: Subject) -> Iterator[Finding]:
    """Without it headroom is a lower bound (mm/vmstat.c, 2.6.24; root only since 5.4)."""
    facts = subject.facts
    if facts.has_pagetypeinfo is None or facts.capabilities is None:
        return
    if not facts.has_pagetypeinfo:
        yield note(
            "pagetypeinfo",
            "There is no /proc/pagetypeinfo: headroom is a lower bound, and demands "
            "may be unknown.",
            "Take a kernel of 2.6.24 or later."
            if subject.before(2, 6, 24)
            else "Copy it too, as root."
            if facts.uid is None
            else "Let oomwatchd see the kernel's own /proc (2.6.24 and later have this file).",
        )
    elif not facts.capabilities.pagetypeinfo:
        yield note(
            "pagetypeinfo",
            "/proc/pagetypeinfo cannot be read: headroom is a lower bound, and demands "
            "may be unknown.",
            "Run oomwatchd as root.",
        )
    else:
        yield ok("pagetypeinfo", "/proc/pagetypeinfo is there: headroom is known by migratetype.")


def pressure(subject: Subject) -> Iterator[Finding]:
    """Pressure stall information: kernel/sched/psi.c, 4.20 and later with CONFIG_PSI."""
    facts = subject.facts
    if facts.capabilities is None or facts.has_psi_file is None:
        return
    if facts.capabilities.psi:
        yield ok("psi", "The kernel tells of memory pressure.")
    elif facts.has_psi_file:
        yield note(
            "psi",
            "/proc/pressure/memory is there but cannot be read: memory pressure wakes nobody.",
            "Boot with psi=1 if it is switched off (CONFIG_PSI_DEFAULT_DISABLED).",
        )
    elif subject.since(4, 20):
        yield note(
            "psi",
            "There is no /proc/pressure/memory: oomwatchd only polls.",
            "Build the kernel with CONFIG_PSI=y.",
        )


RULES = (version, page_size, pagetypeinfo, pressure)
