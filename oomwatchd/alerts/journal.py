"""The journal's native fields: systemd.journal-fields(7), https://systemd.io/JOURNAL_NATIVE_PROTOCOL.

A value without control characters is `NAME=value`; any other is sent with its length, so that
nothing in it can be taken for a field.
"""

from oomwatchd.alerts.vocabulary import EVENTS, Entry
from oomwatchd.logfmt import bare

_FACILITY_DAEMON = "3"
_MAX_BYTES = 4000
"""Of a value. A datagram must fit the socket's buffer."""


def encode_journal(entry: Entry) -> bytes:
    """Write an event: its line as MESSAGE, each fact as OOMWATCHD_ and its key in capitals."""
    event = EVENTS[entry.name]
    fields = {
        "MESSAGE": entry.line,
        "PRIORITY": f"{event.priority:d}",
        "SYSLOG_FACILITY": _FACILITY_DAEMON,
        "SYSLOG_IDENTIFIER": "oomwatchd",
        "MESSAGE_ID": event.message_id,
        "OOMWATCHD_EVENT": entry.name,
    }
    for key, value in entry.facts.items():
        if value is not None:
            fields[f"OOMWATCHD_{key.upper()}"] = bare(value)
    return b"".join(_field(name, value) for name, value in fields.items())


def _field(name: str, value: str) -> bytes:
    """Write one field."""
    data = value.encode("utf-8", "backslashreplace")[:_MAX_BYTES]
    if value.isprintable():
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), len(data).to_bytes(8, "little"), data)
