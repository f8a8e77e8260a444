"""Facts out of a document that an older or a newer daemon may have written, or anybody.

What is not there, or is not what it should be, is absent: None, or nothing. Text comes out as
one line of printable ASCII, whatever it was: it is meant for a terminal.
"""

from oomwatchd.fault import shown

_MOST = 1 << 63
"""No fact is as large: what is would only take long to compute with."""

Json = dict[str, object]


def record(of: Json, key: str) -> Json:
    """Give an object; an empty one where there is none."""
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def records(of: Json, key: str) -> list[Json]:
    """Give the objects in a list."""
    return [value for value in items(of, key) if isinstance(value, dict)]


def items(of: Json, key: str) -> list[object]:
    """Give a list; an empty one where there is none."""
    value = of.get(key)
    return value if isinstance(value, list) else []


def text(of: Json, key: str, absent: str = "") -> str:
    """Give a text; `absent` where there is none, or an empty one."""
    value = of.get(key)
    return shown(value) if isinstance(value, str) and value else absent


def whole(of: Json, key: str) -> int | None:
    """Give a whole number."""
    return as_whole(of.get(key))


def number(of: Json, key: str) -> float | None:
    """Give a number, with a fraction or without."""
    value = of.get(key)
    if isinstance(value, float) and -_MOST < value < _MOST:
        return value
    return as_whole(value)


def flag(of: Json, key: str) -> bool:
    """Whether something is said to be true."""
    return of.get(key) is True


def as_whole(value: object) -> int | None:
    """Give a value where it is a whole number (True is none)."""
    if isinstance(value, int) and not isinstance(value, bool) and -_MOST < value < _MOST:
        return value
    return None
