"""What becomes of a request that is refused: against the kernel's slow path, by version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomwatchd.mm.gfpflags import decode, encode
from oomwatchd.mm.refusal import USUAL, Circumstances, Outcome, outcome
from oomwatchd.model import Version

KERNELS: list[Version] = [(2, 6, 18), (2, 6, 32), (3, 10, 0), (4, 4, 0), (4, 9, 0), (6, 12, 0)]


def judged(
    names: str, order: int, version: Version, circumstances: Circumstances = USUAL
) -> Outcome:
    """Judge a request that is written as in the kernel's source."""
    mask = encode(tuple(names.split("|")), version)
    return outcome(decode(mask, None, version), order, version, circumstances)


@pytest.mark.parametrize("version", KERNELS)
def test_who_cannot_sleep_is_told_no(version: Version) -> None:
    """An atomic request fails at once, whatever its order."""
    assert judged("GFP_ATOMIC", 0, version) is Outcome.FAILS
    assert judged("GFP_ATOMIC", 5, version) is Outcome.FAILS
    assert judged("GFP_ATOMIC|__GFP_NOWARN", 0, version) is Outcome.FAILS_SILENTLY


@pytest.mark.parametrize("version", KERNELS)
def test_whoever_waives_trying_again_is_told_no(version: Version) -> None:
    """__GFP_NORETRY: one round, and nobody is killed."""
    assert judged("GFP_KERNEL|__GFP_NORETRY", 0, version) is Outcome.FAILS


@pytest.mark.parametrize("version", KERNELS)
def test_somebody_is_killed_for_a_usual_request(version: Version) -> None:
    """Up to order 3, where the request may sleep and enter file systems."""
    assert judged("GFP_KERNEL", 0, version) is Outcome.KILLS
    assert judged("GFP_KERNEL", 3, version) is Outcome.KILLS
    assert judged("GFP_HIGHUSER", 0, version) is Outcome.KILLS


@pytest.mark.parametrize("version", KERNELS)
def test_file_systems_are_tried_again_without_a_kill(version: Version) -> None:
    """Without __GFP_FS nobody is killed, and up to order 3 nothing fails."""
    assert judged("GFP_NOFS", 3, version) is Outcome.LOOPS
    assert judged("GFP_NOIO", 0, version) is Outcome.LOOPS


@pytest.mark.parametrize("version", KERNELS)
def test_kswapd_cannot_wait_for_itself(version: Version) -> None:
    """Whoever asks in the middle of reclaim is told no."""
    reclaiming = Circumstances(reclaiming=True)
    assert judged("GFP_KERNEL", 0, version, reclaiming) is Outcome.FAILS
    assert judged("GFP_NOFS|__GFP_NOFAIL", 0, version, reclaiming) is Outcome.LOOPS


@pytest.mark.parametrize(
    ("names", "order", "version", "expected"),
    [
        ("GFP_KERNEL", 4, (2, 6, 22), Outcome.KILLS),
        ("GFP_KERNEL", 4, (2, 6, 23), Outcome.FAILS),
        ("GFP_KERNEL", 4, (6, 12, 0), Outcome.FAILS),
        ("GFP_KERNEL|__GFP_REPEAT", 4, (3, 10, 0), Outcome.FAILS),
        ("GFP_NOFS|__GFP_REPEAT", 4, (2, 6, 24), Outcome.LOOPS),
        ("GFP_KERNEL|__GFP_REPEAT", 2, (2, 6, 29), Outcome.KILLS),
        ("GFP_KERNEL|__GFP_REPEAT", 2, (4, 12, 0), Outcome.KILLS),
        ("GFP_KERNEL|__GFP_RETRY_MAYFAIL", 2, (4, 13, 0), Outcome.FAILS),
        ("GFP_KERNEL|__GFP_THISNODE", 0, (2, 6, 32), Outcome.KILLS),
        ("GFP_KERNEL|__GFP_THISNODE", 0, (3, 10, 0), Outcome.LOOPS),
        ("GFP_KERNEL|__GFP_THISNODE", 0, (4, 4, 0), Outcome.FAILS),
        ("GFP_NOFS|__GFP_THISNODE", 0, (4, 4, 0), Outcome.LOOPS),
        ("GFP_NOFS|__GFP_THISNODE", 0, (4, 9, 0), Outcome.FAILS),
        ("GFP_KERNEL|GFP_DMA", 0, (2, 6, 35), Outcome.KILLS),
        ("GFP_KERNEL|GFP_DMA", 0, (2, 6, 36), Outcome.FAILS),
        ("GFP_NOFS|GFP_DMA", 0, (3, 10, 0), Outcome.LOOPS),
        ("GFP_NOFS|GFP_DMA", 0, (4, 4, 0), Outcome.FAILS),
        ("GFP_KERNEL|__GFP_NOFAIL", 4, (2, 6, 24), Outcome.FAILS),
        ("GFP_KERNEL|__GFP_NOFAIL", 4, (2, 6, 32), Outcome.KILLS),
        ("GFP_NOFS|__GFP_NOFAIL", 0, (3, 10, 0), Outcome.LOOPS),
        ("GFP_NOFS|__GFP_NOFAIL", 0, (4, 4, 0), Outcome.KILLS),
        ("GFP_NOFS|__GFP_NOFAIL", 0, (4, 14, 0), Outcome.LOOPS),
        ("GFP_KERNEL|__GFP_NOFAIL", 4, (4, 14, 0), Outcome.LOOPS),
        ("GFP_KERNEL|__GFP_NOFAIL", 4, (4, 9, 0), Outcome.FAILS),
        ("GFP_KERNEL|__GFP_NOFAIL|__GFP_NORETRY", 0, (4, 9, 0), Outcome.FAILS),
        ("GFP_KERNEL|__GFP_NOFAIL", 0, (4, 14, 0), Outcome.KILLS),
    ],
)
def test_the_exceptions_come_and_go_with_the_kernel(
    names: str, order: int, version: Version, expected: Outcome
) -> None:
    """As the slow path of that version has it."""
    assert judged(names, order, version) is expected


def test_without_a_zone_of_its_own_dma_is_like_any_other() -> None:
    """__GFP_DMA then means the lowest zone that there is; since 5.17 it fails unsaid."""
    alone = Circumstances(dma_zone=False)
    assert judged("GFP_KERNEL|GFP_DMA", 0, (4, 4, 0), alone) is Outcome.KILLS
    assert judged("GFP_ATOMIC|GFP_DMA", 0, (5, 16, 0), alone) is Outcome.FAILS
    assert judged("GFP_ATOMIC|GFP_DMA", 0, (5, 17, 0), alone) is Outcome.FAILS_SILENTLY


def test_without_compaction_a_kill_comes_late() -> None:
    """Since 4.7 it is tried for as long as single pages are to be had."""
    without = Circumstances(compaction=False)
    assert judged("GFP_KERNEL", 2, (4, 6, 0), without) is Outcome.KILLS
    assert judged("GFP_KERNEL", 2, (4, 7, 0), without) is Outcome.KILLS_LATE
    assert judged("GFP_KERNEL", 0, (4, 7, 0), without) is Outcome.KILLS


@given(
    mask=st.integers(0, 2**28 - 1),
    order=st.integers(-1, 20),
    version=st.sampled_from(KERNELS),
    circumstances=st.builds(
        Circumstances, st.sampled_from([None, True, False]), st.booleans(), st.booleans()
    ),
)
def test_every_request_has_an_outcome(
    mask: int, order: int, version: Version, circumstances: Circumstances
) -> None:
    """Only what may not be said is not said, and only who may sleep is waited for."""
    flags = decode(mask, None, version)
    found = outcome(flags, order, version, circumstances)
    if flags.nowarn:
        assert found is not Outcome.FAILS
    if not flags.may_sleep:
        assert found in {Outcome.FAILS, Outcome.FAILS_SILENTLY}
