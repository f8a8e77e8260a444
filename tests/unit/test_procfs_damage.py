"""Damaged kernel files: a record that says nothing wrong, or ParseError; nothing else, and soon."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rootlib import ROOTS
from strategies import shows_where_and_what

from oomwatchd.errors import ParseError
from oomwatchd.procfs import (
    buddyinfo,
    extfrag,
    meminfo,
    pagetypeinfo,
    pressure,
    vmstat,
    zoneinfo,
)

Record = Any  # each parser's own
PARSERS: dict[str, Callable[[bytes], Record]] = {
    "buddyinfo": buddyinfo.parse,
    "extfrag": extfrag.parse,
    "meminfo": meminfo.parse,
    "pagetypeinfo": pagetypeinfo.parse,
    "pressure/memory": pressure.parse,
    "vmstat": vmstat.parse,
    "zoneinfo": zoneinfo.parse,
}
EVERY_BYTE_BELOW = 1500
LONG_CUT_STEP = 3
SOON_SECONDS = 2.0


def _captured(*files: str) -> list[tuple[str, Path]]:
    """List the roots' copies of some files, each with its parser's name."""
    found = [(file, path) for file in files for path in sorted(ROOTS.glob(f"*/proc/{file}"))]
    if "extfrag" in files:
        found += [("extfrag", path) for path in sorted(ROOTS.glob("*/sys/kernel/debug/extfrag/*"))]
    return found


CAPTURED = _captured(*PARSERS)
TEXTS = [(file, path.read_bytes()) for file, path in CAPTURED]


def _fields_of(part: tuple[Any, ...], whole: tuple[Any, ...]) -> bool:
    """Whether each field is the whole file's, or None."""
    return all(mine is None or mine == other for mine, other in zip(part, whole, strict=True))


def _agrees(file: str, part: Record, whole: Record) -> bool:
    """Whether a part of a file says nothing that the whole file does not say."""
    if file in ("buddyinfo", "extfrag"):
        return bool(part == whole[: len(part)])
    if file == "zoneinfo":
        *before, last = part
        return before == list(whole[: len(before)]) and _fields_of(last, whole[len(before)])
    if file == "vmstat":
        return bool(part.items() <= whole.items())
    if file == "pagetypeinfo":
        return part.pages_per_block == whole.pages_per_block and all(
            _fields_of(zone, whole.zones[where]) for where, zone in part.zones.items()
        )
    return _fields_of(part, whole)


def _read(file: str, data: bytes) -> Record | None:
    """Parse; None where the file is refused, in one line that names it."""
    try:
        return PARSERS[file](data)
    except ParseError as error:
        refusal = error
    assert shows_where_and_what(refusal, file)
    return None


def test_there_are_files_to_damage() -> None:
    """Every parser has captured files, so that the tests below test something."""
    assert {file for file, _ in CAPTURED} == set(PARSERS)


@pytest.mark.parametrize(
    ("file", "path"), CAPTURED, ids=[f"{path.parts[-3]}/{path.name}" for _, path in CAPTURED]
)
def test_a_file_cut_anywhere_says_nothing_wrong(file: str, path: Path) -> None:
    """A count cut short is never taken as a smaller count, nor a row as a shorter row."""
    data = path.read_bytes()
    whole = PARSERS[file](data)
    for cut in range(0, len(data), 1 if len(data) < EVERY_BYTE_BELOW else LONG_CUT_STEP):
        part = _read(file, data[:cut])
        assert part is None or _agrees(file, part, whole), (cut, data[cut - 20 : cut])


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(TEXTS), st.data())
def test_a_flipped_byte_gives_a_record_or_a_refusal(
    text: tuple[str, bytes], choice: st.DataObject
) -> None:
    """Damage within a file never raises anything else."""
    file, data = text
    at = choice.draw(st.integers(0, len(data) - 1))
    bits = choice.draw(st.integers(1, 255))
    _read(file, data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :])


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(TEXTS), st.data())
def test_a_missing_or_doubled_piece_gives_a_record_or_a_refusal(
    text: tuple[str, bytes], choice: st.DataObject
) -> None:
    """A hole in a copy, or a piece of it twice, never raises anything else."""
    file, data = text
    start = choice.draw(st.integers(0, len(data)))
    end = choice.draw(st.integers(0, len(data)))
    _read(file, data[:start] + data[end:])


@pytest.mark.parametrize("file", PARSERS)
@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=400))
def test_any_bytes_give_a_record_or_a_refusal(file: str, data: bytes) -> None:
    """Bytes that nobody printed never raise anything else."""
    _read(file, data)


PIECES = [
    *(b"Node 0, zone ", b"Node 1, zone ", b"Normal", b"DMA", b", type ", b"Movable", b"HighAtomic"),
    *(b"Page block order: ", b"Pages per block: ", b"Free pages count per migrate type"),
    *(b"\nNumber of blocks type ", b"Number of mixed blocks ", b"  pages free ", b"        min "),
    *(b"        protection: (", b")", b"      nr_free_cma ", b"MemTotal:", b"MemFree: ", b" kB"),
    *(b"some avg10=0.00 avg60=0.00 avg300=0.00 total=", b"full ", b"0.500 ", b"-1.000 ", b">"),
    *(b" ", b"   ", b"\n", b"\r\n", b"\t", b"\0", b"\xff", b"\x0b", b"\xb2", b"-", b"+", b"_"),
    *(b"0 ", b"1 ", b"12", b"345 ", b"99999999999999999999 ", b"1" * 25, b"1 " * 11 + b"\n"),
]


@pytest.mark.parametrize("file", PARSERS)
@settings(deadline=None, max_examples=150)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
def test_pieces_of_kernel_text_give_a_record_or_a_refusal(file: str, pieces: list[bytes]) -> None:
    """Neither does text that is nearly what a kernel prints."""
    _read(file, b"".join(pieces))


LONG = {
    "blanks": b" ",
    "line breaks": b"\n",
    "zeros": b"\0",
    "digits": b"1",
    "counts": b"1 ",
    "letters": b"x",
    "blank lines": b"   \n",
    "headings": b"Page block order: 1\n",
    "second headings": b"Number of blocks type\n",
    "stanzas": b"Node 0, zone Normal\n",
    "hashes": b"#1 Debian 1",
}
BEGINNINGS = (
    b"",
    b"Node ",
    b"Node 0, zone ",
    b"Node 0, zone DMA ",
    b"Node 0, zone DMA\n  pages free ",
    b"Node 0, zone DMA\n        protection: (",
    b"Node 0, zone DMA, type Movable ",
    b"MemTotal: ",
    b"some avg10=0.00 avg60=0.00 avg300=0.00 total=",
    b"oom_kill ",
)


@pytest.mark.parametrize("file", PARSERS)
@pytest.mark.parametrize("kind", LONG)
def test_long_files_are_read_or_refused_soon(file: str, kind: str) -> None:
    """The time grows with the length, not with its square: 96 KiB take no two seconds."""
    body = LONG[kind] * (96 * 1024 // len(LONG[kind]))
    for beginning in BEGINNINGS:
        for end in (b"", b"x\n"):
            start = time.perf_counter()
            _read(file, beginning + body + end)
            assert time.perf_counter() - start < SOON_SECONDS, beginning
