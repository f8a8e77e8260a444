"""Which kernel wrote a report: as the log says, or as the report's form tells."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from oomwatchd.mm.gfpfamily import family
from oomwatchd.model import Version
from oomwatchd.procfs.version import parse_version
from oomwatchd.report.record import Report
from oomwatchd.report.signs import SIGNS, Window

_PAGE_SIZES = (4096, 8192, 16384, 65536)
_FUNCTIONS: Mapping[str, Window] = {
    "__alloc_pages_internal": Window((2, 6, 26), (2, 6, 31)),
    "__alloc_pages_nodemask": Window((2, 6, 31), (5, 13, 0)),
    "__alloc_pages_noprof": Window((6, 10, 0), None),
    "__alloc_frozen_pages_noprof": Window((6, 14, 0), None),
    "warn_alloc_failed": Window((3, 0, 0), (4, 9, 0)),
    "warn_alloc": Window((4, 9, 0), None),
    "_do_fork": Window((4, 2, 0), (5, 10, 0)),
    "kernel_clone": Window((5, 10, 0), None),
}
"""Functions that tell the kernel's age (mm/page_alloc.c, kernel/fork.c)."""
_NAMED_SIZE = re.compile(r"-(4|8|16|64)k\b")
"""As distributions call kernels with other pages than usual: 6.12.1-arm64-16k."""
_ONE_SIZE = ("arm", "x86", "x86_64", "riscv")
OLDEST: Version = (2, 6, 18)
NEWEST: Version = (6, 18, 0)
_SERIES_26 = (2, 6)


class KernelFound(NamedTuple):
    """The kernel of a report."""

    release: str | None
    version: Version
    """The one whose rules are applied: of a window the oldest."""
    since: Version
    """The oldest and the first that is too new; both by the form where the release is not known."""
    before: Version | None
    source: str
    """Where that is from: "stack dump", "boot message", "form"."""
    page_size: int
    """In bytes; the usual size where nothing tells."""
    knows_page_size: bool
    architecture: str | None

    @property
    def is_certain(self) -> bool:
        """Whether the log names the kernel."""
        return self.release is not None

    @property
    def last(self) -> Version:
        """Give the newest version that it can be, roughly."""
        if self.release is not None:
            return self.version
        return NEWEST if self.before is None else version_before(self.before)


def kernel_of(report: Report) -> KernelFound:
    """Find the kernel of a report."""
    told = _page_size(report)
    sizes = told or _PAGE_SIZES[0], told is not None
    banner = report.banner
    if report.release is not None:
        version = _version(banner.text if _belongs(report) and banner else "", report.release)
        if version is not None:
            return _named(report.release, version, "stack dump", sizes, report)
    if banner is not None:
        version = _version(banner.text, banner.release)
        if version is not None:
            return _named(banner.release, version, "boot message", sizes, report)
    since, before = _window(report)
    return KernelFound(None, since, since, before, "form", *sizes, report.architecture)


@lru_cache(maxsize=16)
def _version(banner: str, release: str) -> Version | None:
    """Give the version that a release is of, by its boot message too."""
    return parse_version(
        banner.encode("latin-1", "replace"), f"{release}\n".encode("latin-1", "replace")
    )


def _belongs(report: Report) -> bool:
    """Whether the boot message before a report is of the same kernel."""
    return report.banner is not None and report.banner.release == report.release


def _named(
    release: str, version: Version, source: str, sizes: tuple[int, bool], report: Report
) -> KernelFound:
    architecture = report.architecture
    if architecture is None and report.banner is not None:
        architecture = _architecture_of(report.banner.text)
    return KernelFound(release, version, version, None, source, *sizes, architecture)


def _architecture_of(banner: str) -> str | None:
    """Guess from the compiler's name in the boot message."""
    for word, architecture in (
        ("aarch64", "arm64"),
        ("arm-", "arm"),
        ("mipsel", "mips"),
        ("mips-", "mips"),
        ("x86_64", "x86_64"),
        ("i686", "x86"),
        ("powerpc", "powerpc"),
        ("riscv", "riscv"),
    ):
        if word in banner:
            return architecture
    return None


def _window(report: Report) -> tuple[Version, Version | None]:
    """Narrow the versions by the report's form, its functions and its mask."""
    header = report.header
    windows = [SIGNS[sign] for sign in report.signs if sign in SIGNS]
    functions = {name.partition(".")[0] for name in report.trace}  # without what compilers add
    windows += [_FUNCTIONS[name] for name in functions & _FUNCTIONS.keys()]
    if header is not None and header.gfp_mask is not None:
        windows.append(Window(*family(header.gfp_mask, names_printed=header.gfp_names is not None)))
    return narrowed(windows)


def narrowed(windows: Iterable[Window]) -> tuple[Version, Version | None]:
    """Intersect windows; where that leaves nothing (a vendor's mixture) the newest sign counts."""
    since, before = OLDEST, None
    for window in windows:
        if window.since is not None:
            since = max(since, window.since)
        if window.before is not None:
            before = window.before if before is None else min(before, window.before)
    return since, None if before is not None and before <= since else before


def version_before(version: Version) -> Version:
    """Give the series before a version, as one calls it: 2.6.31 gives 2.6.30, 4.4 gives 4.3."""
    major, minor, patch = version
    if (major, minor) == _SERIES_26:
        return (major, minor, patch - 1)
    if minor > 0:
        return (major, minor - 1, 0)
    return {3: (2, 6, 39), 4: (3, 19, 0), 5: (4, 20, 0), 6: (5, 19, 0)}.get(major, version)


def name_of(version: Version) -> str:
    """Write a version as one calls its series: 2.6.28, 4.4."""
    major, minor, patch = version
    return f"{major}.{minor}.{patch}" if (major, minor) == _SERIES_26 else f"{major}.{minor}"


def _page_size(report: Report) -> int | None:
    """Take it from the smallest block of the free lists, else from a release that names it.

    None where neither tells and the architecture has a choice.
    """
    for zone in report.zones:
        if zone.smallest_block_kib is not None:
            page_size = zone.smallest_block_kib * 1024
            if page_size in _PAGE_SIZES:
                return page_size
    release = report.release or (report.banner.release if report.banner else "")
    if named := _NAMED_SIZE.search(release):
        return int(named[1]) * 1024
    return _PAGE_SIZES[0] if report.architecture in _ONE_SIZE else None
