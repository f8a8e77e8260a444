"""Reading a stream of lines from the daemon, which may be slow, broken or somebody else."""

import time

from oomwatchd.ctl.client import MAX_REPLY_BYTES, lost, reach
from oomwatchd.ctl.reading import ReplyError, refusal

QUIET_SECONDS = 30.0
"""The daemon speaks about every second; after so long it is as good as gone."""
_PART_BYTES = 65536


class Stream:
    """A connection on which lines come."""

    def __init__(self, path: str | None, request: bytes) -> None:
        """Send a request to the first daemon that can be reached.

        Raises:
            UnreachableError: there is none.
        """
        self._connection, self._place = reach(path, request)
        self._begun = b""
        self._heard_at = time.monotonic()

    def lines(self, wait_seconds: float) -> list[bytes]:
        """Wait for lines; gives those that have come, none after `wait_seconds` of silence.

        Raises:
            UnreachableError: the daemon has gone, or is silent for too long.
            ReplyError: it refuses, or sends a line without an end.
        """
        self._connection.settimeout(wait_seconds)
        try:
            part = self._connection.recv(_PART_BYTES)
        except TimeoutError:
            part = None
        except OSError as error:
            raise lost(self._place, (error.strerror or str(error)).lower()) from None
        if part == b"":
            raise lost(self._place, "it has closed the connection")
        *whole, self._begun = (self._begun + (part or b"")).split(b"\n")
        if len(self._begun) > MAX_REPLY_BYTES:
            raise ReplyError("the answer is endless")
        now = time.monotonic()
        if whole:
            self._heard_at = now
        elif now - self._heard_at > QUIET_SECONDS:
            raise lost(self._place, f"silent for {QUIET_SECONDS:.0f} s")
        for line in whole:
            if line.startswith(b'{"error"'):
                raise refusal(line)
        return whole

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def silent_seconds(self) -> float:
        """Say for how long no line has come."""
        return time.monotonic() - self._heard_at
