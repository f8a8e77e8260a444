"""Headroom of captured states, against the blocks that the kernel granted in them."""

from pathlib import Path
from typing import NamedTuple

import pytest
from rootlib import all_roots, system_of

from oomwatchd.assess.headroom import headroom
from oomwatchd.model import Request

TOLERANCE_BLOCKS = 20
TOLERANCE_SHARE = 0.06


class Granted(NamedTuple):
    """What a probe module got, one block after another, right after the capture."""

    root: Path
    order: int
    request: Request
    blocks: int

    def __str__(self) -> str:
        """Name the test case."""
        return f"{self.root.name}-{self.request.value}-{self.order}"


def _all_granted() -> list[Granted]:
    """Read the roots' `granted` files."""
    found: list[Granted] = []
    for root in all_roots():
        file = root / "granted"
        for line in file.read_text().splitlines() if file.exists() else ():
            order, request, blocks = line.split()
            found.append(Granted(root, int(order), Request(request), int(blocks)))
    return found


@pytest.mark.parametrize("case", _all_granted(), ids=str)
def test_headroom_is_what_the_kernel_granted(case: Granted) -> None:
    """Within 20 blocks or 6 %: the rest is what per-CPU lists hold."""
    counted = headroom(system_of(case.root), case.request, case.order)
    assert counted is not None
    assert not counted.lower_bound
    tolerance = max(TOLERANCE_BLOCKS, TOLERANCE_SHARE * case.blocks)
    assert abs(counted.blocks - case.blocks) <= tolerance


def test_there_are_states_where_little_is_granted_and_where_much_is() -> None:
    """Else a rule that is wrong would fit as well."""
    blocks = [case.blocks for case in _all_granted()]
    assert sum(count == 0 for count in blocks) >= 5
    assert sum(0 < count < 200 for count in blocks) >= 50
    assert sum(count > 1000 for count in blocks) >= 20
