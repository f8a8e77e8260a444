"""A guest is booted once, and played many times from the same moment."""

import pytest
from target.guest import Guests, Options
from target.machines import ARM
from target.staged import Staged

JOB = """\
#!/usr/bin/python3
import json, time
from target.inside.orders import Orders
from target.inside.tools import Reporter
report = Reporter()
orders = Orders()
time.sleep(5.0)
order = orders.wait(report)
begin = time.monotonic()
time.sleep(100.0)
report(order=order, begin=begin, slept=time.monotonic() - begin)
"""


@pytest.mark.target
def test_runs_begin_at_the_same_moment_with_their_own_orders(guests: Guests) -> None:
    """To the instruction, under icount; what a run does is not seen by the next."""
    with Staged(guests, ARM, JOB, Options(icount=True)) as stage:
        told = [stage.play(order).checked().events for order in ("one", "two")]
    (first,), (second,) = told
    assert (first["order"], second["order"]) == ("one", "two")
    assert first["begin"] == pytest.approx(second["begin"], abs=0.01)
    assert first["slept"] == pytest.approx(100.0, rel=0.01)


@pytest.mark.target
def test_a_guest_that_does_not_get_ready_is_an_error_with_its_console(guests: Guests) -> None:
    """Not a wait for ever."""
    with (
        pytest.raises(AssertionError, match="did not get ready"),
        Staged(guests, ARM, "exit 3", Options(icount=True, python=False)),
    ):
        pass
