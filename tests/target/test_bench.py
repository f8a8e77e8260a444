"""The daemon costs no more than it may: the short form of `make bench`."""

import pytest
from target.bench import TICKS_QUICK, measure
from target.goals import Figures, Goal, goals, table
from target.guest import Guests


@pytest.fixture(scope="module")
def figures(guests: Guests) -> Figures:
    """Measure once."""
    return measure(guests, TICKS_QUICK)


@pytest.mark.target
def test_the_yardstick_is_what_it_was(figures: Figures) -> None:
    """A poll of earlyoom: 37,100 instructions ten times a second: else nothing can be compared."""
    assert figures["earlyoom"]["per_wakeup"] == pytest.approx(37_100, rel=0.03)
    assert figures["earlyoom"]["per_second"] == pytest.approx(371_000, rel=0.03)


@pytest.mark.target
def test_both_kinds_of_ticks_were_seen(figures: Figures) -> None:
    """Enough of them for the middle to say something."""
    assert figures["ticks"]["unchanged_n"] >= 10
    assert figures["ticks"]["changed_n"] >= 10


@pytest.mark.target
def test_every_goal_is_met(figures: Figures) -> None:
    """Each cost is in bounds, and nothing grows."""
    found = goals(figures)
    assert all(goal.met for goal in found), f"\n{table(found)}"


def test_a_goal_is_met_up_to_its_limit() -> None:
    """The limit is a part of the base; without one, nothing is missed."""
    assert Goal("", 75, 100, 0.75).met
    assert not Goal("", 76, 100, 0.75).met
    assert Goal("", 76, 1, None).met
