"""Every root's facts as worked by hand from its files, kernel era by kernel era."""

from fractions import Fraction
from pathlib import Path

import pytest
from rootlib import Expectation, all_roots, expectations, sample_of, system_of

from oomwatchd.assess.cause import cause_of
from oomwatchd.assess.headroom import headroom
from oomwatchd.assess.survey import ZoneSurvey, survey
from oomwatchd.model import Request
from oomwatchd.procfs import extfrag


def _surveyed(case: Expectation, node: str, zone: str) -> ZoneSurvey:
    """Find a zone's tables."""
    return next(
        surveyed
        for surveyed in survey(system_of(case.root))
        if (surveyed.zone.node, surveyed.zone.name) == (int(node), zone)
    )


@pytest.mark.parametrize("case", expectations("headroom"), ids=str)
def test_headroom_of_a_zone_is_as_worked_by_hand(case: Expectation) -> None:
    """The smaller of blocks and budget, by the rule of that root's kernel."""
    node, zone, order, request, blocks = case.arguments
    row = _surveyed(case, node, zone).orders[int(order)]
    assert row.headroom[Request(request)] == int(blocks)


@pytest.mark.parametrize("case", expectations("total"), ids=str)
def test_headroom_sums_the_zones_that_the_request_reaches(case: Expectation) -> None:
    """Zones above the request's highest one count nothing, lowmem reserve is kept back."""
    order, request, blocks = case.arguments
    measured = headroom(system_of(case.root), Request(request), int(order))
    assert measured is not None
    assert measured.blocks == int(blocks)


@pytest.mark.parametrize("case", expectations("frag"), ids=str)
def test_indices_are_the_kernels(case: Expectation) -> None:
    """Fragmentation and unusable index, to the kernel's three decimals."""
    node, zone, order, fragmentation, unusable = case.arguments
    row = _surveyed(case, node, zone).orders[int(order)]
    assert row.fragmentation_index_thousandths == Fraction(fragmentation) * 1000
    assert row.unusable_index_thousandths == Fraction(unusable) * 1000


@pytest.mark.parametrize("case", expectations("free"), ids=str)
def test_free_pages_are_told_apart(case: Expectation) -> None:
    """Free pages of a zone, of them CMA and HighAtomic; null where the kernel does not tell."""
    node, zone, *numbers = case.arguments
    found = _surveyed(case, node, zone).zone
    wanted = [None if number == "null" else int(number) for number in numbers]
    assert [found.free_pages, found.free_cma_pages, found.free_highatomic_pages] == wanted


@pytest.mark.parametrize("case", expectations("lower_bound"), ids=str)
def test_lower_bounds_are_marked(case: Expectation) -> None:
    """Headroom is exact only where pagetypeinfo was read and counted to the end."""
    node, zone, answer = case.arguments
    assert _surveyed(case, node, zone).zone.is_lower_bound(order=0) == (answer == "yes")


@pytest.mark.parametrize("case", expectations("cause"), ids=str)
def test_the_cause_is_the_term_that_binds(case: Expectation) -> None:
    """Budget short: shortage; blocks kept from the request: reserved; else fragmentation."""
    order, request, level, cause = case.arguments
    measured = headroom(system_of(case.root), Request(request), int(order))
    assert measured is not None
    low = measured.blocks <= int(level)
    assert (cause_of(int(level), measured).value if low else "none") == cause


@pytest.mark.parametrize("root", all_roots(), ids=lambda root: root.name)
def test_every_root_reads_without_a_parse_error(root: Path) -> None:
    """What is missing may be missing, but what is there parses."""
    problems = sample_of(root).problems
    assert [problem for problem in problems if "no such file" not in problem.why] == []


@pytest.mark.parametrize(
    "root",
    [root for root in all_roots() if (root / "sys/kernel/debug/extfrag/extfrag_index").exists()],
    ids=lambda root: root.name,
)
def test_indices_equal_the_kernels_own_where_captured(root: Path) -> None:
    """Debugfs extfrag of the same moment, on every populated zone and order."""
    folder = root / "sys/kernel/debug/extfrag"
    rows = {(row.zone.node, row.zone.name): row for row in survey(system_of(root))}
    for index in extfrag.parse((folder / "extfrag_index").read_bytes()):
        orders = rows[index.node, index.zone].orders
        ours = tuple(order.fragmentation_index_thousandths for order in orders)
        assert ours == index.index_thousandths
    for index in extfrag.parse((folder / "unusable_index").read_bytes()):
        orders = rows[index.node, index.zone].orders
        ours = tuple(order.unusable_index_thousandths for order in orders)
        assert ours == index.index_thousandths
