"""The daemon's place in the file system: folder, lock and socket. Without one it still watches."""

import grp
import os
import select
from typing import NamedTuple

from oomwatchd.errors import BusyError
from oomwatchd.model import Problem
from oomwatchd.settings import SocketSettings
from oomwatchd.status.paths import default_path
from oomwatchd.status.server import InUseError, Server
from oomwatchd.system.files import reason
from oomwatchd.system.lock import release_lock, take_lock


class Place(NamedTuple):
    """What could be had; the rest is in `problems`."""

    folder: str
    """Where the lock, the socket and what outlives the daemon lie."""
    lock: int | None
    server: Server | None
    problems: tuple[Problem, ...]


def settle(settings: SocketSettings, *, copied: bool, epoll: select.epoll) -> Place:
    """Take the lock and open the socket.

    A daemon on a copied tree takes no lock, and a socket only where one is configured.

    Raises:
        BusyError: another daemon holds the lock.
    """
    path = settings.path or (None if copied else default_path())
    if path is None:
        why = "no XDG_RUNTIME_DIR for a socket of this user"
        return Place("", None, None, () if copied else (Problem("socket", why),))
    problems: list[Problem] = []
    lock = server = None
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        if not copied:
            lock = take_lock(os.path.join(folder, "lock"))
    except OSError as error:
        problems.append(Problem("lock", f"{error.filename or path}: {reason(error)}"))
        # Without the lock another daemon's socket might be pushed aside.
        return Place(
            folder, None, None, (*problems, Problem("socket", "not served without the lock"))
        )
    try:
        server = Server(path, _group_id(settings.group, problems), epoll)
    except InUseError:
        if lock is not None:
            # Somebody took the lock's file away from under the other daemon.
            release_lock(lock)
            raise BusyError(f"oomwatchd: already running (it answers at {path})") from None
        problems.append(Problem("socket", f"{path}: in use by another daemon"))
    except OSError as error:
        problems.append(Problem("socket", f"{path}: {reason(error)}"))
    return Place(folder, lock, server, tuple(problems))


def _group_id(group: str | None, problems: list[Problem]) -> int | None:
    """Look up the socket's group."""
    if group is None:
        return None
    if group.isdecimal():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        problems.append(Problem("socket", f'no group "{group}": the socket is root\'s own'))
        return None
