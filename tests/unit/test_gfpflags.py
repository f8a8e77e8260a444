"""GFP masks: read as each kernel means them, against values worked out from its headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomwatchd.mm.gfpbits import BITS, COMPOSITES
from oomwatchd.mm.gfpfamily import family
from oomwatchd.mm.gfpflags import Flags, composites, decode, encode
from oomwatchd.model import Version

ERAS: list[Version] = [
    (2, 6, 18),
    (2, 6, 23),
    (2, 6, 24),
    (2, 6, 30),
    (2, 6, 32),
    (2, 6, 39),
    (3, 10, 0),
    (3, 18, 20),
    (4, 1, 15),
    (4, 4, 38),
    (4, 6, 0),
    (4, 9, 0),
    (4, 10, 0),
    (4, 14, 98),
    (4, 18, 0),
    (5, 0, 0),
    (5, 1, 0),
    (5, 10, 110),
    (5, 15, 0),
    (6, 1, 192),
    (6, 3, 0),
    (6, 8, 0),
    (6, 12, 0),
    (6, 18, 2),
]
versions = st.sampled_from(ERAS) | st.tuples(
    st.integers(0, 9), st.integers(0, 40), st.integers(0, 300)
)
masks = st.integers(0, 2**32 - 1)
flag_names = st.sampled_from(sorted({row.name for row in (*BITS, *COMPOSITES)}))


def numeric(mask: int, version: Version) -> Flags:
    """Read a mask that was printed without names."""
    return decode(mask, None, version)


def test_bits_without_a_name_are_kept() -> None:
    """0x8000000 means nothing in 4.4: it is told apart, the rest is read."""
    flags = numeric(0x8000000 | 0x24000C0, (4, 4, 0))
    assert flags.unknown_bits == 0x8000000
    assert flags.names == ("GFP_KERNEL",)


def test_bits_that_a_build_gives_out_are_not_guessed() -> None:
    """Since 6.9 the bits from 24 up depend on what the kernel is built with."""
    flags = numeric(0x1000CC0, (6, 12, 0))
    assert flags.unknown_bits == 0x1000000
    assert flags.names == ("GFP_KERNEL",)


def test_a_name_of_no_kernel_is_kept_and_means_nothing() -> None:
    """Vendors have flags of their own: the name stays, nothing is read into it."""
    flags = decode(0x4000CC0, ("GFP_KERNEL", "__GFP_CMA"), (5, 10, 0))
    assert flags.names == ("GFP_KERNEL", "__GFP_CMA")
    assert flags == numeric(0xCC0, (5, 10, 0))._replace(names=flags.names)


def test_a_number_among_the_names_is_what_the_kernel_could_not_name() -> None:
    """It prints such bits as a number behind the names; a broken one counts nothing."""
    names = ("GFP_KERNEL", "0x1000000", "0xyz")
    assert decode(0x1000CC0, names, (5, 10, 0)).unknown_bits == 0x1000000
    assert encode(names, (5, 10, 0)) == 0x1000CC0


def test_names_are_trusted_over_the_number_and_the_version() -> None:
    """A backport or a vendor moves bits; a name means the same everywhere."""
    flags = decode(0x14000C0, ("GFP_KERNEL", "__GFP_NOFAIL"), (3, 10, 0))
    assert flags.may_sleep
    assert flags.fs
    assert flags.nofail
    assert flags.unknown_bits == 0


def test_no_names_are_no_names() -> None:
    """An empty list of names, as of a mask of 0, is not trusted over the number."""
    assert decode(0xCC0, (), (5, 10, 0)) == numeric(0xCC0, (5, 10, 0))


@pytest.mark.parametrize(
    ("mask", "version", "names"),
    [
        (0x44D0, (2, 6, 29), ("GFP_KERNEL", "__GFP_REPEAT", "__GFP_COMP")),
        (0xD0, (2, 6, 18), ("GFP_KERNEL",)),
        (0xD0, (4, 3, 6), ("GFP_KERNEL",)),
        (0x280D2, (2, 6, 18), ("GFP_HIGHUSER", "__GFP_ZERO")),
        (0xA00D2, (2, 6, 23), ("GFP_HIGHUSER_MOVABLE",)),
        (0x1201D2, (2, 6, 28), ("GFP_HIGHUSER_MOVABLE", "__GFP_COLD")),
        (0x201DA, (2, 6, 32), ("GFP_HIGHUSER_MOVABLE", "__GFP_COLD")),
        (0x20, (2, 6, 24), ("GFP_ATOMIC",)),
        (0x4020, (3, 10, 0), ("GFP_ATOMIC", "__GFP_COMP")),
        (0xF0, (3, 10, 0), ("GFP_KERNEL", "__GFP_HIGH")),
        (0x0, (3, 10, 0), ("GFP_NOWAIT",)),
        (0x200, (3, 10, 0), ("GFP_NOWAIT", "__GFP_NOWARN")),
        (0x50, (2, 6, 32), ("GFP_NOFS",)),
        (0xD1, (2, 6, 32), ("GFP_KERNEL", "GFP_DMA")),
        (0x800D0, (2, 6, 32), ("GFP_TEMPORARY",)),
        (0x1000D0, (3, 10, 0), ("GFP_KERNEL", "__GFP_KMEMCG")),
        (0x24000C0, (4, 4, 0), ("GFP_KERNEL",)),
        (0x25000C0, (4, 4, 0), ("GFP_KERNEL", "__GFP_NOACCOUNT")),
        (0x25000C0, (4, 5, 0), ("GFP_KERNEL_ACCOUNT",)),
        (0x27000C0, (4, 9, 0), ("GFP_KERNEL_ACCOUNT", "__GFP_NOTRACK")),
        (0x2080020, (4, 9, 0), ("GFP_ATOMIC",)),
        (0x14200CA, (4, 14, 0), ("GFP_HIGHUSER_MOVABLE",)),
        (0x1080020, (4, 14, 0), ("GFP_ATOMIC",)),
        (0x6000C0, (4, 19, 0), ("GFP_KERNEL",)),
        (0x480020, (4, 19, 0), ("GFP_ATOMIC",)),
        (0x7080C0, (5, 0, 0), ("GFP_KERNEL_ACCOUNT", "__GFP_ZERO")),
        (0xCC0, (5, 4, 0), ("GFP_KERNEL",)),
        (0x40CC0, (5, 10, 0), ("GFP_KERNEL", "__GFP_COMP")),
        (0xA20, (5, 10, 0), ("GFP_ATOMIC",)),
        (0x100CCA, (5, 13, 0), ("GFP_HIGHUSER_MOVABLE",)),
        (0x1100CCA, (5, 15, 158), ("GFP_HIGHUSER_MOVABLE",)),
        (0x140DCA, (6, 1, 1), ("GFP_HIGHUSER_MOVABLE", "__GFP_COMP", "__GFP_ZERO")),
        (0x820, (6, 6, 0), ("GFP_ATOMIC",)),
        (0x800, (6, 1, 0), ("GFP_NOWAIT",)),
        (0x2800, (6, 12, 0), ("GFP_NOWAIT",)),
        (0x400DC0, (6, 12, 0), ("GFP_KERNEL_ACCOUNT", "__GFP_ZERO")),
        (0x3D24CA, (5, 10, 0), ("GFP_TRANSHUGE", "__GFP_NORETRY", "__GFP_THISNODE")),
    ],
)
def test_a_mask_is_named_as_that_kernel_does(
    mask: int, version: Version, names: tuple[str, ...]
) -> None:
    """The largest combination first, then what is left; the names give the mask again."""
    flags = numeric(mask, version)
    assert flags.names == names
    assert flags.unknown_bits == 0
    assert encode(names, version) == mask


def rights(flags: Flags) -> set[str]:
    """Name what a request may do."""
    may = ("may_sleep", "wakes_kswapd", "io", "fs", "high", "harder", "memalloc")
    return {name for name in may if getattr(flags, name)}


@pytest.mark.parametrize("version", ERAS)
def test_the_usual_requests_have_the_same_rights_in_all_kernels(version: Version) -> None:
    """What GFP_KERNEL, GFP_ATOMIC and GFP_NOFS allow has not changed since 2.6.18."""
    masks_of = composites(version)
    kernel = numeric(masks_of["GFP_KERNEL"], version)
    assert rights(kernel) == {"may_sleep", "wakes_kswapd", "io", "fs"}
    atomic = numeric(masks_of["GFP_ATOMIC"], version)
    assert rights(atomic) == {"wakes_kswapd", "high", "harder"}
    assert rights(numeric(masks_of["GFP_NOFS"], version)) == {"may_sleep", "wakes_kswapd", "io"}


@pytest.mark.parametrize(
    ("names", "version", "harder"),
    [
        (("GFP_NOWAIT",), (4, 3, 0), True),
        (("GFP_NOWAIT",), (4, 4, 0), False),
        (("GFP_NOWAIT",), (6, 3, 0), False),
        (("GFP_NOWAIT", "__GFP_NOMEMALLOC"), (2, 6, 38), True),
        (("GFP_NOWAIT", "__GFP_NOMEMALLOC"), (2, 6, 39), False),
        (("GFP_ATOMIC", "__GFP_NOMEMALLOC"), (5, 10, 0), False),
        (("GFP_ATOMIC", "__GFP_NOMEMALLOC"), (6, 6, 0), False),
        (("GFP_KERNEL", "__GFP_HIGH"), (6, 6, 0), False),
    ],
)
def test_who_goes_deeper_into_the_reserve_depends_on_the_kernel(
    names: tuple[str, ...], version: Version, *, harder: bool
) -> None:
    """Up to 4.3 whoever cannot sleep, to 6.2 __GFP_ATOMIC, then who has __GFP_HIGH besides."""
    assert numeric(encode(names, version), version).harder is harder


def test_memalloc_is_nothing_beside_nomemalloc() -> None:
    """__GFP_NOMEMALLOC takes precedence."""
    names = ("GFP_ATOMIC", "__GFP_MEMALLOC")
    assert numeric(encode(names, (4, 9, 0)), (4, 9, 0)).memalloc
    assert not decode(0, (*names, "__GFP_NOMEMALLOC"), (4, 9, 0)).memalloc


@given(mask=masks, version=versions)
def test_any_mask_can_be_read_and_given_back(mask: int, version: Version) -> None:
    """Whatever the kernel: names and unknown bits together are the mask, and no bit is in both."""
    flags = numeric(mask, version)
    assert encode(flags.names, version) | flags.unknown_bits == mask
    assert encode(flags.names, version) & flags.unknown_bits == 0


@given(mask=masks, version=st.sampled_from(ERAS[10:]))
def test_printed_names_read_as_the_number_does(mask: int, version: Version) -> None:
    """A kernel that prints names says the same twice."""
    flags = numeric(mask, version)
    known = mask & ~flags.unknown_bits
    assert decode(known, flags.names, version) == numeric(known, version)


@given(names=st.lists(flag_names | st.text(max_size=12)).map(tuple), version=versions)
def test_any_names_can_be_read(names: tuple[str, ...], version: Version) -> None:
    """Damaged names do not stop a report from being explained."""
    mask = encode(names, version)
    assert (
        encode(numeric(mask, version).names, version) == mask & ~numeric(mask, version).unknown_bits
    )
    assert decode(mask, names, version).names == (names or numeric(mask, version).names)


@pytest.mark.parametrize("version", ERAS)
def test_no_two_flags_of_a_kernel_share_a_bit(version: Version) -> None:
    """Every bit has one name at a time."""
    present = [
        bit for bit in BITS if bit.since <= version and (bit.before is None or version < bit.before)
    ]
    assert sum(bit.mask for bit in present) == encode(tuple(b.name for b in present), version)
    assert len({bit.name for bit in present}) == len(present)


@pytest.mark.parametrize(
    ("mask", "since", "before"),
    [
        (0xD0, None, (4, 4, 0)),
        (0x20, None, (4, 4, 0)),
        (0x44D0, None, (4, 4, 0)),
        (0xA00D2, (2, 6, 23), (2, 6, 24)),
        (0x1200D2, (2, 6, 24), (2, 6, 31)),
        (0x200DA, (2, 6, 31), (4, 4, 0)),
        (0x24000C0, (4, 4, 0), (4, 6, 0)),
        (0x14000C0, (4, 10, 0), (4, 18, 0)),
        (0x15000C0, (4, 10, 0), (4, 18, 0)),
        (0x6000C0, (4, 18, 0), (5, 1, 0)),
        (0x480020, (4, 18, 0), (5, 1, 0)),
        (0xCC0, (5, 1, 0), None),
        (0xA20, (5, 1, 0), (6, 3, 0)),
        (0x1100CCA, (5, 14, 0), (5, 18, 0)),
        (0xFFFFFFFF, None, None),
    ],
)
def test_a_bare_mask_tells_the_family_of_kernels(
    mask: int, since: Version | None, before: Version | None
) -> None:
    """Where no version is printed; a mask that nobody asks for tells nothing."""
    assert family(mask, names_printed=False) == (since, before)


@given(mask=masks)
def test_names_are_printed_since_4_6(mask: int) -> None:
    """With names the family does not begin before that, whatever the mask."""
    since, before = family(mask, names_printed=True)
    assert since is not None
    assert since >= (4, 6, 0)
    assert before is None or since < before


@pytest.mark.parametrize("version", ERAS)
def test_a_usual_mask_is_of_the_family_of_its_kernel(version: Version) -> None:
    """Nothing that a kernel has a name for is taken for another's."""
    for name, mask in composites(version).items():
        # These are never asked for alone.
        if name in {"GFP_DMA", "GFP_DMA32"}:
            continue
        since, before = family(mask, names_printed=version >= (4, 6, 0))
        assert since is None or since <= version, name
        assert before is None or version < before, name
