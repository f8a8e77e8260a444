"""The configuration as plain records; `config` reads them from text.

Every default stands here, and nowhere else but in the shipped file's comments.
"""

from typing import NamedTuple

from oomwatchd.model import DemandSpec

LOG_TO = ("auto", "stderr", "syslog", "journal")
"""Where events can go."""


class Poll(NamedTuple):
    """`[poll]`: how often to look, and how long to wait before speaking."""

    interval_min_seconds: float = 0.5
    interval_max_seconds: float = 10.0
    hold_seconds: float = 15.0
    clear_seconds: float = 60.0
    settle_seconds: float = 2.0
    psi: bool = True


class Hours(NamedTuple):
    """A part of the day, in minutes since midnight, local time; it may go past midnight."""

    from_minute: int
    to_minute: int


class Remedies(NamedTuple):
    """`[remedies]`: what may be done, and how often."""

    compact: bool = True
    compact_async: bool = True
    """First at warning: 3 of 24 bursts of a driver failed with it and 4 with compaction at once,
    and the worst wake-up of a SCHED_FIFO thread was 1.1 ms with both; but its processor time is
    that of a thread of the kernel, which gives way to others (tests/target/proof, scenario
    `returning`, 3 seeds)."""
    compact_spacing_seconds: float = 30.0
    """Where memory came to pieces again within a minute, on the 256 MB device without proactive
    compaction: with 60 s 4 of 32 bursts of a driver failed, with 30, 20 and 10 none; without a
    remedy 10 (tests/target/proof, scenario `returning`, 4 seeds)."""
    compact_per_hour: int = 12
    compact_per_day: int = 144
    reclaim: bool = True
    reclaim_spacing_seconds: float = 60.0
    reclaim_per_hour: int = 12
    reclaim_per_day: int = 144
    """As compaction: with a full page cache on the 256 MB device one takes 7 ms and 10 MB of it,
    and leaves a driver 178 to 198 blocks of 64 KiB instead of 11 (scenario `pagecache`, 3 seeds);
    dropping takes 76 ms and all of the cache."""
    drop_caches: bool = True
    drop_spacing_seconds: float = 1800.0
    drop_per_hour: int = 2
    drop_per_day: int = 4
    backoff_min_seconds: float = 60.0
    backoff_max_seconds: float = 3600.0
    realtime: bool = False
    """Whether remedies run on a system with real-time tasks too."""
    quiet_hours: tuple[Hours, ...] = ()


class Survival(NamedTuple):
    """`[daemon]`: how the daemon itself outlives a shortage."""

    lock_memory: bool = True
    oom_score_adj: int | None = None
    """None: -900, or -1000 where the kernel kills whoever allocates."""
    kmsg: bool = True


class Hook(NamedTuple):
    """`[hook]`: the command that is run when the device's severity changes; () is none."""

    command: tuple[str, ...] = ()
    timeout_seconds: float = 10.0
    floor_blocks: int = 16
    """The headroom of what a process start needs, below which the command is not run."""


class Alerts(NamedTuple):
    """`[alerts]`: where events go, and how many."""

    log_to: str = "auto"
    lines_per_hour: int = 60
    repeat_seconds: float = 3600.0
    """How long a calm event that says the same is only counted; 0: never."""


class SocketSettings(NamedTuple):
    """`[socket]`: where the status is answered; None is the default place."""

    path: str | None = None
    group: str | None = None
    control_group: str | None = None


class Config(NamedTuple):
    """The whole configuration. Without any file it is a good one."""

    poll: Poll = Poll()
    remedies: Remedies = Remedies()
    alerts: Alerts = Alerts()
    socket: SocketSettings = SocketSettings()
    survival: Survival = Survival()
    hook: Hook = Hook()
    builtin_demands: bool = True
    demands: tuple[DemandSpec, ...] = ()
