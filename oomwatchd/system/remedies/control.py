"""A file by which the kernel is told to do something: opened once, written again and again."""

import os

from oomwatchd.system.files import open_regular, reason

_MAX_REASON = 200


class Control:
    """A regular file that is written, and read where it was opened so, at offset 0.

    At offset 0, because since 4.5 what is written to a sysctl further on is ignored.
    """

    def __init__(self, path: str, flags: int = os.O_WRONLY) -> None:
        """Open the file; O_CREAT among the flags makes it, for its owner alone.

        Raises:
            OSError: it cannot be opened, or is not a regular file.
            ValueError: there is a null byte in the path.
        """
        self.path = path
        self._descriptor = open_regular(path, flags)

    def write(self, text: bytes) -> None:
        """Write; whatever the kernel returns above 0 is success.

        Before 3.7 compact_memory returns 3 whatever was written. A buffered file of Python's
        would take that for an error, or write again.

        Raises:
            OSError: the kernel refuses; it carries the path.
        """
        try:
            written = os.pwrite(self._descriptor, text, 0)
        except OSError as error:
            raise self._named(error) from None
        if written <= 0:
            raise OSError(0, "nothing was written", self.path)

    def read(self, length: int) -> bytes:
        """Read the beginning, at most `length` bytes, for which the kernel takes as many.

        Raises:
            OSError: it cannot be read; it carries the path.
        """
        try:
            return os.pread(self._descriptor, length, 0)
        except OSError as error:
            raise self._named(error) from None

    def cut(self, length: int) -> None:
        """Cut the file off after so many bytes.

        Raises:
            OSError: that cannot be; it carries the path.
        """
        try:
            os.ftruncate(self._descriptor, length)
        except OSError as error:
            raise self._named(error) from None

    def close(self) -> None:
        """Close the file; using it is an error from then on."""
        os.close(self._descriptor)

    def _named(self, error: OSError) -> OSError:
        """Give the error with the path: a descriptor's errors do not have it."""
        return OSError(error.errno, error.strerror or str(error), self.path)


def explain(error: BaseException) -> str:
    """Say in one short line what failed: "<path>: <reason>" where a file is at fault."""
    if isinstance(error, MemoryError):
        return "out of memory"  # nothing that would have to be made first
    if isinstance(error, OSError):
        return f"{error.filename}: {reason(error)}" if error.filename else reason(error)
    return f"{type(error).__name__}: {error}".lower().replace("\n", " ")[:_MAX_REASON]
