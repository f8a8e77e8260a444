"""Who belongs to a process group."""

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


def _is_of(leader: int, pid: int) -> bool:
    """Whether a process is of a group."""
    try:
        return os.getpgid(pid) == leader
    except OSError:
        return False  # it has ended
