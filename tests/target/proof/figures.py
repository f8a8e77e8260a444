"""Sums up the runs of one contestant in one scenario."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

from target.proof.play import Record

_MIB = 1024


class Figures(NamedTuple):
    """Over all seeds; None where there was nothing of the kind."""

    runs: int
    panics: int
    lost: int
    """That did not come to their end, for another reason than a panic: they prove nothing."""
    bursts: int
    failed_bursts: int
    failed_seeds: frozenset[int]
    first_blocks: float | None
    """Atomic blocks of order 4 that could be had at the first burst of an atomic driver."""
    slowest_ms: float | None
    killed_runs: int
    """In which the kernel killed, or panicked as nobody was left to kill."""
    application_killed: int
    """By whomever, or lost with the device in a panic."""
    starts: float | None
    """Processes that could be started; None where nobody tried."""
    alert_seconds: float | None
    starts_left: float | None
    """At the first alert, at worst: 0 where none came; None where none ever did."""
    causes: Counter[str]
    remedies: Counter[str]
    effective: int
    cache_lost_mib: float
    cma_taken_mib: float
    late_us: float
    instructions_m: float | None
    kernel_m: float
    """What the kernel's own threads for compaction and reclaim took."""
    pss_kib: float | None


def figures(records: Sequence[Record]) -> Figures:
    """Sum up."""
    whole = [record for record in records if "seconds" in record]
    bursts = [(record["seed"], burst) for record in whole for burst in record["bursts"]]
    failed = [(seed, burst) for seed, burst in bursts if burst["came"] < burst["asked"]]
    remedies = [remedy for record in whole for remedy in record["remedies"]]
    starts = [record["started"] for record in whole]
    lefts = [starts_left(record) for record in whole if record["started_at_kill"]]
    return Figures(
        runs=len(records),
        panics=sum(record["panic"] is not None for record in records),
        lost=sum(not (has_ended(record) or record["panic"]) for record in records),
        bursts=len(bursts),
        failed_bursts=len(failed),
        failed_seeds=frozenset(seed for seed, _ in failed),
        first_blocks=_median(
            first for record in whole if (first := first_blocks(record)) is not None
        ),
        slowest_ms=max((burst["slowest_ns"] / 1e6 for _, burst in bursts), default=None),
        killed_runs=sum(map(was_killed, records)),
        application_killed=sum(
            one.get("application_killed_by") is not None or one["panic"] is not None
            for one in records
        ),
        starts=_median(starts) if any(starts) else None,
        alert_seconds=_median(record["alerts"][0][0] for record in whole if record["alerts"]),
        starts_left=min(left or 0 for left in lefts)
        if any(left is not None for left in lefts)
        else None,
        causes=Counter(cause for record in whole if (cause := cause_of(record))),
        remedies=Counter(remedy["remedy"] for remedy in remedies),
        effective=sum(remedy["effective"] == "yes" for remedy in remedies),
        cache_lost_mib=max(0.0, _median(one["cached_lost_kib"] / _MIB for one in whole) or 0.0),
        cma_taken_mib=_median(one["cma_taken_kib"] / _MIB for one in whole) or 0.0,
        late_us=max((record["late_ns"] / 1000 for record in whole), default=0.0),
        instructions_m=_median(
            record["instructions"]["contestant"] / 1e6
            for record in whole
            if "contestant" in record["instructions"]
        ),
        kernel_m=_median(
            (record["instructions"]["kcompactd"] + record["instructions"]["kswapd"]) / 1e6
            for record in whole
        )
        or 0.0,
        pss_kib=_median(record["pss_kib"] for record in whole if record["pss_kib"]),
    )


def was_killed(record: Record) -> bool:
    """Whether the kernel killed; it panics where nobody is left to be killed."""
    return bool(record.get("kills") or record["panic"])


def has_ended(record: Record) -> bool:
    """Whether a run came to its end, and nothing went wrong with the scenario itself."""
    return "seconds" in record and "error" not in record


def first_blocks(record: Record) -> int | None:
    """Count the atomic blocks at the first burst of an atomic driver; None where there is none."""
    bursts = record.get("bursts", ())
    return next((one["available"] for one in bursts if one["kind"] == "driver"), None)


def starts_left(record: Record) -> int | None:
    """Count the processes that could be started after the first alert; None without one."""
    if not record["alerts"] or not record["started_at_kill"]:
        return None
    left: int = record["started_at_kill"] - record["alerts"][0][1]
    return left


def cause_of(record: Record) -> str | None:
    """Name the cause that was said first."""
    return next((cause for _, cause in record.get("causes", [])), None)


def _median(values: Iterable[Any]) -> float | None:
    found = list(values)
    return float(median(found)) if found else None
