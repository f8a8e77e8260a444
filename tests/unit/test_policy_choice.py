"""The table: which remedy answers which cause, and what is said where none does."""

import pytest
from builders import make_assessment, make_reading, make_zone
from policies import CRITICAL, DROPPABLE, WARNING, Daemon, make_limits

from oomwatchd.assess.assessment import Reading
from oomwatchd.assess.memory import Memory
from oomwatchd.model import Action, Cause, Remedy, Request
from oomwatchd.policy.choice import level_of, no_rung, rungs
from oomwatchd.policy.state import Limits
from oomwatchd.settings import Remedies

C, A, R, P, S, D = (
    Remedy.COMPACT,
    Remedy.COMPACT_ASYNC,
    Remedy.RECLAIM,
    Remedy.DROP_PAGECACHE,
    Remedy.DROP_SLAB,
    Remedy.DROP_ALL,
)
FRAGMENTATION, RESERVED, SHORTAGE = Cause.FRAGMENTATION, Cause.RESERVED, Cause.SHORTAGE
EVERYTHING = frozenset(Remedy)
ASLEEP = [request for request in Request if request.may_sleep]
SHORT = make_reading(CRITICAL, request=Request.ATOMIC, cause=SHORTAGE)
"""Nobody reclaims for it: what giving back is for."""


def ladder(
    reading: Reading, limits: Limits | None = None, memory: Memory = DROPPABLE
) -> list[Remedy]:
    """Name the rungs for a demand."""
    assessment = make_assessment(reading)._replace(memory=memory)
    limits = limits or make_limits(EVERYTHING)
    return [action.remedy for action in rungs(reading, assessment, limits)]


@pytest.mark.parametrize(
    ("cause", "headroom", "able", "expected"),
    [
        *[
            (cause, headroom, able, expected)
            for cause in (FRAGMENTATION, RESERVED)
            for headroom, able, expected in (
                (WARNING, EVERYTHING, [A, C]),
                (WARNING, EVERYTHING - {A}, [C]),
                (WARNING, EVERYTHING - {C}, [A]),
                (WARNING, EVERYTHING - {A, C}, []),
                (CRITICAL, EVERYTHING, [C, R]),
                (CRITICAL, EVERYTHING - {R}, [C, P]),
                (CRITICAL, EVERYTHING - {C}, [R]),
                (CRITICAL, {C}, [C]),
                (CRITICAL, set(), []),
            )
        ],
        (SHORTAGE, WARNING, EVERYTHING, []),
        (SHORTAGE, CRITICAL, {C, A}, []),
        (Cause.UNSATISFIABLE, WARNING, EVERYTHING, []),
        (Cause.UNSATISFIABLE, CRITICAL, EVERYTHING, []),
        (None, CRITICAL, EVERYTHING, []),
    ],
)
@pytest.mark.parametrize("request_", [request for request in Request if request is not Request.CMA])
def test_the_table(
    cause: Cause | None,
    headroom: int,
    able: set[Remedy],
    expected: list[Remedy],
    request_: Request,
) -> None:
    """By cause, level and what the kernel has; the same for every request but cma."""
    reading = make_reading(headroom, request=request_, cause=cause)
    assert ladder(reading, make_limits(able)) == expected


@pytest.mark.parametrize(
    ("able", "expected"), [(EVERYTHING, [R]), (EVERYTHING - {R}, [P]), ({R}, [R]), ({P}, [P])]
)
def test_a_critical_shortage_is_answered_for_what_cannot_sleep(
    able: set[Remedy], expected: list[Remedy]
) -> None:
    """Nobody reclaims for it; for whoever may sleep the kernel does, as soon as they ask."""
    assert ladder(SHORT, make_limits(able)) == expected
    for request in ASLEEP:
        asleep = make_reading(CRITICAL, request=request, cause=SHORTAGE)
        assert ladder(asleep, make_limits(able)) == []


@pytest.mark.parametrize(("headroom", "expected"), [(WARNING, [A, C]), (CRITICAL, [C, R])])
def test_what_cannot_wait_is_compacted_for_while_cma_has_room(
    headroom: int, expected: list[Remedy]
) -> None:
    """What can be moved goes to CMA; as many pages as are missing have to be free there."""
    short = make_reading(headroom, request=Request.ATOMIC, cause=SHORTAGE)
    missing_pages = (level_of(short) + 1 - headroom) << short.demand.order
    for free_cma_pages, found in (
        (missing_pages, expected),
        (missing_pages - 1, expected[2:] if headroom == WARNING else [R]),
    ):
        assessment = make_assessment(short, free_cma_pages=free_cma_pages)
        assessment = assessment._replace(memory=DROPPABLE)
        actions = rungs(short, assessment, make_limits(EVERYTHING))
        assert [action.remedy for action in actions] == found


def test_whoever_may_sleep_is_not_compacted_for_where_memory_is_short() -> None:
    """The kernel reclaims for it; and user memory may use CMA as it is."""
    for request in ASLEEP:
        short = make_reading(CRITICAL, request=request, cause=SHORTAGE)
        assessment = make_assessment(short, free_cma_pages=1 << 20)._replace(memory=DROPPABLE)
        assert list(rungs(short, assessment, make_limits(EVERYTHING))) == []


@pytest.mark.parametrize("headroom", [WARNING, CRITICAL])
def test_what_is_reserved_needs_no_more_than_what_is_fragmented(headroom: int) -> None:
    """Where too little can be given back compaction is all there is, for both."""
    for cause in (FRAGMENTATION, RESERVED):
        reading = make_reading(headroom, cause=cause)
        expected = [A, C] if headroom == WARNING else [C]
        assert ladder(reading, memory=Memory(droppable_pagecache_kib=2047)) == expected


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("headroom", [WARNING, CRITICAL])
def test_nothing_is_ever_done_for_cma(cause: Cause, headroom: int) -> None:
    """Compaction moves data into the areas that a cma demand wants empty."""
    reading = make_reading(headroom, request=Request.CMA, cause=cause)
    assert ladder(reading) == []
    impossible = cause is Cause.UNSATISFIABLE
    why = "none helps against unsatisfiable" if impossible else "compaction would fill CMA"
    assert no_rung(reading, make_limits(EVERYTHING)) == why


@pytest.mark.parametrize(
    ("headroom", "cause", "remedies", "expected"),
    [
        (WARNING, FRAGMENTATION, Remedies(compact=False), []),
        (WARNING, FRAGMENTATION, Remedies(compact_async=False), [C]),
        (WARNING, FRAGMENTATION, Remedies(reclaim=False, drop_caches=False), [A, C]),
        (CRITICAL, FRAGMENTATION, Remedies(compact=False), [R]),
        (CRITICAL, FRAGMENTATION, Remedies(compact_async=False), [C, R]),
        (CRITICAL, FRAGMENTATION, Remedies(drop_caches=False), [C, R]),
        (CRITICAL, FRAGMENTATION, Remedies(reclaim=False), [C, P]),
        (CRITICAL, FRAGMENTATION, Remedies(reclaim=False, drop_caches=False), [C]),
        (WARNING, RESERVED, Remedies(compact=False), []),
        (WARNING, RESERVED, Remedies(compact_async=False), [C]),
        (CRITICAL, RESERVED, Remedies(compact=False), [R]),
        (CRITICAL, RESERVED, Remedies(reclaim=False), [C, P]),
        (CRITICAL, SHORTAGE, Remedies(reclaim=False), [P]),
        (CRITICAL, SHORTAGE, Remedies(drop_caches=False), [R]),
        (CRITICAL, SHORTAGE, Remedies(reclaim=False, drop_caches=False), []),
    ],
)
def test_what_is_switched_off_is_no_rung(
    headroom: int, cause: Cause, remedies: Remedies, expected: list[Remedy]
) -> None:
    """The configuration takes rungs away; the others stay."""
    reading = make_reading(headroom, request=Request.ATOMIC, cause=cause)
    assert ladder(reading, make_limits(EVERYTHING, remedies=remedies)) == expected


@pytest.mark.parametrize(
    ("reading", "limits", "reason"),
    [
        (make_reading(WARNING), make_limits(()), "no compact here"),
        (make_reading(CRITICAL), make_limits(()), "no compact here"),
        (
            make_reading(WARNING),
            make_limits(EVERYTHING, remedies=Remedies(compact=False)),
            "compact is switched off",
        ),
        (
            make_reading(WARNING),
            make_limits((), remedies=Remedies(compact=False)),
            "no compact here",
        ),
        (
            make_reading(WARNING, cause=SHORTAGE),
            make_limits(EVERYTHING),
            "the kernel reclaims by itself",
        ),
        (
            make_reading(CRITICAL, cause=SHORTAGE),
            make_limits(EVERYTHING),
            "the kernel reclaims by itself",
        ),
        (SHORT, make_limits(EVERYTHING), "too little can be dropped"),
        (
            make_reading(WARNING, request=Request.ATOMIC, cause=SHORTAGE),
            make_limits(EVERYTHING),
            "memory is given back at critical only",
        ),
        (make_reading(CRITICAL, cause=RESERVED), make_limits(()), "no compact here"),
        (
            make_reading(WARNING, cause=RESERVED),
            make_limits(EVERYTHING, remedies=Remedies(compact=False)),
            "compact is switched off",
        ),
        (
            make_reading(WARNING, cause=Cause.UNSATISFIABLE),
            make_limits(EVERYTHING),
            "none helps against unsatisfiable",
        ),
        (make_reading(WARNING, cause=None), make_limits(EVERYTHING), "not known why"),
    ],
)
def test_the_reason_for_doing_nothing(reading: Reading, limits: Limits, reason: str) -> None:
    """Where the ladder has no rung it is told why, in words for an alert."""
    daemon = Daemon(memory=Memory())
    daemon.limits = limits
    decision = daemon.tick(reading)
    assert (decision.remedy, decision.reading, decision.reason) == (None, reading, reason)
    assert decision.against == {"process": reason}


# --- Giving back -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pagecache_kib", "slab_kib", "expected"),
    [
        (0, 0, []),
        (None, None, []),
        (2047, 0, []),
        (2048, 0, [P]),
        (2048, None, [P]),
        (0, 2048, [S]),
        (None, 2048, [S]),
        (3000, 3001, [S]),
        (3001, 3000, [P]),
        (3000, 3000, [P]),
        (1024, 1023, []),
        (1024, 1024, [D]),
        (2047, 1, [D]),
        (1, 2047, [D]),
    ],
)
def test_what_is_dropped_is_where_the_memory_is(
    pagecache_kib: int | None, slab_kib: int | None, expected: list[Remedy]
) -> None:
    """Only where there is enough: not of a root in RAM. Both where neither alone will do."""
    memory = Memory(droppable_pagecache_kib=pagecache_kib, droppable_slab_kib=slab_kib)
    assert ladder(SHORT, make_limits((P, S, D)), memory) == expected
    fragmented = make_reading(CRITICAL)
    assert ladder(fragmented, make_limits((P, S, D)), memory) == expected


@pytest.mark.parametrize(("droppable_kib", "expected"), [(2047, []), (2048, [R])])
def test_reclaim_needs_enough_as_well(droppable_kib: int, expected: list[Remedy]) -> None:
    """Reclaiming what cannot be dropped would take the programs' own pages."""
    memory = Memory(droppable_pagecache_kib=droppable_kib)
    assert ladder(SHORT, memory=memory) == expected
    assert ladder(make_reading(CRITICAL), memory=memory) == [C, *expected]


@pytest.mark.parametrize("kept", [P, S, D])
def test_a_drop_that_cannot_be_had_is_no_rung(kept: Remedy) -> None:
    """No other is taken for it."""
    assert ladder(SHORT, make_limits((kept,))) == ([P] if kept is P else [])


@pytest.mark.parametrize(
    ("headroom", "order", "critical", "amount_kib"),
    [
        (2, 2, 4, 2048),  # 3 blocks of 16 KiB are missing: four times that is 192 KiB
        (0, 2, 200, 201 * 16 * 4),
        (73, 2, 200, 128 * 16 * 4),
        (72, 2, 200, 129 * 16 * 4),
        (0, 2, 255, 16 * 1024),
        (0, 2, 10_000, 16 * 1024),
        (0, 8, 2, 3 * 1024 * 4),
        (None, 8, 2, 3 * 1024 * 4),
    ],
)
def test_how_much_is_reclaimed(
    headroom: int | None, order: int, critical: int, amount_kib: int
) -> None:
    """Four times what is missing to rise above the level; 2 MiB at least, 16 MiB at most."""
    demand = SHORT.demand._replace(order=order, critical=critical, warning=20_000)
    reading = SHORT._replace(demand=demand, headroom=headroom)
    memory = Memory(droppable_pagecache_kib=1 << 20)
    assessment = make_assessment(reading)._replace(memory=memory)
    assert list(rungs(reading, assessment, make_limits(EVERYTHING))) == [
        Action(Remedy.RECLAIM, amount_kib=amount_kib)
    ]


def test_enough_grows_with_what_is_missing() -> None:
    """64 blocks of 1 MiB: a quarter of a gigabyte has to be droppable, though less is reclaimed."""
    demand = SHORT.demand._replace(order=8, critical=63, warning=100)
    reading = SHORT._replace(demand=demand, headroom=0)
    for droppable_kib, expected in ((256 * 1024 - 1, []), (256 * 1024, [R])):
        memory = Memory(droppable_pagecache_kib=droppable_kib)
        assert ladder(reading, memory=memory) == expected


def test_pages_may_be_larger() -> None:
    """With pages of 64 KiB a block of order 2 is 256 KiB."""
    assessment = make_assessment(SHORT)._replace(memory=DROPPABLE)
    assessment = assessment._replace(kernel=assessment.kernel._replace(page_size=65536))
    (action,) = rungs(SHORT, assessment, make_limits(EVERYTHING))
    assert action.amount_kib == 3 * 256 * 4


@pytest.mark.parametrize(
    ("request_", "order", "expected"),
    [
        (Request.KERNEL, 0, [C]),
        (Request.MOVABLE, 0, [C]),
        (Request.ATOMIC, 0, [C, R]),
        (Request.DMA, 0, [C, R]),
        (Request.KERNEL, 1, [C, R]),
    ],
)
def test_available_memory_is_never_answered_by_dropping(
    request_: Request, order: int, expected: list[Remedy]
) -> None:
    """What is available counts what is droppable already: dropping adds nothing."""
    reading = make_reading(CRITICAL, request=request_)
    reading = reading._replace(demand=reading.demand._replace(order=order))
    assert ladder(reading) == expected
    short = reading._replace(cause=SHORTAGE)
    assert ladder(short) == ([R] if request_ is Request.ATOMIC else [])


# --- Which node --------------------------------------------------------------------------------

TWO_NODES = (
    make_zone((100, 100, 50), node=0),
    make_zone((100, 200, 0), node=1),
    make_zone((10_000, 0, 0), node=2),
)
"""Scattered at order 2: 300, 500 and 10,000 pages."""


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ((), None),
        ((0,), None),
        ((1,), None),
        ((0, 1), 1),
        ((0, 2), 2),
        ((0, 1, 2), 2),
        ((7, 8), None),
    ],
)
def test_the_node_with_most_scattered_pages_is_compacted(
    nodes: tuple[int, ...], expected: int | None
) -> None:
    """Of those that can be compacted one by one; where there is no choice, all of it."""
    for headroom in (WARNING, CRITICAL):
        daemon = Daemon((Remedy.COMPACT,), zones=TWO_NODES, nodes=nodes)
        assert daemon.tick(make_reading(headroom)).action == Action(Remedy.COMPACT, expected)


def test_zones_of_a_node_are_added_up() -> None:
    """And of two nodes alike the first is taken."""
    zones = (
        make_zone((300, 0, 0), node=0),
        make_zone((200, 0, 9), node=1),
        make_zone((200, 0, 9), node=1, name="Movable", zone_index=1),
        make_zone((400, 0, 0), node=2),
    )
    nodes = (0, 1, 2)
    daemon = Daemon(zones=zones, nodes=nodes)
    assert daemon.tick(make_reading(CRITICAL)).action == Action(Remedy.COMPACT, 2)
    daemon = Daemon(zones=zones, nodes=nodes)
    movable = make_reading(CRITICAL, request=Request.MOVABLE)
    assert daemon.tick(movable).action == Action(Remedy.COMPACT, 1)


def test_the_gentle_compaction_is_for_all_nodes() -> None:
    """Proactiveness is one figure for the whole system; nothing is given back by node either."""
    daemon = Daemon(Remedy, zones=TWO_NODES, nodes=(0, 1))
    assert daemon.tick(make_reading(WARNING)).action == Action(Remedy.COMPACT_ASYNC)


def test_cma_that_a_cma_demand_needs_is_no_room_at_warning() -> None:
    """What is left of CMA has to be above twice the demand's warning; critical goes first."""
    low, critical = (
        make_reading(level, request=Request.ATOMIC, cause=Cause.SHORTAGE)
        for level in (WARNING, CRITICAL)
    )
    camera = make_reading(1_000, name="camera", request=Request.CMA)
    free = 2 * camera.demand.warning << camera.demand.order
    missing = low.demand.warning + 1 - WARNING << low.demand.order
    limits = make_limits((Remedy.COMPACT,))
    for spare, wanted in ((missing - 1, []), (missing, [C])):
        pages = free + spare
        first = make_assessment(low, camera, free_cma_pages=pages)
        assert [action.remedy for action in rungs(low, first, limits)] == wanted
        second = make_assessment(critical, camera, free_cma_pages=pages)
        assert [action.remedy for action in rungs(critical, second, limits)] == [C]
