"""The largest processes, read without taking a lock of any of them.

psutil lists the processes and reads statm; the name comes from `comm`, because psutil completes
long names from `cmdline`, which takes the process's memory lock.
"""

from oomwatchd.model import Process
from oomwatchd.system.files import read_optional

_SHOWN = 10


def largest_processes() -> tuple[Process, ...]:
    """Give the ten largest by resident memory, largest first; () where psutil is missing."""
    try:
        import psutil  # noqa: PLC0415 - resident memory: only where evidence is asked for
    except ImportError:
        return ()
    sizes: list[tuple[int, int, int]] = []
    for process in psutil.process_iter():
        try:
            memory = process.memory_info()
        except psutil.Error:
            continue  # it has ended meanwhile, or hides from us
        sizes.append((memory.rss, memory.shared, process.pid))
    sizes.sort(reverse=True)
    return tuple(
        Process(pid, _name(pid), rss // 1024, shared // 1024, _oom_score_adj(pid))
        for rss, shared, pid in sizes[:_SHOWN]
    )


def _name(pid: int) -> str:
    """Read the name: up to 15 bytes of anything that the process chose."""
    name = read_optional(f"/proc/{pid}/comm") or b""
    return name.rstrip(b"\n").decode("utf-8", "backslashreplace")


def _oom_score_adj(pid: int) -> int | None:
    text = (read_optional(f"/proc/{pid}/oom_score_adj") or b"").strip()
    return int(text) if text.removeprefix(b"-").isdigit() else None
