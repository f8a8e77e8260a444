"""/proc/pagetypeinfo: types by name, in whatever order."""

import pytest
from hypothesis import given, settings
from strategies import pagetypeinfos, print_pagetypeinfo, shows_where_and_what

from oomwatchd.errors import ParseError
from oomwatchd.procfs.pagetypeinfo import Pagetypeinfo, PagetypeZone, parse

HEAD = b"""\
Page block order: 10
Pages per block:  1024

Free pages count per migrate type at order       0      1      2
"""

LINUX_2_6_24 = (
    HEAD
    + b"""\
Node    0, zone   Normal, type    Unmovable    310    122     61
Node    0, zone   Normal, type  Reclaimable     41     22      6
Node    0, zone   Normal, type      Movable    980    410    133
Node    0, zone   Normal, type      Reserve      1      0      1
Node    0, zone   Normal, type       (null)      0      0      0

Number of blocks type     Unmovable  Reclaimable      Movable      Reserve       (null)
Node 0, zone   Normal            9            2           32            1            0
"""
)

LINUX_5_4 = (
    HEAD
    + b"""\
Node    0, zone   Normal, type    Unmovable    310  >100000     61
Node    0, zone   Normal, type      Movable  >100000    410    133
Node    0, zone   Normal, type   HighAtomic      1      0      1

Number of blocks type     Unmovable      Movable   HighAtomic
Node 0, zone   Normal            9           32            1

Number of mixed blocks    Unmovable      Movable   HighAtomic
Node 0, zone   Normal            3            4            5
"""
)

TWO_NODES = LINUX_5_4 + LINUX_5_4.replace(b"Node    0", b"Node    1").replace(b"Node 0", b"Node 1")


def test_the_rows_of_2_6_24() -> None:
    """Reserve is a type of its own, and that kernel names one "(null)"."""
    info = parse(LINUX_2_6_24)
    assert info == Pagetypeinfo(
        1024,
        {
            (0, "Normal"): PagetypeZone(
                {
                    "Unmovable": (310, 122, 61),
                    "Reclaimable": (41, 22, 6),
                    "Movable": (980, 410, 133),
                    "Reserve": (1, 0, 1),
                    "(null)": (0, 0, 0),
                },
                {"Unmovable": 9, "Reclaimable": 2, "Movable": 32, "Reserve": 1, "(null)": 0},
                None,
            )
        },
    )


def test_the_rows_of_5_4() -> None:
    """A capped count is its lower bound and marked; mixed blocks are another table."""
    zone = parse(LINUX_5_4).zones[0, "Normal"]
    assert zone.free_blocks["Unmovable"] == (310, 100000, 61)
    assert zone.pageblocks == {"Unmovable": 9, "Movable": 32, "HighAtomic": 1}
    assert zone.capped_order == 1


def test_every_node_has_both_parts() -> None:
    """The file goes node by node."""
    info = parse(TWO_NODES)
    assert list(info.zones) == [(0, "Normal"), (1, "Normal")]
    assert info.zones[0, "Normal"] == info.zones[1, "Normal"]


def test_a_row_of_pageblocks_cut_short_is_left_out() -> None:
    """The free counts are whole by then; fewer pageblocks would be a wrong number."""
    cut = LINUX_2_6_24[: LINUX_2_6_24.rindex(b" 32 ") + 2]
    zone = parse(cut).zones[0, "Normal"]
    assert zone.pageblocks is None
    assert zone.free_blocks["Movable"] == (980, 410, 133)


FAULTS = {
    "empty": (b"", "pagetypeinfo:1: cut short among the free counts"),
    "another file": (
        b"MemTotal: 1 kB\n",
        'pagetypeinfo:1: not a line of free counts: "MemTotal: 1 kB"',
    ),
    "no rows": (
        HEAD + b"\nNumber of blocks type     Unmovable\n",
        "pagetypeinfo: no free counts in the file",
    ),
    "a letter in a count": (
        LINUX_2_6_24.replace(b"310", b"3x0"),
        'pagetypeinfo:5: not a line of free counts: "Node    0, zone   Normal, type ',
    ),
    "orders differ": (
        LINUX_2_6_24.replace(b"    980", b""),
        'pagetypeinfo:7: 2 orders, not 3 as before: "Node    0, zone   Normal, type ',
    ),
    "a type twice": (
        LINUX_2_6_24.replace(b"Reclaimable     41", b"  Unmovable     41"),
        'pagetypeinfo:6: the type stands twice: "Node    0, zone   Normal, type ',
    ),
    "pageblocks of another number of types": (
        LINUX_2_6_24.replace(b"     32", b""),
        'pagetypeinfo:12: not a line of pageblocks by type: "Node 0, zone   Normal ',
    ),
    "a pageblock order that is none": (
        LINUX_2_6_24.replace(b"1024", b"some"),
        "pagetypeinfo:2: not a number as the kernel prints it: ",
    ),
    "cut after a type": (
        LINUX_2_6_24[: LINUX_2_6_24.index(b"Node    0, zone   Normal, type      Mov")],
        "pagetypeinfo:7: cut short among the free counts",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_line_and_text(name: str) -> None:
    """What no kernel prints is refused in one line that shows it."""
    data, message = FAULTS[name]
    with pytest.raises(ParseError) as caught:
        parse(data)
    assert str(caught.value).startswith(message)
    assert shows_where_and_what(caught.value, "pagetypeinfo")


@settings(deadline=None, max_examples=60)
@given(pagetypeinfos())
def test_what_the_kernel_prints_is_read_back(info: Pagetypeinfo) -> None:
    """Any counts come back as they were, capped ones as lower bounds."""
    assert parse(print_pagetypeinfo(info)) == info
