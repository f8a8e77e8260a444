"""What the truth tests compare: oomwatchd's headroom with what the kernel granted.

The guests report their samples, so that deliberately wrong rules can be judged by the same
states as the right ones.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from oomwatchd.assess.headroom import Headroom, System, headroom
from oomwatchd.mm.watermark import HighatomicRule, rule_of
from oomwatchd.model import Request, Watermarks, Zone
from oomwatchd.procfs.version import parse_version

TOLERANCE_BLOCKS = 20
TOLERANCE_SHARE = 0.06
SHARE_WITHIN = 0.9
UNEXPLAINED = "unexplained"


class Comparison(NamedTuple):
    """One sample and what the probe got right after it."""

    guest: str
    state: str
    request: Request
    order: int
    reported: int | None
    """Headroom as the guest's oomwatchd counted it."""
    came: int
    on_cpu_lists: int
    """Pages on per-CPU lists, which are neither free nor used."""
    batch: int
    """Pages that such a list is refilled with."""
    system: System

    def headroom(self, wrong: "Callable[[System], System] | None" = None) -> Headroom:
        """Count again, perhaps by a wrong rule."""
        system = wrong(self.system) if wrong else self.system
        counted = headroom(system, self.request, self.order)
        assert counted is not None, f"{self}: no headroom"
        return counted


def comparisons(guest: str, events: Iterable[Mapping[str, Any]]) -> list[Comparison]:
    """Read what a guest reported."""
    return [
        Comparison(
            guest=guest,
            state=event["state"],
            request=Request(event["request"]),
            order=event["order"],
            reported=event["headroom"],
            came=event["came"],
            on_cpu_lists=event["on_cpu_lists"],
            batch=event["batch"],
            system=_system(event),
        )
        for event in events
        if event["event"] == "probe"
    ]


def _system(event: Mapping[str, Any]) -> System:
    version = parse_version(None, event["release"].encode())
    assert version is not None
    zones = tuple(_zone(zone) for zone in event["zones"])
    return System(zones, tuple(event["compiled"]), rule_of(version))


def _zone(facts: Mapping[str, Any]) -> Zone:
    types = facts["free_blocks_by_type"]
    return Zone(
        **{
            **facts,
            "watermarks": Watermarks(*facts["watermarks"]),
            "protection": tuple(facts["protection"]),
            "free_blocks": tuple(facts["free_blocks"]),
            "free_blocks_by_type": {name: tuple(types[name]) for name in types},
        }
    )


def within(counted: int, came: int) -> bool:
    """Whether headroom is as near to the truth as is asked for."""
    return abs(counted - came) <= max(TOLERANCE_BLOCKS, TOLERANCE_SHARE * came)


def far_over(counted: int, came: int) -> bool:
    """Whether headroom promises more than may ever be promised."""
    return counted > 2 * came + TOLERANCE_BLOCKS


class Score(NamedTuple):
    """How a rule fares for one request."""

    samples: int
    misses: int
    far_over: int

    @property
    def passed(self) -> bool:
        """Whether that is good enough."""
        return self.misses <= (1 - SHARE_WITHIN) * self.samples and not self.far_over


def scores(
    compared: Iterable[Comparison], wrong: Callable[[System], System] | None = None
) -> dict[Request, Score]:
    """Judge the right rule, or a wrong one."""
    samples: Counter[Request] = Counter()
    misses: Counter[Request] = Counter()
    over: Counter[Request] = Counter()
    for one in compared:
        counted = one.headroom(wrong).blocks
        samples[one.request] += 1
        misses[one.request] += not within(counted, one.came)
        over[one.request] += far_over(counted, one.came)
    return {request: Score(samples[request], misses[request], over[request]) for request in samples}


def old_rule(system: System) -> System:
    """Take the rule of kernels before 4.4 on a later one."""
    return system._replace(rule=rule_of((4, 3, 0)))


def free_highatomic(system: System) -> System:
    """Take HighAtomic's free pages for its whole pageblocks, as kernels from 6.12 on do."""
    return system._replace(rule=system.rule._replace(highatomic=HighatomicRule.FREE))


def no_highatomic(system: System) -> System:
    """Forget HighAtomic: its blocks and its pages serve everyone."""
    rule = system.rule._replace(highatomic=HighatomicRule.NONE)
    return System(
        tuple(_merged(zone, "HighAtomic") for zone in system.zones), system.compiled, rule
    )


def ignored_cma(system: System) -> System:
    """Take CMA for memory like any other."""
    zones = tuple(_merged(zone, "CMA")._replace(free_cma_pages=0) for zone in system.zones)
    return system._replace(zones=zones)


def ignored_reserve(system: System) -> System:
    """Forget the lowmem reserve."""
    zones = tuple(
        zone._replace(protection=tuple(0 for _ in zone.protection or ())) for zone in system.zones
    )
    return system._replace(zones=zones)


def ignored_marks(system: System) -> System:
    """Count blocks alone, as who looks at buddyinfo does."""
    zones = tuple(zone._replace(watermarks=Watermarks(0, 0, 0, 0)) for zone in system.zones)
    return system._replace(zones=zones)


def without_pagetypeinfo(system: System) -> System:
    """Know no more than who may not read /proc/pagetypeinfo: not wrong, but a lower bound."""
    zones = tuple(
        zone._replace(free_blocks_by_type=None, highatomic_reserved_pages=None)
        for zone in system.zones
    )
    return system._replace(zones=zones)


MUTANTS: dict[str, Callable[[System], System]] = {
    "the rule before 4.4": old_rule,
    "CMA ignored": ignored_cma,
    "lowmem reserve ignored": ignored_reserve,
    "marks ignored": ignored_marks,
    "HighAtomic ignored": no_highatomic,
    "HighAtomic counted as free pages": free_highatomic,
}


def _merged(zone: Zone, name: str) -> Zone:
    """Count one migratetype's blocks as movable ones."""
    types = dict(zone.free_blocks_by_type or {})
    freed = types.pop(name, ())
    if freed:
        movable = types["Movable"]
        types["Movable"] = tuple(a + b for a, b in zip(movable, freed, strict=True))
    return zone._replace(free_blocks_by_type=types)


def table(compared: Iterable[Comparison]) -> str:
    """Show each rule's misses, and the classes of the right rule's ones."""
    compared = list(compared)
    lines = [f"{'rule':34}{'request':10}{'samples':>8}{'misses':>8}{'far over':>9}  verdict"]
    for name, wrong in {"oomwatchd's": None, **MUTANTS}.items():
        for request, score in scores(compared, wrong).items():
            verdict = "passes" if score.passed else "caught"
            lines.append(
                f"{name:34}{request.value:10}{score.samples:8}{score.misses:8}"
                f"{score.far_over:9}  {verdict}"
            )
    lines.append("")
    lines += [f"{count:5} {what}" for what, count in classes(compared).most_common()]
    return "\n".join(lines)


def classes(compared: Iterable[Comparison]) -> Counter[str]:
    """Sort the right rule's deviations, however small, by what explains them."""
    found: Counter[str] = Counter()
    for one in compared:
        found[explain(one)] += 1
    return found


def explain(one: Comparison) -> str:
    """Say why headroom and truth differ.

    Orders up to 3, and that of a huge page, come by way of per-CPU lists (5.14 on): what lies
    there already is taken besides what is free, and of the last refill (a batch, halved with
    each order, at least 2 blocks, in each zone) the rest stays there when the kernel refuses.
    What Python needs between the sample and the probe is refills of single pages.
    """
    more = one.came - one.headroom().blocks
    zones = sum(any(zone.free_blocks) for zone in one.system.zones)
    refill = zones * max(one.batch >> one.order, 2)
    own = zones * (2 * one.batch >> one.order) + 1
    if more == 0:
        return "exact"
    if 0 < more <= (one.on_cpu_lists >> one.order) + own:
        return "too low: blocks on per-CPU lists were taken as well"
    if more > 0 and one.headroom().lower_bound:
        return "too low: pagetypeinfo stops counting at 100,000 blocks"
    if -refill - own <= more < 0:
        return "too high: the rest of a refill stayed on a per-CPU list"
    return UNEXPLAINED
