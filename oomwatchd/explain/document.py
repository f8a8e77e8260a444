"""Explanations as one JSON object: see schema.json beside this."""

from oomwatchd.explain.collection import Collection, Group
from oomwatchd.explain.explanation import Explanation
from oomwatchd.explain.kernel import KernelFound, name_of
from oomwatchd.explain.request import Asked
from oomwatchd.explain.story import headline, story
from oomwatchd.explain.trial import Trial
from oomwatchd.explain.victim import Victim

SCHEMA = 1
Json = dict[str, object]


def document(found: Collection, version: str) -> Json:
    """Write all of it; every key is always there, absent facts are None."""
    return {
        "schema": SCHEMA,
        "version": version,
        "count": found.count,
        "kinds": dict(found.kinds),
        "verdicts": dict(found.verdicts),
        "others": [other._asdict() for other in found.others],
        "left_out": found.left_out,
        "reports": [_group(group) for group in found.groups],
    }


def _group(group: Group) -> Json:
    it = group.first
    report = it.report
    return {
        "source": group.source,
        "line": report.line,
        "at": report.at,
        "count": group.count,
        "more": [place._asdict() for place in group.more],
        "kind": report.kind.value,
        "headline": headline(it),
        "story": story(it),
        "kernel": _kernel(it.kernel),
        "hardware": report.hardware,
        "request": _request(it.asked),
        "call_chain": list(report.trace),
        "verdict": _verdict(it),
        "zones": [_zone(trial) for trial in it.trials],
        "memory": it.uses._asdict() | {"droppable_kib": it.uses.droppable_kib},
        "victims": [_victim(victim) for victim in it.victims],
        "tasks": _tasks(it),
        "cgroup": _cgroup(it),
        "constraint": report.constraint,
        "nobody_to_kill": report.nobody_to_kill,
        "panic_on_oom": report.panic_on_oom,
        "vmalloc_bytes": report.vmalloc_bytes,
        "vmalloc_got_bytes": report.vmalloc_got_bytes,
        "missing": list(report.missing),
        "advice": list(it.advice),
        "demand": _demand(it),
    }


def _kernel(kernel: KernelFound) -> Json:
    return {
        "release": kernel.release,
        "source": kernel.source,
        "since": name_of(kernel.since),
        "last": name_of(kernel.last),
        "architecture": kernel.architecture,
        "page_size": kernel.page_size if kernel.knows_page_size else None,
    }


def _request(asked: Asked) -> Json:
    flags, purpose = asked.flags, asked.purpose
    return {
        "comm": asked.comm,
        "pid": asked.pid,
        "order": asked.order,
        "size_bytes": asked.size_bytes,
        "gfp_mask": asked.mask,
        "gfp_flags": None if flags is None else list(flags.names),
        "gfp_unknown_bits": None if flags is None else flags.unknown_bits,
        "may_sleep": None if flags is None else flags.may_sleep,
        "may_use_reserves": None if flags is None else flags.high or flags.harder,
        "may_use_highmem": None if flags is None else flags.highmem,
        "may_use_cma": None if flags is None else flags.movable,
        "reclaiming": asked.is_reclaiming,
        "dying": asked.is_dying,
        "outcome": None if asked.outcome is None else asked.outcome.value,
        "purpose": None
        if purpose is None
        else {
            "key": purpose.key,
            "what": purpose.what,
            "function": purpose.function,
            "sure": purpose.sure,
        },
    }


def _verdict(it: Explanation) -> Json:
    trial = it.reason.trial
    return {
        "verdict": it.reason.verdict.value,
        "node": trial.zone.node if trial else None,
        "zone": trial.zone.name if trial else None,
        "mark": it.reason.mark if trial else None,
        "doubtful": it.is_doubtful,
        "since_4_4": None if it.by_new_rule is None else it.by_new_rule.value,
    }


def _zone(trial: Trial) -> Json:
    zone = trial.zone
    return {
        "node": zone.node,
        "zone": zone.name,
        "reached": trial.is_reached,
        "free_pages": trial.free_pages,
        "mark_pages": trial.mark_pages,
        "reserve_pages": trial.reserve_pages,
        "boost_pages": trial.boost_pages,
        "cma_pages": trial.cma_pages,
        "highatomic_pages": trial.highatomic_pages,
        "checks": [
            {
                "from_order": at,
                "pages": check.pages,
                "mark": check.mark,
                "passed": check.passed,
            }
            for at, check in enumerate(trial.checks)
        ],
        "usable_blocks": trial.usable_blocks,
        "barred_blocks": trial.barred_blocks,
        "refusal": trial.refusal.value if trial.refusal else None,
        "missing": trial.missing,
        "free_blocks": None if zone.free_blocks is None else list(zone.free_blocks),
        "types": None if zone.letters is None else list(zone.letters),
    }


def _victim(victim: Victim) -> Json:
    kill, chosen = victim.kill, victim.chosen
    return {
        "pid": kill.pid,
        "name": kill.name,
        "freed_kib": victim.freed_kib,
        "rank": victim.rank,
        "chosen": None if chosen is None else {"pid": chosen.pid, "name": chosen.name},
    }


def _tasks(it: Explanation) -> Json | None:
    if it.tasks is None:
        return None
    return {
        "count": it.tasks.processes,
        "rss_kib": it.tasks.rss_kib,
        "left_out": it.tasks.left_out,
        "largest": [
            {"pid": task.pid, "name": task.name, "rss_kib": kib} for task, kib in it.tasks.largest
        ],
    }


def _cgroup(it: Explanation) -> Json | None:
    group = it.report.cgroup
    if group is None:
        return None
    return {**group._asdict(), "stats_kib": dict(group.stats_kib)}


def _demand(it: Explanation) -> Json | None:
    demand = it.demand
    if demand is None:
        return None
    return {
        "name": demand.name,
        "order": demand.order,
        "request": demand.request.value,
        "warning": demand.warning,
        "critical": demand.critical,
        "is_built_in": demand.is_built_in,
    }
