"""Process groups: who belongs to one, and telling all of it something."""

import os


def members(leader: int, proc: str = "/proc") -> set[int]:
    """List the processes of a group, ended ones that nobody has waited for among them.

    Nothing is opened but the list of all processes.
    """
    try:
        pids = [int(name) for name in os.listdir(proc) if name.isdecimal()]
    except OSError:
        return set()
    return {pid for pid in pids if _is_of(leader, pid)}


def send(leader: int, number: int) -> None:
    """Send a signal to a group, or to its leader alone if that has left it; never raises."""
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        _send_alone(leader, number)
    except OSError:
        pass  # they have become another user's


def _send_alone(pid: int, number: int) -> None:
    """Send a signal to one process."""
    try:
        os.kill(pid, number)
    except OSError:
        pass  # as above, or it has ended


def _is_of(leader: int, pid: int) -> bool:
    """Whether a process is of a group."""
    try:
        return os.getpgid(pid) == leader
    except OSError:
        return False  # it has ended
