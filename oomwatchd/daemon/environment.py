"""What the hook's command is told: its whole environment."""

from oomwatchd.assess.assessment import Assessment
from oomwatchd.errors import escape
from oomwatchd.logfmt import bare
from oomwatchd.model import Severity
from oomwatchd.policy import State, Word
from oomwatchd.policy.notice import Notice

_FIXED = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
_EVENTS = {
    Severity.OK: Word.RECOVERED,
    Severity.WARNING: Word.WARNING,
    Severity.CRITICAL: Word.CRITICAL,
}


def environment(notice: Notice, state: State, assessment: Assessment) -> dict[str, str]:
    """Give the variables of the run that is to tell a notice; what is not known is empty.

    The facts are those of the worst demand, as it stands now; once all are ok, of the one that
    stood worst last. The remedy is the last one that was judged, for whichever demand it was.
    """
    demand = notice.demand
    reading = next((one for one in assessment.readings if one.demand.name == demand), None)
    outcome = state.outcomes[-1] if state.outcomes else None
    facts: dict[str, object] = {
        "SEVERITY": notice.said.value,
        "PREVIOUS_SEVERITY": notice.told.value,
        "EVENT": _EVENTS[notice.said].value,
        "DEMAND": demand,
        "HEADROOM": reading.headroom if reading else None,
        "WARNING": reading.demand.warning if reading else None,
        "CRITICAL": reading.demand.critical if reading else None,
        "ORDER": reading.demand.order if reading else None,
        "REQUEST": reading.demand.request.value if reading else None,
        "CAUSE": reading.cause.value if reading and reading.cause else None,
        "REMEDY": outcome.remedy.value if outcome else None,
        "EFFECTIVE": outcome.effective if outcome else None,
    }
    return _FIXED | {f"OOMWATCHD_{name}": _text(fact) for name, fact in facts.items()}


def _text(fact: object) -> str:
    """Write a fact as one line of printable ASCII."""
    return "" if fact is None else escape(bare(fact))
