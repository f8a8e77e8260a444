"""Replies as the documents that they should be; what is in them is looked at by who needs it."""

from oomwatchd.ctl.reading import ReplyError, parse_object
from oomwatchd.status.fields import Json, records

_SEVERITIES = ("ok", "unknown", "warning", "critical")


def status_document(reply: bytes) -> Json:
    """Read a status document: one with a severity, and demands that have names.

    Raises:
        ReplyError: it is none.
    """
    document = parse_object(reply)
    demands = document.get("demands")
    named = isinstance(demands, list) and all(
        isinstance(demand, dict) and isinstance(demand.get("name"), str) for demand in demands
    )
    if not named or document.get("severity") not in _SEVERITIES:
        raise ReplyError("the answer is not a status document")
    return document


def listed(reply: bytes, key: str) -> list[Json]:
    """Read a document that is a list of objects below `key`.

    Raises:
        ReplyError: it is none.
    """
    document = parse_object(reply)
    value = document.get(key)
    found = records(document, key)
    if not isinstance(value, list) or len(found) != len(value):
        raise ReplyError(f"the answer has no {key}")
    return found
