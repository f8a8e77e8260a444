"""What somebody asks for: run at once, but never twice, never beyond a budget."""

import pytest
from builders import make_reading
from policies import CRITICAL, OK, WARNING, Daemon

from oomwatchd import policy
from oomwatchd.model import Action, Cause, Remedy, Request
from oomwatchd.policy import Decision, Refusal
from oomwatchd.settings import Hours, Remedies

C, D = Action(Remedy.COMPACT), Action(Remedy.DROP_ALL)
BOTH = (Remedy.COMPACT, Remedy.DROP_ALL)


def ask(daemon: Daemon, action: Action = C, headroom: int | None = OK) -> Decision | Refusal:
    """Ask for a remedy, while one demand stands as it does."""
    assessment = daemon.assess(make_reading(headroom))
    daemon.state = policy.observe(daemon.state, assessment, daemon.limits.poll, daemon.now)
    daemon.state, answer = policy.ask_for(
        daemon.state, assessment, action, daemon.limits, daemon.now
    )
    return answer


def refusal(daemon: Daemon, action: Action = C, headroom: int | None = OK) -> Refusal:
    """Ask for what is refused: nothing is under way then, and no budget is touched."""
    before = daemon.state
    answer = ask(daemon, action, headroom)
    assert isinstance(answer, Refusal)
    assert daemon.state.running == before.running
    assert daemon.state.starts == before.starts
    return answer


LASTING = {
    "unavailable": ({"unavailable": "a copied tree"}, C, "a copied tree"),
    "no such remedy": ({}, D, "no drop_all here"),
    "switched off": ({"remedies": Remedies(compact=False)}, C, "compact is switched off"),
    "dry-run": ({"dry_run": True}, C, "a dry-run changes nothing"),
    "no such node": ({"nodes": (0, 1)}, Action(Remedy.COMPACT, 2), "node 2 cannot be compacted"),
    "no nodes at all": ({}, Action(Remedy.COMPACT, 0), "node 0 cannot be compacted"),
    "real-time": ({"realtime": "SCHED_FIFO"}, C, "real-time: SCHED_FIFO"),
}


@pytest.mark.parametrize("name", LASTING)
def test_what_cannot_be_had_is_refused_for_good(name: str) -> None:
    """To ask again is of no use."""
    limits, action, why = LASTING[name]
    answer = refusal(Daemon(**limits), action)  # type: ignore[arg-type] # any field of Limits
    assert answer.lasting
    assert answer.why.startswith(why)


def test_never_two_at_once() -> None:
    """Not while one runs, nor until it has settled; then again, at once."""
    daemon = Daemon()
    assert isinstance(ask(daemon), Decision)
    assert refusal(daemon) == Refusal("a remedy is under way", lasting=False)
    daemon.ends()
    assert refusal(daemon) == Refusal("a remedy is under way", lasting=False)
    daemon.tick(make_reading(OK), after=daemon.limits.poll.settle_seconds)
    assert isinstance(ask(daemon), Decision)


def test_not_beside_one_that_came_by_itself() -> None:
    """Whoever began it."""
    daemon = Daemon()
    assert daemon.tick(make_reading(CRITICAL)).remedy is Remedy.COMPACT
    assert not refusal(daemon).lasting


def test_never_beyond_the_budget() -> None:
    """What came by itself and what was asked for count alike."""
    daemon = Daemon(remedies=Remedies(compact_per_hour=2))
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(OK))
    ask(daemon)
    daemon.in_vain(make_reading(OK))
    assert "budget" in refusal(daemon).why
    assert not refusal(daemon).lasting


def test_inhibited_is_inhibited() -> None:
    """For all, until it ends or is ended."""
    daemon = Daemon()
    daemon.state = policy.inhibited(daemon.state, 600, daemon.now)
    assert refusal(daemon) == Refusal("inhibited for 600 s more", lasting=False)
    assert daemon.tick(make_reading(CRITICAL)).remedy is None
    daemon.state = policy.inhibited(daemon.state, 0, daemon.now)
    assert daemon.tick(make_reading(CRITICAL)).remedy is Remedy.COMPACT
    daemon.in_vain(make_reading(OK))
    daemon.state = policy.inhibited(daemon.state, 600, daemon.now)
    daemon.now += 600
    assert isinstance(ask(daemon), Decision)


def test_what_is_not_known_is_not_acted_on() -> None:
    """There would be nothing to judge it by."""
    assert not refusal(Daemon(), headroom=None).lasting


def test_spacing_back_off_and_quiet_hours_do_not_stand_against_it() -> None:
    """Whoever asks knows why."""
    hours = Remedies(quiet_hours=(Hours(0, 1439),))
    assert isinstance(ask(Daemon(remedies=hours, minute_of_day=600)), Decision)
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(CRITICAL))
    daemon.tick(make_reading(CRITICAL))
    assert daemon.backed_off
    assert isinstance(ask(daemon, headroom=CRITICAL), Decision)


def test_what_was_asked_for_spaces_what_comes_by_itself() -> None:
    """The next minute is left in peace."""
    daemon = Daemon()
    ask(daemon)
    daemon.in_vain(make_reading(OK))
    decision = daemon.tick(make_reading(CRITICAL))
    assert decision.remedy is None
    assert "less than 30 s ago" in decision.reason


def test_it_is_told_as_asked_for() -> None:
    """The decision names the demand that it is judged by."""
    answer = ask(Daemon())
    assert isinstance(answer, Decision)
    assert answer.reason == "asked for"
    assert answer.reading is not None
    assert answer.reading.demand.name == "process"


@pytest.mark.parametrize(
    ("before", "after", "effective"),
    [(100, 104, True), (100, 103, False), (100, 90, False), (0, 1, True), (0, 0, False)],
)
def test_compaction_is_effective_if_headroom_rises_by_more_than_chance(
    before: int, after: int, *, effective: bool
) -> None:
    """Be the demand low or not."""
    daemon = Daemon()
    ask(daemon, headroom=before)
    daemon.in_vain(make_reading(after))
    (outcome,) = daemon.outcomes
    assert outcome.effective is effective
    assert (outcome.headroom_before, outcome.headroom_after) == (before, after)


@pytest.mark.parametrize(("freed", "effective"), [(256, True), (255, False), (-1, False)])
def test_dropping_is_effective_if_memory_comes_free(freed: int, *, effective: bool) -> None:
    """Whatever pieces it lies in."""
    daemon = Daemon(BOTH)
    ask(daemon, D)
    daemon.free_pages += freed
    daemon.in_vain(make_reading(OK))
    assert daemon.outcomes[0].effective is effective


def test_the_demand_that_it_is_judged_by() -> None:
    """The one nearest to its level, of those that a remedy may help."""
    readings = (
        make_reading(OK, name="calm"),
        make_reading(3, name="area", request=Request.CMA),
        make_reading(WARNING, name="low"),
        make_reading(1, name="never", cause=Cause.UNSATISFIABLE),
        make_reading(None, name="blind"),
        make_reading(1, name="pages")._replace(
            demand=make_reading(1, name="pages").demand._replace(order=0)
        ),
    )
    daemon = Daemon()
    assessment = daemon.assess(*readings)
    _, answer = policy.ask_for(daemon.state, assessment, C, daemon.limits, daemon.now)
    assert isinstance(answer, Decision)
    assert answer.reading is not None
    assert answer.reading.demand.name == "low"
