"""Whom the OOM killer takes: oom_score_adj (Documentation/filesystems/proc.rst)."""

import os

from oomwatchd.system.files import read_file, read_tiny, reason
from oomwatchd.system.group import members

_NORMAL = -900
_NEVER = -1000
"""Never killed at all. Needed where the kernel kills whoever allocates, whatever its score."""
_ROUNDS = 8
"""What is started while others are looked for is found the next time."""


def protect(value: int | None, root: str = "/") -> str | None:
    """Set our score to `value` (-1000 to 1000), or to a low one if it is higher.

    Returns:
        None when it is so, read back; else why not.
    """
    proc = f"{root.rstrip('/')}/proc"
    wanted = _default(proc) if value is None else value
    name = "oom_score_adj"
    if not os.path.exists(f"{proc}/self/{name}"):
        name, wanted = "oom_adj", _old_scale(wanted)  # before 2.6.36
    path = f"{proc}/self/{name}"
    try:
        before = _number(path)
        if before == wanted or (value is None and before is not None and before < wanted):
            return None  # whoever started us has seen to it
        _write(path, wanted)
        after = _number(path)
    except OSError as error:
        return f"{name}: {reason(error)}"
    if after != wanted:
        found = "no number" if after is None else after
        return f"{name}: reads {found} after {wanted} was written"
    return None


def expose(leader: int, proc: str = "/proc") -> str | None:
    """Take our score off a process that we have started, and off all of its group.

    It has started others with that score if it came to that before us.

    Returns:
        None when it is so, else why not; what has ended is no fault.
    """
    why, exposed = None, set[int]()
    found = {leader}
    for _ in range(_ROUNDS):
        for pid in found:
            path = f"{proc}/{pid}/oom_score_adj"
            try:
                if (_number(path) or 0) < 0:
                    _write(path, 0)
                elif pid == leader:
                    return None  # there is nothing that could have been handed on
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has ended
            except OSError as error:
                why = f"oom_score_adj: {reason(error)}"
        exposed |= found
        found = members(leader, proc) - exposed
        if not found:
            break
    return why


def _default(proc: str) -> int:
    """Choose a score by whom the kernel kills."""
    whoever_allocates = read_tiny(f"{proc}/sys/vm/oom_kill_allocating_task")
    return _NORMAL if (whoever_allocates or b"0").strip() == b"0" else _NEVER


def _old_scale(value: int) -> int:
    """Convert to oom_adj: -17 is never, else -16 to 15."""
    if value <= _NEVER:
        return -17
    return max(-16, value * 17 // 1000) if value < 0 else value * 15 // 1000


def _number(path: str) -> int | None:
    """Read a number; None where there is something else.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return int(read_file(path))
    except ValueError:
        return None


def _write(path: str, value: int) -> None:
    """Write a number.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_TRUNC)
    try:
        os.write(descriptor, b"%d\n" % value)
    finally:
        os.close(descriptor)
