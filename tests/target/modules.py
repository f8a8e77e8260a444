"""Modules of a kernel package and what they depend on.

A package has no modules.dep (that is made when it is installed), but every module names in its
.modinfo section what it needs.
"""

import lzma
import re
from collections.abc import Iterable
from pathlib import Path


class Modules:
    """All modules of one kernel's unpacked package."""

    def __init__(self, root: Path) -> None:
        """Index the modules by name: `-` and `_` are the same in it."""
        self._files = {
            file.name.partition(".")[0].replace("-", "_"): file
            for pattern in ("*.ko", "*.ko.xz")
            for file in root.rglob(pattern)
        }

    def closure(self, names: Iterable[str]) -> dict[str, bytes]:
        """Give the modules and what they need, in the order in which they can be loaded.

        A name that is unknown is built into this kernel.
        """
        found: dict[str, bytes] = {}
        for name in names:
            key = name.replace("-", "_")
            if key in found or key not in self._files:
                continue
            data = _contents(self._files[key])
            needs = re.search(rb"\0depends=([^\0]*)\0", data)
            inner = self.closure((needs[1] if needs else b"").decode().split(","))
            found.update((one, inner[one]) for one in inner if one not in found)
            found[key] = data
        return found


def _contents(file: Path) -> bytes:
    data = file.read_bytes()
    return lzma.decompress(data) if file.suffix == ".xz" else data
