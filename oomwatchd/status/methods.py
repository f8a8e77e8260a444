"""What can be asked: the methods, their arguments, and which of them change the system."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MAX_INHIBIT_SECONDS = 86_400
_MAX_NODE = 1023
"""MAX_NUMNODES of the largest configurations, less one."""
DROPS = ("pagecache", "slab", "all")


class Method(NamedTuple):
    """One thing that can be asked; `readers` take a word or a value of JSON, in order.

    What `defaults` does not hold has to be given. A reader raises ValueError with what it wants.
    """

    changes: bool = False
    """Whether it changes the system: for root, or the control group."""
    readers: Mapping[str, Callable[[object], Any]] = {}
    defaults: Mapping[str, Any] = {}


def _whole(most: int) -> Callable[[object], int]:
    """Make a reader of whole numbers from 0 to `most`."""

    def read(value: object) -> int:
        # bool is an int to Python, and int() would take signs, blanks and other scripts' digits.
        text = str(value) if type(value) is int else value
        if (
            isinstance(text, str)
            and text.isascii()
            and text.isdigit()
            and len(text) <= len("86400")
        ):
            number = int(text)
            if number <= most:
                return number
        raise ValueError(f"must be a whole number from 0 to {most}")

    return read


def _drop(value: object) -> str:
    if isinstance(value, str) and value in DROPS:
        return value
    raise ValueError(f"must be one of {', '.join(DROPS)}")


METHODS: Mapping[str, Method] = {
    "status": Method(),
    "doctor": Method(),
    "events": Method(),
    "processes": Method(),
    "watch": Method(),
    "compact": Method(changes=True, readers={"node": _whole(_MAX_NODE)}, defaults={"node": None}),
    "drop-caches": Method(changes=True, readers={"what": _drop}, defaults={"what": "all"}),
    "inhibit": Method(changes=True, readers={"seconds": _whole(MAX_INHIBIT_SECONDS)}),
    "reload": Method(changes=True),
    "test-alert": Method(changes=True),
}
