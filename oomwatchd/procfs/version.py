"""/proc/version and /proc/sys/kernel/osrelease: which kernel this is.

Source: fs/proc/version.c. A distribution's release may hide the stable point release that
decides which fixes are in ("6.1.0-42-armmp"); Debian names it in the version text
("#1 SMP Debian 6.1.170-1").
"""

import re

from oomwatchd.errors import escape
from oomwatchd.model import Version

FILE = "version"

_RELEASE = re.compile(rb"Linux version ([!-~]{1,128})\s")
_VERSION = re.compile(rb"(\d{1,3})\.(\d{1,4})(?:\.(\d{1,4}))?")
_DEBIAN = re.compile(rb"#\d{1,4}\b[^\n]{0,80}? Debian (\d[^\s-]*)-\S+")


def parse_release(version: bytes | None, osrelease: bytes | None) -> str | None:
    """Take the release from osrelease or, where that is not there, from /proc/version.

    A text that may have been cut short ("4.1" of "4.14") counts only where there is no other.
    """
    text = (osrelease or b"").strip()
    match = _RELEASE.match(version or b"")
    if match and not (text and osrelease and osrelease.endswith(b"\n")):
        text = match[1]
    return escape(text[:128].decode("latin-1")) or None


def parse_version(version: bytes | None, osrelease: bytes | None) -> Version | None:
    """Give the upstream version that the kernel's source is based on; None if unreadable."""
    debian = _DEBIAN.search(version or b"")
    release = (parse_release(version, osrelease) or "").encode("ascii", "replace")
    for text in (debian[1] if debian else b"", release):
        match = _VERSION.match(text)
        if match:
            return int(match[1]), int(match[2]), int(match[3] or 0)
    return None
