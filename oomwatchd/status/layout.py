"""Laying text out for a window so many columns wide: tables, and paragraphs with a label."""

from oomwatchd.units import describe_size

TYPE_CHECKING = False
if TYPE_CHECKING:  # not loaded: a client waits for it
    from collections.abc import Sequence

LABEL_COLUMNS = 10
_LEAST_COLUMNS = 16
"""What is left for a paragraph, however narrow the window."""
_LEAST_NAME = 8


class Column:
    """A column of a table.

    (A NamedTuple would draw in much that a client waits for.)
    """

    def __init__(
        self, title: str, cells: "Sequence[str]", align: str = "<", least: int = 0
    ) -> None:
        """Keep the cells, of which there is one a row; `align` is that of format().

        It is `least` columns wide, even where no cell says anything.
        """
        self.title = title
        self.cells = cells
        self.align = align
        self.width = max(least, *map(len, [title, *cells]))
        self.is_shown = least > 0 or any(cells)

    def shrunk(self, width: int) -> "Column":
        """Give the column with its cells cut to a width."""
        return Column(self.title, [cut(cell, width) for cell in self.cells], self.align)


def table(
    columns: "Sequence[Column]", width: int, shrinkable: str = "", droppable: "Sequence[str]" = ()
) -> list[str]:
    """Write columns side by side, the titles above; a column that says nothing is left out.

    Where they are too wide, first the gaps are made smaller, then the cells below the title
    `shrinkable`, then the columns of the titles `droppable` are left out, one after another.
    """
    fitting = [column for column in columns if column.is_shown]
    gap = 2
    for title in ("", *droppable):
        fitting = [column for column in fitting if column.title != title]
        gap = 2 if _total(fitting, 2) <= width else 1
        over = _total(fitting, gap) - width
        shrunk = [
            column.shrunk(max(_LEAST_NAME, column.width - over))
            if column.title == shrinkable and over > 0
            else column
            for column in fitting
        ]
        if _total(shrunk, gap) <= width:
            fitting = shrunk
            break
    rows = zip(*([column.title, *column.cells] for column in fitting), strict=True)
    return [
        (" " * gap)
        .join(
            f"{cell:{column.align}{column.width}}"
            for cell, column in zip(row, fitting, strict=True)
        )[:width]
        .rstrip()
        for row in rows
    ]


def breadth(columns: "Sequence[Column]") -> int:
    """Say how many columns a table takes at least with nothing cut."""
    return _total([column for column in columns if column.is_shown], 1)


def _total(columns: "Sequence[Column]", gap: int) -> int:
    """Say how wide a table is."""
    return sum(column.width for column in columns) + gap * (len(columns) - 1)


def labelled(label: str, body: str, width: int) -> list[str]:
    """Write a paragraph with its label before the first line."""
    return wrap(body, width, f"{label:<{LABEL_COLUMNS - 1}} ", " " * LABEL_COLUMNS)


def wrap(body: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Break a paragraph at blanks; a word is broken only where it fills a line alone."""
    room = max(_LEAST_COLUMNS, width)
    lines: list[str] = []
    line, empty = first, True
    for word in body.split(" "):
        if not empty and len(line) + 1 + len(word) > room:
            lines.append(line)
            line, empty = rest, True
        line = f"{line}{word}" if empty else f"{line} {word}"
        empty = False
        while len(line) > room:
            lines.append(line[:room])
            line = rest + line[room:]
    return [*lines, line]


def cut(body: str, width: int) -> str:
    """Cut a text; a tilde at the end says so."""
    return body if len(body) <= width else f"{body[: max(0, width - 1)]}~"


def short_size(size_bytes: int) -> str:
    """Write a size in few columns: the number and a letter."""
    return describe_size(size_bytes, "{}")


def span(seconds: float) -> str:
    """Write a time span roughly, in the unit that fits."""
    for unit, length, most in (("s", 1, 100), ("min", 60, 100 * 60), ("h", 3600, 48 * 3600)):
        if seconds < most:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
