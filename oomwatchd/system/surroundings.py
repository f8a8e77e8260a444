"""Where a system runs: its mounts, the container around it, who else is running."""

import os
from typing import NamedTuple

from oomwatchd.errors import escape
from oomwatchd.system.files import read_optional, read_tiny
from oomwatchd.system.origin import origin_of

_OPEN = frozenset((b"hidepid=0", b"hidepid=off"))


class Mounts(NamedTuple):
    """What /proc/self/mounts tells of root and /proc."""

    root_fs: str | None
    hidepid: bool
    lxcfs: bool


def mounts_of(root: str) -> Mounts | None:
    """Read the mounts; None where they are not told (a copied tree, as a rule)."""
    text = read_optional(f"{root}/proc/self/mounts") or read_optional(f"{root}/proc/mounts")
    if text is None:
        return None
    root_fs = None
    hidepid = lxcfs = False
    for line in text.splitlines():
        _source, point, kind, options, *_rest = [*line.split(b" "), b"", b"", b"", b""]
        if point == b"/":
            # A later mount lies over an earlier one.
            root_fs = escape(kind.decode("latin-1")) or None
        elif point == b"/proc":
            hidepid = any(
                option.startswith(b"hidepid=") and option not in _OPEN
                for option in options.split(b",")
            )
        # On the host lxcfs has a folder of its own; in a container its files lie over /proc's.
        lxcfs |= kind == b"fuse.lxcfs" and point.startswith(b"/proc/")
    return Mounts(root_fs, hidepid, lxcfs)


def root_fs_of(root: str, mounts: Mounts | None) -> str | None:
    """Give the type of the root file system: from the mounts, else from a copy's ORIGIN."""
    if mounts is not None:
        return mounts.root_fs
    return origin_of(root).get("root_fs") or None


def container_name(root: str) -> str | None:
    """Name the container that this runs in; None outside of any."""
    name = (read_tiny(f"{root}/run/systemd/container") or b"").strip()
    if name:
        return escape(name.decode("latin-1"))
    for path, kind in ((".dockerenv", "docker"), ("run/.containerenv", "podman")):
        if os.path.exists(f"{root}/{path}"):
            return kind
    return None


def process_names(root: str) -> frozenset[str] | None:
    """List the names of all processes (comm, 2.6.33 on); None where none is seen."""
    try:
        folders = [name for name in os.listdir(f"{root}/proc") if name.isdecimal()]
    except OSError:
        return None
    names = [read_tiny(f"{root}/proc/{folder}/comm") for folder in folders]
    return frozenset(name.strip().decode("latin-1") for name in names if name) or None
