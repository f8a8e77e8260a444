"""What is said of the demands: one word for each change."""

import pytest
from builders import make_reading, make_zone
from policies import CRITICAL, OK, WARNING, Daemon

from oomwatchd import policy
from oomwatchd.assess.memory import Memory
from oomwatchd.model import Cause, Remedy, Request, Severity
from oomwatchd.settings import Poll, Remedies

LOW, WARN, CRIT, GOOD = (
    f"process headroom_{word}" for word in ("low", "warning", "critical", "recovered")
)
ASLEEP = [request for request in Request if request.may_sleep]
AWAKE = [request for request in Request if not request.may_sleep]


# --- While it is being mended ------------------------------------------------------------------


def test_a_low_demand_that_may_sleep_is_acted_on_first() -> None:
    """headroom_low while it is mended; an alarm when it is still low after settling."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    assert daemon.said == [LOW]
    daemon.tick(make_reading(CRITICAL))
    daemon.ends()
    daemon.tick(make_reading(CRITICAL), after=1)
    assert daemon.said == [LOW]
    daemon.tick(make_reading(CRITICAL), after=1)
    assert daemon.said == [LOW, CRIT]


def test_a_remedy_that_helped_spares_the_alarm() -> None:
    """Low, mended, recovered: no warning is ever given."""
    daemon = Daemon()
    daemon.tick(make_reading(CRITICAL))
    daemon.ends()
    for _ in range(100):
        daemon.tick(make_reading(OK))
    assert daemon.said == [LOW, GOOD]


def test_a_remedy_that_helped_half_way() -> None:
    """No more critical, but held at warning with no remedy under way: that is the word."""
    daemon = Daemon().past_the_first_look()
    daemon.tick(make_reading(CRITICAL))
    daemon.in_vain(make_reading(WARNING))
    assert daemon.said == [LOW]
    daemon.tick(make_reading(WARNING), after=15)
    assert daemon.said == [LOW, WARN]


@pytest.mark.parametrize("request_", AWAKE)
def test_an_atomic_demand_speaks_at_once(request_: Request) -> None:
    """Nobody compacts for it in time, so the alarm does not wait for a remedy."""
    daemon = Daemon().past_the_first_look()
    daemon.tick(make_reading(CRITICAL, request=request_))
    assert daemon.said == [CRIT]


def test_a_remedy_that_never_comes_back_does_not_silence_its_demand() -> None:
    """It is counted on for the limit's time; then the alarm is raised all the same."""
    daemon = Daemon()
    for second in range(int(policy.STUCK_SECONDS) + 2):
        daemon.tick(make_reading(CRITICAL), after=1)
        assert daemon.said == ([LOW] if second < policy.STUCK_SECONDS else [LOW, CRIT])


@pytest.mark.parametrize(
    ("cause", "mended"),
    [(Cause.FRAGMENTATION, True), (Cause.RESERVED, True), (Cause.UNSATISFIABLE, False)],
)
@pytest.mark.parametrize("headroom", [WARNING, CRITICAL])
def test_compaction_of_all_zones_mends_all_that_is_fragmented(
    cause: Cause, headroom: int, *, mended: bool
) -> None:
    """Another's compaction is waited for where it may help."""
    daemon = Daemon(Remedy)
    mine = make_reading(headroom - 1, name="mine")
    daemon.tick(mine, make_reading(headroom, cause=cause))
    words = {WARNING: WARN, CRITICAL: CRIT}
    assert daemon.said == ["mine headroom_low", LOW if mended else words[headroom]]


def test_compaction_of_one_node_mends_its_own_demand() -> None:
    """So does giving back: for the others no remedy runs."""
    zones = (make_zone(node=0), make_zone(node=1))
    for daemon in (Daemon(zones=zones, nodes=(0, 1)), Daemon((Remedy.RECLAIM,))):
        daemon.tick(make_reading(1, name="mine"), make_reading(CRITICAL))
        assert daemon.said == ["mine headroom_low", CRIT]


def test_a_demand_whose_remedy_failed_is_not_being_mended() -> None:
    """The harsher rung runs beside the alarm, and for others too."""
    daemon = Daemon(Remedy)
    daemon.tick(make_reading(CRITICAL), make_reading(3, name="b"))
    daemon.ends()
    daemon.tick(make_reading(CRITICAL), make_reading(3, name="b"), after=2)
    assert daemon.state.running is not None
    assert daemon.said == [LOW, "b headroom_low", CRIT, "b headroom_critical"]


# --- Without a remedy --------------------------------------------------------------------------


@pytest.mark.parametrize("request_", list(Request))
def test_without_a_remedy_the_alarm_is_at_once(request_: Request) -> None:
    """When no remedy may run there is nothing to wait for; a warning is held all the same."""
    daemon = Daemon(unavailable="no root").past_the_first_look()
    daemon.tick(make_reading(WARNING, request=request_))
    daemon.tick(make_reading(WARNING, request=request_), after=14)
    assert daemon.said == []
    daemon.tick(make_reading(WARNING, request=request_), after=1)
    assert daemon.said == [WARN]
    daemon.tick(make_reading(CRITICAL, request=request_))
    assert daemon.said[1:] == [CRIT]


@pytest.mark.parametrize(
    ("cause", "said"), [(Cause.UNSATISFIABLE, [CRIT]), (Cause.RESERVED, [LOW, CRIT])]
)
def test_what_nothing_helps_against_is_told_once(cause: Cause, said: list[str]) -> None:
    """And never again while it stands; where compaction may help that is tried before."""
    daemon = Daemon(Remedy)
    daemon.watched(make_reading(CRITICAL, cause=cause), seconds=500)
    assert daemon.said == said


# --- A shortage that the kernel may end --------------------------------------------------------


@pytest.mark.parametrize("request_", ASLEEP)
@pytest.mark.parametrize(("headroom", "word"), [(WARNING, WARN), (CRITICAL, CRIT)])
def test_a_shortage_of_too_little_droppable_is_given_the_settling_time(
    request_: Request, headroom: int, word: str
) -> None:
    """The kernel may find something all the same; then there is nothing more to wait for."""
    daemon = Daemon(unavailable="no root", memory=Memory(), poll=Poll(hold_seconds=0))
    short = make_reading(headroom, request=request_, cause=Cause.SHORTAGE)
    daemon.tick(short)
    daemon.tick(short, after=1.9)
    assert daemon.said == []
    daemon.tick(short, after=0.1)
    assert daemon.said == [word]


@pytest.mark.parametrize("request_", ASLEEP)
@pytest.mark.parametrize("headroom", [WARNING, CRITICAL])
@pytest.mark.parametrize("unavailable", [None, "no root"])
def test_a_shortage_that_the_kernel_can_end_is_never_told(
    request_: Request, headroom: int, unavailable: str | None
) -> None:
    """With a full page cache free memory lies below the marks for long, and nothing is wrong."""
    daemon = Daemon(Remedy, unavailable=unavailable)
    short = make_reading(headroom, request=request_, cause=Cause.SHORTAGE)
    assert daemon.watched(short, seconds=500) == []
    assert daemon.said == []


@pytest.mark.parametrize(
    ("headroom", "pagecache_kib", "slab_kib", "said"),
    [
        (CRITICAL, 2048, None, []),
        (CRITICAL, None, 2048, []),
        (CRITICAL, 1024, 1024, []),
        (CRITICAL, 1024, 1023, [CRIT]),
        (CRITICAL, 0, 0, [CRIT]),
        (WARNING, 2048, 0, []),
        (WARNING, 2047, 0, [WARN]),
    ],
)
def test_what_the_kernel_can_end_goes_by_what_is_droppable(
    headroom: int, pagecache_kib: int | None, slab_kib: int | None, said: list[str]
) -> None:
    """Page cache and slab together: as much as would do if it were ours to give back."""
    memory = Memory(droppable_pagecache_kib=pagecache_kib, droppable_slab_kib=slab_kib)
    daemon = Daemon(Remedy, memory=memory)
    short = make_reading(headroom, cause=Cause.SHORTAGE)
    daemon.tick(short)
    daemon.tick(short, after=2)
    assert daemon.said == said


def test_a_shortage_is_told_when_what_was_droppable_is_gone() -> None:
    """Its settling time is over already."""
    daemon = Daemon(Remedy)
    short = make_reading(CRITICAL, cause=Cause.SHORTAGE)
    daemon.watched(short, seconds=60)
    daemon.memory = Memory()
    daemon.tick(short)
    assert daemon.said == [CRIT]


@pytest.mark.parametrize("request_", AWAKE)
def test_a_shortage_for_what_cannot_sleep_is_told_at_once(request_: Request) -> None:
    """Nobody reclaims for it, however much is droppable."""
    daemon = Daemon(Remedy)
    daemon.tick(make_reading(CRITICAL, request=request_, cause=Cause.SHORTAGE))
    assert daemon.said == [CRIT]


def test_a_shortage_of_available_memory_is_told_at_once() -> None:
    """What can be reclaimed is counted in it already."""
    daemon = Daemon(Remedy)
    short = make_reading(CRITICAL, cause=Cause.SHORTAGE)
    daemon.tick(short._replace(demand=short.demand._replace(order=0)))
    assert daemon.said == [CRIT]


def test_fragmentation_is_not_left_to_the_kernel() -> None:
    """It is told at once where nothing mends it."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    assert daemon.said == [CRIT]


def test_a_demand_that_was_spoken_of_is_not_given_time_again() -> None:
    """From fragmentation to shortage, worse is said at once."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(WARNING))
    daemon.tick(make_reading(OK))
    daemon.tick(make_reading(CRITICAL, cause=Cause.SHORTAGE))
    assert daemon.said == [WARN, CRIT]


# --- Worse at once, better when it lasts -------------------------------------------------------


def test_one_word_for_each_change() -> None:
    """Standing low says nothing new; worse does at once, better when it has lasted."""
    daemon = Daemon(unavailable="no root")
    for headroom in [CRITICAL] * 50 + [WARNING] * 70 + [CRITICAL] * 50:
        daemon.tick(make_reading(headroom), after=1)
    assert daemon.said == [CRIT, WARN, CRIT]


def test_hovering_about_critical_is_told_once() -> None:
    """Up to warning and down again within the clearing time is no news."""
    daemon = Daemon(unavailable="no root")
    for headroom in [CRITICAL, WARNING] * 50:
        daemon.tick(make_reading(headroom), after=1)
    assert daemon.said == [CRIT]


@pytest.mark.parametrize(("seconds", "said"), [(59.9, [CRIT]), (60, [CRIT, WARN])])
def test_back_to_warning_when_it_has_lasted(seconds: float, said: list[str]) -> None:
    """For the clearing time; an unknown moment in between changes nothing."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    daemon.tick(make_reading(WARNING))
    daemon.tick(make_reading(None), after=30)
    daemon.tick(make_reading(WARNING), after=seconds - 30)
    assert daemon.said == said


def test_better_than_warning_for_a_moment_starts_the_way_back_anew() -> None:
    """It has to be seen at warning all the time."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    daemon.tick(make_reading(WARNING))
    daemon.tick(make_reading(20), after=50)
    daemon.tick(make_reading(WARNING), after=5)
    daemon.tick(make_reading(WARNING), after=59)
    assert daemon.said == [CRIT]
    daemon.tick(make_reading(WARNING))
    assert daemon.said == [CRIT, WARN]


# --- Recovering --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headroom", "seconds", "recovers"),
    [(33, 60, True), (33, 59, False), (32, 1000, False), (17, 1000, False), (None, 1000, False)],
)
def test_recovery_takes_time_above_twice_the_level(
    headroom: int | None, seconds: int, *, recovers: bool
) -> None:
    """Warning is 16: above 32 for 60 s."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    for _ in range(seconds + 1):
        daemon.tick(make_reading(headroom), after=1)
    assert (daemon.said[1:] == [GOOD]) is recovers


@pytest.mark.parametrize("dip", [32, None])
def test_flapping_never_recovers(dip: int | None) -> None:
    """A dip to the clearing level starts the time anew; so does not knowing."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    for _ in range(20):
        daemon.tick(make_reading(OK), after=1)
        daemon.tick(make_reading(OK), after=58)
        daemon.tick(make_reading(dip), after=1)
    assert daemon.said == [CRIT]


def test_every_episode_is_told_of() -> None:
    """After a recovery the next low demand is low again, in the same words."""
    daemon = Daemon()
    for _ in range(3):
        daemon.tick(make_reading(CRITICAL))
        daemon.ends()
        for _ in range(100):
            daemon.tick(make_reading(OK))
    assert daemon.said == [LOW, GOOD] * 3


def test_a_healthy_demand_is_not_spoken_of() -> None:
    """No recovery without anything to recover from."""
    daemon = Daemon()
    daemon.watched(make_reading(OK), seconds=200)
    assert daemon.said == []


def test_what_is_unknown_says_nothing() -> None:
    """The last word stands; the recovery is told when it is known to have lasted."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL))
    for severity in (Severity.UNKNOWN, Severity.UNKNOWN):
        daemon.tick(make_reading(3, severity=severity), after=1000)
        daemon.tick(make_reading(None), after=1000)
    assert daemon.said == [CRIT]


def test_demands_are_spoken_of_one_by_one() -> None:
    """Each has a word of its own."""
    daemon = Daemon(unavailable="no root")
    daemon.tick(make_reading(CRITICAL, name="a"), make_reading(WARNING, name="b"))
    assert daemon.said == ["a headroom_critical", "b headroom_warning"]


def test_a_word_once_said_is_not_said_again_for_a_new_remedy() -> None:
    """After the alarm, another try is no news."""
    daemon = Daemon(remedies=Remedies(backoff_max_seconds=60))
    daemon.watched(make_reading(CRITICAL), seconds=500)
    assert len(daemon.outcomes) > 5
    assert daemon.said == [LOW, CRIT]
