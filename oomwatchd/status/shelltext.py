"""Facts as assignments for a shell."""

from collections.abc import Iterable

from oomwatchd.fault import escape
from oomwatchd.logfmt import bare

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@")


def shell_text(facts: Iterable[tuple[str, object]]) -> bytes:
    """Write the facts as assignments that a shell takes as they are; absent ones are empty."""
    return "".join(f"{key}={_quoted(value)}\n" for key, value in facts).encode("ascii")


def _quoted(value: object) -> str:
    """Quote a value for a shell; what is no printable ASCII is escaped."""
    if value is None:
        return ""
    text = bare(value)
    if _PLAIN.issuperset(text):
        return text
    return "'" + escape(text).replace("'", "'\\''") + "'"
