"""What a device needs: the built-in demands by machine and kernel, and the levels."""

import pytest
from builders import make_kernel, make_meminfo, make_sample, make_stanza, sample_of_blocks

from oomwatchd.assess.assessment import assess
from oomwatchd.assess.demands import builtin_specs
from oomwatchd.assess.sample import Sample
from oomwatchd.model import Demand, DemandSpec, Request, Version

BUILTIN: list[tuple[str | None, Version | None, int, str, int]] = [
    ("armv7l", (6, 1, 0), 4096, "process", 2),
    ("armv7l", (2, 6, 28), 4096, "process", 2),
    ("armv7l", None, 4096, "process", 2),
    ("armv5tejl", (2, 6, 24), 4096, "process", 2),
    ("armv6l", (5, 10, 0), 4096, "process", 2),
    ("aarch64", (6, 1, 0), 4096, "socket", 3),
    ("aarch64", (4, 14, 0), 4096, "socket", 3),
    ("aarch64", None, 4096, "socket", 3),
    ("aarch64", (6, 1, 0), 16384, "socket", 1),
    ("aarch64", (6, 1, 0), 65536, "socket", 0),
    ("aarch64", (4, 13, 0), 4096, "process", 2),
    ("aarch64", (3, 10, 0), 4096, "process", 1),
    ("aarch64", (4, 9, 0), 65536, "process", 0),
    ("x86_64", (6, 1, 0), 4096, "socket", 3),
    ("x86_64", (4, 9, 0), 4096, "socket", 3),
    ("x86_64", (4, 8, 0), 4096, "process", 2),
    ("x86_64", (3, 14, 0), 4096, "process", 1),
    ("i686", (6, 1, 0), 4096, "process", 1),
    ("i586", (2, 6, 18), 4096, "process", 1),
    ("mips", (5, 10, 0), 4096, "process", 1),
    ("mips", (5, 10, 0), 16384, "process", 0),
    ("mips64", (5, 10, 0), 4096, "process", 2),
    ("riscv64", (5, 13, 0), 4096, "process", 2),
    ("riscv64", (6, 12, 0), 4096, "socket", 3),
    ("ppc", (4, 14, 0), 4096, "process", 1),
]


@pytest.mark.parametrize(("machine", "version", "page_size", "name", "order"), BUILTIN)
def test_the_built_in_demand(
    machine: str, version: Version | None, page_size: int, name: str, order: int
) -> None:
    """A process where starting one takes a block, else a 32 KiB socket buffer."""
    kernel = make_kernel(version, machine, page_size)
    specific, memory = builtin_specs(kernel, make_meminfo())
    demand = resolved(specific, make_sample(kernel=kernel))
    assert (demand.name, demand.order, demand.request) == (name, order, Request.KERNEL)
    assert (memory.name, memory.order) == ("memory", 0)
    assert (memory.warning, memory.critical) == (None, None)


@pytest.mark.parametrize(
    ("release", "hugepage_kib"), [("5.10.0-8-armmp-lpae", None), ("5.10.0", 2048)]
)
def test_lpae_needs_no_page_directory(release: str, hugepage_kib: int | None) -> None:
    """With three-level tables a process takes its kernel stack of 8 KiB alone."""
    kernel = make_kernel((5, 10, 0))._replace(release=release)
    specific = builtin_specs(kernel, make_meminfo(hugepage_kib=hugepage_kib))[0]
    demand = resolved(specific, make_sample(kernel=kernel))
    assert (demand.name, demand.order) == ("process", 1)


@pytest.mark.parametrize(
    ("vmalloc_total_kib", "name", "order"),
    [(None, "process", 2), (1015808, "process", 2), (135290159040, "socket", 3)],
)
def test_an_unknown_machine_is_guessed_by_its_address_space(
    vmalloc_total_kib: int | None, name: str, order: int
) -> None:
    """A tree without an origin is taken for the ARM board, unless 64 bits show."""
    kernel = make_kernel((5, 10, 0), machine=None)
    meminfo = make_meminfo(vmalloc_total_kib=vmalloc_total_kib)
    demand = resolved(builtin_specs(kernel, meminfo)[0], make_sample(kernel=kernel))
    assert (demand.name, demand.order) == (name, order)


def test_no_meminfo_at_all() -> None:
    """The built-in demands do not depend on it."""
    assert [s.name for s in builtin_specs(make_kernel(), None)] == ["process", "memory"]


def resolved(spec: DemandSpec, sample: Sample) -> Demand:
    """Give the demand as it is watched."""
    return assess(sample, [spec]).readings[0].demand


def levels(sample: Sample, order: int, request: Request = Request.KERNEL) -> tuple[int, int]:
    """Give the default levels."""
    demand = resolved(DemandSpec("x", order, None, request), sample)
    return demand.warning, demand.critical


def marked(low: int, minimum: int) -> Sample:
    """Make a sample whose one zone has these marks."""
    return sample_of_blocks({"Movable": (9000, 900, 90)}, min=minimum, low=low, high=2 * low)


def test_levels_on_the_guest_of_256_mb() -> None:
    """Marks of 487 and 608: about 14 and 4 at order 2."""
    warning, critical = levels(marked(608, 487), 2)
    assert 14 <= warning <= 15
    assert 3 <= critical <= 4


@pytest.mark.parametrize(
    ("low", "minimum", "order", "expected"),
    [
        (608, 487, 0, (60, 15)),
        (608, 487, 1, (30, 7)),
        (608, 487, 3, (7, 2)),
        (608, 487, 4, (4, 2)),
        (608, 487, 10, (4, 2)),
        (500, 500, 2, (4, 2)),
        (4000, 2000, 2, (250, 62)),
        (2522 + 121, 2522, 2, (15, 3)),
    ],
)
def test_levels_scale_with_the_marks(
    low: int, minimum: int, order: int, expected: tuple[int, int]
) -> None:
    """max(4, (low - min) >> (order + 1)) and a quarter, at least 2; a boost changes nothing."""
    assert levels(marked(low, minimum), order, Request.ATOMIC) == expected


def test_levels_count_the_zones_in_reach() -> None:
    """HighMem adds nothing to what the kernel asks for."""
    sample = make_sample()
    stanzas = (
        make_stanza(min=100, low=180, protection=(0, 0, 0)),
        make_stanza(zone="HighMem", min=100, low=1700, protection=(0, 0, 0)),
    )
    buddyinfo = (sample.buddyinfo or ())[0]
    sample = sample._replace(
        zoneinfo=stanzas, buddyinfo=(buddyinfo, buddyinfo._replace(zone="HighMem"))
    )
    assert levels(sample, 2) == (10, 2)
    assert levels(sample, 2, Request.MOVABLE) == (210, 52)


@pytest.mark.parametrize(
    ("total_kib", "expected"),
    [
        (32 * 1024, (1024, 512)),
        (65536, (1024, 512)),
        (128 * 1024, (1966, 983)),
        (262144, (3932, 1966)),
    ],
)
def test_levels_of_plain_memory(total_kib: int, expected: tuple[int, int]) -> None:
    """max(4 MiB, 6 %) and max(2 MiB, 3 %) of the memory, in pages."""
    sample = make_sample(meminfo=make_meminfo(total_kib=total_kib))
    assert levels(sample, 0, Request.MOVABLE) == expected
    assert levels(sample, 0, Request.KERNEL) == expected


def test_levels_of_contiguous_memory() -> None:
    """One block left is a warning, none is critical."""
    assert levels(make_sample(), 6, Request.CMA) == (1, 0)


@pytest.mark.parametrize(
    ("warning", "critical", "expected"),
    [
        (100, None, (100, 20)),
        (2, None, (2, 2)),
        (15, None, (15, 3)),
        (0, None, (0, 0)),
        (None, 1, (15, 1)),
        (None, 50, (50, 50)),
        (40, 20, (40, 20)),
    ],
)
def test_stated_levels_stand(
    warning: int | None, critical: int | None, expected: tuple[int, int]
) -> None:
    """Critical follows in proportion to the defaults; warning is never below critical."""
    spec = DemandSpec("x", 2, None, Request.KERNEL, warning, critical)
    demand = resolved(spec, marked(608, 487))
    assert (demand.warning, demand.critical) == expected


@pytest.mark.parametrize(
    ("size", "page_size", "order"),
    [(1, 4096, 0), (4096, 4096, 0), (4097, 4096, 1), (65536, 4096, 4), (65536, 65536, 0)],
)
def test_a_size_becomes_an_order(size: int, page_size: int, order: int) -> None:
    """The smallest block that holds it, by the kernel's page size."""
    sample = make_sample(kernel=make_kernel((6, 1, 0), "aarch64", page_size))
    assert resolved(DemandSpec("x", None, size, Request.ATOMIC), sample).order == order
