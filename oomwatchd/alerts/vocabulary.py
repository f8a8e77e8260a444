"""The events: their fixed names and what each is worth to syslog."""

from enum import IntEnum


class Priority(IntEnum):
    """Priorities of syslog(3)."""

    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


PRIORITIES = {
    "started": Priority.INFO,
    "stopped": Priority.INFO,
    "degraded": Priority.WARNING,
    "restored": Priority.INFO,
    "headroom_low": Priority.NOTICE,
    "headroom_warning": Priority.WARNING,
    "headroom_critical": Priority.CRITICAL,
    "headroom_recovered": Priority.NOTICE,
    "remedy_started": Priority.NOTICE,
    "remedy_finished": Priority.NOTICE,
    "remedy_backed_off": Priority.NOTICE,
    "oom_kill": Priority.ERROR,
    "allocation_failure": Priority.WARNING,
    "ensure_finished": Priority.INFO,
    "config_reloaded": Priority.INFO,
    "config_rejected": Priority.ERROR,
    "test_alert": Priority.NOTICE,
}
"""One event per change of state, named for the new state. No other name is ever sent."""
