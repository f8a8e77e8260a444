"""The record that syslogd takes, BusyBox's too: RFC 3164 without a time stamp."""

import os

from oomwatchd.alerts.vocabulary import Entry

_FACILITY_DAEMON = 3 << 3


def encode_syslog(entry: Entry) -> bytes:
    """Write `<PRI>oomwatchd[pid]: line`; at most 240 bytes, as text.MAX_BYTES allows for it."""
    header = f"<{_FACILITY_DAEMON | entry.priority}>oomwatchd[{os.getpid()}]: "
    return (header + entry.line).encode("ascii", "backslashreplace")
