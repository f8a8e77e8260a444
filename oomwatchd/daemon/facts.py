"""What the status document says of the daemon itself, from its state."""

from oomwatchd.policy import State
from oomwatchd.settings import Remedies
from oomwatchd.status.document import RemedyFacts, Standing


def standings(state: State, now: float) -> dict[str, Standing]:
    """Describe how long each demand has stood as it does."""
    return {
        name: Standing(now - standing.since, standing.history)
        for name, standing in state.standings.items()
    }


def remedy_facts(state: State, remedies: Remedies) -> RemedyFacts:
    """Describe the remedies: running, done, and what the budget leaves."""
    left = max(0, remedies.compact_per_hour - len(state.starts))
    return RemedyFacts(
        running=state.running.remedy if state.running else None,
        inhibited_until_seconds=None,
        backoff_remaining_seconds=None,
        counts=state.counts,
        budget_left={"compact_per_hour": left},
        outcomes=state.outcomes,
    )
