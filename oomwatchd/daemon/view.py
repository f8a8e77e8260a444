"""What is seen of memory: looking as seldom and as little as will do."""

from oomwatchd.assess.assessment import Assessment, Reading, assess
from oomwatchd.assess.glance import Glance, glance_of, slack_pages
from oomwatchd.assess.sample import Sample
from oomwatchd.assess.watched import demands_of
from oomwatchd.model import DemandSpec, Kernel, Request, Severity
from oomwatchd.policy.pace import Pause, Slack, glance_pause, slackened
from oomwatchd.settings import Config
from oomwatchd.system.sampler import Needs, Sampler

_GLANCE_SECONDS = 60.0
"""How long the watermarks that a glance goes by are taken for known."""
_TYPES_SECONDS = 60.0
"""How long the lists by type go on being read after they made a difference."""
_FRESH_SECONDS = 0.5
"""Whoever asks more often than this is given the last answer again."""
_KILLS = b"oom_kill"
"""The counter of /proc/vmstat, since 4.13."""


class View:
    """The last assessment, and whether a new one is called for."""

    def __init__(self, sampler: Sampler, kernel: Kernel, config: Config) -> None:
        """Nothing has been seen yet."""
        self.assessment: Assessment | None = None
        self._sampler = sampler
        self._kernel = kernel
        self._config = config
        self._specs: tuple[DemandSpec, ...] | None = None
        self.text = b""
        """The beginning of buddyinfo as it read last."""
        self._glance: Glance | None = None
        self._glance_until = self._types_until = 0.0
        self._slack: Slack | None = None
        self._closely_at: float | None = None
        self._kills = self._count_kills()

    def reconfigure(self, config: Config) -> None:
        """Take other demands; what was seen so far was of the old ones."""
        self._config, self._specs, self.assessment, self._glance = config, None, None, None
        self._closely_at = None

    def glance(self) -> bytes | None:
        """Look whether anything has changed: the beginning of buddyinfo, or None if not."""
        text = self._sampler.glance()
        if text is not None:
            self.text = text
        return text

    def pause_if_far(self, now: float) -> Pause | None:
        """Say when to look next, if what changed shows that no demand can be near its level."""
        if self._glance is None or now >= self._glance_until:
            return None
        pages = slack_pages(self._glance, self.text)
        if pages is None:
            self._slack = None
            return None
        self._slack = slackened(self._slack, pages, now)
        return glance_pause(self._slack, self._config.poll)

    def sample(self, now: float, *, closely: bool = False) -> Sample:
        """Read the kernel's files: all of them, or those that will do."""
        zones = self.assessment.system.zones if self.assessment else ()
        orders = max((len(zone.free_blocks) for zone in zones), default=0)
        specs = self._specs or self._config.demands
        types = closely or self.assessment is None or now < self._types_until
        return self._sampler.sample(
            Needs(types=types, cma_chunks=any(_may_exceed(spec, orders) for spec in specs))
        )

    def assess(self, sample: Sample, now: float) -> Assessment:
        """Measure every demand; reads on where free lists by type could make a difference."""
        assessment = self._assess(sample)
        if _is_doubtful(assessment):
            before, self._types_until = self._types_until, now + _TYPES_SECONDS
            if sample.pagetypeinfo is None and now >= before:
                assessment = self._assess(self.sample(now))
        self.assessment = assessment
        self._glance = glance_of(assessment, self.text)
        self._glance_until = now + _GLANCE_SECONDS
        self._slack = None
        return assessment

    def look_closely(self, now: float) -> Assessment | None:
        """Read everything, for somebody who asks; None if that was done just now."""
        if self._closely_at is not None and 0 <= now - self._closely_at < _FRESH_SECONDS:
            return None
        self._closely_at = now
        return self.assess(self.sample(now, closely=True), now)

    @property
    def is_blind(self) -> bool:
        """Whether there is no last assessment, or it could not tell how a demand stands."""
        readings = self.assessment.readings if self.assessment else ()
        return not self.assessment or any(reading.headroom is None for reading in readings)

    def last(self, now: float) -> Assessment:
        """Give the last assessment; makes one where there is none."""
        return self.assessment or self.assess(self.sample(now), now)

    def lowest(self) -> Reading | None:
        """Give the demand that stands worst; None where none is low."""
        readings = self.assessment.readings if self.assessment else ()
        low = [reading for reading in readings if reading.severity is not Severity.OK]
        return max(low, key=lambda reading: reading.severity.rank, default=None)

    def new_kills(self) -> int:
        """Count the processes that the kernel has killed since the last call."""
        count = self._count_kills()
        new = count - self._kills
        self._kills = count
        return max(0, new)

    def _count_kills(self) -> int:
        return self._sampler.counters((_KILLS,)).get(_KILLS, 0)

    def _assess(self, sample: Sample) -> Assessment:
        specs = self._specs or demands_of(self._config, self._kernel, sample.meminfo)
        if sample.meminfo is not None:
            self._specs = specs  # what is built in depends on it
        return assess(sample, specs)


def _may_exceed(spec: DemandSpec, orders: int) -> bool:
    """Whether a demand may be for one run of CMA larger than any free list's blocks."""
    return spec.request is Request.CMA and (spec.order is None or spec.order >= orders)


def _is_doubtful(assessment: Assessment) -> bool:
    """Whether a demand is near its level, as far as can be told without the lists by type.

    What CMA and HighAtomic hold can only matter to a demand that is near at the worst.
    """
    return any(
        reading.severity is not Severity.OK
        or reading.demand.request is Request.CMA
        or reading.is_near
        for reading in assessment.readings
        if reading.headroom is not None
    )
