"""The table of the demands, one a row."""

from oomwatchd.status.amounts import amount, order_of
from oomwatchd.status.fields import Json, flag, number, text, whole
from oomwatchd.status.layout import Column, breadth, cut, short_size, span, table

TYPE_CHECKING = False
if TYPE_CHECKING:  # not loaded: a client waits for it
    from collections.abc import Callable

_MOST_NAME = 32
_MOST_WORD = 13
"""The longest word of a fixed set is `unsatisfiable`; a stranger's is cut."""
_MOST_SPAN = 6
_DROPPABLE = ("LASTS", "REQUEST", "BLOCK", "ORDER", "CAUSE", "CRIT", "WARN")
"""What a window that is too narrow does without, in this order."""


def demand_table(
    demands: list[Json],
    page_bytes: int,
    width: int,
    *,
    brief: bool = False,
) -> list[str]:
    """Write the demands below their titles, in lines of at most `width` columns.

    `brief` leaves out what does not change, and keeps room for what comes and goes.
    """
    columns = _columns(demands, page_bytes, "at least ", brief=brief)
    if brief or breadth(columns) > width:
        columns = _columns(demands, page_bytes, ">=", brief=brief)
    return table(columns, width, "DEMAND", _DROPPABLE)


def painted(row: str, paint: "Callable[[str], str]") -> str:
    """Colour the severity that a row begins with."""
    severity = row.split(" ", 1)[0]
    return paint(severity) + row[len(severity) :]


def _columns(demands: list[Json], page_bytes: int, bound: str, *, brief: bool) -> list[Column]:
    """Make the columns; a headroom that may be more has `bound` before it."""

    def amounts(key: str) -> list[str]:
        return [amount(whole(demand, key), demand, page_bytes) for demand in demands]

    headrooms = [
        f"{bound if flag(demand, 'lower_bound') and cell else ''}{cell or 'unknown'}"
        for demand, cell in zip(demands, amounts("headroom"), strict=True)
    ]
    what = [
        Column("REQUEST", [_word(demand, "request") for demand in demands]),
        Column("BLOCK", [_block(demand, page_bytes) for demand in demands], ">"),
        Column("ORDER", [_order(demand) for demand in demands], ">"),
    ]
    causes = [_word(demand, "cause") for demand in demands]
    lasts = [_lasts(demand) for demand in demands]
    return [
        Column("SEVERITY", [_word(demand, "severity", "unknown") for demand in demands]),
        Column("DEMAND", [cut(text(demand, "name", "?"), _MOST_NAME) for demand in demands]),
        *(() if brief else what),
        Column("HEADROOM", headrooms, ">"),
        Column("WARN", amounts("warning"), ">"),
        Column("CRIT", amounts("critical"), ">"),
        Column("CAUSE", causes, least=_MOST_WORD if brief else 0),
        Column("LASTS", lasts, ">", least=_MOST_SPAN if brief else 0),
    ]


def _word(demand: Json, key: str, absent: str = "") -> str:
    return cut(text(demand, key, absent), _MOST_WORD)


def _block(demand: Json, page_bytes: int) -> str:
    """Write the size of a demand's blocks."""
    order = order_of(demand)
    return "" if order is None else short_size(page_bytes << order)


def _order(demand: Json) -> str:
    order = order_of(demand)
    return "" if order is None else str(order)


def _lasts(demand: Json) -> str:
    """Write how long headroom would last, falling as it does."""
    seconds = number(demand, "exhaustion_seconds")
    return "" if seconds is None or seconds < 0 else span(seconds)
