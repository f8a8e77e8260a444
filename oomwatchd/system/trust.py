"""Whether a program is ours alone to change, and root's: what we run, whoever can write it is root.

Only looked at, never opened. What was found holds as long as root leaves its folders alone, since
nobody else can put something else in the place of what was seen.
"""

import os
import stat

from oomwatchd.errors import escape
from oomwatchd.system.files import reason

_MAX_LINKS = 40
"""As many symbolic links as the kernel itself follows (MAXSYMLINKS)."""
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def distrust(path: str) -> str | None:
    """Say why a program is not to be run, given by its absolute path; None where it may be.

    Of the file and of every folder on the way to it, symbolic links followed one by one, the
    owner must be root or the user that we run as, and nobody else may write to it. A sticky bit
    makes no difference: in such a folder others may still put what is not there yet.
    """
    try:
        return _distrust(path)
    except OSError as error:
        return f"{escape(error.filename or path)}: {reason(error)}"


def _distrust(path: str) -> str | None:
    """Go from the root on, name by name.

    Raises:
        OSError: something on the way cannot be looked at.
    """
    # `seen` is free of links; `names` is what is still to be gone through, the next one last.
    seen, names, links = "/", _names(path), 0
    status = os.lstat(seen)
    while names:
        if why := _fault(seen, status):
            return why
        name = names.pop()
        following = os.path.join(seen, name)
        status = os.lstat(following)  # also of "..", which has been looked at, and of "."
        if not stat.S_ISLNK(status.st_mode):
            seen = {".": seen, "..": os.path.dirname(seen)}.get(name, following)
            continue
        links += 1
        if links > _MAX_LINKS:
            return f"{escape(path)}: too many symbolic links"
        target = os.readlink(following)
        names += _names(target)
        seen = "/" if target.startswith("/") else seen
        status = os.lstat(seen)
    if not stat.S_ISREG(status.st_mode):
        return f"{escape(seen)}: not a regular file"
    if why := _fault(seen, status):
        return why
    # Not by the mode alone: the file system may be mounted noexec.
    return None if os.access(seen, os.X_OK) else f"{escape(seen)}: not executable"


def _names(path: str) -> list[str]:
    """Split a path into its names, the first one last; a slash at the end asks for a folder."""
    return [name or "." for name in reversed(path.split("/"))]


def _fault(path: str, status: os.stat_result) -> str | None:
    """Say who else may change a file, or what lies in a folder; None where nobody may."""
    if status.st_uid not in (0, os.geteuid()):
        return f"{escape(path)}: belongs to uid {status.st_uid}"
    if status.st_mode & _OTHERS:
        return f"{escape(path)}: others than its owner may write to it"
    return None
