"""An event as one line: `name key=value …`, ASCII, cut to length, what matters first.

BusyBox's syslogd keeps 255 bytes of a record; control characters and line breaks would let a
process's name forge one.
"""

import codecs

from oomwatchd.logfmt import bare, quoted

MAX_BYTES = 216
"""With the header `<30>oomwatchd[4194304]: ` a record has at most 240."""
_CUT = " ..."
_LEAST_SHOWN = 40
"""A text of which less would be left is left out whole."""
# Loaded now: the first odd value may come when memory is short.
codecs.lookup("unicode_escape")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+%@")


def render(name: str, facts: dict[str, object]) -> str:
    """Write the event; "..." marks where it was cut, in a long text or before a whole fact."""
    line = name
    for key, value in facts.items():
        part = f" {key}={_value(value)}"
        room = MAX_BYTES - len(line) - len(_CUT)
        if len(part) > room:
            begun = part[: max(0, room - 1)].rstrip("\\")
            worth = part.endswith('"') and len(begun) >= _LEAST_SHOWN
            return f'{line}{begun}{_CUT.strip()}"' if worth else f"{line}{_CUT}"
        line += part
    return line


def _value(value: object) -> str:
    """Write a value as logfmt does; a dash for none."""
    if value is None:
        return "-"
    text = bare(value)
    return text if text and _PLAIN.issuperset(text) else quoted(text)
