"""Which watermark rule the running kernel follows."""

from functools import lru_cache
from typing import NamedTuple

from oomwatchd.assess.sample import Sample
from oomwatchd.mm.watermark import WatermarkRule, rule_of
from oomwatchd.model import Problem, Version

_FIRST_NEW: Version = (4, 4, 0)
_LAST_OLD: Version = (4, 3, 0)
_MAX_SHIFT = 63


class Choice(NamedTuple):
    """The rule, and what was doubtful about choosing it."""

    rule: WatermarkRule
    problem: Problem | None


def choose_rule(sample: Sample) -> Choice:
    """Choose by the migratetypes where they are known, else by the version.

    HighAtomic came with the new rule, in backports too; Reserve went with the old one. Where
    nothing tells, the old rule is taken: it grants less, so that headroom is rather too low.
    """
    return _choice(sample.kernel.version, _migratetypes(sample), sample.min_free_order_shift)


@lru_cache(maxsize=2)
def _choice(version: Version | None, types: frozenset[str], shift: int | None) -> Choice:
    """Choose; the same at each look at one kernel."""
    if "HighAtomic" in types:
        version = max(version or _FIRST_NEW, _FIRST_NEW)
    elif "Reserve" in types:
        version = min(version or _LAST_OLD, _LAST_OLD)
    if shift is None or not 0 <= shift <= _MAX_SHIFT:
        shift = 1
    if version is None:
        why = "the kernel's version is not known; taking the stricter rule of kernels before 4.4"
        return Choice(rule_of(_LAST_OLD, shift), Problem("kernel", why))
    return Choice(rule_of(version, shift), None)


def _migratetypes(sample: Sample) -> frozenset[str]:
    """Collect the names of the migratetypes of all zones."""
    if sample.pagetypeinfo is None:
        return sample.migratetypes
    return frozenset().union(*[zone.free_blocks for zone in sample.pagetypeinfo.zones.values()])
