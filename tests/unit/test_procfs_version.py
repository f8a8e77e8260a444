"""Which kernel it is, from /proc/version and osrelease."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.procfs.version import parse_release, parse_version

VERSIONS = {
    "2.6.18": (b"Linux version 2.6.18 (me@here) (gcc version 4.1.1) #1\n", None, (2, 6, 18)),
    "two numbers": (None, b"3.10\n", (3, 10, 0)),
    "a vendor's suffix": (None, b"4.9.118-hi3516+\n", (4, 9, 118)),
    "a candidate": (None, b"6.18-rc3\n", (6, 18, 0)),
    "osrelease first": (b"Linux version 4.1.2 (x)\n", b"4.14.7\n", (4, 14, 7)),
    "Debian hides its point release": (
        b"Linux version 6.1.0-42-armmp (x@debian.org) #1 SMP Debian 6.1.170-1 (2026-01-01)\n",
        b"6.1.0-42-armmp\n",
        (6, 1, 170),
    ),
    "neither": (None, None, None),
    "garbage": (b"\xff\x00", b"\x1b[2J", None),
    "no number": (b"Linux version next (x)\n", b"next\n", None),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_the_version_is_the_sources(name: str) -> None:
    """The upstream version decides the rules; None where there is none to read."""
    version, osrelease, expected = VERSIONS[name]
    assert parse_version(version, osrelease) == expected


def test_osrelease_cut_short_does_not_make_an_older_kernel() -> None:
    """4.14 cut to 4.1 would be judged by the rules before 4.4, so the whole text counts."""
    version, osrelease = b"Linux version 4.14.98 (x@y) #1\n", b"4.14.98\n"
    for cut in range(len(osrelease)):
        assert parse_version(version, osrelease[:cut]) == (4, 14, 98)


def test_version_cut_short_does_not_make_an_older_kernel() -> None:
    """A release counts only with what follows it."""
    version = b"Linux version 4.14.98 (x@y) #1\n"
    for cut in range(len(version)):
        assert parse_version(version[:cut], None) in (None, (4, 14, 98))
        assert parse_version(version[:cut], b"4.14.98\n") == (4, 14, 98)


@pytest.mark.parametrize("osrelease", [b"6.1.55", b"6.1.55\n", b" 6.1.55 \n"])
def test_osrelease_alone_is_taken_as_it_is(osrelease: bytes) -> None:
    """A copy made by hand may lack the line break."""
    assert parse_release(None, osrelease) == "6.1.55"


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.none(), st.binary()), st.one_of(st.none(), st.binary()))
def test_any_bytes_give_a_version_or_none(version: bytes | None, osrelease: bytes | None) -> None:
    """Nothing is raised, and a release is short ASCII text."""
    parse_version(version, osrelease)
    release = parse_release(version, osrelease)
    assert release is None or release.isascii()
