"""Mails in quoted-printable: lines end with an equals sign where the next one goes on."""

import re

from oomwatchd.report.plain import MAX_TEXT

_UNQUOTED = re.compile(rb"=(?![0-9A-F]{2}|$)")
"""What no such mail has: each of its equals signs is written "=3D"."""
_QUOTED_BYTE = re.compile(rb"=([0-9A-F]{2})")
_SHORTEST_HELD = 60
_LONGEST_HELD = 77
_BLANK = 32


class Unfolder:
    """Puts folded lines together, where it is a mail that has them."""

    def __init__(self) -> None:
        """Take the log for none."""
        self.held = b""
        """A line that goes on in the next one."""
        self._is_quoted = False
        """Whether the log is such a mail, by what was seen last."""

    @property
    def is_idle(self) -> bool:
        """Whether lines are as they stand."""
        return not (self.held or self._is_quoted)

    def forget(self) -> None:
        """Know nothing of what follows."""
        self._is_quoted = False

    def unfold(self, raw: bytes) -> bytes | None:
        """Take a line; gives it with what belongs before it, None where it goes on."""
        if b"=" in raw:
            self._is_quoted = b"=3D" in raw or (self._is_quoted and not _UNQUOTED.search(raw))
        goes_on = len(self.held) <= MAX_TEXT and self._goes_on(raw)
        if self.held:
            raw, self.held = self.held + raw, b""
        if goes_on:
            self.held = raw[:-1]
            return None
        if self._is_quoted:
            raw = _QUOTED_BYTE.sub(lambda match: bytes.fromhex(match[1].decode()), raw)
        return raw

    def _goes_on(self, raw: bytes) -> bool:
        """Whether a line goes on in the next one: rulers and base64 end with several signs."""
        if not raw.endswith(b"=") or raw.endswith(b"=="):
            return False
        if not self._is_quoted and _SHORTEST_HELD <= len(raw) <= _LONGEST_HELD:
            self._is_quoted = raw[-2] != _BLANK or b": page" in raw
        return self._is_quoted
