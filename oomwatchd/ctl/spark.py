"""A sparkline: the recent past of a number in a few letters, the newest at the right."""

TYPE_CHECKING = False
if TYPE_CHECKING:  # not loaded: a client waits for it
    from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.:-=+*#"


def sparkline(
    values: "Sequence[int | None]", level: int, columns: int, *, blocks: bool = False
) -> str:
    """Draw the last values, as many as there are columns, from 0 to the highest.

    `level` is drawn to scale: where all values are below it they look low. What is not known is
    a blank.
    """
    shown = list(values)[-columns:] if columns > 0 else []
    letters = _BLOCKS if blocks else _ASCII
    top = max([1, level, *(value for value in shown if value is not None)])
    steps = len(letters) - 1
    return "".join(
        " " if value is None else letters[min(max(0, value), top) * steps // top] for value in shown
    ).rjust(columns)
