"""The daemon's place in the file system: folder, lock and socket. Without one it still watches."""

import grp
import os
import select
import stat
from typing import NamedTuple

from oomwatchd.errors import BusyError
from oomwatchd.model import Problem
from oomwatchd.settings import SocketSettings
from oomwatchd.status.control import Control
from oomwatchd.status.listener import InUseError, handed_over, listen
from oomwatchd.status.paths import default_path
from oomwatchd.status.server import Server
from oomwatchd.system.files import reason
from oomwatchd.system.lock import release_lock, take_lock
from oomwatchd.system.replaced import ReplacedFile


class Place(NamedTuple):
    """What could be had; the rest is in `problems`."""

    folder: str
    """Where the lock, the socket and what outlives the daemon lie."""
    lock: int | None
    server: Server | None
    problems: tuple[Problem, ...]
    control: Control | None = None
    status_file: ReplacedFile | None = None

    def leave(self) -> None:
        """Take everything away that says that we are here; the lock goes last."""
        for part in (self.server, self.control, self.status_file):
            if part is not None:
                part.close()
        if self.lock is not None:
            release_lock(self.lock)


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
        _make_folder(folder)
        if not copied:
            lock = take_lock(_lock_path(path))
    except OSError as error:
        problems.append(Problem("lock", f"{error.filename or path}: {reason(error)}"))
        # Without the lock another daemon's socket might be pushed aside.
        return Place(
            folder, None, None, (*problems, Problem("socket", "not served without the lock"))
        )
    try:
        group_ids = (
            _group_id(settings.group, problems),
            _group_id(settings.control_group, problems),
        )
        listener = handed_over(os.environ) or listen(path, group_ids[0])
        server = Server(listener, epoll, group_ids[1])
    except InUseError:
        if lock is not None:
            # Somebody took the lock's file away from under the other daemon.
            release_lock(lock)
            raise BusyError(f"oomwatchd: already running (it answers at {path})") from None
        problems.append(Problem("socket", f"{path}: in use by another daemon"))
    except OSError as error:
        problems.append(Problem("socket", f"{path}: {reason(error)}"))
    place = Place(folder, lock, server, tuple(problems))
    return _furnished(place, epoll) if server is not None else place


def _furnished(place: Place, epoll: select.epoll) -> Place:
    """Add what lies beside the socket: the status file, and for root the control FIFO."""
    problems = list(place.problems)
    status_file = control = None
    try:
        status_file = ReplacedFile(os.path.join(place.folder, "status"), b"schema=")
    except OSError as error:
        problems.append(Problem("status_file", f"{error.filename}: {reason(error)}"))
    if place.lock is not None and os.geteuid() == 0:
        try:
            control = Control(os.path.join(place.folder, "control"))
            epoll.register(control.fileno(), select.EPOLLIN)
        except OSError as error:
            problems.append(Problem("control", f"{error.filename}: {reason(error)}"))
    return place._replace(problems=tuple(problems), control=control, status_file=status_file)


def _make_folder(folder: str) -> None:
    """Make the folder, and see that nobody else can put files there for us to trust.

    Raises:
        OSError: it cannot be made, or others may write there.
    """
    before = os.umask(0o022)
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
    finally:
        os.umask(before)
    status = os.stat(folder)
    of_others = status.st_uid not in (0, os.geteuid())
    if of_others or status.st_mode & stat.S_IWOTH:
        raise OSError(0, "others may write there: choose a folder of its own", folder)


def _lock_path(path: str) -> str:
    """Give the lock's path beside the socket; /run itself has a folder of that name."""
    usual = os.path.join(os.path.dirname(path), "lock")
    return f"{path}.lock" if os.path.isdir(usual) else usual


def _group_id(group: str | None, problems: list[Problem]) -> int | None:
    """Look up a group by name or number."""
    if group is None:
        return None
    if group.isdecimal():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        problems.append(Problem("socket", f'no group "{group}": root alone has its rights'))
        return None
