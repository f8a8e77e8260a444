"""What this kernel offers and this process may use. Nothing is written to find out."""

import os

from oomwatchd.errors import ParseError
from oomwatchd.model import Capabilities, Kernel
from oomwatchd.procfs import pressure
from oomwatchd.system.files import read_optional

ASYNC_SINCE = (5, 15, 0)
"""Since when writing compaction_proactiveness wakes kcompactd (mm/compaction.c)."""


def find_capabilities(root: str, kernel: Kernel, *, live: bool) -> Capabilities:
    """Look what is there below `root`; for the running system, also what may be used."""
    root = root.rstrip("/")

    def usable(path: str, mode: int = os.W_OK) -> bool:
        path = f"{root}/{path}"
        # A copied tree holds placeholders with modes of its own: being there is enough.
        return os.access(path, mode, effective_ids=True) if live else os.path.exists(path)

    return Capabilities(
        compaction=usable("proc/sys/vm/compact_memory"),
        per_node_compaction=any(usable(path) for path in _node_compactors(root)),
        compact_async=(
            kernel.version is not None
            and kernel.version >= ASYNC_SINCE
            and usable("proc/sys/vm/compaction_proactiveness")
        ),
        reclaim=any(
            usable(f"sys/fs/cgroup/{path}") for path in ("memory.reclaim", "unified/memory.reclaim")
        ),
        drop_caches=usable("proc/sys/vm/drop_caches"),
        pagetypeinfo=usable("proc/pagetypeinfo", os.R_OK),
        psi=_has_pressure(root),
        kmsg=live and usable("dev/kmsg"),
    )


def _node_compactors(root: str) -> list[str]:
    """List the nodes' files for compacting one node, which only NUMA kernels have."""
    nodes = "sys/devices/system/node"
    try:
        names = os.listdir(f"{root}/{nodes}")
    except OSError:
        return []
    return [f"{nodes}/{name}/compact" for name in names if name.startswith("node")]


def _has_pressure(root: str) -> bool:
    """Whether pressure can be read; where it is switched off the file is there but fails."""
    try:
        data = read_optional(f"{root}/proc/pressure/memory")
        return data is not None and bool(pressure.parse(data))
    except ParseError:
        return False
