"""Bytes in pieces of any size become blocks of whole lines."""

from collections.abc import Iterable, Iterator

from oomwatchd.report.prefix import MAX_LINE_BYTES

_SLACK = 2 * MAX_LINE_BYTES


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give blocks that end with a line's end, except for the last; NUL bytes are left out.

    Of a line that does not end only the beginning is kept. CR and LF stay together.
    """
    parts: list[bytes] = []
    size = 0
    unsure = b""
    """A CR behind which an LF may come."""
    for chunk in chunks:
        piece = unsure + chunk
        if b"\0" in piece:
            piece = piece.replace(b"\0", b"")
        unsure = b"\r" if piece.endswith(b"\r") else b""
        piece = piece.removesuffix(unsure)
        cut = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
        if cut:
            parts.append(piece[:cut])
            yield b"".join(parts)
            parts = []
            size = 0
        # What goes beyond the longest line is dropped by whoever reads the line, too.
        rest = piece[cut : cut + max(0, _SLACK - size)]
        if rest:
            parts.append(rest)
            size += len(rest)
    if parts or unsure:
        yield b"".join(parts) + unsure
