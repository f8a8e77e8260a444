"""The largest processes, read without taking a lock of any of them.

psutil lists the processes and reads statm; the name comes from `comm`, because psutil completes
long names from `cmdline`, which takes the process's memory lock.
"""

from types import ModuleType

from oomwatchd.lean import import_lean
from oomwatchd.model import Process
from oomwatchd.system.files import read_optional

_SHOWN = 10
_UNUSED = ("subprocess", "datetime", "base64", "glob", "shutil", "traceback", "locale")
"""What psutil imports, and lists no process by."""


class Processes:
    """Lists processes. Made at start: later there may be no memory for an import."""

    def __init__(self) -> None:
        """Import psutil where it is installed."""
        self._psutil = _import_psutil()

    def largest(self) -> tuple[Process, ...]:
        """Give the ten largest by resident memory, largest first; () where that cannot be had."""
        if self._psutil is None:
            return ()
        try:
            return self._largest(self._psutil)
        except (OSError, MemoryError):
            return ()  # descriptors or memory are short: evidence is not worth dying for

    @staticmethod
    def _largest(psutil: ModuleType) -> tuple[Process, ...]:
        sizes: list[tuple[int, int, int]] = []
        for process in psutil.process_iter():
            try:
                memory = process.memory_info()
            except psutil.Error:
                continue  # it has ended meanwhile, or hides from us
            if memory.rss:  # threads of the kernel, and what has ended, have nothing
                sizes.append((memory.rss, memory.shared, process.pid))
        sizes.sort(reverse=True)
        return tuple(
            Process(pid, _name(pid), rss // 1024, shared // 1024, _oom_score_adj(pid))
            for rss, shared, pid in sizes[:_SHOWN]
        )


def _import_psutil() -> ModuleType | None:
    """Import psutil; None where it is not installed."""
    try:
        module: ModuleType = import_lean("psutil", _UNUSED)
    except ImportError:
        return None
    return module


def _name(pid: int) -> str:
    """Read the name: up to 15 bytes of anything that the process chose."""
    name = read_optional(f"/proc/{pid}/comm") or b""
    return name.rstrip(b"\n").decode("utf-8", "backslashreplace")


def _oom_score_adj(pid: int) -> int | None:
    text = (read_optional(f"/proc/{pid}/oom_score_adj") or b"").strip()
    return int(text) if text.removeprefix(b"-").isdigit() else None
