"""/proc/pressure/memory."""

import pytest
from hypothesis import given, settings
from strategies import pressures, print_pressure, shows_where_and_what

from oomwatchd.errors import ParseError
from oomwatchd.procfs.pressure import Pressure, Stall, parse

SOME = b"some avg10=1.50 avg60=0.12 avg300=100.00 total=182214\n"
FULL = b"full avg10=0.00 avg60=0.08 avg300=0.03 total=120113\n"


def test_both_lines_are_read() -> None:
    """Per cent with two decimals, and microseconds."""
    assert parse(SOME + FULL) == Pressure(
        Stall(1.5, 0.12, 100.0, 182214), Stall(0.0, 0.08, 0.03, 120113)
    )


def test_full_may_be_absent() -> None:
    """A missing line is None."""
    assert parse(SOME).full is None


FAULTS = {
    "empty": (b"", 'pressure/memory:1: no line "some"'),
    "full alone": (FULL, 'pressure/memory:1: no line "some": "'),
    "another line": (b"some\n", 'pressure/memory:1: not a line of pressure: "some"'),
    "cut within total": (SOME + FULL[:-3], "pressure/memory:2: the line is cut short: "),
    "not a share": (
        SOME.replace(b"1.50", b"x.50"),
        "pressure/memory:1: not a line of pressure: ",
    ),
    "a total of 21 digits": (
        SOME.replace(b"182214", b"1" * 21),
        "pressure/memory:1: not a number as the kernel prints it: ",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_line_and_text(name: str) -> None:
    """What no kernel prints is refused in one line that shows it."""
    data, message = FAULTS[name]
    with pytest.raises(ParseError) as caught:
        parse(data)
    assert str(caught.value).startswith(message)
    assert shows_where_and_what(caught.value, "pressure/memory")


@settings(deadline=None, max_examples=60)
@given(pressures())
def test_what_the_kernel_prints_is_read_back(pressure: Pressure) -> None:
    """Any stalls come back as they were."""
    assert parse(print_pressure(pressure)) == pressure
