"""The audit as a whole: every rule over one system."""

from oomwatchd.assess.assessment import Assessment
from oomwatchd.audit import (
    compaction,
    demands,
    kernel,
    killing,
    memory,
    mobility,
    protection,
    surroundings,
    tunables,
    vendor,
    watermarks,
)
from oomwatchd.audit.facts import Facts
from oomwatchd.audit.finding import Finding, Level, Subject
from oomwatchd.settings import Config

_RULES = (
    *kernel.RULES,
    *surroundings.RULES,
    *compaction.RULES,
    *mobility.RULES,
    *memory.RULES,
    *demands.RULES,
    *watermarks.RULES,
    *tunables.RULES,
    *vendor.RULES,
    *killing.RULES,
    *protection.RULES,
)
_RANKS = {level: rank for rank, level in enumerate(Level)}


def findings(facts: Facts, assessment: Assessment, config: Config) -> tuple[Finding, ...]:
    """Judge a system: problems first, then notes, then what is well."""
    subject = Subject(facts, assessment, config)
    found = [finding for rule in _RULES for finding in rule(subject)]
    return tuple(sorted(found, key=lambda finding: _RANKS[finding.level]))
