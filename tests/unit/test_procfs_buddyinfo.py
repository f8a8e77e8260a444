"""/proc/buddyinfo: what kernels print, and what none does."""

import pytest
from hypothesis import given, settings
from strategies import buddyinfos, print_buddyinfo, shows_where_and_what

from oomwatchd.errors import ParseError
from oomwatchd.procfs.buddyinfo import MAX_ORDERS, BuddyZone, parse

KERNELS = {
    "eleven orders, 2.6.18 to 6.18": (
        b"Node 0, zone   Normal     12      3      0      1  " + b"    0 " * 6 + b"     5 \n",
        (BuddyZone(0, "Normal", (12, 3, 0, 1, 0, 0, 0, 0, 0, 0, 5)),),
    ),
    "nine orders, SA1111": (
        b"Node 0, zone      DMA      1      2      3      4      5      6      7      8      9 \n",
        (BuddyZone(0, "DMA", (1, 2, 3, 4, 5, 6, 7, 8, 9)),),
    ),
    "fourteen orders, arm64 with 64 KiB pages": (
        b"Node 0, zone    DMA32 " + b"     7 " * 14 + b"\n",
        (BuddyZone(0, "DMA32", (7,) * 14),),
    ),
    "a vendor's narrow columns, 3.16": (
        b"Node 0, zone Normal 1335  556  202   63   19    4    2    0    0    0    0 \n",
        (BuddyZone(0, "Normal", (1335, 556, 202, 63, 19, 4, 2, 0, 0, 0, 0)),),
    ),
    "two nodes": (
        b"Node 0, zone      DMA      1      2 \nNode 1, zone      DMA      3      4 \n",
        (BuddyZone(0, "DMA", (1, 2)), BuddyZone(1, "DMA", (3, 4))),
    ),
    "counts that fill their columns": (
        b"Node 0, zone   Normal 1234567 7654321 \n",
        (BuddyZone(0, "Normal", (1234567, 7654321)),),
    ),
    "carriage returns of a copy": (
        b"Node 0, zone   Normal     12      3 \r\n",
        (BuddyZone(0, "Normal", (12, 3)),),
    ),
    "blank lines around": (
        b"\nNode 0, zone   Normal     12      3 \n \n",
        (BuddyZone(0, "Normal", (12, 3)),),
    ),
    "a last line break lost, all columns there": (
        b"Node 0, zone      DMA      1      2 \nNode 0, zone   Normal      3      4 ",
        (BuddyZone(0, "DMA", (1, 2)), BuddyZone(0, "Normal", (3, 4))),
    ),
}

FAULTS = {
    "empty": (b"", "buddyinfo: no zone in the file"),
    "blank": (b"\n \n", "buddyinfo: no zone in the file"),
    "no counts": (
        b"Node 0, zone Normal\n",
        'buddyinfo:1: not a line of free blocks: "Node 0, zone Normal"',
    ),
    "a negative count": (
        b"Node 0, zone Normal 1 -2 \n",
        'buddyinfo:1: not a line of free blocks: "Node 0, zone Normal 1 -2 "',
    ),
    "a letter in a count": (
        b"Node 0, zone DMA 1 2 \nNode 0, zone Normal 1 2x \n",
        'buddyinfo:2: not a line of free blocks: "Node 0, zone Normal 1 2x "',
    ),
    "another line": (
        b"Node 0, zone DMA 1 2 \n\nMemTotal: 1 kB\n",
        'buddyinfo:3: not a line of free blocks: "MemTotal: 1 kB"',
    ),
    "orders differ": (
        b"Node 0, zone DMA 1 2 3 \nNode 0, zone Normal 1 2 \n",
        'buddyinfo:2: 2 orders, not 3 as before: "Node 0, zone Normal 1 2 "',
    ),
    "a zone twice": (
        b"Node 0, zone DMA 1 2 \nNode 0, zone DMA 1 2 \n",
        'buddyinfo:2: the zone stands twice: "Node 0, zone DMA 1 2 "',
    ),
    "a count of 21 digits": (
        b"Node 0, zone DMA 111111111111111111111 \n",
        'buddyinfo:1: not a number as the kernel prints it: "Node 0, zone DMA ' + "1" * 21 + ' "',
    ),
    "cut within a count": (
        b"Node 0, zone Normal 12 345",
        'buddyinfo:1: the line is cut short: "Node 0, zone Normal 12 345"',
    ),
    "cut after a count of the only zone": (
        b"Node 0, zone   Normal     12 ",
        'buddyinfo:1: the line is cut short: "Node 0, zone   Normal     12 "',
    ),
    "bytes that are no text": (
        b"\x00\xff\x1b[2J\n",
        'buddyinfo:1: not a line of free blocks: "\\x00\\xff\\x1b[2J"',
    ),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernels_text_is_read(kernel: str) -> None:
    """The number of orders is the line's own, and columns may have any width."""
    data, zones = KERNELS[kernel]
    assert parse(data) == zones


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_line_and_text(name: str) -> None:
    """What no kernel prints is refused in one line that shows it."""
    data, message = FAULTS[name]
    with pytest.raises(ParseError) as caught:
        parse(data)
    assert str(caught.value) == message
    assert shows_where_and_what(caught.value, "buddyinfo")


def test_more_orders_than_any_kernel_has_are_not_believed() -> None:
    """A line of very many columns is refused."""
    with pytest.raises(ParseError, match="more than"):
        parse(b"Node 0, zone DMA " + b"1 " * (MAX_ORDERS + 1) + b"\n")


@settings(deadline=None, max_examples=60)
@given(buddyinfos())
def test_what_the_kernel_prints_is_read_back(zones: tuple[BuddyZone, ...]) -> None:
    """Any counts in any zones come back as they were."""
    assert parse(print_buddyinfo(zones)) == zones
