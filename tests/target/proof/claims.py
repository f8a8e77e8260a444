"""What the proof must show: each claim, with what was found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from target.proof.figures import (
    Figures,
    cause_of,
    figures,
    first_blocks,
    has_ended,
    starts_left,
    was_killed,
)
from target.proof.play import Record
from target.proof.scenarios import OURS, SCENARIOS

Runs = Mapping[tuple[str, str], Sequence[Record]]
"""By scenario and contestant."""

STARTS_LEFT = 30
FASTER = 10
MORE_BLOCKS = 3
UNMOVABLE = "unmovable: compaction did not help"
_TOLERANCE_BLOCKS = 20


class Claim(NamedTuple):
    """One of them."""

    scenario: str
    what: str
    met: bool
    found: str


class _Case(NamedTuple):
    """One scenario: with us, and with nothing."""

    ours: Sequence[Record]
    """Those that came to their end with the daemon alive."""
    nothing: Sequence[Record]


def claims(runs: Runs) -> list[Claim]:
    """Judge everything that there are runs for.

    A run that did not come to its end, or that the daemon did not live through, proves nothing:
    no claim is met beside one.
    """
    found: list[Claim] = []
    for scenario, judge in _JUDGES.items():
        for contestant in OURS:
            ours, nothing = (runs.get((scenario, who), ()) for who in (contestant, "nothing"))
            if not (ours and nothing):
                continue
            case = _Case([one for one in ours if _is_lived_through(one)], nothing)
            lost = len(ours) - len(case.ours)
            beside = f"; {lost} of {len(ours)} not lived through" if lost else ""
            found += [
                Claim(scenario, f"{contestant}: {what}", met and not lost, seen + beside)
                for what, met, seen in judge(case)
            ]
    for scenario in SCENARIOS:
        ours = [one for one in runs.get((scenario, "oomwatchd"), ()) if not one.get("remedies")]
        earlyoom = {one["seed"]: one for one in runs.get((scenario, "earlyoom"), ())}
        pairs = [(one, earlyoom[one["seed"]]) for one in ours if one["seed"] in earlyoom]
        rates = [(_cost(one), _cost(other)) for one, other in pairs]
        known = [(mine, other) for mine, other in rates if mine and other]
        if known:
            found.append(
                Claim(
                    scenario,
                    "without a remedy: less CPU than earlyoom",
                    all(mine < other for mine, other in known),
                    f"{median(mine / other for mine, other in known):.2f} of it in the middle",
                )
            )
    return found


def _is_lived_through(record: Record) -> bool:
    return has_ended(record) and not record.get("contestant_ended")


_Found = Iterator[tuple[str, bool, str]]


def _bursts(case: _Case) -> _Found:
    ours, nothing = figures(case.ours), figures(case.nothing)
    both = ours.failed_seeds & nothing.failed_seeds
    yield (
        "no failed burst where the undefended run has one",
        not both and bool(nothing.failed_seeds),
        f"{ours.failed_bursts} of {ours.bursts} failed; undefended {_failed(nothing)}",
    )
    mine, theirs = ours.slowest_ms or 0.0, nothing.slowest_ms or 0.0
    yield (
        f"slowest allocation at least {FASTER} times better",
        mine * FASTER <= theirs,
        f"{mine:.3f} ms, undefended {theirs:.3f} ms",
    )


def _failed(it: Figures) -> str:
    return f"{it.failed_bursts} of {it.bursts}, in {len(it.failed_seeds)} of {it.runs} seeds"


def _blocks(case: _Case) -> _Found:
    others = {record["seed"]: first_blocks(record) for record in case.nothing}
    pairs = [(first_blocks(one), others.get(one["seed"])) for one in case.ours]
    known = [(mine, other) for mine, other in pairs if mine is not None and other is not None]
    yield (
        f"at least {MORE_BLOCKS} times the atomic blocks at the first burst",
        bool(known) and all(mine >= MORE_BLOCKS * max(1, other) for mine, other in known),
        f"at worst {min((mine / max(1, other) for mine, other in known), default=0):.1f} times",
    )


def _unmovable(case: _Case) -> _Found:
    left = [starts_left(record) for record in case.ours]
    yield (
        f"an alert with at least {STARTS_LEFT} process starts left",
        all(one is not None and one >= STARTS_LEFT for one in left),
        f"at worst {min((one for one in left if one is not None), default=None)}",
    )
    yield _all(case.ours, "cause fragmentation", lambda one: cause_of(one) == "fragmentation")
    yield _all(
        case.ours, f'says "{UNMOVABLE}"', lambda one: any(UNMOVABLE in line for line in one["log"])
    )


def _reserved(case: _Case) -> _Found:
    yield _all(case.ours, "cause reserved", lambda one: cause_of(one) == "reserved")
    yield _all(case.ours, "buddyinfo looks healthy", lambda one: bool(one["blocks"] > 50))


def _shortage(case: _Case) -> _Found:
    yield _all(
        case.ours,
        "an alert, cause shortage",
        lambda one: bool(one["alerts"]) and cause_of(one) == "shortage",
    )
    yield _all(case.ours, "no useless compaction", lambda one: not one["remedies"])


def _borrowed(case: _Case) -> _Found:
    ours = figures(case.ours)
    mine, theirs = ({one["seed"] for one in runs if was_killed(one)} for runs in case)
    yield (
        "no kill where the undefended run has one",
        bool(theirs) and not mine & theirs,
        f"in {len(mine)} of {ours.runs}; undefended {len(theirs)} of {len(case.nothing)}",
    )
    yield "no failed burst", not ours.failed_bursts, f"{ours.failed_bursts} of {ours.bursts}"


def _healthy(case: _Case) -> _Found:
    yield _all(case.ours, "no event", lambda one: not one["events"])
    yield _all(case.ours, "no remedy", lambda one: not one["remedies"])


def _highmem(case: _Case) -> _Found:
    yield _all(
        case.ours,
        "headroom is that of lowmem alone",
        lambda one: (
            "demands" in one
            and abs(one["demands"]["process"][0] - one["granted"]) <= _TOLERANCE_BLOCKS
        ),
    )
    yield _all(
        case.ours,
        "an alert for it",
        lambda one: any("=process" in line for _, _, line in one["alerts"]),
    )


def _all(
    records: Sequence[Record], what: str, is_so: Callable[[Record], bool]
) -> tuple[str, bool, str]:
    """Say in how many runs something is so."""
    good = sum(map(is_so, records))
    return what, good == len(records), f"in {good} of {len(records)}"


def _cost(record: Record) -> float:
    """Give what the contestant took a second; 0 where it did not live to tell."""
    instructions: dict[str, Any] = record.get("instructions", {})
    return float(instructions.get("contestant", 0)) / float(record.get("seconds", 1))


_JUDGES: Mapping[str, Callable[[_Case], _Found]] = {
    "movable": _bursts,
    "slab": _bursts,
    "pagecache": _blocks,
    "unmovable": _unmovable,
    "reserved": _reserved,
    "shortage": _shortage,
    "healthy": _healthy,
    "highmem": _highmem,
    "returning": _bursts,
    "borrowed": _borrowed,
}
