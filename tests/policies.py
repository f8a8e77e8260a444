"""Drives the policy as the loop does, with a clock and a kernel of the test's own."""

from collections.abc import Iterable
from typing import Any

from builders import make_assessment

from oomwatchd import policy
from oomwatchd.assess.assessment import Assessment, Reading
from oomwatchd.assess.memory import Memory
from oomwatchd.model import Outcome, Remedy, Run, Zone
from oomwatchd.policy import Decision, Limits
from oomwatchd.settings import Poll, Remedies

OK, LOW, WARNING, CRITICAL = 100, 16, 10, 2
"""Headrooms: well above twice the warning level, at it, below it, and below critical."""
DROPPABLE = Memory(droppable_pagecache_kib=100_000, droppable_slab_kib=20_000)
"""More than enough of both."""
BOOT = "0b3c"


def missing_all_but(able: Iterable[Remedy]) -> dict[Remedy, str]:
    """Say of every other remedy that it cannot be had."""
    return {remedy: f"no {remedy.value} here" for remedy in Remedy if remedy not in set(able)}


def make_limits(able: Iterable[Remedy] = (Remedy.COMPACT,), **changes: Any) -> Limits:  # noqa: ANN401 - any field
    """Make the limits of a kernel that can compact and, unless told so, nothing else."""
    limits = Limits(Poll(), Remedies(), missing=missing_all_but(able))
    return limits._replace(**changes)


class Daemon:
    """The loop without its files: looks, judges, decides, speaks, and notes what came of it."""

    def __init__(
        self,
        able: Iterable[Remedy] = (Remedy.COMPACT,),
        *,
        memory: Memory = DROPPABLE,
        zones: tuple[Zone, ...] | None = None,
        **limits: Any,  # noqa: ANN401 - any field
    ) -> None:
        """Start with nothing known, at an odd moment of the clock."""
        self.state = policy.initial()
        self.limits = make_limits(able, **limits)
        self.memory = memory
        self.zones = zones
        self.free_pages = 5099
        self.now = 1000.0
        self.said: list[str] = []
        self.outcomes: list[Outcome] = []
        self.backed_off: list[tuple[str, float]] = []

    def assess(self, *readings: Reading) -> Assessment:
        """Put readings together with the memory and the zones."""
        assessment = make_assessment(*readings, free_pages=self.free_pages)
        assessment = assessment._replace(memory=self.memory)
        if self.zones is None:
            return assessment
        return assessment._replace(system=assessment.system._replace(zones=self.zones))

    def tick(self, *readings: Reading, after: float = 1.0) -> Decision:
        """Let time pass, look, judge, decide and speak."""
        self.now += after
        assessment = self.assess(*readings)
        poll = self.limits.poll
        state = policy.observe(self.state, assessment, poll, self.now)
        if policy.settled(state, poll, self.now):
            state, outcome = policy.judge(state, assessment)
            assert outcome is not None
            self.outcomes.append(outcome)
        state, decision = policy.decide(state, assessment, self.limits, self.now)
        self.backed_off += [
            (reading.demand.name, backoff.until - self.now)
            for reading, backoff in decision.backed_off
        ]
        self.state, news = policy.speak(state, assessment, poll, self.now)
        self.said += [f"{reading.demand.name} {word.value}" for word, reading in news]
        return decision

    def ends(self, after: float = 0.5, error: str | None = None) -> None:
        """Let the running remedy end."""
        self.now += after
        self.state = policy.finished(self.state, Run(0.5, error), self.now)

    def in_vain(self, *readings: Reading) -> Decision:
        """Let the running remedy end, and look again after it has settled."""
        self.ends()
        return self.tick(*readings, after=self.limits.poll.settle_seconds)

    def watched(self, *readings: Reading, seconds: int) -> list[tuple[int, Remedy]]:
        """Look every second at the same readings; lists which remedies ran when, in vain."""
        ran: list[tuple[int, Remedy]] = []
        for second in range(seconds):
            decision = self.tick(*readings)
            if decision.remedy is not None:
                ran.append((second, decision.remedy))
                self.ends(after=0)
        return ran

    def gap(self, missed: float) -> None:
        """Let time pass that nobody sees."""
        self.now += missed
        self.state = policy.after_gap(self.state, missed, self.now)

    def restart(self, after: float = 1.0) -> None:
        """Stop, and start anew in the same boot."""
        self.now += after
        memo = policy.memo_of(self.state, BOOT)
        self.state = policy.recalled(policy.initial(), memo, BOOT, self.now)

    def past_the_first_look(self) -> "Daemon":
        """Get over the first look, which counts without hold."""
        self.tick()
        return self
