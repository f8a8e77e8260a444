"""Pages, blocks and sizes. Names carry units; the arithmetic is the kernel's, truncating."""

_SHIFTS = {"K": 10, "M": 20, "G": 30}
_MOST_DIGITS = 12


def parse_size(text: str) -> int | None:
    """Read a size such as `16384`, `16K`, `32 KiB` or `1M` as bytes; None if it is none."""
    digits = text.strip().upper().removesuffix("B").rstrip(" ")
    shift = 0
    unit = digits.removesuffix("I")[-1:]
    if unit in _SHIFTS:
        shift = _SHIFTS[unit]
        digits = digits.removesuffix("I")[:-1].rstrip(" ")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
        return None
    return int(digits) << shift


def order_of(size_bytes: int, page_size: int) -> int:
    """Give the smallest order whose block holds `size_bytes`, as the kernel's get_order()."""
    pages = max(1, -(-size_bytes // page_size))
    return (pages - 1).bit_length()


def describe_size(size_bytes: int, unit: str = " {}iB") -> str:
    """Write a size for people: whole KiB below 10 MiB, then MiB, then GiB with a decimal.

    `unit` is what follows the number, {} standing for the letter.
    """
    if size_bytes < 10 << 20:
        return f"{size_bytes >> 10}{unit.format('K')}"
    if size_bytes < 10 << 30:
        return f"{size_bytes >> 20}{unit.format('M')}"
    return f"{size_bytes / (1 << 30):.1f}{unit.format('G')}"


def pages_of_kib(kib: int, page_size: int) -> int:
    """Convert kib to whole pages."""
    return kib * 1024 // page_size


def kib_of_pages(pages: int, page_size: int) -> int:
    """Convert pages to kib."""
    return pages * page_size // 1024
