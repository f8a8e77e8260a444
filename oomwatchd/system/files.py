"""Reading kernel files: bounded, never blocking, whatever lies at the path."""

import os
import stat

_MODE = 0o600
_PART_BYTES = 16 * 1024
_TINY_BYTES = 128
_MAX_BYTES = 16 * 1024 * 1024
"""More than zoneinfo of the largest machine; a file beyond it is not one of the kernel's."""


def open_regular(path: str, flags: int) -> int:
    """Open a regular file, and give its descriptor; O_CREAT makes it for its owner alone.

    Raises:
        OSError: it cannot be opened, or is not a regular file.
        ValueError: there is a null byte in the path.
    """
    # O_NONBLOCK: a FIFO there would else hold the open until somebody comes to the other end.
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, _MODE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not a regular file", path)
    return descriptor


class KernelFile:
    """A file that is opened once and read again and again from its beginning.

    `pread` at offset 0 makes the kernel write the text anew. Opening once spares the kernel
    the growing of its buffer, which on kernels before 3.16 takes several neighbouring pages.
    """

    def __init__(self, path: str, *, single_record: bool = False) -> None:
        """Open the file.

        To the kernel some are a single record (fs/seq_file.c, single_open()), of which a read
        gives all that fits: no second one is needed to prove the end.

        Raises:
            OSError: it cannot be opened, or is not a regular file.
        """
        self.path = path
        self._single_record = single_record
        self.descriptor = open_regular(path, os.O_RDONLY)

    def read(self) -> bytes:
        """Read the whole text.

        Raises:
            OSError: it cannot be read, or does not end.
        """
        parts: list[bytes] = []
        length = 0
        # One read gives whole records only as far as the kernel's buffer goes: ask on.
        while part := os.pread(self.descriptor, _PART_BYTES, length):
            parts.append(part)
            length += len(part)
            if length > _MAX_BYTES:
                raise OSError(0, f"larger than {_MAX_BYTES} bytes", self.path)
            if self._single_record and len(part) < _PART_BYTES:
                break
        return b"".join(parts)

    def close(self) -> None:
        """Close the file; reading it is an error from then on."""
        os.close(self.descriptor)


def read_file(path: str) -> bytes:
    """Read a file once.

    Raises:
        OSError: it cannot be opened or read, is not a regular file, or does not end.
    """
    file = KernelFile(path)
    try:
        return file.read()
    finally:
        file.close()


def read_optional(path: str) -> bytes | None:
    """Read a file once; None where it cannot be."""
    try:
        return read_file(path)
    except OSError:
        return None


def read_tiny(path: str) -> bytes | None:
    """Read a file of a few bytes, such as one below /proc/sys; None where it cannot be.

    For those the kernel allocates as much as is asked for (fs/proc/proc_sysctl.c, 5.8 on).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        return os.read(descriptor, _TINY_BYTES)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def reason(error: OSError) -> str:
    """Say in few words why a file could not be had."""
    return (error.strerror or str(error)).lower()
