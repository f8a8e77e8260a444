"""What the parsers share: lines with their offsets, numbers as the kernel prints them."""

from collections.abc import Iterator

from oomwatchd.errors import ParseError

MAX_DIGITS = 20
"""Digits of the largest unsigned 64-bit number."""
MAX_REMEMBERED_BYTES = 16 * 1024
"""The longest text (or part of one) whose skeleton is worth remembering."""
MAX_ZONES = 8192
"""More than 1,024 nodes have: beyond it a file is not believed."""


def fault(file: str, data: bytes, offset: int, why: str) -> ParseError:
    """Make the error for the line of `data` that holds `offset`."""
    start = data.rfind(b"\n", 0, offset) + 1
    end = data.find(b"\n", offset)
    text = data[start:] if end < 0 else data[start:end]
    return ParseError(file, data.count(b"\n", 0, offset) + 1, text, why)


def lines(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Give each line of a part of `data` that is not blank, with its offset in `data`."""
    offset = start
    for line in data[start:end].split(b"\n"):
        if line.strip():
            yield offset, line.rstrip(b"\r")
        offset += len(line) + 1


def cut_short(data: bytes, *, rows: int) -> bool:
    """Whether the last line of a file of `rows` equally long rows may have lost its end.

    A copy may lack the last line break. The blank that the kernel prints after each count
    then proves that count whole, and the rows before it that none is missing.
    """
    return not data.endswith(b"\n") and (rows == 1 or not data.endswith(b" "))


def skeleton(data: bytes) -> bytes:
    """Leave out digits and blanks: what is left of a text changes only with its lines."""
    return data.translate(None, b"0123456789 ")


def number(digits: bytes, file: str, data: bytes, offset: int) -> int:
    """Read an unsigned decimal that stands at `offset`; ParseError where it is none."""
    # bytes.isdigit() is ASCII only; int() would take signs, blanks and underscores too.
    if not digits.isdigit() or len(digits) > MAX_DIGITS:
        raise fault(file, data, offset, "not a number as the kernel prints it")
    return int(digits)


def plain_numbers(words: list[bytes]) -> list[int] | None:
    """Read unsigned decimals, none of them empty, all at once; None where one is none."""
    digits = b"".join(words)
    # Each of the others has a digit at least: what is left for one is mostly short enough.
    short = len(digits) - len(words) < MAX_DIGITS or max(map(len, words)) <= MAX_DIGITS
    return [*map(_NUMBERS.__getitem__, words)] if short and digits.isdigit() else None


class _Numbers(dict[bytes, int]):
    """Numbers by their digits: most are the same from look to look, and int() is slow."""

    def __missing__(self, digits: bytes) -> int:
        if len(self) >= _MAX_KNOWN:
            self.clear()
        number = self[digits] = int(digits)
        return number


_MAX_KNOWN = 256
_NUMBERS = _Numbers()


def numbers(row: bytes, file: str, data: bytes, offset: int) -> tuple[int, ...]:
    """Read a row of unsigned decimals set apart by blanks."""
    words = row.split()
    plain = plain_numbers(words)
    if plain is None:
        plain = [number(digits, file, data, offset) for digits in words]
    return tuple(plain)
