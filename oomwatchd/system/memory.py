"""Keeping our own memory: a page that was given up may not come back in a shortage."""

import errno
import gc
import os
from collections.abc import Callable

from oomwatchd.errors import escape
from oomwatchd.system.files import read_optional

_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
_SHIFTED_MACHINES = ("ppc", "sparc", "alpha")
_SHIFT = 13
"""There the flags begin at 0x2000 (arch/*/include/uapi/asm/mman.h)."""
_CAP_IPC_LOCK = 1 << 14


def lock_memory(root: str = "/") -> str | None:
    """Lock what we have in memory and what will come, with mlockall(2).

    Since 4.4 pages are locked as they are touched. Before, everything is fetched at once,
    thread stacks whole: make them small.

    Returns:
        None when it is so, else why not.
    """
    if limit := _limit(root):
        return limit
    try:
        mlockall = _find_mlockall()
    # AttributeError and TypeError: a Python that has changed below ctypes.
    except (ImportError, OSError, MemoryError, AttributeError, TypeError) as error:
        return f"mlockall cannot be called: {escape(str(error))}"
    shift = _SHIFT if os.uname().machine.startswith(_SHIFTED_MACHINES) else 0
    failure = mlockall((_CURRENT | _FUTURE | _ON_FAULT) << shift)
    if failure == errno.EINVAL:
        failure = mlockall((_CURRENT | _FUTURE) << shift)
    return f"mlockall: {os.strerror(failure).lower()}" if failure else None


def freeze_garbage() -> None:
    """Collect garbage, and have the collector pass over all that is left from now on."""
    gc.collect()
    gc.freeze()


def collect_garbage() -> None:
    """Collect what came since; cheap, as it passes over all that was frozen.

    Not so much for garbage: of tuples of each length CPython keeps up to 2,000 for later, and
    those that are made from an iterator (as by `_replace`) are never taken from there, only
    given back to it. A whole collection empties these lists.
    """
    gc.collect()


def _limit(root: str) -> str | None:
    """Say how much may be locked, if that is limited.

    mlockall itself would succeed below the limit, but then every allocation past it fails:
    to be locked would be what kills us.
    """
    own = f"{root.rstrip('/')}/proc/self"
    status = _field(read_optional(f"{own}/status"), b"CapEff:")
    try:
        if status is not None and int(status[0], 16) & _CAP_IPC_LOCK:
            return None
    except ValueError:
        pass  # not as any kernel prints it: the limit decides
    limits = _field(read_optional(f"{own}/limits"), b"Max locked memory")
    if limits is None or limits[0] == b"unlimited":
        return None  # unreadable: mlockall will tell
    return f"no CAP_IPC_LOCK, and locked memory is limited to {escape(limits[0].decode('latin-1'))}"


def _field(text: bytes | None, name: bytes) -> list[bytes] | None:
    """Find the words after a line's name; None where there are none."""
    for line in (text or b"").splitlines():
        if line.startswith(name):
            return line[len(name) :].split() or None
    return None


def _find_mlockall() -> Callable[[int], int]:
    """Find the C library's function, wrapped to return 0 or the error number.

    Not by way of ctypes: on ARM it takes 144 KiB of anonymous memory for good, even if it is
    dropped again, where the module below it takes 36.

    Raises:
        ImportError: Python was installed without ctypes.
        OSError: the C library has no such function.
    """
    import _ctypes  # noqa: PLC0415 - resident only where memory is locked

    class Result(_ctypes._SimpleCData):  # type: ignore[type-arg] # noqa: SLF001 - see above
        _type_ = "i"

    class Function(_ctypes.CFuncPtr):
        _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
        _restype_ = Result

    loaded = _ctypes.dlopen(None, 0)  # type: ignore[arg-type] # whatever libc we run on
    function = Function(_ctypes.dlsym(loaded, "mlockall"))

    def mlockall(flags: int) -> int:
        return _ctypes.get_errno() if function(flags) else 0

    return mlockall
