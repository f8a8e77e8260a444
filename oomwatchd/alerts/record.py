"""An event as one JSON object: what `oomwatchctl events` and `watch` show."""

import json
import math
from collections.abc import Mapping

_MAX_TEXT = 500
_SHORT_TEXT = 40
_MAX_BYTES = 2048
"""Beyond that all texts are cut short: the last events stay in memory."""
_CUT = "..."
_encode = json.JSONEncoder(separators=(",", ":")).encode


def as_json(facts: Mapping[str, object]) -> bytes:
    """Write one line of ASCII without its end; figures have three decimals, long texts are cut."""
    line = _encode({key: _value(value, _MAX_TEXT) for key, value in facts.items()})
    if len(line) > _MAX_BYTES:
        line = _encode({key: _value(value, _SHORT_TEXT) for key, value in facts.items()})
    return line.encode("ascii")


def _value(value: object, most: int) -> object:
    """Convert to what JSON knows: infinity and NaN are null, others than its types are text."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    text = str(value)
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT
