"""The glance: where it says that all demands are far from their levels, a full look agrees."""

from pathlib import Path
from typing import NamedTuple

import pytest
from builders import make_kernel, make_meminfo, make_sample, make_stanza, pages_of
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from rootlib import all_roots, sample_of
from strategies import print_buddyinfo

from oomwatchd.assess.assessment import Assessment, assess
from oomwatchd.assess.glance import Glance, glance_of, slack_pages
from oomwatchd.assess.sample import Sample
from oomwatchd.assess.watched import demands_of
from oomwatchd.model import DemandSpec, Request, Severity, Version
from oomwatchd.procfs.buddyinfo import BuddyZone
from oomwatchd.procfs.pagetypeinfo import Pagetypeinfo, PagetypeZone
from oomwatchd.procfs.zoneinfo import ZoneinfoZone
from oomwatchd.settings import Config
from oomwatchd.units import kib_of_pages

VERSIONS: tuple[Version, ...] = (
    (2, 6, 32),
    (2, 6, 38),
    (3, 2, 0),
    (3, 4, 0),
    (3, 19, 0),
    (4, 3, 0),
    (4, 4, 0),
    (4, 19, 0),
    (5, 0, 0),
    (5, 10, 0),
    (5, 16, 0),
    (6, 1, 0),
    (6, 8, 0),
    (6, 12, 0),
)
LAYOUTS: tuple[tuple[tuple[int, str], ...], ...] = (
    ((0, "Normal"),),
    ((0, "Normal"), (0, "HighMem")),
    ((0, "DMA"), (0, "DMA32"), (0, "Normal")),
    ((0, "DMA32"), (1, "Normal")),
    ((0, "Normal"), (0, "Movable"), (1, "Normal")),
)
MEMORY = DemandSpec("memory", 0, None, Request.MOVABLE)
TEXTS = st.sampled_from(
    [
        b"",
        b"Node",
        b"Node 0",
        b"Node 0, zone",
        b"Node x, zone Normal 1 2\n",
        b"Node 0x zone Normal 1 2\n",
        b"Node " + b"9" * 5000 + b", zone Normal 1 2\n",
        b"Node 0, zone   Normal\n",
        b"Node 0, zone   Normal    100  a  1\n",
        b"Node 0, zone   Normal   " + b"9" * 5000 + b"\n",
        b"Node 0, zone   Normal     -1     -1\n",
        b"Node 0, zone   \xff\xfe   1  2\n",
        b"Node \xc2\xb2, zone   Normal   1  2\n",
        b"Node" * 2000,
    ]
)


class Machine(NamedTuple):
    """What does not change: the kernel, the zones' sizes and marks, without boost."""

    version: Version
    page_size: int
    orders: int
    block_order: int
    """The order of a pageblock."""
    has_cma: bool
    zones: dict[tuple[int, str], ZoneinfoZone]
    cma_pages: dict[tuple[int, str], int]
    shift: int | None


class Moment(NamedTuple):
    """What changes: the free blocks by type, and the boosts."""

    blocks: dict[tuple[int, str], dict[str, tuple[int, ...]]]
    boosts: dict[tuple[int, str], int]
    highatomic_blocks: dict[tuple[int, str], int]

    def total(self, where: tuple[int, str]) -> tuple[int, ...]:
        """Give a zone's free blocks of all types."""
        return tuple(map(sum, zip(*self.blocks[where].values(), strict=True)))


@st.composite
def machines(draw: st.DrawFn, version: Version) -> Machine:
    """Draw a machine of one era."""
    layout = draw(st.sampled_from(LAYOUTS))
    orders = draw(st.integers(8, 14))
    has_cma = version >= (3, 5, 0) and draw(st.sampled_from((True, True, False)))
    protected = len(layout) + 1
    zones: dict[tuple[int, str], ZoneinfoZone] = {}
    cma: dict[tuple[int, str], int] = {}
    for node, name in layout:
        least = draw(st.integers(0, 2000))
        managed = draw(st.integers(2_000, 2_000_000))
        reserve = draw(st.lists(st.integers(0, 3000), min_size=protected, max_size=protected))
        zones[node, name] = make_stanza(
            node=node,
            zone=name,
            min=least,
            low=least + least // 4,
            high=least + least // 2,
            present=managed,
            managed=managed if version >= (3, 9, 0) else None,
            protection=tuple(sorted(reserve)),
        )
        cma[node, name] = draw(st.integers(0, 8)) << (orders - 1) if has_cma else 0
    return Machine(
        version,
        draw(st.sampled_from((4096, 65536))),
        orders,
        draw(st.integers(orders - 3, orders - 1)),
        has_cma,
        zones,
        cma,
        draw(st.none() | st.integers(0, 5)),
    )


def most_boost(machine: Machine, where: tuple[int, str]) -> int:
    """Bound the boost as boost_watermark() of mm/page_alloc.c does, by the default factor."""
    if machine.version < (5, 0, 0):
        return 0
    return max((machine.zones[where].high or 0) * 3 // 2, 1 << machine.block_order)


def most_highatomic(machine: Machine, where: tuple[int, str]) -> int:
    """Count the pageblocks that reserve_highatomic_pageblock() ends with at most."""
    block = 1 << machine.block_order
    hundredth = (machine.zones[where].present or 0) // 100
    if machine.version < (4, 4, 0):
        return 0
    if machine.version >= (6, 8, 0):
        return 0 if hundredth < block else -(-hundredth // block)
    return -(-(hundredth + block) // block)


def split(blocks: tuple[int, ...], pages: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Take blocks of so many pages at most, the largest first; gives (rest, taken)."""
    rest, taken = list(blocks), [0] * len(blocks)
    for order in reversed(range(len(blocks))):
        number = min(rest[order], pages >> order)
        rest[order] -= number
        taken[order] = number
        pages -= number << order
    return tuple(rest), tuple(taken)


@st.composite
def moments(
    draw: st.DrawFn, machine: Machine, blocks: dict[tuple[int, str], tuple[int, ...]]
) -> Moment:
    """Draw who holds the free blocks, and the boosts: often the worst that can be."""
    by: dict[tuple[int, str], dict[str, tuple[int, ...]]] = {}
    boosts: dict[tuple[int, str], int] = {}
    reserved: dict[tuple[int, str], int] = {}

    def part(most: int) -> int:
        return draw(st.just(most) | st.integers(0, most))

    for where, free in blocks.items():
        boosts[where] = part(most_boost(machine, where))
        reserved[where] = part(most_highatomic(machine, where))
        rest, cma = split(free, part(machine.cma_pages[where]))
        rest, highatomic = split(rest, part(reserved[where] << machine.block_order))
        by[where] = {"Unmovable": rest}
        if machine.has_cma:
            by[where]["CMA"] = cma
        elif any(cma):
            raise AssertionError("no CMA here")
        by[where]["Reserve" if machine.version < (4, 4, 0) else "HighAtomic"] = highatomic
    return Moment(by, boosts, reserved)


@st.composite
def samples(draw: st.DrawFn, machine: Machine, moment: Moment, *, typed: bool) -> Sample:
    """Print all files of a moment, as consistent as the kernel's."""
    free = {where: pages_of(moment.total(where)) for where in machine.zones}
    counts_cma = machine.version >= (3, 7, 0)
    empty = make_stanza(zone="Movable", free=0, min=0, low=0, high=0, present=0, managed=0)
    stanzas = [empty._replace(nr_free_cma=0 if counts_cma else None)]
    if (0, "Movable") in machine.zones:
        stanzas.clear()
    reserve = 0
    for where, zone in machine.zones.items():
        boost = moment.boosts[where]
        high = (zone.high or 0) + boost
        reserve += high + max(zone.protection or (0,))
        stanza = zone._replace(
            free=free[where],
            boost=boost if machine.version >= (5, 16, 0) else None,
            nr_free_cma=pages_of(moment.blocks[where].get("CMA", ())) if counts_cma else None,
            cma=None,
            min=(zone.min or 0) + boost,
            low=(zone.low or 0) + boost,
            high=high,
        )
        stanzas.append(stanza)
    # si_mem_available() adds what can be reclaimed.
    least = max(0, sum(free.values()) - reserve)
    available = draw(st.just(least) | st.integers(least, least + 1_000_000))
    page_size = machine.page_size
    cma_pages = sum(machine.cma_pages.values())
    meminfo = make_meminfo(
        total_kib=kib_of_pages(sum(zone.present or 0 for zone in stanzas), page_size),
        free_kib=kib_of_pages(sum(free.values()), page_size),
        available_kib=kib_of_pages(available, page_size) if machine.version >= (3, 14, 0) else None,
        cma_total_kib=kib_of_pages(cma_pages, page_size)
        if machine.has_cma and machine.version >= (3, 19, 0)
        else None,
    )
    types = {
        where: PagetypeZone(by, {"HighAtomic": moment.highatomic_blocks[where]}, None)
        for where, by in moment.blocks.items()
    }
    return make_sample(
        kernel=make_kernel(machine.version, page_size=page_size),
        buddyinfo=tuple(BuddyZone(*where, moment.total(where)) for where in machine.zones),
        zoneinfo=tuple(stanzas),
        pagetypeinfo=Pagetypeinfo(1 << machine.block_order, types) if typed else None,
        meminfo=meminfo,
        min_free_order_shift=machine.shift if machine.version < (4, 4, 0) else None,
        migratetypes=frozenset(name for by in moment.blocks.values() for name in by),
    )


@st.composite
def demands(draw: st.DrawFn, orders: int) -> list[DemandSpec]:
    """Draw some demands, with levels of their own or by the system's marks."""
    one = st.builds(
        DemandSpec,
        st.just("x"),
        st.integers(0, orders - 1),
        st.none(),
        st.sampled_from([request for request in Request if request is not Request.CMA]),
        st.none() | st.integers(0, 300),
        st.none() | st.integers(0, 300),
    )
    specs = draw(st.lists(one, max_size=3))
    if not specs or draw(st.booleans()):
        specs.append(MEMORY)
    return [spec._replace(name=f"demand{at}") for at, spec in enumerate(specs)]


def least_far(glance: Glance, orders: int) -> dict[tuple[int, str], tuple[int, ...]]:
    """Give free blocks that are just enough to be far, in the zones that are looked at."""
    found: dict[tuple[int, str], tuple[int, ...]] = {}
    for line in glance.lines:
        words = line.prefix.split()
        blocks = [0] * orders
        pages = 0
        least_blocks = dict(line.least_blocks)
        for order in reversed(range(orders)):
            missing = max(0, (least_blocks.get(order, 0) << order) - pages)
            blocks[order] = -(-missing >> order)
            pages += blocks[order] << order
        found[int(words[1].rstrip(b",")), words[3].decode()] = tuple(blocks)
    return found


def text_of(machine: Machine, moment: Moment) -> bytes:
    """Print buddyinfo."""
    return print_buddyinfo(tuple(BuddyZone(*where, moment.total(where)) for where in machine.zones))


def free_blocks(machine: Machine) -> st.SearchStrategy[dict[tuple[int, str], tuple[int, ...]]]:
    """Draw the free blocks of every zone."""
    row = st.lists(st.integers(0, 400), min_size=machine.orders, max_size=machine.orders)
    return st.fixed_dictionaries({where: row.map(tuple) for where in machine.zones})


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: "{}.{}.{}".format(*version))
@settings(max_examples=50)
@given(data=st.data())
def test_what_looks_far_is_above_twice_its_warning_whatever_the_other_files_say(
    version: Version, data: st.DataObject
) -> None:
    """CMA, HighAtomic and boosts may have become the worst that they can since, on any kernel."""
    machine = data.draw(machines(version))
    specs = data.draw(demands(machine.orders))
    first = data.draw(moments(machine, data.draw(free_blocks(machine))))
    before = assess(data.draw(samples(machine, first, typed=data.draw(st.booleans()))), specs)
    glance = glance_of(before, text_of(machine, first))
    assume(glance is not None)
    assert glance is not None
    blocks = dict.fromkeys(machine.zones, (0,) * machine.orders)
    blocks |= least_far(glance, machine.orders)
    if data.draw(st.booleans()):
        more = data.draw(free_blocks(machine))
        blocks = {
            where: tuple(map(sum, zip(blocks[where], more[where], strict=True))) for where in blocks
        }
    later = data.draw(moments(machine, blocks))
    slack = slack_pages(glance, text_of(machine, later))
    event("tight" if slack == 0 else "far")
    assert slack is not None
    after = assess(data.draw(samples(machine, later, typed=data.draw(st.booleans()))), specs)
    for reading in after.readings:
        assert reading.headroom is not None
        assert reading.headroom > 2 * reading.demand.warning
        assert reading.severity is Severity.OK


def watched(root_sample: Sample) -> Assessment:
    """Assess what is watched where nothing is configured."""
    specs = demands_of(Config(), root_sample.kernel, root_sample.meminfo)
    return assess(root_sample, specs)


@pytest.mark.parametrize("root", all_roots(), ids=lambda root: root.name)
def test_a_root_that_looks_far_is_above_twice_its_warnings(root: Path) -> None:
    """By its own buddyinfo; and that text, cut anywhere, is never an error."""
    text = (root / "proc/buddyinfo").read_bytes()
    assessment = watched(sample_of(root))
    glance = glance_of(assessment, text)
    for length in range(len(text)):
        glance_of(assessment, text[:length])
        assert glance is None or (slack_pages(glance, text[:length]) or 0) >= 0
    if glance is not None and slack_pages(glance, text) is not None:
        assert all(
            reading.headroom is not None and reading.headroom > 2 * reading.demand.warning
            for reading in assessment.readings
        )


def test_most_booted_roots_look_far() -> None:
    """Or glancing saves nothing: devices that have only just booted, with CMA and without.

    Of the other two one is small, and the meminfo of the other tells of twice its zones' memory.
    """
    booted = [root for root in all_roots() if root.name.endswith("-boot")]
    far = []
    for root in booted:
        text = (root / "proc/buddyinfo").read_bytes()
        glance = glance_of(watched(sample_of(root)), text)
        if glance is not None and slack_pages(glance, text) is not None:
            far.append(root.name)
    near = {root.name for root in booted} - set(far)
    assert near == {"armv7l-virt-linux6.1-64mb-boot", "x86_64-vm-linux6.18-boot"}


@pytest.mark.parametrize("version", [None, (3, 5, 0), (3, 10, 0), (3, 18, 0)])
def test_where_cma_may_be_but_is_not_told_nothing_looks_far(version: Version | None) -> None:
    """Meminfo has CmaTotal since 3.19; without a version it may be any kernel."""
    sample = make_sample(kernel=make_kernel(version))
    text = print_buddyinfo(sample.buddyinfo or ())
    assert glance_of(watched(sample), text) is None


@pytest.mark.parametrize(
    "part",
    [
        {"min": None, "low": None, "high": None},
        {"protection": None},
        {"free": None},
    ],
    ids=["marks", "protection", "free pages"],
)
def test_a_zone_that_was_cut_short_never_looks_far(part: dict[str, None]) -> None:
    """What it would keep from available memory is not known."""
    blocks = (5000,) * 11
    sample = make_sample(
        buddyinfo=(BuddyZone(0, "DMA", blocks), BuddyZone(0, "Normal", blocks)),
        zoneinfo=(
            make_stanza(**({"zone": "DMA", "free": pages_of(blocks)} | part)),
            make_stanza(free=pages_of(blocks)),
        ),
        meminfo=make_meminfo(free_kib=4 * 2 * pages_of(blocks)),
    )
    text = print_buddyinfo(sample.buddyinfo or ())
    assert glance_of(assess(sample, [MEMORY]), text) is None


@given(first=TEXTS | st.binary(), later=TEXTS | st.binary())
def test_hostile_texts_never_look_far(first: bytes, later: bytes) -> None:
    """Whichever of the two it is: nothing is raised, and nothing is taken for plenty."""
    blocks = (5000,) * 11
    sample = make_sample(
        buddyinfo=(BuddyZone(0, "Normal", blocks),),
        zoneinfo=(make_stanza(free=pages_of(blocks)),),
        meminfo=make_meminfo(free_kib=4 * pages_of(blocks)),
    )
    assessment = watched(sample)
    misled = glance_of(assessment, first)
    assert misled is None or slack_pages(misled, later) is None or later == first
    glance = glance_of(assessment, print_buddyinfo(sample.buddyinfo or ()))
    assert glance is not None
    assert slack_pages(glance, later) is None
