"""Changes the free lists between two looks at them, always in the same way."""

import fcntl
import os
from typing import Self

_LARGE = 1 << 23
_SMALL = 1 << 12


class Flipper:
    """A pipe whose ring is large and small in turn.

    The large ring is one block of order 4. Smaller blocks, single pages above all, come from
    lists of the processor's own and go back there: /proc/buddyinfo would not show every one.
    """

    def __init__(self) -> None:
        """Begin small."""
        self._ends = os.pipe()
        self._size = _SMALL

    def __enter__(self) -> Self:
        """Use it for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give back all."""
        for end in self._ends:
            os.close(end)

    def flip(self) -> None:
        """Take the block, or give it back."""
        self._size = _LARGE if self._size == _SMALL else _SMALL
        fcntl.fcntl(self._ends[1], fcntl.F_SETPIPE_SZ, self._size)
