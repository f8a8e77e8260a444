"""Explaining logs in tests: from bytes to what the command prints, and what must hold for it."""

import json
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator

from oomwatchd.ctl.explain import text_of
from oomwatchd.explain import explanation
from oomwatchd.explain.collection import Collection
from oomwatchd.explain.document import document
from oomwatchd.explain.explanation import Explanation, judge, judged
from oomwatchd.report.gather import reports
from oomwatchd.report.record import Report

SCHEMA = json.loads(resources.files("oomwatchd").joinpath("explain/schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
WIDTHS = (40, 80, 200)


def collected(chunks: Iterable[bytes]) -> Collection:
    """Explain a log as the command does."""
    found = Collection()
    for it in judged(reports(chunks)):
        found.add("log", it)
    return found


def explain(made: Report, *, is_dying: bool = False) -> Explanation:
    """Explain a report."""
    return explanation.explain(judge(made, is_dying=is_dying))


def explained(found: Iterable[Report]) -> Iterator[Explanation]:
    """Explain the reports of a log."""
    return map(explanation.explain, judged(found))


def explanations(log: bytes) -> list[Explanation]:
    """Explain each report of a log."""
    return list(explained(reports([log])))


def json_of(found: Collection) -> dict[str, Any]:
    """Write the document, and read it again as another program would."""
    written = json.dumps(document(found, "0"), allow_nan=False)
    read: dict[str, Any] = json.loads(written)
    return read


def assert_sound(log: bytes, widths: Iterable[int] = WIDTHS) -> Collection:
    """Explain a log, whatever it is, and see that both outputs keep to their form."""
    found = collected([log])
    assert_written(found, widths)
    return found


def assert_written(found: Collection, widths: Iterable[int], *, by_schema: bool = True) -> None:
    """See that what is written of explanations keeps to its form."""
    written = json_of(found)
    if by_schema:
        VALIDATOR.validate(written)
    for width in widths:
        assert_fits(text_of(found, width), width)


def assert_fits(lines: Iterable[str], width: int) -> None:
    """See that a text is printable ASCII, and no line of it too long."""
    for line in lines:
        assert line.isascii(), ascii(line)
        assert line.isprintable(), ascii(line)
        assert len(line) <= width, (width, line)


def pieces(log: bytes, size: int) -> Iterator[bytes]:
    """Cut a log into pieces of a size, as files are read."""
    for at in range(0, len(log), size):
        yield log[at : at + size]
