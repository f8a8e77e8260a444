"""Which zones a kernel has, which of them a request may use, and what is kept back there."""

import pytest
from builders import make_zone

from oomwatchd.mm.zonelist import compiled_zones, top_index, zonelist
from oomwatchd.model import Request, Version, Zone

SOME_BLOCKS = (10, 10, 10)

COMPILED: list[tuple[str, str, int, Version | None, str]] = [
    ("i686 2.6.18", "DMA Normal HighMem", 4, (2, 6, 18), "DMA DMA32 Normal HighMem"),
    ("i686 2.6.18, small", "DMA Normal", 4, (2, 6, 18), "DMA DMA32 Normal HighMem"),
    ("x86_64 2.6.18", "DMA DMA32", 4, (2, 6, 18), "DMA DMA32 Normal HighMem"),
    ("arm 2.6.24, all in DMA", "DMA", 3, (2, 6, 24), "DMA Normal Movable"),
    ("arm 2.6.28", "Normal", 2, (2, 6, 28), "Normal Movable"),
    ("x86_64 2.6.32", "DMA DMA32", 4, (2, 6, 32), "DMA DMA32 Normal Movable"),
    ("arm 3.4, HighMem in use", "Normal HighMem", 3, (3, 4, 0), "Normal HighMem Movable"),
    ("arm 3.4, HighMem empty", "Normal", 3, (3, 4, 0), "Normal HighMem Movable"),
    ("arm64 3.18, all in DMA", "DMA", 3, (3, 18, 0), "DMA Normal Movable"),
    ("i686 4.9", "DMA Normal HighMem", 4, (4, 9, 0), "DMA Normal HighMem Movable"),
    ("arm64 4.14", "DMA Normal Movable", 3, (4, 14, 0), "DMA Normal Movable"),
    ("arm64 4.19", "DMA32 Normal Movable", 3, (4, 19, 0), "DMA32 Normal Movable"),
    ("arm64 5.10", "DMA DMA32 Normal Movable", 4, (5, 10, 0), "DMA DMA32 Normal Movable"),
    ("arm 6.1", "Normal HighMem Movable", 3, (6, 1, 0), "Normal HighMem Movable"),
    (
        "x86_64 6.1 with Device",
        "DMA DMA32 Normal Movable Device",
        5,
        (6, 1, 0),
        "DMA DMA32 Normal Movable Device",
    ),
    ("riscv64 6.12", "DMA32 Normal Movable", 3, (6, 12, 0), "DMA32 Normal Movable"),
    ("no version", "Normal", 2, None, "Normal Movable"),
    ("no protection", "DMA Normal", 0, (6, 1, 0), "DMA Normal Movable"),
    ("a vendor's zone", "Normal Movable Secret", 2, (6, 1, 0), "Normal Movable"),
]


@pytest.mark.parametrize(
    ("printed", "length", "version", "compiled"),
    [row[1:] for row in COMPILED],
    ids=[row[0] for row in COMPILED],
)
def test_compiled_zones(printed: str, length: int, version: Version | None, compiled: str) -> None:
    """The zones that a kernel was compiled with, by what it prints and how many there are."""
    assert compiled_zones(printed.split(), length, version) == tuple(compiled.split())


def make_zones(names: str, *protections: tuple[int, ...], nodes: int = 1) -> list[Zone]:
    """Make populated zones, lowest first, on each node."""
    return [
        make_zone(
            SOME_BLOCKS,
            node=node,
            name=name,
            zone_index=index,
            protection=protections[index] if protections else (0,) * len(names.split()),
        )
        for node in range(nodes)
        for index, name in enumerate(names.split())
    ]


REACHED = [
    ("DMA DMA32 Normal Movable", Request.KERNEL, "DMA DMA32 Normal"),
    ("DMA DMA32 Normal Movable", Request.ATOMIC, "DMA DMA32 Normal"),
    ("DMA DMA32 Normal Movable", Request.MOVABLE, "DMA DMA32 Normal Movable"),
    ("DMA DMA32 Normal Movable", Request.DMA, "DMA"),
    ("DMA DMA32 Normal Movable", Request.DMA32, "DMA DMA32"),
    ("Normal HighMem Movable", Request.KERNEL, "Normal"),
    ("Normal HighMem Movable", Request.ATOMIC, "Normal"),
    ("Normal HighMem Movable", Request.MOVABLE, "Normal HighMem Movable"),
    ("Normal HighMem Movable", Request.DMA, "Normal"),
    ("Normal HighMem Movable", Request.DMA32, "Normal"),
    ("DMA Normal HighMem Movable", Request.DMA32, "DMA Normal"),
    ("DMA32 Normal Movable", Request.DMA, "DMA32 Normal"),
    ("DMA32 Normal Movable", Request.DMA32, "DMA32"),
    ("DMA DMA32 Normal Movable Device", Request.MOVABLE, "DMA DMA32 Normal Movable"),
    ("DMA DMA32 Normal Movable Device", Request.KERNEL, "DMA DMA32 Normal"),
    ("Normal", Request.MOVABLE, "Normal"),
]


@pytest.mark.parametrize(("compiled", "request_", "names"), REACHED)
def test_the_zones_that_a_request_reaches(compiled: str, request_: Request, names: str) -> None:
    """Never HighMem for the kernel, all but Device for user pages, Normal where DMA is not."""
    zones = make_zones(compiled)
    reached = zonelist(zones, tuple(compiled.split()), request_)
    assert [zone.name for zone, _ in reached] == names.split()


def test_the_reserve_goes_by_the_requests_highest_zone() -> None:
    """Against user pages more is kept back from the low zones than against the kernel's."""
    protections = ((0, 900, 2000, 2000), (0, 0, 1100, 1100), (0, 0, 0, 0), (0, 0, 0, 0))
    compiled = ("DMA", "Normal", "HighMem", "Movable")
    zones = make_zones(" ".join(compiled), *protections)
    reserves = {
        request: [reserve for _, reserve in zonelist(zones, compiled, request)]
        for request in (Request.DMA, Request.KERNEL, Request.MOVABLE)
    }
    assert reserves == {
        Request.DMA: [0],
        Request.KERNEL: [900, 0],
        Request.MOVABLE: [2000, 1100, 0, 0],
    }


def test_a_reserve_that_was_cut_off_is_unknown() -> None:
    """Absent is None, never 0."""
    zone = make_zone(SOME_BLOCKS, protection=None)
    assert [r.reserve_pages for r in zonelist([zone], ("Normal",), Request.KERNEL)] == [None]


def test_all_nodes_are_reached() -> None:
    """A request falls back to the zones of the other nodes."""
    compiled = ("DMA", "DMA32", "Normal", "Movable")
    zones = make_zones(" ".join(compiled), nodes=2)
    reached = [zone for zone, _ in zonelist(zones, compiled, Request.DMA32)]
    assert [(z.node, z.name) for z in reached] == [
        (0, "DMA"),
        (0, "DMA32"),
        (1, "DMA"),
        (1, "DMA32"),
    ]


def test_empty_and_nameless_zones_are_passed_over() -> None:
    """A zone without a line in buddyinfo, or of a name that no kernel has, gives nothing."""
    zones = [
        make_zone((), name="DMA", zone_index=0),
        make_zone(SOME_BLOCKS, name="Normal", zone_index=1),
        make_zone(SOME_BLOCKS, name="Secret", zone_index=None),
    ]
    reached = zonelist(zones, ("DMA", "Normal", "Movable"), Request.MOVABLE)
    assert [zone.name for zone, _ in reached] == ["Normal"]


def test_nothing_is_reached_without_zones() -> None:
    """No zone compiled, none reached."""
    assert top_index((), Request.KERNEL) == top_index((), Request.MOVABLE) == -1
    assert zonelist([make_zone()], (), Request.KERNEL) == []
