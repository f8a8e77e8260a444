"""Who is low since when, and what time that nobody saw does to it."""

import pytest
from builders import make_reading, make_zone
from policies import CRITICAL, LOW, OK, WARNING, Daemon

from oomwatchd import policy
from oomwatchd.model import Cause, Remedy, Request, Severity
from oomwatchd.settings import Poll, Remedies

# --- The hold time -----------------------------------------------------------------------------


def test_what_is_unknown_is_never_acted_on() -> None:
    """Not even if headroom looks low (a lower bound), not at the first look either."""
    daemon = Daemon(Remedy)
    readings = [
        make_reading(None),
        make_reading(0, severity=Severity.UNKNOWN),
        make_reading(0, severity=Severity.UNKNOWN)._replace(cause=Cause.FRAGMENTATION),
    ]
    for reading in readings * 10:
        assert daemon.tick(reading, after=20).remedy is None
    assert daemon.said == []


@pytest.mark.parametrize(("seconds", "acts"), [(14.9, False), (15.0, True), (40.0, True)])
def test_a_warning_is_answered_after_the_hold_time(seconds: float, *, acts: bool) -> None:
    """Only what has been low for 15 s."""
    daemon = Daemon().past_the_first_look()
    assert daemon.tick(make_reading(WARNING)).remedy is None
    assert (daemon.tick(make_reading(WARNING), after=seconds).remedy is not None) is acts


def test_a_critical_demand_is_answered_at_once() -> None:
    """No hold time for critical."""
    daemon = Daemon().past_the_first_look()
    assert daemon.tick(make_reading(CRITICAL)).remedy is Remedy.COMPACT


def test_the_first_look_counts_without_hold() -> None:
    """Nobody knows how long the demand had been low before the start."""
    daemon = Daemon()
    assert daemon.tick(make_reading(WARNING)).remedy is Remedy.COMPACT
    assert daemon.said == ["process headroom_low"]


def test_what_was_low_at_the_first_look_is_not_held_later() -> None:
    """The second rung follows at once, and so does the alarm; until it was ok in between."""
    daemon = Daemon(Remedy, remedies=Remedies(compact_spacing_seconds=1))
    assert daemon.tick(make_reading(WARNING)).remedy is Remedy.COMPACT_ASYNC
    daemon.ends()
    daemon.tick(make_reading(None))
    assert daemon.tick(make_reading(WARNING)).remedy is Remedy.COMPACT
    daemon.in_vain(make_reading(LOW + 1))
    assert daemon.tick(make_reading(WARNING)).remedy is None
    assert daemon.tick(make_reading(WARNING), after=14.9).remedy is None
    assert daemon.tick(make_reading(WARNING), after=0.1).remedy is Remedy.COMPACT_ASYNC


def test_the_first_look_is_not_remembered_over_a_gap() -> None:
    """It has to last anew, like all that lasted."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(None), make_reading(WARNING, name="b"))
    daemon.gap(100)
    daemon.said.clear()
    daemon.state = daemon.state._replace(words={})
    daemon.tick(make_reading(WARNING), make_reading(WARNING, name="b"), after=14)
    assert daemon.said == []


def test_the_first_look_is_the_first_even_if_nothing_was_seen() -> None:
    """What appears later is held like any other."""
    daemon = Daemon()
    daemon.tick()
    assert daemon.tick(make_reading(WARNING)).remedy is None


def test_recovering_in_between_starts_the_hold_anew() -> None:
    """A dip shorter than the hold time is never answered."""
    daemon = Daemon().past_the_first_look()
    for _ in range(20):
        assert daemon.tick(make_reading(WARNING), after=1).remedy is None
        assert daemon.tick(make_reading(WARNING), after=10).remedy is None
        assert daemon.tick(make_reading(LOW + 1), after=1).remedy is None
    assert daemon.said == []


def test_an_unknown_moment_does_not_start_the_hold_anew() -> None:
    """A file that cannot be read now and then does not hide a demand that is low."""
    daemon = Daemon(unavailable="no root").past_the_first_look()
    for _ in range(3):
        daemon.tick(make_reading(WARNING), after=4)
        daemon.tick(make_reading(None), after=1)
    assert daemon.said == []
    daemon.tick(make_reading(WARNING), after=4)
    assert daemon.said == ["process headroom_warning"]


def test_an_unknown_moment_does_not_start_the_hold_either() -> None:
    """It counts from when the demand was first known to be low."""
    daemon = Daemon().past_the_first_look()
    daemon.tick(make_reading(None))
    assert daemon.tick(make_reading(WARNING), after=15).remedy is None
    assert daemon.tick(make_reading(WARNING), after=15).remedy is Remedy.COMPACT


def test_the_hold_counts_all_the_time_that_a_demand_is_low() -> None:
    """A critical moment that could not be answered does not start the hold anew."""
    daemon = Daemon(remedies=Remedies(compact=False)).past_the_first_look()
    daemon.tick(make_reading(WARNING))
    daemon.tick(make_reading(CRITICAL), after=10)
    daemon.limits = daemon.limits._replace(remedies=Remedies())
    assert daemon.tick(make_reading(WARNING), after=4.9).remedy is None
    assert daemon.tick(make_reading(WARNING), after=0.1).remedy is Remedy.COMPACT


# --- What is remembered of a demand ------------------------------------------------------------


def test_how_long_a_demand_has_stood() -> None:
    """Since its severity changed; recent headrooms are kept, oldest first, sixty of them."""
    daemon = Daemon(remedies=Remedies(compact=False))
    for headroom in [OK, OK + 1, WARNING, WARNING + 1, None]:
        daemon.tick(make_reading(headroom), after=10)
    standing = daemon.state.standings["process"]
    assert standing.since == daemon.now
    assert standing.history == (OK, OK + 1, WARNING, WARNING + 1, None)
    for headroom in range(100, 200):
        daemon.tick(make_reading(headroom), after=1)
    standing = daemon.state.standings["process"]
    assert daemon.now - standing.since == 99
    assert standing.history == tuple(range(140, 200))


def test_demands_that_are_gone_are_forgotten() -> None:
    """A configuration read anew takes with a demand all that was remembered of it."""
    daemon = Daemon(Remedy)
    daemon.tick(make_reading(CRITICAL, name="old"))
    daemon.in_vain(make_reading(CRITICAL, name="old"))
    daemon.in_vain(make_reading(CRITICAL, name="old"))
    daemon.tick(make_reading(OK, name="new"))
    state = daemon.state
    assert list(state.standings) == ["new"]
    assert (dict(state.words), dict(state.tried), dict(state.backoffs)) == ({}, {}, {})


def test_a_back_off_goes_with_its_demand() -> None:
    """When the demand comes back it is helped like a new one."""
    daemon = Daemon(remedies=Remedies(compact_spacing_seconds=1))
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(CRITICAL))
    assert daemon.backed_off == [("process", 60.0)]
    daemon.tick(make_reading(OK, name="new"))
    assert daemon.state.backoffs == {}
    assert daemon.tick(make_reading(CRITICAL)).remedy is Remedy.COMPACT


def test_a_demand_that_comes_back_is_a_new_one() -> None:
    """Neither its word nor its hold outlives its going."""
    daemon = Daemon(unavailable="no root").past_the_first_look()
    daemon.tick(make_reading(CRITICAL))
    daemon.tick(make_reading(WARNING))
    daemon.tick()
    daemon.tick(make_reading(WARNING))
    daemon.tick(make_reading(WARNING), after=14)
    assert daemon.said == ["process headroom_critical"]
    daemon.tick(make_reading(WARNING), after=1)
    assert daemon.said == ["process headroom_critical", "process headroom_warning"]


def test_no_reading_at_all_is_not_an_alarm() -> None:
    """A sample without a demand calls for nothing."""
    decision = Daemon().tick()
    assert (decision.action, decision.reading) == (None, None)
    assert decision.reason == "no demand calls for a remedy"


# --- Being idle --------------------------------------------------------------------------------


@pytest.mark.parametrize("headroom", [LOW, CRITICAL, None])
def test_a_demand_that_is_not_ok_keeps_the_daemon_awake(headroom: int | None) -> None:
    """Its timers run, and what is unknown may be anything."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(OK, name="fine"), make_reading(headroom))
    assert not policy.is_idle(daemon.state)


def test_the_first_look_is_still_to_come() -> None:
    """Nothing is idle that has not looked."""
    assert not policy.is_idle(policy.initial())
    assert policy.is_idle(Daemon().past_the_first_look().state)


def test_ok_demands_are_idle() -> None:
    """However near their level, and without having been spoken of."""
    daemon = Daemon()
    daemon.tick(make_reading(LOW + 1), make_reading(OK, name="other"))
    assert policy.is_idle(daemon.state)


@pytest.mark.parametrize("request_", [Request.KERNEL, Request.ATOMIC])
def test_not_idle_until_the_recovery_is_told(request_: Request) -> None:
    """The clearing time has to pass under our eyes."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL, request=request_))
    daemon.tick(make_reading(OK, request=request_))
    daemon.tick(make_reading(OK, request=request_), after=59)
    assert not policy.is_idle(daemon.state)
    daemon.tick(make_reading(OK, request=request_))
    assert daemon.said[-1] == "process headroom_recovered"
    assert policy.is_idle(daemon.state)


def test_not_idle_while_a_remedy_is_under_way() -> None:
    """It has to end, to settle, and to be judged."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL, name="gone"))
    daemon.tick(make_reading(OK))
    assert not policy.is_idle(daemon.state)
    daemon.ends()
    assert not policy.is_idle(daemon.state)
    daemon.tick(make_reading(OK), after=2)
    assert policy.is_idle(daemon.state)


def test_not_idle_while_a_demand_is_backed_off() -> None:
    """The back-off ends when the demand has been clear for long enough."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(CRITICAL))
    daemon.state = daemon.state._replace(words={})
    daemon.tick(make_reading(OK))
    assert not policy.is_idle(daemon.state)
    daemon.tick(make_reading(OK), after=60)
    assert policy.is_idle(daemon.state)


@pytest.mark.parametrize("request_", [Request.KERNEL, Request.ATOMIC])
def test_memory_in_motion_keeps_nobody_awake(request_: Request) -> None:
    """As long as every demand is ok nothing is held up by it."""
    daemon = Daemon().past_the_first_look()
    daemon.free_pages = 100
    daemon.tick(make_reading(OK, request=request_))
    assert policy.is_idle(daemon.state)
    daemon.tick(make_reading(OK, request=request_), after=100)
    assert policy.is_idle(daemon.state)
    assert daemon.said == []


# --- Memory in motion --------------------------------------------------------------------------

IN_MOTION = "memory is being taken or given back right now"
ASLEEP = [request for request in Request if request.may_sleep]


@pytest.mark.parametrize(
    ("before", "after", "moving"),
    [
        (8000, 6999, True),
        (8000, 7000, False),
        (7000, 8000, False),
        (6999, 8000, True),
        (8000, 1, True),
        (1, 8000, True),
        (8000, 8000, False),
        (1, 1, False),
    ],
)
def test_a_change_by_more_than_an_eighth_is_motion(
    before: int, after: int, *, moving: bool
) -> None:
    """Taken or given back; an eighth of the larger is not much yet."""
    daemon = Daemon()
    daemon.free_pages = before
    daemon.tick(make_reading(OK))
    daemon.free_pages = after
    decision = daemon.tick(make_reading(CRITICAL))
    if moving:
        assert (decision.remedy, decision.reason) == (None, IN_MOTION)
        assert daemon.said == []
    else:
        assert decision.remedy is Remedy.COMPACT
        assert daemon.said == ["process headroom_low"]


def test_what_could_not_be_read_is_no_motion() -> None:
    """Files that cannot be read for a moment, or not at the first look, move nothing."""
    unread = (make_zone(free_pages=None),)
    daemon = Daemon(zones=unread)
    daemon.tick(make_reading(None))
    daemon.zones = None
    daemon.tick(make_reading(OK))
    daemon.zones = unread
    daemon.tick(make_reading(None))
    daemon.zones = None
    assert daemon.tick(make_reading(CRITICAL), after=0.1).remedy is Remedy.COMPACT
    daemon = Daemon(zones=unread)
    daemon.tick(make_reading(None))
    daemon.zones = None
    assert daemon.tick(make_reading(CRITICAL)).remedy is Remedy.COMPACT


def test_what_moved_while_it_could_not_be_read_did_move() -> None:
    """The last that was known is compared with."""
    daemon = Daemon()
    daemon.tick(make_reading(OK))
    daemon.zones = (make_zone(free_pages=None),)
    daemon.tick(make_reading(None))
    daemon.zones = (make_zone(free_pages=1000),)
    assert daemon.tick(make_reading(CRITICAL)).reason == IN_MOTION


def test_free_memory_is_that_of_all_zones() -> None:
    """What one loses another may have gained."""
    for pages, moving in (((3000, 5000), False), ((3000, 3000), True)):
        daemon = Daemon(zones=(make_zone(free_pages=5000), make_zone(free_pages=3000, node=1)))
        daemon.tick(make_reading(OK))
        one, other = pages
        daemon.zones = (make_zone(free_pages=one), make_zone(free_pages=other, node=1))
        assert (daemon.tick(make_reading(CRITICAL)).reason == IN_MOTION) is moving


@pytest.mark.parametrize("request_", ASLEEP)
@pytest.mark.parametrize("cause", [Cause.FRAGMENTATION, Cause.RESERVED])
def test_nothing_is_done_or_said_in_the_middle_of_a_change(request_: Request, cause: Cause) -> None:
    """Until free memory has stood still for the shortest interval."""
    low = make_reading(CRITICAL, request=request_, cause=cause)
    daemon = Daemon().past_the_first_look()
    daemon.free_pages = 1000
    assert daemon.tick(low).reason == IN_MOTION
    daemon.free_pages = 500
    assert daemon.tick(low, after=0.5).reason == IN_MOTION
    assert daemon.tick(low, after=0.4).reason == IN_MOTION
    assert daemon.said == []
    assert daemon.backed_off == []
    assert daemon.tick(low, after=0.1).remedy is Remedy.COMPACT
    assert daemon.said == ["process headroom_low"]


@pytest.mark.parametrize("request_", ASLEEP)
def test_where_nothing_mends_it_the_alarm_waits_for_the_change_as_well(request_: Request) -> None:
    """It may be over with it."""
    low = make_reading(CRITICAL, request=request_)
    daemon = Daemon(unavailable="no root").past_the_first_look()
    daemon.free_pages = 1000
    daemon.tick(low)
    daemon.tick(low, after=0.4)
    assert daemon.said == []
    daemon.tick(low, after=0.1)
    assert daemon.said == ["process headroom_critical"]


def test_a_demand_that_is_well_after_the_change_is_not_spoken_of() -> None:
    """Nor was a remedy spent on it."""
    daemon = Daemon().past_the_first_look()
    daemon.free_pages = 1000
    daemon.tick(make_reading(CRITICAL))
    daemon.free_pages = 5000
    daemon.tick(make_reading(OK), after=0.5)
    assert (daemon.said, daemon.state.starts) == ([], ())


@pytest.mark.parametrize("unavailable", [None, "no root"])
def test_memory_in_motion_is_waited_for_no_longer_than_the_settling_time(
    unavailable: str | None,
) -> None:
    """Counted from when the demand became low: it may move for ever."""
    daemon = Daemon(unavailable=unavailable).past_the_first_look()
    for seconds in (0.0, 0.5, 1.0, 1.5, 1.9):
        daemon.free_pages = 1000 if daemon.free_pages > 1000 else 4000
        daemon.tick(make_reading(CRITICAL), after=0.4 if seconds == 1.9 else 0.5)
        assert (daemon.said, daemon.state.running) == ([], None), seconds
    daemon.free_pages = 1000 if daemon.free_pages > 1000 else 4000
    decision = daemon.tick(make_reading(CRITICAL), after=0.1)
    assert (decision.remedy is None) is (unavailable is not None)
    word = "low" if unavailable is None else "critical"
    assert daemon.said == [f"process headroom_{word}"]


def test_what_has_been_low_for_longer_is_not_held_up() -> None:
    """The hold time of a warning is longer than the settling time."""
    daemon = Daemon().past_the_first_look()
    daemon.tick(make_reading(WARNING))
    daemon.free_pages = 1000
    assert daemon.tick(make_reading(WARNING), after=15).remedy is Remedy.COMPACT
    assert daemon.said == ["process headroom_low"]


def test_what_was_low_at_the_first_look_is_not_held_up_later() -> None:
    """Only within the settling time, though a warning then counts without hold."""
    for after, said in ((1.9, []), (2.0, ["process headroom_warning"])):
        daemon = Daemon(unavailable="no root")
        daemon.tick(make_reading(WARNING))
        daemon.said.clear()
        daemon.state = daemon.state._replace(words={})
        daemon.free_pages = 1000
        daemon.tick(make_reading(WARNING), after=after)
        assert daemon.said == said


@pytest.mark.parametrize("cause", [Cause.FRAGMENTATION, Cause.SHORTAGE])
def test_memory_in_motion_is_not_waited_for_by_what_cannot_sleep(cause: Cause) -> None:
    """It fails in the middle of the change."""
    daemon = Daemon(Remedy, poll=Poll(settle_seconds=2)).past_the_first_look()
    daemon.free_pages = 1000
    decision = daemon.tick(make_reading(CRITICAL, request=Request.ATOMIC, cause=cause))
    assert decision.reason != IN_MOTION
    assert (decision.remedy is Remedy.COMPACT) is (cause is Cause.FRAGMENTATION)
    assert daemon.said == ["process headroom_critical"]


def test_a_demand_that_was_spoken_of_gets_worse_at_once() -> None:
    """The alarm is not held up by motion after the first word."""
    daemon = Daemon(unavailable="no root").past_the_first_look()
    daemon.tick(make_reading(CRITICAL))
    daemon.tick(make_reading(WARNING), after=60)
    daemon.tick(make_reading(WARNING), after=60)
    daemon.tick(make_reading(OK))
    daemon.free_pages = 1000
    daemon.tick(make_reading(CRITICAL))
    assert daemon.said == [
        "process headroom_critical",
        "process headroom_warning",
        "process headroom_critical",
    ]


def test_the_first_look_shows_no_motion() -> None:
    """There is nothing to compare with, neither at the start nor at a start anew."""
    assert Daemon().tick(make_reading(CRITICAL)).remedy is Remedy.COMPACT
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(OK))
    daemon.restart()
    daemon.free_pages = 1000
    daemon.tick(make_reading(CRITICAL))
    assert daemon.said == ["process headroom_critical"]


def test_a_clock_set_back_ends_the_motion() -> None:
    """Or it would be waited for until the clock is there again."""
    for after, moving in ((0.4, True), (-0.1, False), (-900.0, False)):
        daemon = Daemon().past_the_first_look()
        daemon.free_pages = 1000
        assert daemon.tick(make_reading(CRITICAL)).reason == IN_MOTION
        decision = daemon.tick(make_reading(CRITICAL), after=after)
        assert (decision.remedy is None) is moving


# --- Time that nobody saw pass -----------------------------------------------------------------


def test_a_gap_starts_the_hold_anew() -> None:
    """A demand was low before and after it; nobody knows of in between."""
    daemon = Daemon().past_the_first_look()
    daemon.tick(make_reading(WARNING))
    daemon.gap(3600)
    assert daemon.tick(make_reading(WARNING), after=14.9).remedy is None
    assert daemon.tick(make_reading(WARNING), after=0.1).remedy is Remedy.COMPACT


def test_a_gap_starts_the_clearing_time_anew() -> None:
    """No recovery is told that was not seen to last."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    daemon.tick(make_reading(OK))
    daemon.gap(3600)
    daemon.tick(make_reading(OK), after=59)
    assert daemon.said == ["process headroom_critical"]
    daemon.tick(make_reading(OK), after=1)
    assert daemon.said[1:] == ["process headroom_recovered"]


def test_a_gap_starts_the_way_back_to_warning_anew() -> None:
    """What was critical has to be seen at warning for the clearing time."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    daemon.tick(make_reading(WARNING))
    daemon.gap(3600)
    daemon.tick(make_reading(WARNING), after=59)
    assert daemon.said == ["process headroom_critical"]
    daemon.tick(make_reading(WARNING), after=1)
    assert daemon.said[1:] == ["process headroom_warning"]


def test_a_gap_begins_nothing() -> None:
    """A demand that was neither low nor clear is neither after it, and stands as it stood."""
    daemon = Daemon()
    daemon.tick(make_reading(LOW + 1))
    before = daemon.state
    daemon.gap(100)
    assert daemon.state == before


def test_a_remedy_stood_still_in_the_gap_as_we_did() -> None:
    """It is stuck when it has had its time, not counting ours."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.gap(1000)
    assert not policy.is_stuck(daemon.state, daemon.now + policy.STUCK_SECONDS - 1)
    assert policy.is_stuck(daemon.state, daemon.now + policy.STUCK_SECONDS)


def test_what_had_ended_before_the_gap_settles_after_it() -> None:
    """The settling time has to be seen as well; the end of what still runs is not made up."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.gap(1000)
    assert not policy.settled(daemon.state, Poll(), daemon.now + 1000)
    daemon.ends()
    daemon.gap(1000)
    assert not policy.settled(daemon.state, Poll(), daemon.now + 1.9)
    assert policy.settled(daemon.state, Poll(), daemon.now + 2)


# --- A clock set back --------------------------------------------------------------------------


def test_a_clock_set_back_does_not_hold_up_the_hold() -> None:
    """It begins anew at the latest."""
    daemon = Daemon().past_the_first_look()
    daemon.tick(make_reading(WARNING))
    assert daemon.tick(make_reading(WARNING), after=-900).remedy is None
    assert daemon.tick(make_reading(WARNING), after=15).remedy is Remedy.COMPACT


def test_a_clock_set_back_does_not_hold_up_a_recovery() -> None:
    """Nor the way back to warning, nor the age of a severity."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    daemon.tick(make_reading(WARNING))
    daemon.tick(make_reading(WARNING), after=-900)
    assert daemon.state.standings["process"].since == daemon.now
    daemon.tick(make_reading(WARNING), after=60)
    daemon.tick(make_reading(OK))
    daemon.tick(make_reading(OK), after=-900)
    daemon.tick(make_reading(OK), after=60)
    assert daemon.said == [
        "process headroom_critical",
        "process headroom_warning",
        "process headroom_recovered",
    ]


def test_a_clock_set_back_does_not_hold_up_a_remedy() -> None:
    """Neither its settling nor the moment when it is given up."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.tick(make_reading(CRITICAL), after=-900)
    assert policy.is_stuck(daemon.state, daemon.now + policy.STUCK_SECONDS)
    daemon.ends()
    daemon.tick(make_reading(CRITICAL), after=-900)
    daemon.tick(make_reading(CRITICAL), after=2)
    assert len(daemon.outcomes) == 1
