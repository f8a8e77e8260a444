"""What a rule says: one sentence on what is, one on what to change."""

from enum import Enum
from typing import Any, NamedTuple

from oomwatchd.assess.assessment import Assessment
from oomwatchd.audit.facts import Facts
from oomwatchd.settings import Config


class Level(Enum):
    """How much a finding matters, worst first."""

    PROBLEM = "problem"
    """Something that oomwatchd needs is missing, or will go wrong."""
    NOTE = "note"
    """Something that its user should know of."""
    OK = "ok"


class Finding(NamedTuple):
    """One finding: `text` says what is, `change` what to change (None: nothing)."""

    topic: str
    level: Level
    text: str
    change: str | None = None


class Subject(NamedTuple):
    """What is audited."""

    facts: Facts
    assessment: Assessment
    config: Config

    def since(self, major: int, minor: int, patch: int = 0) -> bool:
        """Whether the kernel is known to be of this version or later."""
        version = self.assessment.kernel.version
        return version is not None and version >= (major, minor, patch)

    def before(self, major: int, minor: int, patch: int = 0) -> bool:
        """Whether the kernel is known to be older."""
        version = self.assessment.kernel.version
        return version is not None and version < (major, minor, patch)


def problem(topic: str, text: str, change: str | None = None) -> Finding:
    """Make a problem."""
    return Finding(topic, Level.PROBLEM, text, change)


def note(topic: str, text: str, change: str | None = None) -> Finding:
    """Make a note."""
    return Finding(topic, Level.NOTE, text, change)


def ok(topic: str, text: str) -> Finding:
    """Make a finding that asks for nothing."""
    return Finding(topic, Level.OK, text)


def document(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """Write findings as the reply of the socket and of `doctor --json`."""
    return {
        "findings": [
            {"topic": topic, "level": level.value, "text": text, "change": change}
            for topic, level, text, change in findings
        ]
    }
