"""How the table of uses is written: which functions of the kernel ask for memory for what."""

from typing import NamedTuple

ALL = 100
"""Nothing a caller is called would tell more."""


class Use(NamedTuple):
    """What some functions ask for memory for."""

    key: str
    what: str
    """Goes on from "The memory was for "."""
    functions: str
    """Names, with blanks between; "*" is for any characters."""
    telling: int = ALL
    """How much it says. ALL ends the search; with less the callers are looked at for more."""
    sure: bool = True
    """Not where the functions serve many ends."""
