"""The status document: what the daemon knows, as one JSON object (see schema.json).

Every key is always there; an absent fact is null. Keys are only ever added.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from oomwatchd import __version__
from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.assess.survey import OrderSurvey, ZoneSurvey, survey
from oomwatchd.model import Capabilities, Outcome, Problem, Process, Remedy

SCHEMA = 1

Json = dict[str, Any]


class Standing(NamedTuple):
    """What the daemon remembers of a demand; `since` is how long it has stood as it does."""

    since_seconds: float
    history: tuple[int | None, ...]
    exhaustion_seconds: float | None = None


class RemedyFacts(NamedTuple):
    """What the daemon remembers of its remedies."""

    running: Remedy | None
    inhibited_until_seconds: float | None
    backoff_remaining_seconds: float | None
    counts: Mapping[Remedy, int]
    budget_left: Mapping[str, int]
    outcomes: tuple[Outcome, ...]
    why_not: str | None = None
    """Why nothing is done for the demand that stands worst."""


class AlertFacts(NamedTuple):
    """What became of the events: where they go, and what did not get there."""

    sink: str | None = None
    lines_lost: int = 0
    lines_withheld: int = 0
    lines_repeated: int = 0
    hook_runs: int = 0
    hook_suppressed: int = 0
    hook_problem: str | None = None


class Facts(NamedTuple):
    """What the document says besides the assessment."""

    pid: int
    uptime_seconds: float
    boot_id: str | None
    now: float
    capabilities: Capabilities
    problems: tuple[Problem, ...]
    standings: Mapping[str, Standing]
    remedies: RemedyFacts
    processes: tuple[Process, ...]
    alerts: AlertFacts = AlertFacts()


def document(assessment: Assessment, facts: Facts) -> Json:
    """Put the document together."""
    kernel = assessment.kernel
    orders = max((len(zone.free_blocks) for zone in assessment.system.zones), default=0)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "pid": facts.pid,
        "uptime_seconds": round(facts.uptime_seconds, 3),
        "boot_id": facts.boot_id,
        "severity": assessment.severity.value,
        "degraded": [
            problem._asdict() for problem in dict.fromkeys(assessment.problems + facts.problems)
        ],
        "kernel": {
            "release": kernel.release,
            "machine": kernel.machine,
            "page_size": kernel.page_size,
            "orders": orders or None,
        },
        "capabilities": facts.capabilities._asdict(),
        "memory": assessment.memory._asdict(),
        "zones": [_zone(zone) for zone in survey(assessment.system)],
        "demands": [
            _demand(reading, facts.standings.get(reading.demand.name))
            for reading in assessment.readings
        ],
        "remedies": _remedies(facts.remedies, facts.now),
        "processes": [process._asdict() for process in facts.processes],
        "alerts": facts.alerts._asdict(),
    }


def _zone(surveyed: ZoneSurvey) -> Json:
    """Describe a zone."""
    zone = surveyed.zone
    marks = zone.watermarks
    return {
        "node": zone.node,
        "zone": zone.name,
        "managed_pages": zone.managed_pages,
        "free_pages": zone.free_pages,
        "free_cma_pages": zone.free_cma_pages,
        "free_highatomic_pages": zone.free_highatomic_pages,
        "watermarks": {
            "min": marks.min if marks else None,
            "low": marks.low if marks else None,
            "high": marks.high if marks else None,
            "boost": marks.boost if marks else None,
        },
        "lower_bound": zone.is_lower_bound(order=0),
        "orders": [_order(order) for order in surveyed.orders],
    }


def _order(order: OrderSurvey) -> Json:
    """Describe an order of a zone; indices in units of one, as the kernel prints them."""
    return {
        "order": order.order,
        "free_blocks": order.free_blocks,
        "headroom": {request.value: blocks for request, blocks in order.headroom.items()},
        "fragmentation_index": order.fragmentation_index_thousandths / 1000,
        "unusable_index": order.unusable_index_thousandths / 1000,
    }


def _demand(reading: Reading, standing: Standing | None) -> Json:
    """Describe how a demand stands, and has stood."""
    return {
        **stand_of(reading),
        "since_seconds": round(standing.since_seconds, 3) if standing else 0.0,
        "exhaustion_seconds": rounded(standing.exhaustion_seconds) if standing else None,
        "advice": reading.advice,
        "history": list(standing.history) if standing else [reading.headroom],
    }


def stand_of(reading: Reading) -> Json:
    """Describe how a demand stands now."""
    demand = reading.demand
    return {
        "name": demand.name,
        "order": demand.order,
        "request": demand.request.value,
        "headroom": reading.headroom,
        "lower_bound": reading.lower_bound,
        "warning": demand.warning,
        "critical": demand.critical,
        "severity": reading.severity.value,
        "cause": reading.cause.value if reading.cause else None,
    }


def _remedies(facts: RemedyFacts, now: float) -> Json:
    """Describe the remedies."""
    return {
        "running": facts.running.value if facts.running else None,
        "inhibited_until_seconds": rounded(facts.inhibited_until_seconds),
        "backoff_remaining_seconds": rounded(facts.backoff_remaining_seconds),
        "counts": {remedy.value: facts.counts.get(remedy, 0) for remedy in Remedy},
        "budget_left": dict(facts.budget_left),
        "why_not": facts.why_not,
        "last": [outcome_of(outcome, now) for outcome in facts.outcomes],
    }


def outcome_of(outcome: Outcome, now: float) -> Json:
    """Describe what a remedy changed."""
    return {
        "remedy": outcome.remedy.value,
        "node": outcome.node,
        "demand": outcome.demand,
        "cause": outcome.cause.value if outcome.cause else None,
        "headroom_before": outcome.headroom_before,
        "headroom_after": outcome.headroom_after,
        "pages_freed": outcome.pages_freed,
        "cma_pages_taken": outcome.cma_pages_taken,
        "duration_seconds": round(outcome.duration_seconds, 6),
        "effective": outcome.effective,
        "error": outcome.error,
        "age_seconds": round(now - outcome.finished_at, 3),
    }


def rounded(seconds: float | None) -> float | None:
    """Give seconds to the millisecond."""
    return None if seconds is None else round(seconds, 3)
