"""debugfs extfrag_index and unusable_index."""

import pytest
from hypothesis import given, settings
from strategies import extfrags, print_extfrag, shows_where_and_what

from oomwatchd.errors import ParseError
from oomwatchd.procfs.extfrag import IndexZone, parse

LINES = {
    "satisfiable": (b"Node 0, zone   Normal -1.000 -1.000 \n", (-1000, -1000)),
    "halves": (b"Node 0, zone   Normal  0.500  1.000 \n", (500, 1000)),
    "negative less than one": (b"Node 0, zone   Normal  0.-500  0.-05 \n", (-500, -5)),
    "small": (b"Node 0, zone      DMA 0.000 0.007 0.070 \n", (0, 7, 70)),
}

FAULTS = {
    "empty": (b"", "extfrag: no zone in the file"),
    "no index": (
        b"Node 0, zone   Normal\n",
        'extfrag:1: not a line of indices: "Node 0, zone   Normal"',
    ),
    "two decimals": (
        b"Node 0, zone Normal 0.50 \n",
        'extfrag:1: not a line of indices: "Node 0, zone Normal 0.50 "',
    ),
    "a whole number": (
        b"Node 0, zone Normal 1 \n",
        'extfrag:1: not a line of indices: "Node 0, zone Normal 1 "',
    ),
    "orders differ": (
        b"Node 0, zone DMA 0.000 0.000 \nNode 0, zone Normal 0.000 \n",
        'extfrag:2: another number of orders than before: "Node 0, zone Normal 0.000 "',
    ),
    "cut after an index of the only zone": (
        b"Node 0, zone Normal 0.000 ",
        'extfrag:1: the line is cut short: "Node 0, zone Normal 0.000 "',
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_indices_are_read_in_thousandths(name: str) -> None:
    """The kernel divides truncating, so that -500 stands there as "0.-500"."""
    data, thousandths = LINES[name]
    assert [zone.index_thousandths for zone in parse(data)] == [thousandths]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_line_and_text(name: str) -> None:
    """What no kernel prints is refused in one line that shows it."""
    data, message = FAULTS[name]
    with pytest.raises(ParseError) as caught:
        parse(data)
    assert str(caught.value) == message
    assert shows_where_and_what(caught.value, "extfrag")


@settings(deadline=None, max_examples=60)
@given(extfrags())
def test_what_the_kernel_prints_is_read_back(zones: tuple[IndexZone, ...]) -> None:
    """Any index from -1.000 to 1.000 comes back as it was."""
    assert parse(print_extfrag(zones)) == zones
