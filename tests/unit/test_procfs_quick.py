"""What is read at a glance is what is read line by line, whatever the bytes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rootlib import all_roots
from strategies import ZONEINFO_ERAS, print_zoneinfo, zoneinfos

from oomwatchd.errors import ParseError
from oomwatchd.procfs import meminfo, zoneinfo

Reader = Callable[[bytes], Any]  # each parser's own record
READERS: dict[str, tuple[Reader, Reader]] = {
    "meminfo": (meminfo._read_quickly, meminfo._read_line_by_line),  # noqa: SLF001 - compared
    "zoneinfo": (zoneinfo._read_quickly, zoneinfo._read_fact_by_fact),  # noqa: SLF001 - compared
}
TEXTS = [
    (file, (root / "proc" / file).read_bytes())
    for root in all_roots()
    for file in READERS
    if (root / "proc" / file).exists()
]
NOISE = [
    *(b"\n", b"\r", b" ", b"  ", b"\t", b"_", b"-", b"+", b"0", b"7", b"9" * 21, b"\xff", b":"),
    *(
        b"\nNode 0, zone DMA\n",
        b"\nNode",
        b"\n  pages free 5\n",
        b"\n  pages free \n",
        b"\n  min 5\n",
        b"\n  high: 1\n",
    ),
    *(
        b"\n      nr_free_cma 5\n",
        b"\n protection: (1, 2)\n",
        b"\n  cma 7\n",
        b"\nprotection: (1)\n",
    ),
    *(b"\nMemFree: 1 kB\n", b"\nDirty: 12\n", b"\nCached: 1 MB\n", b" kB", b"kB", b"pages "),
]


def _agree(file: str, data: bytes) -> bool:
    """Whether the quick reader says the same as the careful one, or nothing."""
    quickly, carefully = READERS[file]
    found = quickly(data)
    if found is None:
        return True
    try:
        return bool(found == carefully(data))
    except ParseError:
        return False


def test_most_captured_texts_are_as_usual() -> None:
    """Else the comparison below would say nothing."""
    quick = [file for file, data in TEXTS if READERS[file][0](data) is not None]
    assert quick.count("meminfo") > len(all_roots()) // 2
    assert quick.count("zoneinfo") > len(all_roots()) // 4


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(TEXTS), st.data())
def test_damaged_texts_are_read_alike(text: tuple[str, bytes], choice: st.DataObject) -> None:
    """Noise put anywhere, over any part: the quick reader sees it or is not misled."""
    file, data = text
    for _ in range(choice.draw(st.integers(1, 3))):
        start = choice.draw(st.integers(0, len(data)))
        end = choice.draw(st.one_of(st.just(start), st.integers(start, min(start + 99, len(data)))))
        noise = choice.draw(st.one_of(st.sampled_from(NOISE), st.binary(max_size=3)))
        data = data[:start] + noise + data[end:]
    assert _agree(file, data)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(TEXTS), st.data())
def test_lines_in_another_order_are_read_alike(
    text: tuple[str, bytes], choice: st.DataObject
) -> None:
    """A line moved, doubled or made up, anywhere."""
    file, data = text
    lines = data.splitlines(keepends=True)
    line = choice.draw(st.sampled_from([*lines, *(noise.lstrip(b"\n") for noise in NOISE)]))
    lines.insert(choice.draw(st.integers(0, len(lines))), line)
    assert _agree(file, b"".join(lines))


@pytest.mark.parametrize("era", ZONEINFO_ERAS, ids=lambda era: era.since)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_made_up_zones_are_read_alike(era: Any, data: st.DataObject) -> None:  # noqa: ANN401 - shown by its name
    """Of every era, with and without what that kernel prints."""
    assert _agree("zoneinfo", print_zoneinfo(data.draw(zoneinfos(era)), era))


def test_a_reader_follows_the_kernel_that_it_reads() -> None:
    """What was learned of one text does not mislead about the next, nor again of the first."""
    for file, data in [*TEXTS, *reversed(TEXTS)]:
        assert _agree(file, data)
        assert _agree(file, data.replace(b"1", b"12"))
        assert _agree(file, data)
