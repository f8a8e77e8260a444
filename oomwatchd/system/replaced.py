"""A file that is replaced by renaming: whoever reads it sees all of one text.

The files to be renamed are opened beforehand, so that a text or two can be written without
opening anything.
"""

import os

from oomwatchd.system.files import open_regular

_MODE = 0o644
_SPARES = 2
"""A demand becomes low, and a remedy begins."""


class ReplacedFile:
    """A text at a path, all or nothing."""

    def __init__(self, path: str, first: bytes) -> None:
        """Have it at `path`; its next text is prepared under another name there.

        Every text begins with `first`: what begins otherwise is another's.

        Raises:
            OSError: the folder cannot be written to, or another's file lies at the path.
        """
        if not _begins_so(path, first):
            raise OSError(0, "a file is there that is not oomwatchd's", path)
        self._path = path
        self._spares: dict[str, int] = {}
        """The next files by their paths, open."""
        self._written = b""
        self.prepare()

    @property
    def is_prepared(self) -> bool:
        """Whether all of the next files are open."""
        return len(self._spares) == _SPARES

    def prepare(self) -> None:
        """Open the next files, if need be; only while nothing is waited for.

        Raises:
            OSError: they cannot be made.
        """
        for path in self._spare_paths():
            if path not in self._spares:
                self._spares[path] = _made_anew(path)

    def write(self, text: bytes) -> bool:
        """Replace the text, unless it is the one there; returns whether it stands there now.

        Raises:
            OSError: the file system is full, read-only or gone.
        """
        if text == self._written:
            return True
        if not self._spares:
            return False
        path, descriptor = self._spares.popitem()
        try:
            if os.write(descriptor, text) != len(text):
                raise OSError(0, "no space left", self._path)
            os.rename(path, self._path)
        finally:
            os.close(descriptor)
        self._written = text
        return True

    def close(self) -> None:
        """Take it away: what it says is not so any more."""
        for descriptor in self._spares.values():
            os.close(descriptor)
        self._spares.clear()
        for path in (*self._spare_paths(), self._path):
            try:
                os.unlink(path)
            except OSError:
                pass  # gone already, or the folder is read-only now

    def _spare_paths(self) -> list[str]:
        folder, name = os.path.split(self._path)
        return [os.path.join(folder, f".{name}.new{number}") for number in range(_SPARES)]


def _made_anew(path: str) -> int:
    """Open a file that was not there before; what a killed daemon left there is nobody's."""
    if os.path.lexists(path):
        os.unlink(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, _MODE)
    os.fchmod(descriptor, _MODE)
    return descriptor


def _begins_so(path: str, first: bytes) -> bool:
    """Whether nothing is at the path, or a file that begins so."""
    try:
        descriptor = open_regular(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return os.read(descriptor, len(first)) == first
    finally:
        os.close(descriptor)
