"""A report while it is read: its parts as far as they have been seen.

The parts of a report have an order. A part that stands before one which is already there belongs to
another report: so reports that two processors print at once are told apart, and a report whose head
was lost is not taken for the rest of the one before it.
"""

from enum import IntEnum

from oomwatchd.report.record import Banner, Cgroup, Chosen, Header, Kill, Kind, Slab

MAX_FRAMES = 64
MAX_ZONES = 64
MAX_TASKS = 32_768
MAX_SLABS = 1024
MAX_KILLS = 64
MAX_KEYS = 256
"""Figures of one line, or of one part."""


class Stage(IntEnum):
    """The parts, in the order in which every kernel prints them."""

    HEADER = 0
    STACK = 1
    COUNTERS = 2
    ZONES = 3
    LISTS = 4
    TOTALS = 5
    SLABS = 6
    TASKS = 7
    KILL = 8


def known(old: int | None, new: int | None) -> int | None:
    """Keep a figure that is known: what comes later may be another's, or of what is left."""
    return new if old is None else old


Row = tuple[tuple[str, ...], str]
"""A row of the table of tasks: its columns but for the first and the last, and the row."""


class OpenZone:
    """A zone while it is read."""

    __slots__ = ("all_unreclaimable", "blocks", "empty", "kib", "name", "node", "reserve", "total")

    def __init__(self, node: int | None, name: str) -> None:
        """Know nothing but the name."""
        self.node = node
        self.name = name
        self.kib: dict[str, int] = {}
        self.all_unreclaimable: bool | None = None
        self.reserve: tuple[int, ...] | None = None
        self.blocks: list[tuple[int, int, str]] | None = None
        """Of the free lists: how many blocks, of how many KiB, and their letters."""
        self.total: int | None = None
        """What the line of the free lists says that they sum up to, in KiB."""
        self.empty = False


class OpenNode:
    """The figures of a node while they are read."""

    __slots__ = ("all_unreclaimable", "kib", "node")

    def __init__(self, node: int) -> None:
        """Know nothing but the number."""
        self.node = node
        self.kib: dict[str, int] = {}
        self.all_unreclaimable: bool | None = None


class Draft:
    """What is known of a report so far. The readers of the parts fill it."""

    def __init__(  # noqa: PLR0915 - each is one part of the record
        self, line: int, at: str | None, caller: str | None, banner: Banner | None
    ) -> None:
        """Open a report that begins there."""
        self.line = line
        self.at = at
        self.caller = caller
        self.banner = banner
        self.touched = 0
        """When it last took a line, as counted by whoever gathers."""
        self.opened = 0
        self.stamp = at
        """The last one that it saw."""
        self.unwanted = False
        """No report, only like one: somebody asked to be shown the memory."""
        self.tentative = False
        """Nothing says yet that it is a report at all."""
        self.stage = Stage.HEADER
        self.kind: Kind | None = None
        self.header: Header | None = None
        self.signs: set[str] = set()
        self.release: str | None = None
        self.architecture: str | None = None
        self.hardware: str | None = None
        self.pid: int | None = None
        self.state_seen = False
        """Whether the stack dump's first line was seen."""
        self.frames: list[str] = []
        self.doubtful: list[str] = []
        """Functions marked with "?": all that there is where the kernel has no better unwinder."""
        self.stack_over = False
        self.compaction_disabled = False
        self.marked = False
        """Whether its "Mem-Info:" was seen."""
        self.counters: dict[str, int] = {}
        self.nodes: dict[int, OpenNode] = {}
        self.zones: dict[tuple[int | None, str], OpenZone] = {}
        self.last: OpenZone | OpenNode | None = None
        """What a line without a name goes on with."""
        self.listed: OpenZone | None = None
        """The zone whose free lists came last."""
        self.pending_node: int | None = None
        """From a "Node N" that stood alone."""
        self.reserve_open = False
        self.torn: str | None = None
        """The end of a line that may go on in the next one."""
        self.totals: dict[str, int] = {}
        self.swap_free: int | None = None
        self.swap_total: int | None = None
        self.slabs: list[Slab] = []
        self.table_seen = False
        self.columns: tuple[str, ...] | None = None
        self.rows: list[Row] = []
        self.rows_left_out = 0
        """Beyond `MAX_TASKS`."""
        self.chosen: Chosen | None = None
        self.kills: list[Kill] = []
        self.kill_open = False
        """Whether the figures of the last kill may go on in the next line."""
        self.group_kill = False
        self.constraint: str | None = None
        self.cgroup: Cgroup | None = None
        self.stats_open = False
        self.nobody_to_kill = False
        self.panicked = False
        self.vmalloc_bytes: int | None = None
        self.vmalloc_got_bytes: int | None = None

    def reach(self, stage: Stage) -> bool:
        """Go on to a part; False, and no change, where that part is over."""
        if stage < self.stage:
            return False
        self.stage = stage
        return True

    def zone(self, node: int | None, name: str) -> OpenZone | None:
        """Give the zone of that name, a new one if need be; None where there are too many."""
        zone = self.zones.get((node, name))
        if zone is None and len(self.zones) < MAX_ZONES:
            zone = self.zones[node, name] = OpenZone(node, name)
        return zone

    def is_anothers(self, caller: str | None) -> bool:
        """Whether a line of that caller is surely not of this report."""
        return None not in (caller, self.caller) and caller != self.caller

    @property
    def has_memory(self) -> bool:
        """Whether any figure of the memory was seen."""
        return bool(self.zones or self.counters or self.nodes or self.totals)

    @property
    def is_oom(self) -> bool:
        """Whether somebody is killed at its end."""
        return self.kind in (Kind.OOM, Kind.CGROUP_OOM)

    @property
    def awaits_kill(self) -> bool:
        """Whether somebody was chosen, and is to die in the next lines."""
        return self.chosen is not None and not self.kills

    @property
    def may_kill(self) -> bool:
        """Whether somebody may be killed at its end."""
        return self.is_oom or self.kind is None

    @property
    def is_complete(self) -> bool:
        """Whether nothing more than the kill of somebody else is to be expected."""
        if self.is_oom or self.kind is None:
            return bool(self.kills) or self.panicked or self.nobody_to_kill
        return self.stage >= Stage.TOTALS
