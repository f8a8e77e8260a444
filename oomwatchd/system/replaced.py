"""A file that is replaced by renaming: whoever reads it sees all of one text.

The file to be renamed is opened beforehand, so that a text can be written without opening
anything.
"""

import os

from oomwatchd.system.files import open_regular

_MODE = 0o644


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
        self._spare_path = f"{path}.new"
        self._spare: int | None = None
        self._written = b""
        self.prepare()

    def prepare(self) -> None:
        """Open the next file, if need be; only while nothing is waited for.

        Raises:
            OSError: it cannot be made.
        """
        if self._spare is None:
            # What a killed daemon left there is nobody's.
            if os.path.lexists(self._spare_path):
                os.unlink(self._spare_path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            self._spare = os.open(self._spare_path, flags, _MODE)
            os.fchmod(self._spare, _MODE)

    def write(self, text: bytes) -> bool:
        """Replace the text, unless it is the one there; returns whether it stands there now.

        Raises:
            OSError: the file system is full, read-only or gone.
        """
        if text == self._written:
            return True
        if self._spare is None:
            return False
        descriptor, self._spare = self._spare, None
        try:
            if os.write(descriptor, text) != len(text):
                raise OSError(0, "no space left", self._path)
            os.rename(self._spare_path, self._path)
        finally:
            os.close(descriptor)
        self._written = text
        return True

    def close(self) -> None:
        """Take it away: what it says is not so any more."""
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        for path in (self._spare_path, self._path):
            try:
                os.unlink(path)
            except OSError:
                pass  # gone already, or the folder is read-only now


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
