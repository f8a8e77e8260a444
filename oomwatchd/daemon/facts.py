"""What the status document says of the daemon itself, from its state."""

from oomwatchd import policy
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.policy import State
from oomwatchd.settings import Remedies
from oomwatchd.status.document import RemedyFacts, Standing


def standings(state: State, outlook: Outlook, now: float) -> dict[str, Standing]:
    """Describe how long each demand has stood as it does, and how long it may go on."""
    return {
        name: Standing(now - standing.since, standing.history, outlook.seconds(name, now))
        for name, standing in state.standings.items()
    }


def remedy_facts(state: State, remedies: Remedies, now: float) -> RemedyFacts:
    """Describe the remedies: running, done, and what the budgets leave."""
    waits = [policy.waiting(state, name, now) for name in state.backoffs]
    return RemedyFacts(
        running=state.running.action.remedy if state.running else None,
        inhibited_until_seconds=policy.inhibited_seconds(state, now),
        backoff_remaining_seconds=max((wait for wait in waits if wait is not None), default=None),
        counts=state.counts,
        budget_left=policy.budget_left(state, remedies, now),
        outcomes=state.outcomes,
    )
