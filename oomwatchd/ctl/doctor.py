"""`oomwatchctl doctor`: the audit as text; where no daemon makes it, one made here."""

from oomwatchd import fault
from oomwatchd.ctl.client import ask
from oomwatchd.ctl.documents import listed
from oomwatchd.ctl.reading import ReplyError, passed_on
from oomwatchd.fault import UnreachableError
from oomwatchd.status.fields import Json, text
from oomwatchd.status.layout import wrap
from oomwatchd.system.stdio import write_output

_WIDTH = 78
_INDENT = " " * 9
_LEVELS = ("problem", "note", "ok")


def doctor(path: str | None, *, as_json: bool) -> int:
    """Print the audit: the daemon's, or one made here, which is as good as none for a script.

    Raises:
        UnreachableError: no daemon answers; the audit made here has been printed.
    """
    missing = None
    try:
        reply = ask(path, b"doctor\n")
    except UnreachableError as error:
        from oomwatchd.ctl.audit import local_audit  # noqa: PLC0415 - slow, and only here

        missing = error
        reply = local_audit()
    write_output(passed_on(reply) if as_json else f"{doctor_text(reply)}\n")
    if missing is not None:
        raise missing
    return fault.OK


def doctor_text(reply: bytes) -> str:
    """Write a doctor reply for people, for any terminal of 80 columns.

    Raises:
        ReplyError: it is no audit.
    """
    found = listed(reply, "findings")
    levels = [text(finding, "level") for finding in found]
    if not all(level in _LEVELS and _is_whole(it) for level, it in zip(levels, found, strict=True)):
        raise ReplyError("the answer is not an audit")
    lines = [line for finding in found for line in _lines(finding)]
    counts = [_count(levels.count("problem"), "problem"), _count(levels.count("note"), "note")]
    return "\n".join([*lines, f"{', '.join(counts)}, {levels.count('ok')} ok"])


def _is_whole(finding: Json) -> bool:
    """Whether a finding says all that one has to say."""
    said = [key for key in ("topic", "text", "change") if text(finding, key)]
    return said == ["topic", "text", *(["change"] if finding.get("change") is not None else [])]


def _lines(finding: Json) -> list[str]:
    """Write one finding: its level, its topic and text, and below what to change."""
    what = f"{text(finding, 'topic')}: {text(finding, 'text')}"
    lines = wrap(what, _WIDTH, f"{text(finding, 'level'):<8} ", _INDENT)
    change = text(finding, "change")
    return lines + (wrap(change, _WIDTH, f"{_INDENT}-> ", f"{_INDENT}   ") if change else [])


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
