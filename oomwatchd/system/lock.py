"""One daemon at a time: an exclusive lock on a file beside the socket."""

import fcntl
import os

from oomwatchd.errors import BusyError

_MODE = 0o600


def take_lock(path: str) -> int:
    """Take the lock and write our pid into the file; returns its descriptor.

    The lock goes with the process, however it ends.

    Raises:
        BusyError: another process holds it.
        OSError: the file cannot be made.
    """
    # Not readable by others: flock() asks for no more than a descriptor to hold it against us.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    try:
        os.fchmod(descriptor, _MODE)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 16, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise BusyError(f"oomwatchd: already running (pid {holder or '?'}, {path})") from None
    except OSError:
        os.close(descriptor)
        raise
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError:
        pass  # the disk is full: the lock holds without our number in it
    return descriptor


def release_lock(descriptor: int) -> None:
    """Release the lock at once, whatever threads are still alive."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
