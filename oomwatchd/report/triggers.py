"""Where in a log a report may begin: most of a log is none, and is not split into lines."""

from oomwatchd.report.header import OPENINGS

TRIGGERS = (
    *OPENINGS,
    b" invoked",  # and a line's end within the next words, as mails have it
    b"page alloc",
    b"Mem-Info:",
    b"Mem-info:",
    b"kB min:",
    b"Killed process",
    b"ill process",
    b"total pagecache",
    b" total_vm ",
    b"no killable",
    b"panic_on_oom",
    b"as a result of limit of",
    b"failcnt",
    b"0kB 0*",
)


class Triggers:
    """The places of one block, each looked for once."""

    def __init__(self, block: bytes) -> None:
        """Look at nothing yet."""
        self._block = block
        self._next = dict.fromkeys(TRIGGERS, -1)

    def after(self, start: int) -> int:
        """Give the first place at or after `start`; -1 where there is none any more."""
        first = -1
        for trigger, place in [*self._next.items()]:
            if place < start:
                place = self._block.find(trigger, start)  # noqa: PLW2901
                if place < 0:
                    del self._next[trigger]
                    continue
                self._next[trigger] = place
            if first < 0 or place < first:
                first = place
        return first
