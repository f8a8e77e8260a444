"""Where events go: one of stderr, syslog and journal."""

import os
from collections.abc import Mapping
from typing import Protocol

from oomwatchd.alerts.vocabulary import Entry

SYSLOG_PATH = "/dev/log"
JOURNAL_PATH = "/run/systemd/journal/socket"


class Sink(Protocol):
    """Takes events; never blocks, never raises OSError."""

    @property
    def name(self) -> str:
        """`stderr`, `syslog` or `journal`."""

    @property
    def where(self) -> str:
        """What does not take lines when it does not, as a user knows it."""

    @property
    def is_there(self) -> bool:
        """Whether the other side seems to be there."""

    def send(self, entry: Entry) -> bool:
        """Send an event on its way; whether it was taken."""


def open_sink(where: str, environment: Mapping[str, str] | None = None) -> Sink:
    """Open the sink of that name, or for `auto` the one that `choose` says.

    Only one is ever needed, and the daemon stays resident: the others are not loaded.
    """
    environment = os.environ if environment is None else environment
    where = choose(environment) if where == "auto" else where
    if where == "stderr":
        from oomwatchd.alerts.stderr import open_stderr  # noqa: PLC0415 - see above

        return open_stderr(environment, is_the_journal=leads_to_journal(environment))
    from oomwatchd.alerts.datagram import DatagramSink  # noqa: PLC0415

    if where == "syslog":
        from oomwatchd.alerts.syslog import encode_syslog  # noqa: PLC0415

        return DatagramSink(where, SYSLOG_PATH, encode_syslog)
    from oomwatchd.alerts.journal import encode_journal  # noqa: PLC0415

    return DatagramSink(where, JOURNAL_PATH, encode_journal)


def choose(environment: Mapping[str, str]) -> str:
    """Choose by where stderr leads: to the journal, nowhere (as under an init script), or on."""
    if leads_to_journal(environment) and os.path.exists(JOURNAL_PATH):
        return "journal"
    return "syslog" if _stderr_leads_nowhere() else "stderr"


def leads_to_journal(environment: Mapping[str, str]) -> bool:
    """Whether stderr is the stream that the service manager made for it: systemd.exec(5)."""
    stream = environment.get("JOURNAL_STREAM")
    if not stream:
        return False
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"


def _stderr_leads_nowhere() -> bool:
    """Whether stderr is closed or /dev/null."""
    try:
        return os.fstat(2).st_rdev == os.stat(os.devnull).st_rdev
    except OSError:
        return True
