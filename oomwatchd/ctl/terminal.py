"""What the output is, and what it can show: its size, colours, letters."""

import posix

from oomwatchd.status.paths import variable
from oomwatchd.status.text import WIDTH

HEIGHT = 24
LEAST_WIDTH = 20
_MOST_DIGITS = 4
_COLOURS = {"critical": "1;31", "warning": "33", "unknown": "35", "ok": "32"}
_SIMPLE_TERMS = ("linux", "dumb", "", "vt52")
"""Terminals whose letters may not go beyond ASCII, whatever the locale says."""
_COERCED = ("C.UTF-8", "C.utf8")
"""What Python itself puts into LC_CTYPE where no locale is chosen: that says nothing."""


def size() -> tuple[int, int]:
    """Give columns and lines of the window; without one COLUMNS, or those of a plain terminal.

    Asked for anew each time: windows change. A serial console has no size, which is told as 0.
    """
    try:
        columns, lines = posix.get_terminal_size(1)
    except OSError:
        return _wished_columns(), HEIGHT
    return columns or WIDTH, lines or HEIGHT


def _wished_columns() -> int:
    """Give the width that the user wants in a pipe or a file."""
    wish = variable("COLUMNS")
    is_one = wish.isascii() and wish.isdigit() and len(wish) <= _MOST_DIGITS
    return max(LEAST_WIDTH, int(wish) or WIDTH) if is_one else WIDTH


def is_terminal() -> bool:
    """Whether the output goes to a terminal."""
    return posix.isatty(1)


def can_redraw() -> bool:
    """Whether the output goes to a terminal that can move its cursor."""
    return is_terminal() and variable("TERM") not in ("", "dumb")


def paint(severity: str) -> str:
    """Colour a word that is a severity."""
    colour = _COLOURS.get(severity)
    return f"\x1b[{colour}m{severity}\x1b[0m" if colour else severity


def has_colours() -> bool:
    """Whether colours may be used (https://no-color.org)."""
    return can_redraw() and not variable("NO_COLOR")


def has_blocks() -> bool:
    """Whether the terminal can show Unicode's block elements."""
    term = variable("TERM")
    if term in _SIMPLE_TERMS or term.startswith(("vt1", "vt2")):
        return False
    chosen = variable("LC_CTYPE")
    locale = (
        variable("LC_ALL") or ("" if chosen in _COERCED else chosen) or variable("LANG")
    ).lower()
    return "utf-8" in locale or "utf8" in locale
