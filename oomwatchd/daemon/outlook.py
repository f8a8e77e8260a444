"""The outlook: how long each demand may last, by its recent headrooms."""

from oomwatchd.assess.assessment import Assessment
from oomwatchd.forecast import Trend, exhaustion_seconds, noted


class Outlook:
    """The trends by demand. They inform; nothing is decided by them."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._trends: dict[str, Trend] = {}

    def note(self, assessment: Assessment, now: float) -> None:
        """Add an assessment's headrooms; what is watched no more is forgotten."""
        self._trends = {
            name: noted(self._trends.get(name, Trend()), now, reading.headroom)
            for reading in assessment.readings
            for name in (reading.demand.name,)
        }

    def forget(self) -> None:
        """Begin anew: after a remedy of ours or a gap in time the past is no guide."""
        self._trends.clear()

    def seconds(self, name: str, now: float) -> float | None:
        """Give the time until a demand's headroom is 0; None where that cannot be said."""
        return exhaustion_seconds(self._trends.get(name, Trend()), now)
