"""The events: their fixed names, what each is worth to syslog, and its id in the journal."""

from enum import IntEnum
from typing import NamedTuple


class Priority(IntEnum):
    """Priorities of syslog(3)."""

    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


class Event(NamedTuple):
    """What is fixed of an event."""

    priority: Priority
    message_id: str
    """MESSAGE_ID of systemd.journal-fields(7), by which the catalog explains it; never changed."""


EVENTS = {
    "started": Event(Priority.INFO, "67c1f72d1c16cbd29fbaf00a8a86da7d"),
    "stopped": Event(Priority.INFO, "3d7f2d3a4cb1052a9fbeea49c3e0a738"),
    "degraded": Event(Priority.WARNING, "a8b97b675609b93b576a004e6d743b1e"),
    "restored": Event(Priority.INFO, "959471dcae229ac123b1a23e497e0f74"),
    "headroom_low": Event(Priority.NOTICE, "82308b0864e580708d1a1fd3b0e1c27e"),
    "headroom_warning": Event(Priority.WARNING, "65a5c14ad5373d8958a33668eaaf54e3"),
    "headroom_critical": Event(Priority.CRITICAL, "2dd8651b6aa308493224751cfbf97ba2"),
    "headroom_recovered": Event(Priority.NOTICE, "9fc2700176ca12119121e8d108b85667"),
    "remedy_started": Event(Priority.NOTICE, "1e72bedb2ab4593d96089a50319f23eb"),
    "remedy_finished": Event(Priority.NOTICE, "00dd39dfafaa0d91751a4907f70bdf19"),
    "remedy_backed_off": Event(Priority.NOTICE, "b3778c4949be68fb0961ab14be8ae29a"),
    "oom_kill": Event(Priority.ERROR, "17eb74f5295dc9658c4aa623c773d119"),
    "allocation_failure": Event(Priority.WARNING, "21fc8a68a0a4c0d5fa6fb01d635e43bf"),
    "ensure_finished": Event(Priority.INFO, "0a17d10c2f6d2ca34b04e7e7baeb01bb"),
    "config_reloaded": Event(Priority.INFO, "9ce41b68bad3f68dfcfe2b166554c56b"),
    "config_rejected": Event(Priority.ERROR, "6597656ca1a1cea393074a3d95f40fee"),
    "test_alert": Event(Priority.NOTICE, "d3efa6b3b6539f8abe19af79b249e93b"),
}
"""One event per change of state, named for the new state. No other name is ever sent."""

PRIORITIES = {name: event.priority for name, event in EVENTS.items()}


class Entry(NamedTuple):
    """An event on its way to a sink."""

    name: str
    line: str
    """The event in text.py's form: short, plain ASCII."""
    facts: dict[str, object]
    """The event's own keys, in the order of their weight."""

    @property
    def priority(self) -> Priority:
        """What it is worth."""
        return PRIORITIES[self.name]
