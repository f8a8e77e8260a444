"""Units and error messages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.errors import ConfigError, Exit, ParseError, quote
from oomwatchd.units import kib_of_pages, order_of, pages_of_kib, parse_size

SIZES = {
    "0": 0,
    "16384": 16384,
    "16384B": 16384,
    "16K": 16384,
    "16k": 16384,
    "16 K": 16384,
    "16KB": 16384,
    "16KiB": 16384,
    " 32 KiB ": 32768,
    "1M": 1 << 20,
    "4G": 4 << 30,
}
NO_SIZES = [
    *("", " ", "K", "KiB", "B", "I", "-1", "+1", "1.5M", "1e3", "0x10", "1_000", "16KK", "16KBB"),
    *("5I", "5iB", "16 K iB", "1T", "16Q", "1 2", "١٦", "16K\0", "9" * 13, "²"),
]


@pytest.mark.parametrize("text", SIZES)
def test_sizes_are_read_as_bytes(text: str) -> None:
    """A number, a unit of 1024s or none, in either case."""
    assert parse_size(text) == SIZES[text]


@pytest.mark.parametrize("text", NO_SIZES)
def test_what_is_no_size_is_none(text: str) -> None:
    """Nothing is guessed."""
    assert parse_size(text) is None


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=20))
def test_any_text_is_a_size_or_none(text: str) -> None:
    """Nothing is raised, and no size is negative."""
    size_bytes = parse_size(text)
    assert size_bytes is None or size_bytes >= 0


@pytest.mark.parametrize(
    ("size_bytes", "page_size", "order"),
    [
        (1, 4096, 0),
        (4096, 4096, 0),
        (4097, 4096, 1),
        (16 * 1024, 4096, 2),
        (20 * 1024, 4096, 3),
        (32 * 1024, 4096, 3),
        (32 * 1024, 65536, 0),
        (4 << 20, 4096, 10),
    ],
)
def test_an_order_is_the_smallest_that_holds_the_size(
    size_bytes: int, page_size: int, order: int
) -> None:
    """As get_order() has it."""
    assert order_of(size_bytes, page_size) == order


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 1 << 40), st.sampled_from([4096, 16384, 65536]))
def test_an_order_fits_tightly(size_bytes: int, page_size: int) -> None:
    """The block holds the size, and the next smaller one does not."""
    order = order_of(size_bytes, page_size)
    assert page_size << order >= size_bytes
    assert order == 0 or page_size << (order - 1) < size_bytes


def test_pages_and_kib() -> None:
    """Whole pages, cut off; pages of 64 KiB are 64 kib."""
    assert pages_of_kib(11, 4096) == 2
    assert kib_of_pages(3, 4096) == 12
    assert kib_of_pages(2, 65536) == 128


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("big", '"big"'),
        (b"big", '"big"'),
        ("", '""'),
        ("a\nb\r\t\0\x1b[2J", r'"a\nb\r\t\x00\x1b[2J"'),
        (b"\xff\n", r'"\xff\n"'),
        ("é\u2028", r'"\xe9\u2028"'),
        ("\udcff", r'"\udcff"'),
        ("x" * 60, f'"{"x" * 60}"'),
        ("x" * 61, f'"{"x" * 60}..."'),
        (b"\0" * 1000, f'"{(chr(92) + "x00") * 15}..."'),
    ],
)
def test_foreign_text_is_shown_in_one_short_line(text: str | bytes, shown: str) -> None:
    """Printable ASCII in double quotes, cut to 60 characters."""
    assert quote(text) == shown


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.text(), st.binary()))
def test_any_text_can_be_shown(text: str | bytes) -> None:
    """Whatever it is, the message stays one line of printable ASCII."""
    message = (
        str(ParseError("zoneinfo", 3, text.encode("utf-8", "surrogatepass"), "odd"))
        if isinstance(text, str)
        else str(ParseError("zoneinfo", 3, text, "odd"))
    )
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 100
    assert quote(text).isprintable()


def test_a_parse_error_says_where_and_what() -> None:
    """File, line, why and text; the line is left out where the file as a whole is meant."""
    assert str(ParseError("meminfo", 7, b"MemFree: x kB", "no number")) == (
        'meminfo:7: no number: "MemFree: x kB"'
    )
    assert str(ParseError("meminfo", 0, b"", "no MemFree")) == "meminfo: no MemFree"


def test_a_config_error_is_a_line_a_fault() -> None:
    """All faults are seen at once."""
    error = ConfigError(["a:1: one", "a:2: two"])
    assert str(error) == "a:1: one\na:2: two"
    assert error.problems == ["a:1: one", "a:2: two"]
    assert error.exit_code == 78


def test_exit_codes_are_the_contracts() -> None:
    """Scripts rely on the numbers."""
    assert {code.name: code.value for code in Exit} == {
        "OK": 0,
        "WARNING": 1,
        "CRITICAL": 2,
        "UNKNOWN": 3,
        "USAGE": 64,
        "DATA": 65,
        "NO_INPUT": 66,
        "UNREACHABLE": 69,
        "BUSY": 75,
        "NOT_PERMITTED": 77,
        "CONFIG": 78,
    }
