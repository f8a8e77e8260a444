"""How things stand in short: a line for those who watch, and the status file's facts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from oomwatchd import __version__
from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.model import Outcome, Problem, Remedy
from oomwatchd.status.document import SCHEMA, Json, Standing, rounded, stand_of

Facts = list[tuple[str, object]]


class Said(NamedTuple):
    """What the daemon knows besides the assessment."""

    words: Mapping[str, str]
    """The event that was last told of each demand, by its name."""
    standings: Mapping[str, Standing]
    running: Remedy | None
    inhibited_seconds: float | None
    """How long no remedy is run yet, as somebody has asked for."""
    last: Outcome | None
    problems: tuple[Problem, ...]


def short_status(
    assessment: Assessment, said: Said, wall_seconds: float, *, history: bool = False
) -> Json:
    """Give the line of a tick; the first one has the recent headrooms with it."""
    status: dict[str, Any] = {
        "severity": assessment.severity.value,
        "demands": [_demand(reading, said) for reading in assessment.readings],
        "running": said.running.value if said.running else None,
        "inhibited_until_seconds": rounded(said.inhibited_seconds),
        "page_size": assessment.kernel.page_size,
        "wall_seconds": round(wall_seconds, 3),
    }
    if history:
        status["history"] = {
            name: list(standing.history) for name, standing in said.standings.items()
        }
    return {"status": status}


def _demand(reading: Reading, said: Said) -> Json:
    """Describe how a demand stands."""
    standing = said.standings.get(reading.demand.name)
    return {
        **stand_of(reading),
        "exhaustion_seconds": rounded(standing.exhaustion_seconds) if standing else None,
        "said": said.words.get(reading.demand.name),
    }


def file_facts(assessment: Assessment, said: Said, pid: int, wall_seconds: float) -> Facts:
    """Give what the status file says."""
    problems = dict.fromkeys(problem.what for problem in assessment.problems + said.problems)
    last = said.last
    facts: Facts = [
        ("schema", SCHEMA),
        ("version", __version__),
        ("pid", pid),
        ("written_at", int(wall_seconds)),
        ("severity", assessment.severity.value),
        ("degraded", " ".join(problems)),
        ("remedy_running", said.running.value if said.running else None),
        ("remedy_last", last.remedy.value if last else None),
        ("remedy_last_effective", last.effective if last else None),
        ("demands", " ".join(reading.demand.name for reading in assessment.readings)),
    ]
    for reading in assessment.readings:
        demand = reading.demand
        # As a shell's variable may be named.
        key = f"demand_{demand.name.replace('-', '_')}"
        facts += [
            (f"{key}_severity", reading.severity.value),
            (f"{key}_headroom", reading.headroom),
            (f"{key}_cause", reading.cause.value if reading.cause else None),
            (f"{key}_order", demand.order),
            (f"{key}_request", demand.request.value),
            (f"{key}_warning", demand.warning),
            (f"{key}_critical", demand.critical),
            (f"{key}_said", said.words.get(demand.name)),
        ]
    return facts
