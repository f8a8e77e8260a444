"""cpio archives in the "newc" format, which the kernel unpacks into its root file system.

Documentation/driver-api/early-userspace/buffer-format.rst. Written here, because a cpio tool
cannot make device nodes and files of root without being root.
"""

import gzip
import os
import stat


class Archive:
    """An archive that grows in memory."""

    def __init__(self) -> None:
        """Start without entries."""
        self._parts: list[bytes] = []
        self._known: set[str] = set()

    def _entry(
        self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)
    ) -> None:
        if name in self._known:
            return
        self._known.add(name)
        raw = name.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (len(self._known), mode, 0, 0, links, 0, len(data), 0, 0, *device, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + raw
        self._parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def directory(self, name: str) -> None:
        """Add a directory and those above it."""
        if name:
            self.directory(os.path.dirname(name))
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Add a regular file."""
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name: str, major: int, minor: int) -> None:
        """Add a character device."""
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def plain(self) -> bytes:
        """Give the finished archive."""
        tail = Archive()
        tail._entry("TRAILER!!!", 0)
        return b"".join(self._parts + tail._parts)

    def packed(self) -> bytes:
        """Give the finished archive, compressed."""
        return gzip.compress(self.plain(), 1, mtime=0)
