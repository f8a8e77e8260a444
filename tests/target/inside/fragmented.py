"""A demand that is low by fragmentation, of either kind.

The demand is for blocks of order 4, above what process starts may use up. Its levels are laid
around the blocks that are left, so that it is at warning or critical as a story wants it; when
memory is in pieces, and not before, or it would be acted on too early.
"""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from target.inside.device import PROACTIVENESS, Facts, tell
from target.inside.states import Anonymous, Pipes, anonymous, free_pages, pipes, quiet

ORDER = 4
OLD_PROACTIVENESS = 10
"""Neither the default nor off, and too little for the kernel to compact on its own."""
WARNING = 400
CRITICAL = WARNING - 10
_LEFT_PAGES = 2400
_DAEMON_PAGES = 4000
"""What a daemon that is started later takes of the large blocks."""
POLL = """\
[poll]
interval_min_seconds = 0.2
interval_max_seconds = 1
clear_seconds = 5
settle_seconds = 1
"""
_DEMAND = """\
[demand camera]
order = {order}
request = kernel
warning = {warning}
critical = {critical}
"""


def config(critical: int, remedies: str = "", *, warning: int = WARNING, hold: float = 2) -> str:
    """Write a configuration with the demand."""
    demand = _DEMAND.format(order=ORDER, warning=warning, critical=critical)
    return f"{POLL}hold_seconds = {hold}\n[demands]\nbuiltin = no\n{demand}[remedies]\n{remedies}"


@contextmanager
def movable() -> Iterator[Anonymous]:
    """Fragment memory by every second page of user memory."""
    with anonymous() as memory:
        while free_pages() > _LEFT_PAGES:
            memory.take(_LEFT_PAGES // 4)
        memory.give_back(2)
        yield memory


@contextmanager
def unmovable() -> Iterator[Pipes]:
    """Fragment memory by every second page of pipes."""
    with pipes() as memory:
        while free_pages() > _LEFT_PAGES + _DAEMON_PAGES:
            memory.take(_LEFT_PAGES // 4)
        memory.drain()
        yield memory


def tell_stories(name: str, stories: Iterable[Callable[[], Facts]]) -> None:
    """Tell stories one after another."""
    facts: Facts = {}
    for story in stories:
        begin = time.monotonic()
        try:
            told = story()
        except Exception:  # noqa: BLE001 - the other stories are told all the same
            told = {"error": traceback.format_exc()}
        facts[story.__name__] = told | {"seconds": time.monotonic() - begin}
    tell(name, facts)


def prepare() -> None:
    """Let nothing but the daemon compact."""
    quiet()
    PROACTIVENESS.write_text(f"{OLD_PROACTIVENESS}\n")
