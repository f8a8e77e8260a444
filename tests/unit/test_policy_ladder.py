"""From rung to rung: what is tried when what was tried before did not help."""

import pytest
from builders import make_reading, make_zone
from policies import CRITICAL, OK, WARNING, Daemon

from oomwatchd.assess.memory import Memory
from oomwatchd.model import Action, Cause, Remedy, Request
from oomwatchd.settings import Poll, Remedies

C, A, R, P = Remedy.COMPACT, Remedy.COMPACT_ASYNC, Remedy.RECLAIM, Remedy.DROP_PAGECACHE
UNMOVABLE = "unmovable: compaction did not help"
LOW_FOR_LONG = make_reading(WARNING)
VERY_LOW = make_reading(CRITICAL)
SHORT = make_reading(CRITICAL, request=Request.ATOMIC, cause=Cause.SHORTAGE)
"""Nobody reclaims for it."""
ASLEEP = [request for request in Request if request.may_sleep]


# --- At warning --------------------------------------------------------------------------------


def test_at_warning_the_gentle_compaction_goes_first() -> None:
    """The real one follows when it did not help, at once; the word stays the same."""
    daemon = Daemon(Remedy)
    assert daemon.tick(LOW_FOR_LONG).remedy is A
    assert daemon.in_vain(LOW_FOR_LONG).remedy is C
    assert daemon.said == ["process headroom_low"]
    assert daemon.in_vain(LOW_FOR_LONG).remedy is None
    assert daemon.said == ["process headroom_low", "process headroom_warning"]
    assert daemon.backed_off == [("process", 60.0)]


def test_at_warning_nothing_is_given_back() -> None:
    """Whatever could be dropped: cold caches are a price for critical alone."""
    ran = Daemon(Remedy).watched(LOW_FOR_LONG, seconds=20_000)
    assert {remedy for _, remedy in ran} == {A, C}


def test_no_warning_if_the_gentle_compaction_helps() -> None:
    """Low and recovered is all that is said."""
    daemon = Daemon(Remedy)
    daemon.tick(LOW_FOR_LONG)
    daemon.in_vain(make_reading(OK))
    daemon.tick(make_reading(OK), after=60)
    assert daemon.outcomes[0].effective
    assert daemon.said == ["process headroom_low", "process headroom_recovered"]


def test_no_warning_if_the_real_compaction_helps() -> None:
    """Nor after the second rung."""
    daemon = Daemon(Remedy)
    daemon.tick(LOW_FOR_LONG)
    daemon.in_vain(LOW_FOR_LONG)
    daemon.in_vain(make_reading(OK))
    daemon.tick(make_reading(OK), after=60)
    assert [outcome.effective for outcome in daemon.outcomes] == [False, True]
    assert daemon.said == ["process headroom_low", "process headroom_recovered"]


def test_a_new_episode_begins_with_the_first_rung() -> None:
    """What did not help last time may help now."""
    daemon = Daemon(Remedy)
    daemon.tick(LOW_FOR_LONG)
    daemon.in_vain(LOW_FOR_LONG)
    daemon.in_vain(make_reading(OK))
    daemon.tick(LOW_FOR_LONG, after=100)
    assert daemon.tick(LOW_FOR_LONG, after=15).remedy is A


# --- At critical -------------------------------------------------------------------------------


def test_at_critical_the_real_compaction_runs_at_once() -> None:
    """There is no time for the gentle one."""
    assert Daemon(Remedy).past_the_first_look().tick(VERY_LOW).remedy is C


def test_a_demand_that_becomes_critical_meanwhile_climbs_faster() -> None:
    """What failed at warning is not tried again."""
    daemon = Daemon(Remedy)
    assert daemon.tick(LOW_FOR_LONG).remedy is A
    assert daemon.in_vain(VERY_LOW).remedy is C
    assert daemon.in_vain(VERY_LOW).remedy is R


def test_at_critical_giving_back_follows_and_then_compaction_again() -> None:
    """What was given back lies scattered; then there is nothing more to try."""
    daemon = Daemon(Remedy)
    assert daemon.tick(VERY_LOW).remedy is C
    decision = daemon.in_vain(VERY_LOW)
    assert decision.action == Action(R, amount_kib=2048)
    assert daemon.said == ["process headroom_low", "process headroom_critical"]
    decision = daemon.in_vain(VERY_LOW)
    assert decision.reason == "the last compaction was less than 30 s ago"
    assert daemon.tick(VERY_LOW, after=60).remedy is C
    assert daemon.backed_off == []
    decision = daemon.in_vain(VERY_LOW)
    assert (decision.action, decision.reason) == (None, UNMOVABLE)
    assert daemon.backed_off == [("process", 60.0)]
    assert daemon.said == ["process headroom_low", "process headroom_critical"]


def test_without_reclaim_caches_are_dropped() -> None:
    """The same ladder with the harsher rung."""
    daemon = Daemon((C, P))
    assert daemon.tick(VERY_LOW).remedy is C
    assert daemon.in_vain(VERY_LOW).remedy is P
    assert daemon.in_vain(VERY_LOW).remedy is None
    assert daemon.tick(VERY_LOW, after=60).remedy is C


def test_giving_back_is_tried_once_whatever_its_name() -> None:
    """When the cache is gone the slab is the larger: that is no reason to drop once more."""
    remedies = Remedies(drop_spacing_seconds=1, drop_per_hour=10, drop_per_day=10)
    daemon = Daemon((C, P, Remedy.DROP_SLAB), remedies=remedies)
    daemon.tick(VERY_LOW)
    assert daemon.in_vain(VERY_LOW).remedy is P
    daemon.memory = Memory(droppable_pagecache_kib=0, droppable_slab_kib=20_000)
    daemon.in_vain(VERY_LOW)
    assert daemon.tick(VERY_LOW, after=60).remedy is C
    assert daemon.in_vain(VERY_LOW).remedy is None
    assert [name for name, _ in daemon.backed_off] == ["process"]


def test_a_root_in_ram_has_nothing_to_give_back() -> None:
    """Compaction in vain is the end of the ladder."""
    daemon = Daemon(Remedy, memory=Memory(droppable_pagecache_kib=0, droppable_slab_kib=500))
    daemon.tick(VERY_LOW)
    decision = daemon.in_vain(VERY_LOW)
    assert (decision.action, decision.reason) == (None, UNMOVABLE)
    assert daemon.backed_off == [("process", 60.0)]


def test_giving_back_is_not_waited_for_once_compaction_failed() -> None:
    """Dropping has half an hour: the back-off is over sooner, and compaction tried again."""
    daemon = Daemon((C, P))
    ran = daemon.watched(VERY_LOW, seconds=2000)
    assert [remedy for _, remedy in ran] == [C, P, *[C] * 6, P, C]
    assert [second for second, remedy in ran if remedy is P] == [2, 1902]
    assert [seconds for _, seconds in daemon.backed_off] == [60, 120, 240, 480, 960, 1920]


def test_where_compaction_cannot_be_had_giving_back_is_the_first_rung() -> None:
    """And the last one."""
    daemon = Daemon((R,))
    assert daemon.tick(VERY_LOW).remedy is R
    assert daemon.in_vain(VERY_LOW).remedy is None
    assert daemon.backed_off == [("process", 60.0)]


def test_where_giving_back_is_the_first_rung_it_is_waited_for() -> None:
    """Nothing else can be tried before."""
    daemon = Daemon((P,))
    daemon.tick(VERY_LOW)
    daemon.in_vain(make_reading(OK))
    decision = daemon.tick(VERY_LOW)
    assert decision.reason == "the last drop was less than 1800 s ago"
    assert daemon.backed_off == []


def test_a_rung_that_only_has_to_wait_is_waited_for() -> None:
    """Compaction that helped a minute ago is worth more than dropping now."""
    daemon = Daemon(Remedy)
    daemon.tick(VERY_LOW)
    daemon.in_vain(make_reading(OK))
    decision = daemon.tick(VERY_LOW, after=1)
    assert (decision.remedy, decision.reason) == (
        None,
        "the last compaction was less than 30 s ago",
    )


# --- Shortage ----------------------------------------------------------------------------------


def test_a_critical_shortage_is_left_to_the_kernel_first() -> None:
    """For the settling time; what cannot sleep is told of meanwhile."""
    daemon = Daemon(Remedy)
    assert daemon.tick(SHORT).reason == "the kernel's own reclaim comes first"
    assert daemon.said == ["process headroom_critical"]
    assert daemon.tick(SHORT, after=1.9).remedy is None
    assert daemon.tick(SHORT, after=0.1).remedy is R
    assert daemon.said == ["process headroom_critical"]


@pytest.mark.parametrize("request_", ASLEEP)
def test_a_shortage_of_what_may_sleep_is_left_to_the_kernel_for_good(request_: Request) -> None:
    """It reclaims as soon as anybody asks, however critical; nobody is backed off for it."""
    short = make_reading(0, request=request_, cause=Cause.SHORTAGE)
    daemon = Daemon(Remedy)
    for _ in range(600):
        decision = daemon.tick(short)
        assert (decision.remedy, decision.reason) == (None, "the kernel reclaims by itself")
    assert (daemon.said, daemon.backed_off) == ([], [])


def test_a_shortage_that_becomes_fragmentation_is_compacted_for() -> None:
    """What the kernel reclaimed lies scattered: from then on it is ours."""
    daemon = Daemon(Remedy)
    daemon.watched(make_reading(CRITICAL, cause=Cause.SHORTAGE), seconds=60)
    assert daemon.tick(VERY_LOW).remedy is C
    assert daemon.said == ["process headroom_low"]


def test_the_time_at_warning_counts_for_the_kernel() -> None:
    """It had its time already."""
    daemon = Daemon(Remedy, poll=Poll(settle_seconds=10, hold_seconds=100)).past_the_first_look()
    daemon.tick(make_reading(WARNING, request=Request.ATOMIC, cause=Cause.SHORTAGE))
    assert daemon.tick(SHORT, after=9.9).remedy is None
    assert daemon.tick(SHORT, after=0.1).remedy is R


def test_the_kernel_has_its_time_for_critical_fragmentation_without_waiting() -> None:
    """Only a shortage is left to it."""
    daemon = Daemon(Remedy, poll=Poll(settle_seconds=600)).past_the_first_look()
    assert daemon.tick(VERY_LOW).remedy is C


def test_a_shortage_that_giving_back_does_not_end_is_backed_off() -> None:
    """Compaction has nothing to move into."""
    daemon = Daemon(Remedy)
    daemon.tick(SHORT)
    assert daemon.tick(SHORT, after=2).remedy is R
    assert daemon.in_vain(SHORT).remedy is None
    assert daemon.backed_off == [("process", 60.0)]
    assert daemon.said == ["process headroom_critical"]


def test_what_was_given_back_may_leave_fragmentation() -> None:
    """The cause is looked at anew on each rung."""
    daemon = Daemon(Remedy)
    daemon.tick(SHORT)
    daemon.tick(SHORT, after=2)
    assert daemon.in_vain(SHORT._replace(cause=Cause.FRAGMENTATION)).remedy is C


def test_a_shortage_of_too_little_droppable_is_told_and_not_backed_off() -> None:
    """There is nothing to try, now or later, until something can be dropped."""
    for short in (SHORT, make_reading(CRITICAL, cause=Cause.SHORTAGE)):
        daemon = Daemon(Remedy, memory=Memory())
        ran = daemon.watched(short, seconds=600)
        assert (ran, daemon.backed_off) == ([], [])
        assert daemon.said == ["process headroom_critical"]


# --- Reserved for others -----------------------------------------------------------------------


def test_what_is_reserved_is_compacted_for_gently_first() -> None:
    """As for fragmentation: what is left for the request is free in too small pieces."""
    daemon = Daemon(Remedy)
    reserved = make_reading(WARNING, cause=Cause.RESERVED)
    assert daemon.tick(reserved).remedy is A
    assert daemon.in_vain(reserved).remedy is C
    assert daemon.in_vain(reserved).reason == "compaction did not help"
    assert daemon.backed_off == [("process", 60.0)]
    assert daemon.said == ["process headroom_low", "process headroom_warning"]


def test_what_is_reserved_at_critical_climbs_the_whole_ladder() -> None:
    """Compaction, giving back, compaction again; the cause may change between the two."""
    daemon = Daemon(Remedy)
    reserved = make_reading(CRITICAL, cause=Cause.RESERVED)
    assert daemon.tick(reserved).remedy is C
    assert daemon.in_vain(VERY_LOW).remedy is R
    assert daemon.in_vain(reserved).reason == "the last compaction was less than 30 s ago"
    assert daemon.tick(reserved, after=60).remedy is C
    assert daemon.in_vain(reserved).reason == "compaction did not help"
    assert daemon.backed_off == [("process", 60.0)]


def test_compaction_that_failed_says_nothing_of_what_can_be_moved() -> None:
    """Why it failed is told; where one of the two ran as it was told to, its effect counts."""
    for able, errors, why in (
        ((C,), ("EACCES",), "compaction failed: EACCES"),
        ((C,), (None,), UNMOVABLE),
        ((A, C), ("EIO", "EACCES"), "compaction failed: EACCES"),
        ((A, C), (None, "EACCES"), UNMOVABLE),
        ((A, C), ("EIO", None), UNMOVABLE),
    ):
        daemon = Daemon(able)
        daemon.tick(LOW_FOR_LONG)
        for error in errors:
            daemon.ends(error=error)
            decision = daemon.tick(LOW_FOR_LONG, after=2)
        assert decision.against == {"process": why}
        assert daemon.backed_off == [("process", 60.0)]


# --- Beside cma demands ------------------------------------------------------------------------


def test_at_warning_compaction_is_withheld_near_a_cma_demand() -> None:
    """It moves data into CMA areas: told with the name, and never backed off for."""
    for headroom in (0, 32):
        daemon = Daemon(Remedy)
        other = make_reading(headroom, name="camera", request=Request.CMA)
        decision = daemon.tick(LOW_FOR_LONG, other)
        assert decision.remedy is None
        assert decision.against["process"] == 'compaction would take CMA from demand "camera"'
        assert daemon.watched(LOW_FOR_LONG, other, seconds=600) == []
        assert daemon.backed_off == []
        assert "process headroom_warning" in daemon.said


def test_at_critical_compaction_goes_first() -> None:
    """What lies in CMA can be moved out again."""
    other = make_reading(0, name="camera", request=Request.CMA)
    assert Daemon(Remedy).tick(VERY_LOW, other).remedy is C


def test_a_cma_demand_that_is_far_or_unknown_withholds_nothing() -> None:
    """More than twice its level, not known, or beyond all hope; nor does any other demand."""
    for other in (
        make_reading(33, name="camera", request=Request.CMA),
        make_reading(None, name="camera", request=Request.CMA),
        make_reading(0, name="camera", request=Request.CMA, cause=Cause.UNSATISFIABLE),
        make_reading(0, name="camera", request=Request.ATOMIC, cause=Cause.UNSATISFIABLE),
        make_reading(20, name="camera", request=Request.ATOMIC),
    ):
        assert Daemon(Remedy).tick(LOW_FOR_LONG, other).remedy is A


def test_giving_back_is_not_withheld_for_cma() -> None:
    """It moves nothing."""
    other = make_reading(0, name="camera", request=Request.CMA)
    daemon = Daemon(Remedy, poll=Poll(settle_seconds=0))
    assert daemon.tick(SHORT, other).remedy is R


def test_where_a_node_was_compacted_in_vain_the_others_follow_and_then_all() -> None:
    """Unmovable memory on one node says nothing of the other; only then is it given up."""
    zones = (make_zone((10_000, 0, 0), node=0), make_zone((5_000, 0, 0), node=1))
    daemon = Daemon((Remedy.COMPACT,), zones=zones, nodes=(0, 1)).past_the_first_look()
    nodes: list[int | None] = []
    while not daemon.backed_off:
        if action := daemon.tick(make_reading(CRITICAL)).action:
            nodes.append(action.node)
            daemon.ends(after=0)
    assert nodes == [0, 1, None]
