"""INI without surprises: `[section]`, `key = value`, comments from `#` or `;` at a line's start.

Within one file nothing may stand twice. What a section or key means is not known here.
"""

from typing import NamedTuple

from oomwatchd.errors import quote


class Entry(NamedTuple):
    """A value, and where it stands: "file:line"."""

    where: str
    value: str


class Section(NamedTuple):
    """A section's entries by key, and where its heading stands."""

    where: str
    entries: dict[str, Entry]


def read(name: str, data: bytes, faults: list[str]) -> dict[str, Section]:
    """Read one file's sections by heading; `name` is for the faults, which are added to."""
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.append(f"{name}:{line}: not UTF-8 text")
        return {}
    sections: dict[str, Section] = {}
    section: Section | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        line_text = raw.strip()
        if line_text.startswith("["):
            section = _open(line_text, where, sections, faults)
        elif line_text and not line_text.startswith(("#", ";")):
            _add(line_text, where, section, faults)
    return sections


def _open(line: str, where: str, sections: dict[str, Section], faults: list[str]) -> Section:
    """Open a section; a faulty one takes its keys with it, so that it is reported once."""
    heading = " ".join(line[1:-1].split()) if line.endswith("]") else ""
    if not heading:
        faults.append(f"{where}: not a section: {quote(line)}")
    elif heading in sections:
        faults.append(f"{where}: section {quote(heading)} stands twice in this file")
    else:
        return sections.setdefault(heading, Section(where, {}))
    return Section(where, {})


def _add(line: str, where: str, section: Section | None, faults: list[str]) -> None:
    """Add a line's key and value to the open section."""
    key, equals, value = (part.strip() for part in line.partition("="))
    if not equals or not key:
        faults.append(f"{where}: neither a section nor key = value: {quote(line)}")
    elif section is None:
        faults.append(f"{where}: {quote(key)} stands before any section")
    elif key in section.entries:
        faults.append(f"{where}: {quote(key)} stands twice in this file")
    else:
        section.entries[key] = Entry(where, value)
