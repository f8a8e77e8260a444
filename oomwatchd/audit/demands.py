"""How the demands stand: those that can never be met, and levels that do not fit the device."""

from collections.abc import Iterator

from oomwatchd.assess.assessment import Reading
from oomwatchd.audit.finding import Finding, Subject, note, ok, problem
from oomwatchd.model import Cause, Severity
from oomwatchd.units import describe_size

_SPARE_SHARE = 5
"""With one page in so many available, memory is taken not to be short now."""


def demands(subject: Subject) -> Iterator[Finding]:
    """Judge every demand that is not ok."""
    readings = subject.assessment.readings
    low = [reading for reading in readings if reading.severity is not Severity.OK]
    for reading in low:
        yield _judge(reading, subject)
    if readings and not low:
        yield ok("demands", f"All demands ({len(readings)}) are met now.")


def _judge(reading: Reading, subject: Subject) -> Finding:
    demand = reading.demand
    what = f'Demand "{demand.name}" (order {demand.order}, {demand.request.value})'
    if reading.cause is Cause.UNSATISFIABLE:
        return problem(
            "demands",
            f"{what} can never be met: this device could not hold so many blocks were all of "
            "its memory free.",
            "State a smaller order, or lower levels.",
        )
    if reading.severity is Severity.UNKNOWN:
        why = ": only a lower bound of its headroom is known" if reading.lower_bound else ""
        return note(
            "demands",
            f"{what} cannot be judged{why}.",
            "Let oomwatchd read buddyinfo, zoneinfo, meminfo and pagetypeinfo (as root).",
        )
    level = demand.critical if reading.severity is Severity.CRITICAL else demand.warning
    headroom = reading.headroom or 0
    text = (
        f"{what} stands at {reading.severity.value} now: headroom "
        f"{_amount(headroom, reading, subject)}, level {_amount(level, reading, subject)}"
    )
    cause = f" ({reading.cause.value})." if reading.cause else "."
    return note("demands", f"{text}{cause}", _change(reading, headroom, subject))


def _change(reading: Reading, headroom: int, subject: Subject) -> str:
    """Say what to do about a low demand.

    An alarm ends at twice the level: that has to be below what is normal.
    """
    name, severity = reading.demand.name, reading.severity.value
    if _has_spare(subject) and headroom > 1:
        return (
            f"If this is the device's normal state, set its {severity} to {headroom // 2} or less "
            f"([demand {name}])."
        )
    if reading.cause in (Cause.FRAGMENTATION, Cause.RESERVED):
        return (
            "Try `oomwatchctl compact`: it shows whether compaction helps. What cannot be moved is "
            "slab, page tables and drivers' memory (`oomwatchctl processes` sums that up)."
        )
    return "See who has the memory: `oomwatchctl processes`."


def _amount(blocks: int, reading: Reading, subject: Subject) -> str:
    """Write single pages as their size, blocks by number."""
    page_size = subject.assessment.kernel.page_size
    return describe_size(blocks * page_size) if reading.demand.order == 0 else str(blocks)


def _has_spare(subject: Subject) -> bool:
    """Whether enough is available for this to be a healthy state."""
    memory = subject.assessment.memory
    if memory.available_kib is None or memory.total_kib is None:
        return False
    return memory.available_kib * _SPARE_SHARE >= memory.total_kib


RULES = (demands,)
