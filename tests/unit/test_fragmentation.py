"""The kernel's two indices: worked vectors, and what holds for any free memory."""

import pytest
from builders import SEED_BLOCKS
from hypothesis import given
from hypothesis import strategies as st

from oomwatchd.mm.fragmentation import fragmentation_index, unusable_index

FREE = st.lists(st.integers(0, 5000), min_size=1, max_size=14).map(tuple)
ORDER = st.integers(0, 14)


def test_the_fragmentation_indices_of_2009() -> None:
    """-1000 up to order 4, where a block is left, though the kernel of the day refused."""
    indices = [fragmentation_index(SEED_BLOCKS, order) for order in range(11)]
    assert indices == [-1000] * 5 + [951, 976, 988, 994, 997, 999]


def test_the_unusable_indices_of_2009() -> None:
    """98 % of the free memory is of no use to an order-2 request."""
    indices = [unusable_index(SEED_BLOCKS, order) for order in range(11)]
    assert indices == [0, 283, 981, 993, 996] + [1000] * 6


@pytest.mark.parametrize(
    ("free_blocks", "order", "index"),
    [
        ((0, 1, 0, 0), 2, -500),
        ((1, 0, 0), 1, -500),
        ((2, 0, 0), 1, 0),
        ((0, 0, 0), 0, 0),
        ((0, 0, 0), 2, 0),
        ((0, 0, 1), 2, -1000),
        ((0, 0, 1), 0, -1000),
        ((0, 0, 1), 3, -500),
    ],
)
def test_small_fragmentation_vectors(free_blocks: tuple[int, ...], order: int, index: int) -> None:
    """One block just too small gives -500; no free block at all gives 0."""
    assert fragmentation_index(free_blocks, order) == index


def test_nothing_free_is_all_unusable() -> None:
    """The kernel prints 1.000 for an exhausted zone."""
    assert [unusable_index((0, 0, 0), order) for order in range(3)] == [1000] * 3


@given(FREE, ORDER)
def test_the_fragmentation_index_is_bounded(free_blocks: tuple[int, ...], order: int) -> None:
    """-1000 exactly while a block is left, else from -500 to 1000."""
    index = fragmentation_index(free_blocks, order)
    if any(free_blocks[order:]):
        assert index == -1000
    else:
        assert -500 <= index <= 1000


@given(FREE, ORDER)
def test_the_unusable_index_is_bounded(free_blocks: tuple[int, ...], order: int) -> None:
    """From 0 to 1000; 1000 exactly where no block is large enough."""
    index = unusable_index(free_blocks, order)
    assert 0 <= index <= 1000
    assert (index == 1000) == (not any(free_blocks[order:]))


@given(FREE)
def test_larger_orders_are_never_easier(free_blocks: tuple[int, ...]) -> None:
    """Both indices rise with the order, once no block is left."""
    unusable = [unusable_index(free_blocks, order) for order in range(15)]
    assert unusable == sorted(unusable)
    if any(free_blocks):
        left = [fragmentation_index(free_blocks, order) for order in range(15)]
        assert left == sorted(left)
