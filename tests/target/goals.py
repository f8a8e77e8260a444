"""What the daemon may cost: figures of target.bench against their goals, for people to read."""

from typing import Any, NamedTuple

from target.inside.client import DRAWN, JSON_COMMANDS

Figures = dict[str, dict[str, Any]]
"""By subject, then by name. Costs are instructions."""
LONG_TICKS = 50_000
"""In the second half of so many ticks whatever still grows is a leak."""
_WARMTH = 1.02
"""What may be touched for the first time after the first few hundred ticks."""


class Goal(NamedTuple):
    """What is compared with what, and how large it may be."""

    what: str
    value: float
    base: float
    most: float | None
    """Of the base; None: no goal, just told."""
    unit: str = "instructions"

    @property
    def ratio(self) -> float:
        """The value in parts of the base."""
        return self.value / self.base

    @property
    def met(self) -> bool:
        """Whether it is small enough."""
        return self.most is None or self.value <= self.most * self.base


def goals(figures: Figures) -> list[Goal]:
    """Compare with what the daemon may cost."""
    earlyoom, daemon, ticks = figures["earlyoom"], figures["daemon"], figures["ticks"]
    poll = earlyoom["per_wakeup"]
    reading, growth, pss = figures["reading"], figures["endurance"], figures["pss_kib"]
    rss, descriptors = growth["rss_kib"], growth["descriptors"]
    lived = f"after {growth['ticks']:,} ticks"
    client = figures["client"]
    bare = client["bare"]
    halfway = [Goal(f"resident {lived} / halfway", rss[-1], rss[len(rss) // 2], 1, "KiB")]
    return [
        Goal("unchanged tick / earlyoom's poll", ticks["unchanged"], poll, 0.75),
        Goal("changed tick / earlyoom's poll", ticks["changed"], poll, 2),
        Goal("idle second / earlyoom's", daemon["per_second"], earlyoom["per_second"], 1 / 20),
        Goal("assessment / bare reading of three files", reading["assessment"], reading["bare"], 4),
        Goal("idle wake-ups / one in 10 s", daemon["wakeups"], daemon["seconds"] / 10, 1, "times"),
        Goal(f"resident {lived} / before", rss[-1], rss[0], _WARMTH, "KiB"),
        *(halfway if growth["ticks"] >= LONG_TICKS else ()),
        Goal(f"descriptors {lived} / before", descriptors[-1], descriptors[0], 1, "open"),
        *(Goal(f"oomwatchctl {it} / bare Python", client[it], bare, 1.2) for it in JSON_COMMANDS),
        *(Goal(f"oomwatchctl {it} / bare Python", client[it], bare, 2) for it in DRAWN),
        Goal("PSS, all on / bare Python's", pss["oomwatchd"], pss["python"], 2.3, "KiB"),
        Goal("PSS, slim / bare Python's", pss["slim"], pss["python"], 1.95, "KiB"),
        Goal("PSS, all on / nohang's", pss["oomwatchd"], pss["nohang"], 1, "KiB"),
        Goal("PSS, all on / earlyoom's", pss["oomwatchd"], pss["earlyoom"], None, "KiB"),
    ]


def table(found: list[Goal]) -> str:
    """Lay the comparison out for people."""
    rows = [("", "value", "base", "ratio", "goal", "")]
    for goal in found:
        verdict = "" if goal.most is None else "met" if goal.met else "MISSED"
        most = "" if goal.most is None else f"{goal.most:g}"
        numbers = f"{goal.value:,.0f}", f"{goal.base:,.0f}", f"{goal.ratio:.2f}"
        rows.append((f"{goal.what}, {goal.unit}", *numbers, most, verdict))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at in (0, len(row) - 1) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
