"""The watermark check: against a simulation of the kernel's loops, and the report of 2009."""

from typing import NamedTuple

import pytest
from builders import SEED_BLOCKS, SEED_MARKS, make_zone, pages_of
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.assess.headroom import System, zone_headroom
from oomwatchd.mm.watermark import (
    Check,
    WatermarkRule,
    checks,
    grants,
    lowered,
    min_mark,
    rule_of,
    unlowered,
    unusable_highatomic_pages,
)
from oomwatchd.mm.zonelist import Reached
from oomwatchd.model import Request, Version, Watermarks, Zone

ORDERS = 7
ERAS: list[Version] = [
    (2, 6, 18),
    (2, 6, 37),
    (2, 6, 38),
    (3, 2, 99),
    (3, 3, 0),
    (3, 6, 11),
    (3, 7, 0),
    (3, 9, 0),
    (3, 10, 0),
    (4, 3, 6),
    (4, 4, 0),
    (4, 19, 78),
    (5, 8, 0),
    (5, 9, 0),
    (5, 16, 0),
    (6, 1, 192),
    (6, 6, 99),
    (6, 8, 0),
    (6, 11, 11),
    (6, 12, 0),
    (6, 18, 2),
]


class Case(NamedTuple):
    """A zone, who asks it for what, and the kernel that decides."""

    zone: Zone
    reserve_pages: int
    request: Request
    order: int
    version: Version
    shift: int


def compared(
    reached: Reached, request: Request, order: int, mark: int, rule: WatermarkRule
) -> list[Check]:
    """Write out the comparisons without what of HighAtomic the rule leaves out."""
    highatomic_pages = unusable_highatomic_pages(reached.zone, request, rule)
    return checks(reached, request, order, mark, rule, highatomic_pages)


class Allocator:
    """The kernel's allocator for one zone: it checks the mark, takes a block, splits it."""

    def __init__(self, case: Case) -> None:
        """Copy what it will use up."""
        self.case = case
        types = case.zone.free_blocks_by_type
        assert types is not None
        self.lists = {name: list(free_blocks) for name, free_blocks in types.items()}
        self.free = case.zone.free_pages or 0

    def pages(self, name: str) -> int:
        """Count the free pages of a type."""
        return pages_of(self.lists.get(name, ()))

    def mark(self) -> int:
        """Lower the min mark for the request's rights."""
        marks = self.case.zone.watermarks
        assert marks is not None
        mark = marks.min
        if self.case.request is Request.ATOMIC:
            if self.case.order == 0 and self.case.version >= (5, 9, 0):
                mark -= marks.boost or 0
            mark -= mark // 2
            mark -= mark // 4
        return mark

    def old_check(self) -> bool:
        """2.6.18 to 4.3: a test of the whole, then one for each order below the requested."""
        version, order = self.case.version, self.case.order
        spares_cma = self.case.request is not Request.MOVABLE
        cma = self.pages("CMA") if spares_cma and version >= (3, 7, 0) else 0
        free, mark = self.free, self.mark()
        if version < (3, 10, 0):
            free, cma = free - cma, 0
        free -= 2**order + 1 if (2, 6, 38) <= version < (3, 3, 0) else 2**order - 1
        if free - cma <= mark + self.case.reserve_pages:
            return False
        for below in range(order):
            free -= sum(blocks[below] for blocks in self.lists.values()) * 2**below
            mark = mark // 2**self.case.shift
            if free <= mark:
                return False
        return True

    def new_check(self) -> bool:
        """4.4 to 6.18: one test, and for more than a page a block of a type that may serve."""
        request, order = self.case.request, self.case.order
        free = self.free - (2**order - 1)
        if request is not Request.MOVABLE:
            free -= self.pages("CMA")
        if request is not Request.ATOMIC:
            if self.case.version < (6, 12, 0):
                free -= self.case.zone.highatomic_reserved_pages or 0
            else:
                free -= self.pages("HighAtomic")
        if free <= self.mark() + self.case.reserve_pages:
            return False
        return order == 0 or any(any(self.lists[name][order:]) for name in self.usable())

    def usable(self) -> list[str]:
        """List the types that serve the request, its own ones first."""
        names = ["Movable", "Unmovable", "Reclaimable"]
        if self.case.request is not Request.MOVABLE:
            names = ["Unmovable", "Reclaimable", "Movable"]
        if self.case.request is Request.ATOMIC:
            names.insert(0, "HighAtomic")
        if self.case.request is Request.MOVABLE:
            names.append("CMA")
        return [name for name in [*names, "Reserve"] if name in self.lists]

    def take(self) -> bool:
        """Take one block, from the smallest that suffices, and give back what is left of it."""
        passed = self.old_check() if self.case.version < (4, 4, 0) else self.new_check()
        if not passed:
            return False
        for at in range(self.case.order, ORDERS):
            for name in self.usable():
                if self.lists[name][at]:
                    self.lists[name][at] -= 1
                    for left in range(self.case.order, at):
                        self.lists[name][left] += 1
                    self.free -= 2**self.case.order
                    return True
        return False

    def take_all(self) -> int:
        """Take blocks until the kernel refuses; say how many they were."""
        taken = 0
        while self.take():
            taken += 1
        return taken


def free_lists(scale: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw free blocks by order, fewer of the large ones."""
    columns = [st.integers(0, max(1, scale >> order)) for order in range(ORDERS)]
    return st.tuples(*columns)


@st.composite
def cases(draw: st.DrawFn, requests: tuple[Request, ...] = tuple(Request)) -> Case:
    """Draw a case; the zone's parts agree with each other."""
    version = draw(st.sampled_from(ERAS))
    lists = {name: draw(free_lists(30)) for name in ("Unmovable", "Movable", "Reclaimable")}
    special = "Reserve" if version < (4, 4, 0) else "HighAtomic"
    lists[special] = draw(free_lists(8))
    if version >= (3, 7, 0):
        lists["CMA"] = draw(free_lists(20))
    blocks = tuple(map(sum, zip(*lists.values(), strict=True)))
    boost = draw(st.none() | st.integers(0, 60)) if version >= (5, 16, 0) else None
    mark = draw(st.integers(0, 400)) + (boost or 0)
    highatomic = pages_of(lists.get("HighAtomic", ()))
    zone = make_zone(
        blocks,
        watermarks=Watermarks(mark, mark * 5 // 4, mark * 3 // 2, boost),
        free_cma_pages=pages_of(lists["CMA"]) if "CMA" in lists else None,
        free_blocks_by_type=lists,
        highatomic_reserved_pages=(
            highatomic + draw(st.integers(0, 200)) if version >= (4, 4, 0) else None
        ),
        managed_pages=draw(st.integers(4000, 60000)),
    )
    return Case(
        zone=zone,
        reserve_pages=draw(st.sampled_from((0, 0, 1, 37, 200))),
        request=draw(st.sampled_from([r for r in requests if r is not Request.CMA])),
        order=draw(st.integers(0, ORDERS)),
        version=version,
        shift=draw(st.sampled_from((1, 1, 2, 4))) if version < (4, 4, 0) else 1,
    )


@settings(deadline=None, max_examples=400)
@given(cases())
def test_headroom_is_what_can_be_taken_one_by_one(case: Case) -> None:
    """The closed form counts the blocks that the kernel's own loops grant before refusing."""
    rule = rule_of(case.version, case.shift)
    measured = zone_headroom(
        Reached(case.zone, case.reserve_pages), case.request, case.order, System((), (), rule)
    )
    assert measured is not None
    assert not measured.lower_bound
    assert measured.blocks == measured.most == Allocator(case).take_all()


@settings(deadline=None, max_examples=200)
@given(cases())
def test_a_grant_is_forecast_by_the_comparisons(case: Case) -> None:
    """All comparisons pass exactly where the kernel's check does, block aside."""
    rule = rule_of(case.version, case.shift)
    mark = min_mark(case.zone, case.request, case.order, rule)
    assert mark is not None
    written = compared(Reached(case.zone, case.reserve_pages), case.request, case.order, mark, rule)
    kernel = Allocator(case)
    if case.version < (4, 4, 0):
        assert len(written) == min(case.order, ORDERS) + 1
        passed = kernel.old_check() if case.order <= ORDERS else False
        assert all(check.passed for check in written) == passed
    else:
        assert len(written) == 1
        usable = case.order == 0 or any(any(kernel.lists[n][case.order :]) for n in kernel.usable())
        assert (written[0].passed and usable) == kernel.new_check()
    assert all((grants(check, case.order) > 0) == check.passed for check in written)


@settings(deadline=None, max_examples=300)
@given(cases(), st.sampled_from((8, 16, 32, 64)))
def test_without_pagetypeinfo_headroom_is_bounded(case: Case, pageblock: int) -> None:
    """What buddyinfo alone tells lies between the bounds, wherever CMA and HighAtomic hide."""
    zone = case.zone
    if case.version >= (4, 4, 0):
        hundredth = (zone.managed_pages or 0) // 100
        if case.version < (6, 8, 0):
            most = -(-(hundredth + pageblock) // pageblock) * pageblock
        else:
            most = 0 if hundredth < pageblock else -(-hundredth // pageblock) * pageblock
        lists = dict(zone.free_blocks_by_type or {})
        if pages_of(lists["HighAtomic"]) > most:
            lists["HighAtomic"] = (0,) * ORDERS
        blocks = tuple(map(sum, zip(*lists.values(), strict=True)))
        zone = zone._replace(
            free_blocks=blocks,
            free_pages=pages_of(blocks),
            free_blocks_by_type=lists,
            highatomic_reserved_pages=most,
        )
    rule = rule_of(case.version, case.shift)
    truth = Allocator(case._replace(zone=zone)).take_all()
    blind = zone._replace(free_blocks_by_type=None, highatomic_reserved_pages=None)
    measured = zone_headroom(
        Reached(blind, case.reserve_pages), case.request, case.order, System((), (), rule)
    )
    assert measured is not None
    assert measured.lower_bound
    assert measured.blocks <= truth <= measured.most


@settings(deadline=None, max_examples=100)
@given(cases(), st.integers(1, 100))
def test_more_reserve_never_grants_more(case: Case, more: int) -> None:
    """Raising the lowmem reserve lowers headroom or leaves it."""
    rule = rule_of(case.version, case.shift)
    found = [
        zone_headroom(Reached(case.zone, reserve), case.request, case.order, System((), (), rule))
        for reserve in (case.reserve_pages, case.reserve_pages + more)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1].blocks <= found[0].blocks


# --- The report of 2009, as worked in public at the time -------------------------------------


def seed_comparisons(
    order: int, request: Request = Request.KERNEL, version: Version = (2, 6, 28), shift: int = 1
) -> list[tuple[int, int]]:
    """Write out the comparisons for the zone of the report."""
    rule = rule_of(version, shift)
    zone = make_zone()
    mark = min_mark(zone, request, order, rule)
    assert mark is not None
    return [
        (check.pages, check.mark)
        for check in compared(Reached(zone, 0), request, order, mark, rule)
    ]


def seed_headroom(
    order: int, request: Request = Request.KERNEL, version: Version = (2, 6, 28), shift: int = 1
) -> int:
    """Give the headroom of the zone of the report, every block being of a usable type."""
    zone = make_zone(free_blocks_by_type={"Movable": SEED_BLOCKS}, highatomic_reserved_pages=0)
    measured = zone_headroom(
        Reached(zone, 0), request, order, System((), (), rule_of(version, shift))
    )
    assert measured is not None
    return measured.blocks


def test_the_report_of_2009_fails_at_the_second_step() -> None:
    """With 20,396 kB free an order-2 request is refused: 89 pages against 124."""
    assert pages_of(SEED_BLOCKS) * 4 == 20396
    assert seed_comparisons(2) == [(5096, 499), (3651, 249), (89, 124)]
    assert seed_headroom(2) == 0


def test_the_report_of_2009_would_pass_at_order_one() -> None:
    """The only step is 3653 pages against 249."""
    assert seed_comparisons(1) == [(5098, 499), (3653, 249)]
    assert seed_headroom(1) > 0


@pytest.mark.parametrize(("order", "pages"), [(3, 85), (4, 77)])
def test_larger_orders_fail_at_the_same_step(order: int, pages: int) -> None:
    """Orders 3 and 4 are refused at the second step as well."""
    comparisons = seed_comparisons(order)
    assert comparisons[2] == (pages, 124)
    assert [f > m for f, m in comparisons[:3]] == [True, True, False]
    assert seed_headroom(order) == 0


def test_an_atomic_request_passes_there() -> None:
    """GFP_ATOMIC starts from 188, so the second step asks for 47 only."""
    assert seed_comparisons(2, Request.ATOMIC) == [(5096, 188), (3651, 94), (89, 47)]
    assert seed_headroom(2, Request.ATOMIC) == 11


@pytest.mark.parametrize("version", [(2, 6, 38), (3, 0, 27), (3, 2, 71)])
def test_the_kernels_that_were_off_by_two(version: Version) -> None:
    """2.6.38 to 3.2 compare two pages less, at every step."""
    assert [f for f, _ in seed_comparisons(2, version=version)] == [5094, 3649, 87]


@pytest.mark.parametrize("version", [(2, 6, 37), (3, 3, 0), (3, 4, 0)])
def test_their_neighbours_were_not(version: Version) -> None:
    """2.6.37 and 3.3 count right."""
    assert [f for f, _ in seed_comparisons(2, version=version)] == [5096, 3651, 89]


def test_the_vendors_shift_lets_it_pass() -> None:
    """With vm.min_free_order_shift = 4 the mark falls to 31 and 1."""
    assert seed_comparisons(2, shift=4) == [(5096, 499), (3651, 31), (89, 1)]
    assert seed_headroom(2, shift=4) > 0


@pytest.mark.parametrize("version", [(4, 4, 0), (4, 14, 0), (5, 10, 0), (6, 1, 0), (6, 18, 0)])
def test_since_4_4_it_is_granted(version: Version) -> None:
    """One comparison, 5096 against 499, and all 23 blocks can be taken."""
    assert seed_comparisons(2, version=version)[0][1] == 499
    assert len(seed_comparisons(2, version=version)) == 1
    assert seed_headroom(2, version=version) == 15 + 2 * 2 + 1 * 4


@pytest.mark.parametrize(("mark", "passes"), [(SEED_MARKS.low, False), (SEED_MARKS.high, False)])
def test_low_and_high_refuse_it_too(mark: int, *, passes: bool) -> None:
    """Neither the fast path nor the last attempt before the OOM killer got through."""
    written = compared(Reached(make_zone(), 0), Request.KERNEL, 2, mark, rule_of((2, 6, 28)))
    assert written[2] == (89, mark >> 2)
    assert all(check.passed for check in written) is passes


@pytest.mark.parametrize(("mark", "passes"), [(250, True), (375, False)])
def test_half_the_mark_would_have_done(mark: int, *, passes: bool) -> None:
    """__GFP_HIGH alone passes (62), ALLOC_HARDER alone does not (93)."""
    written = compared(Reached(make_zone(), 0), Request.KERNEL, 2, mark, rule_of((2, 6, 28)))
    assert all(check.passed for check in written) is passes


# --- Eras, boundary by boundary --------------------------------------------------------------


def cma_comparisons(version: Version, request: Request = Request.KERNEL) -> list[int]:
    """Give the pages compared at order 1 with 1000 free pages, 300 of them CMA, 100 single."""
    blocks = (100, 0, 225)
    types = {"Movable": (100, 0, 150), "CMA": (0, 0, 75), "HighAtomic": (0, 0, 0)}
    zone = make_zone(
        blocks, free_cma_pages=300, free_blocks_by_type=types, highatomic_reserved_pages=0
    )
    written = compared(Reached(zone, 0), request, 1, 499, rule_of(version))
    return [check.pages for check in written]


@pytest.mark.parametrize(
    ("version", "pages"),
    [
        ((3, 6, 0), [999, 899]),
        ((3, 7, 0), [699, 599]),
        ((3, 9, 0), [699, 599]),
        ((3, 10, 0), [699, 899]),
        ((4, 3, 0), [699, 899]),
        ((4, 4, 0), [699]),
        ((6, 18, 0), [699]),
    ],
)
def test_where_free_cma_is_left_out(version: Version, pages: list[int]) -> None:
    """Not at all up to 3.6, in all tests of 3.7 to 3.9, in the first of 3.10 to 4.3."""
    assert cma_comparisons(version) == pages


@pytest.mark.parametrize("version", [(3, 6, 0), (3, 8, 0), (3, 10, 0), (4, 4, 0), (6, 18, 0)])
def test_movable_requests_may_count_on_cma(version: Version) -> None:
    """User pages can lie in CMA areas, so nothing is left out for them."""
    assert cma_comparisons(version, Request.MOVABLE)[0] == 999


@pytest.mark.parametrize(
    ("version", "pages"),
    [((4, 4, 0), 4072), ((5, 10, 0), 4072), ((6, 11, 11), 4072), ((6, 12, 0), 5032)],
)
def test_what_of_highatomic_is_left_out(version: Version, pages: int) -> None:
    """Whole reserved pageblocks up to 6.11, since 6.12 their free pages; nothing for atomics."""
    highatomic = (0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0)
    types = {"Movable": SEED_BLOCKS, "HighAtomic": highatomic}
    zone = make_zone(free_blocks_by_type=types, highatomic_reserved_pages=1024)
    rule = rule_of(version)
    kernel = compared(Reached(zone, 0), Request.KERNEL, 2, 499, rule)
    atomic = compared(Reached(zone, 0), Request.ATOMIC, 2, 187, rule)
    assert kernel[0].pages == pages
    assert atomic[0].pages == 5096


@pytest.mark.parametrize("version", ERAS)
def test_the_reserve_counts_in_the_first_test_alone(version: Version) -> None:
    """The lowmem reserve is added to the mark once, whatever the era."""
    written = compared(Reached(make_zone(), 1000), Request.KERNEL, 2, 499, rule_of(version))
    assert [check.mark for check in written] == [1499, 249, 124][: len(written)]


@pytest.mark.parametrize(
    ("version", "order", "mark"),
    [((5, 8, 0), 0, 188), ((5, 16, 0), 0, 94), ((5, 16, 0), 1, 188), ((6, 18, 0), 2, 188)],
)
def test_a_single_atomic_page_ignores_the_boost(version: Version, order: int, mark: int) -> None:
    """Since 5.9 order-0 atomic requests are tried again without the boost."""
    zone = make_zone(watermarks=Watermarks(499, 623, 748, boost=249))
    assert min_mark(zone, Request.ATOMIC, order, rule_of(version)) == mark
    assert min_mark(zone, Request.KERNEL, order, rule_of(version)) == 499


def test_unknown_marks_give_no_headroom() -> None:
    """Absent is None, never 0."""
    zone = make_zone(watermarks=None)
    rule = rule_of((6, 1, 0))
    assert min_mark(zone, Request.KERNEL, 2, rule) is None
    assert zone_headroom(Reached(zone, 0), Request.KERNEL, 2, System((), (), rule)) is None
    assert (
        zone_headroom(Reached(make_zone(), None), Request.KERNEL, 2, System((), (), rule)) is None
    )
    unread = make_zone(free_pages=None)
    assert zone_headroom(Reached(unread, 0), Request.KERNEL, 2, System((), (), rule)) is None


def test_an_order_beyond_the_largest_is_never_granted() -> None:
    """No block, no grant: in no era."""
    for version in ERAS:
        assert seed_headroom(11, version=version) == 0


@given(st.integers(0, 2**70), st.booleans(), st.booleans())
def test_a_lowered_mark_is_turned_round(mark: int, high: bool, harder: bool) -> None:  # noqa: FBT001 - drawn
    """The largest that is lowered to no more than that, however large it is."""
    found = unlowered(mark, high=high, harder=harder)
    assert lowered(found, high=high, harder=harder) <= mark
    assert lowered(found + 1, high=high, harder=harder) > mark
