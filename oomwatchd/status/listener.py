"""The socket's file, and the connections that come in there."""

import os
import socket
import stat
from collections.abc import Mapping

_BACKLOG = 64
_MODE = 0o660
_FIRST_HANDED = 3
"""SD_LISTEN_FDS_START of sd_listen_fds(3)."""


class InUseError(OSError):
    """Somebody listens at the socket already."""


class Listener:
    """A listening socket; its file is taken away with it, if it was made here."""

    def __init__(self, listening: socket.socket, path: str | None) -> None:
        """Own a listening socket that does not block; `path` is its file, None if not ours."""
        self._socket = listening
        self._path = path
        self._identity = _identity(path) if path is not None else None
        self.fileno = listening.fileno

    def accept(self) -> socket.socket:
        """Take a connection.

        Raises:
            OSError: there is none, or descriptors or memory are short.
        """
        return self._socket.accept()[0]

    def close(self) -> None:
        """Stop listening and take the socket's file away."""
        self._socket.close()
        if self._path is None:
            return
        try:
            if _identity(self._path) == self._identity:
                os.unlink(self._path)
        except OSError:
            pass  # gone already, or the folder is read-only now


def listen(path: str, group_id: int | None) -> Listener:
    """Bind and listen. A stale socket at the path is replaced.

    Raises:
        InUseError: somebody listens there.
        OSError: the socket cannot be made, or something else lies at the path.
    """
    if os.path.lexists(path):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise OSError(0, "something else than a socket is there", path)
        if _is_served(path):
            raise InUseError(0, "in use by another daemon", path)
        os.unlink(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # The mode is right from the first moment, and nobody can connect before listen().
        before = os.umask(0o777 & ~_MODE)
        try:
            made.bind(path)
        finally:
            os.umask(before)
        try:
            if group_id is not None:
                os.chown(path, -1, group_id)
            made.listen(_BACKLOG)
        except OSError:
            os.unlink(path)
            raise
    except OSError:
        made.close()
        raise
    return Listener(made, path)


def handed_over(environment: Mapping[str, str]) -> Listener | None:
    """Take the socket that the service manager made for us (sd_listen_fds(3)), if it did.

    Raises:
        OSError: what was handed over is not one listening socket of the right kind.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = environment.get("LISTEN_FDS", "")
    if count in ("", "0"):
        return None
    if count != "1":
        raise OSError(0, "more than one socket was handed over")
    # The descriptor's own kind is asked for: socket() goes by it, and getsockopt() proves it.
    handed = socket.socket(fileno=_FIRST_HANDED)
    listens = handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if (handed.family, handed.type, listens) != (socket.AF_UNIX, socket.SOCK_STREAM, 1):
        handed.detach()
        raise OSError(0, "what was handed over is no listening AF_UNIX stream socket")
    handed.setblocking(False)  # noqa: FBT003 - the standard library's signature
    handed.set_inheritable(False)
    return Listener(handed, None)


def _identity(path: str) -> tuple[int, int]:
    """Give what tells this socket's file from another one at the same path."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino


def _is_served(path: str) -> bool:
    """Whether somebody listens at the socket: one without the lock, on a copied tree, may ask."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # too many are waiting, or it is not for us
    return True
