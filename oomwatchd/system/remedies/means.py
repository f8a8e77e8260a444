"""What can be done here: the files by which the kernel is told, opened once at start.

Source: mm/compaction.c, fs/drop_caches.c, drivers/base/node.c.
"""

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from oomwatchd.model import Remedy, Version
from oomwatchd.system.capabilities import ASYNC_SINCE
from oomwatchd.system.files import reason
from oomwatchd.system.remedies.control import Control, explain
from oomwatchd.system.remedies.proactive import Proactive

DROPS = {Remedy.DROP_PAGECACHE: b"1", Remedy.DROP_SLAB: b"2", Remedy.DROP_ALL: b"3"}
"""What is written to drop_caches. Never 4, which is for good and for everyone."""

_NODE = re.compile(r"node(0|[1-9][0-9]{0,3})")
_MAX_NODES = 64
"""As many files are held open at most; the nodes beyond are compacted with all others."""


class Means(NamedTuple):
    """What can be done here; None and `missing` go together."""

    missing: Mapping[Remedy, str]
    """Why a remedy cannot be had; one that is not in it can be."""
    nodes: tuple[int, ...]
    """The nodes that can be compacted one by one; () where there is no file for it."""
    compact: Control | None
    compact_by_node: Mapping[int, Control]
    proactive: Proactive | None
    reclaim: Control | None
    drop_caches: Control | None

    def compact_for(self, node: int | None) -> Control | None:
        """Give the file that compacts one node; where there is none, the one for all."""
        return self.compact if node is None else self.compact_by_node.get(node, self.compact)

    def close(self) -> None:
        """Close every file."""
        for file in (self.compact, self.proactive, self.reclaim, self.drop_caches):
            if file is not None:
                file.close()
        for file in self.compact_by_node.values():
            file.close()


def open_means(root: str = "/", *, version: Version | None, restore_path: str | None) -> Means:
    """Open what there is; what cannot be had is named in `missing`. Never raises.

    What a killed daemon left raised is put back here, from the note at `restore_path`.
    """
    root = root.rstrip("/")
    vm = f"{root}/proc/sys/vm"
    cgroup = f"{root}/sys/fs/cgroup"
    missing: dict[Remedy, str] = {}
    by_node = _open_nodes(f"{root}/sys/devices/system/node")
    return Means(
        missing,
        tuple(by_node),
        _open((f"{vm}/compact_memory",), missing, Remedy.COMPACT),
        by_node,
        _open_proactive(root, version, restore_path, missing),
        _open(
            (f"{cgroup}/memory.reclaim", f"{cgroup}/unified/memory.reclaim"),
            missing,
            Remedy.RECLAIM,
        ),
        _open((f"{vm}/drop_caches",), missing, *DROPS),
    )


def _open(paths: tuple[str, ...], missing: dict[Remedy, str], *remedies: Remedy) -> Control | None:
    """Open the first that can be; else the one that is there says why it cannot."""
    why = ""
    for path in paths:
        try:
            return Control(path)
        except (OSError, ValueError) as error:
            if not why or not isinstance(error, FileNotFoundError):
                why = f"{path}: {_reason(error)}"
    missing.update(dict.fromkeys(remedies, why))
    return None


def _open_nodes(folder: str) -> dict[int, Control]:
    """Open the nodes' files, by number; only NUMA kernels have them, and no one needs them."""
    controls: dict[int, Control] = {}
    try:
        matches = [_NODE.fullmatch(name) for name in os.listdir(folder)]
    except (OSError, ValueError):
        return controls
    for node in sorted(int(match[1]) for match in matches if match)[:_MAX_NODES]:
        try:
            controls[node] = Control(f"{folder}/node{node}/compact")
        except OSError:
            continue  # it is compacted with all others
    return controls


def _open_proactive(
    root: str, version: Version | None, restore_path: str | None, missing: dict[Remedy, str]
) -> Proactive | None:
    """Open the setting, where writing it has an effect and can be undone after a crash."""
    if version is None:
        why = "the kernel's version is not known"
    elif version < ASYNC_SINCE:
        why = "kernel before 5.15: the setting does not start a compaction"
    elif restore_path is None:
        why = "no place to note the value to restore"
    else:
        try:
            return Proactive(
                f"{root}/proc/sys/vm/compaction_proactiveness",
                restore_path,
                f"{root}/proc/sys/kernel/random/boot_id",
            )
        except OSError as error:
            why = explain(error)
        except ValueError as error:
            why = f"{restore_path!r}: {_reason(error)}"
    missing[Remedy.COMPACT_ASYNC] = why
    return None


def _reason(error: OSError | ValueError) -> str:
    """Say in few words why a file could not be opened."""
    return reason(error) if isinstance(error, OSError) else str(error).lower()
