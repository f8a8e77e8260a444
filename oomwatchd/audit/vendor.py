"""What only vendors' kernels have."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, note, ok


def marks(subject: Subject) -> Iterator[Finding]:
    """Files below /proc/sys/vm of Android's kernels and their descendants, never in mainline."""
    shift = subject.facts.tunables.min_free_order_shift
    if shift is not None and not subject.since(4, 4):
        text = f"This vendor's kernel has vm.min_free_order_shift, at {shift}"
        if shift == 1:
            yield ok("vendor", f"{text} as every other kernel before 4.4.")
        else:
            yield note(
                "vendor",
                f"{text} instead of 1: headroom is worked out with it, as the kernel does.",
                "Test with it as shipped: the kernel grants large blocks otherwise than mainline.",
            )
    extra_kib = subject.facts.tunables.extra_free_kbytes
    if extra_kib:
        yield note(
            "vendor",
            f"vm.extra_free_kbytes is {extra_kib}: the low marks of all zones lie so much further "
            "above min, which default levels follow.",
            "State `warning` and `critical` of the demands if these are too high.",
        )


def lowmemorykiller(subject: Subject) -> Iterator[Finding]:
    """Android's driver, in mainline's drivers/staging up to 4.11."""
    if subject.facts.lowmemorykiller:
        yield note(
            "lowmemorykiller",
            "The kernel has Android's low memory killer: it kills by thresholds of its own, "
            "whenever memory is reclaimed.",
            "Look at /sys/module/lowmemorykiller/parameters/minfree; be wary of dropping slab.",
        )


RULES = (marks, lowmemorykiller)
