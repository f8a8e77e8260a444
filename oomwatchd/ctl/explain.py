"""`oomwatchctl explain`: what the reports in a kernel's log mean."""

import json
import posix
from collections.abc import Iterator

from oomwatchd import __version__, fault
from oomwatchd.ctl import logfile, terminal
from oomwatchd.errors import NoInputError, ParseError
from oomwatchd.explain.collection import Collection, Group
from oomwatchd.explain.document import document
from oomwatchd.explain.explanation import judged
from oomwatchd.explain.prose import paragraphs, title
from oomwatchd.fault import OomwatchdError, shown
from oomwatchd.report.gather import reports
from oomwatchd.status.layout import LABEL_COLUMNS, labelled, wrap
from oomwatchd.system.stdio import complain, remark, write_output

_NO_REPORT = 1


def explain(files: list[str], *, as_json: bool) -> int:
    """Explain all reports in logs, or in standard input where none is named ("-" too).

    What can be read is explained, whatever the others are. Returns 0 where there was a report, 1
    where there was none, 65 or 66 where a file was no text or could not be read at all; the same
    where one could not be read to its end, and there was no report until there.
    """
    found = Collection()
    troubles: list[OomwatchdError] = []
    code = doubt = fault.OK
    if not files and posix.isatty(0):
        # Who forgot the file would wait for ever.
        remark("reads a kernel's log from the terminal; Ctrl-D ends it")
    for name in files or [logfile.STDIN]:
        source = logfile.shown_name(name)
        try:
            for it in judged(reports(logfile.chunks(name, troubles))):
                found.add(source, it)
        except (NoInputError, ParseError) as error:
            complained = complain(error)
            code = code or complained
    for trouble in troubles:
        complained = complain(trouble)
        doubt = doubt or complained
    if code and not found.count:
        return code
    if as_json:
        text = json.dumps(document(found, __version__), indent=1, ensure_ascii=True)
    else:
        text = "\n".join(text_of(found, terminal.size()[0]))
    write_output(f"{text}\n")
    if code or found.count:
        return code
    return doubt or _NO_REPORT


def text_of(found: Collection, width: int) -> Iterator[str]:
    """Write everything for people."""
    if not found.count:
        yield from wrap("no report of the OOM killer and no allocation failure found", width)
        return
    groups = found.groups
    if found.count > 1:
        yield from _summary(found, groups, width)
    told: set[str] = set()
    for group in groups:
        yield from _explained(group, width, told)
    yield from _others(found, width)


def _summary(found: Collection, groups: list[Group], width: int) -> Iterator[str]:
    """Say how many there are, of which kinds, and whether they say the same."""
    kinds, verdicts = _counted(found.kinds), _counted(found.verdicts)
    yield from wrap(f"{found.count} reports: {kinds}. Reasons: {verdicts}.", width)
    if len(groups) == 1 and not found.others:
        yield from wrap("All of them say the same: the first is explained.", width)
    else:
        yield from wrap("One of each kind is explained, the most frequent first.", width)
    yield ""


def _counted(counts: dict[str, int]) -> str:
    """Write what there is how often, the most frequent first."""
    most_first = sorted(counts.items(), key=lambda one: -one[1])
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in most_first)


def _explained(group: Group, width: int, told_demands: set[str]) -> Iterator[str]:
    """Write one explanation; a demand is written once."""
    yield from wrap(f"{group.source}, {shown(title(group.first))}", width)
    if group.count > 1:
        place = group.more[-1] if group.more else None
        at = f" at {shown(place.at)}" if place and place.at else ""
        last = f"; another is in line {place.line}{at}" if place else ""
        yield from wrap(f"{group.count} such reports{last}", width)
    yield ""
    for label, text in paragraphs(group.first):
        yield from _paragraph(label, shown(text), width)
    demand = group.first.demand
    if demand is not None:
        yield ""
        if demand.name in told_demands:
            yield from wrap(f"See [demand {demand.name}] above.", width)
        else:
            told_demands.add(demand.name)
            where = "Built into oomwatchd" if demand.is_built_in else "In oomwatchd.conf"
            yield from wrap(f"{where} this would have spoken:", width)
            yield ""
            yield from (f"    {line}".rstrip() for line in demand.text.splitlines())
    yield ""


def _others(found: Collection, width: int) -> Iterator[str]:
    """Name the reports of further kinds."""
    if not found.others:
        return
    yield from wrap("Of further kinds, not explained here:", width)
    for other in found.others:
        at = f" at {other.at}" if other.at else ""
        text = f"line {other.line}{at}: {other.headline}"
        yield from wrap(f"{other.source}, {shown(text)}", width, "  ", "    ")
    if found.left_out:
        yield from wrap(f"and {found.left_out} more", width, "  ", "    ")


def _paragraph(label: str, text: str, width: int) -> list[str]:
    """Write a paragraph; one that is indented, or an item of a list, hangs below its first word."""
    body = text.lstrip()
    indent = text[: len(text) - len(body)]
    hanging = f"{indent}  " if body.startswith("- ") else indent
    if not hanging:
        return labelled(label, body, width)
    first = f"{label:<{LABEL_COLUMNS}}{indent}"
    return wrap(body, width, first, " " * LABEL_COLUMNS + hanging)
