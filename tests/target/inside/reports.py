"""Has the kernel kill, or refuse a block and say so; keeps its words and the state right before.

Arguments: the situation, and the form in which the log is kept. In /out lie `log` (but where the
form is "console": that one is the host's) and `truth/`, what four files of /proc said before.
"""

import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from target.inside.device import kills
from target.inside.proof import groups
from target.inside.seed import take_large_blocks
from target.inside.states import Anonymous, Pipes, free_pages, quiet
from target.inside.tools import Probe, write

FILES = ("buddyinfo", "zoneinfo", "pagetypeinfo", "meminfo")
_ROOM = 1 << 16
_LEFT_PAGES = 1600
_MOST_STARTS = 2000
_VICTIMS = 3
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 60.0
_GROUP = Path("/sys/fs/cgroup/camera")
_LIMIT = "24M"
_NAME = "camera feed: 0"
"""Names may have blanks and colons."""
_ORDER = 4
_SHELL = """\
echo 0 >/proc/self/oom_score_adj
while read go; do sleep 999 </dev/null >/dev/null & echo; done"""
_SEED = 1
_PART = 0.5


class Truth:
    """The last state that was looked at, in memory that is shared with children.

    Looking takes no memory: what is about to fail must not fail because of it.
    """

    def __init__(self) -> None:
        """Open the files, and rehearse."""
        flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        self._room = mmap.mmap(-1, _ROOM * len(FILES), flags)
        view = memoryview(self._room)
        self._views = [[view[at * _ROOM : (at + 1) * _ROOM]] for at in range(len(FILES))]
        self._files = [os.open(f"/proc/{name}", os.O_RDONLY) for name in FILES]
        for _ in range(3):
            self.look()

    def look(self) -> None:
        """Look now."""
        for file, (view,) in zip(self._files, self._views, strict=True):
            view[os.preadv(file, [view], 0)] = 0

    def write(self, folder: Path) -> None:
        """Write what was seen into a directory."""
        folder.mkdir()
        for name, (view,) in zip(FILES, self._views, strict=True):
            (folder / name).write_bytes(bytes(view).partition(b"\0")[0])


class Starter:
    """A shell that starts processes that stay; it is there before memory is in pieces."""

    def __init__(self) -> None:
        """Start it, and some victims."""
        command = ["sh", "-c", _SHELL]
        self._shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(_VICTIMS):
            self._start()

    def _start(self) -> bool:
        assert self._shell.stdin
        assert self._shell.stdout
        os.write(self._shell.stdin.fileno(), b"\n")
        return bool(os.read(self._shell.stdout.fileno(), 1))

    def go_on(self, truth: Truth) -> None:
        """Start more, until the kernel kills."""
        for _ in range(_MOST_STARTS):
            truth.look()
            could = self._start()
            time.sleep(_LOOK_SECONDS)
            if kills() or not could:
                break


@contextmanager
def _victim(name: str = _NAME) -> Iterator[bool]:
    """Split off a process that may be killed; says whether this is it."""
    child = os.fork()
    if child:
        yield False
        os.waitpid(child, 0)
        return
    Path("/proc/self/oom_score_adj").write_text("0")
    Path("/proc/self/comm").write_text(name)
    yield True
    os._exit(0)


def _take_memory(truth: Truth) -> None:
    """Take all there is."""
    memory = Anonymous()
    while True:
        truth.look()
        memory.take(256)


def _break_up(probe: Probe) -> None:
    """Leave half of memory, in pieces; the large ones of them are taken."""
    probe.hold("kernel", 0, probe.take("kernel", 0).came - _LEFT_PAGES)
    probe.scatter(_SEED, _PART)
    for _ in range(3):
        # What lies on per-CPU lists may complete another block.
        probe.drain()
        probe.hold("kernel", _ORDER, 1 << 20)


def _ask(truth: Truth, probe: Probe, kind: str) -> None:
    probe.drain()
    truth.look()
    assert probe.take(kind, _ORDER, 1).came == 0


def unmovable(truth: Truth) -> None:
    """Pipes fill, two of three pages are given back, the large blocks go, processes start."""
    starter = Starter()
    memory = Pipes(sets=3)
    while free_pages() > _LEFT_PAGES:
        memory.take(_LEFT_PAGES // 4)
    memory.drain(number=0)
    memory.drain(number=1)
    rings = take_large_blocks()
    starter.go_on(truth)
    memory.close()
    for ends in rings:
        for end in ends:
            os.close(end)


def driver(truth: Truth) -> None:
    """A driver that cannot wait asks for a block while memory is in small pieces."""
    probe = Probe()
    _break_up(probe)
    _ask(truth, probe, "reported")
    probe.release()


def insisting_driver(truth: Truth) -> None:
    """A driver asks for a block of four pages, and the kernel kills for it."""
    probe = Probe()
    _break_up(probe)
    for order in (3, 2):
        probe.hold("kernel", order, 1 << 20)
    with _victim("insmod") as here:
        if here:
            probe.drain()
            truth.look()
            probe.take("reported_kernel", 2)
    probe.release()


def sleeping_driver(truth: Truth) -> None:
    """One asks that can wait: reclaim and compaction are tried."""
    probe = Probe()
    _break_up(probe)
    _ask(truth, probe, "reported_noretry")
    probe.release()


def highatomic(truth: Truth) -> None:
    """The same, but a burst before has made a pageblock HighAtomic, and that one is free."""
    probe = Probe()
    # Only below the low mark are pageblocks set aside; the last one is not given up again.
    probe.hold("kernel", 0, probe.take("kernel", 0).came)
    probe.hold("driver", _ORDER, 1)
    probe.release()
    _break_up(probe)
    _ask(truth, probe, "reported_noretry")
    probe.release()


def shortage(truth: Truth) -> None:
    """A program takes all memory."""
    with _victim() as here:
        if here:
            _take_memory(truth)


def split_name(truth: Truth) -> None:
    """The same, and the program's name has a line feed in it."""
    with _victim("camera\nfeed: 0") as here:
        if here:
            _take_memory(truth)


def cgroup(truth: Truth) -> None:
    """A program takes more than its control group may have."""
    groups.mount()
    Path("/sys/fs/cgroup/cgroup.subtree_control").write_text("+memory")
    _GROUP.mkdir()
    (_GROUP / "memory.max").write_text(_LIMIT)
    with _victim("worker 1") as here:
        if here:
            (_GROUP / "cgroup.procs").write_text(str(os.getpid()))
            _take_memory(truth)


def lowmem(truth: Truth) -> None:
    """Drivers hold what the kernel can use for itself; HighMem is free; processes start."""
    probe, starter = Probe(), Starter()
    probe.hold("kernel", 0, probe.take("kernel", 0).came - _LEFT_PAGES)
    starter.go_on(truth)
    probe.release()


def lowmem_in_pieces(truth: Truth) -> None:
    """What the kernel can use for itself is in pieces; HighMem is free; processes start."""
    probe, starter = Probe(), Starter()
    _break_up(probe)
    for order in (3, 2):
        probe.hold("kernel", order, max(0, probe.take("kernel", order).came - 20))
    starter.go_on(truth)
    probe.release()


def boost(truth: Truth) -> None:
    """Blocks of all sizes are left, above the mark, but not above the mark with its boost."""
    probe = Probe()
    memory = Anonymous()
    memory.take(free_pages() // 2)
    memory.give_back(2)
    write("/proc/sys/vm/watermark_boost_factor", 15000)
    # Falling back to the pageblocks of another type is what boosts.
    probe.take("kernel", 0)
    probe.hold("kernel", 0, probe.take("kernel", 0).came)
    probe.hold("atomic", 0, max(0, free_pages() - 700))
    _ask(truth, probe, "reported")
    probe.release()
    memory.close()


def requested(truth: Truth) -> None:
    """Somebody asks for a kill, with memory free."""
    script = "echo 500 >/proc/self/oom_score_adj; exec sleep 999"
    victim = subprocess.Popen(["sh", "-c", script])
    time.sleep(1)
    truth.look()
    Path("/proc/sysrq-trigger").write_text("f")
    victim.wait(_PATIENCE_SECONDS)


SITUATIONS: dict[str, Callable[[Truth], None]] = {
    do.__name__.replace("_", "-"): do
    for do in (
        *(unmovable, driver, insisting_driver, sleeping_driver, highatomic, shortage, split_name),
        *(cgroup, lowmem, lowmem_in_pieces, boost, requested),
    )
}


def _records() -> list[bytes]:
    """Read all that the kernel has said, a record each."""
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    records: list[bytes] = []
    while True:
        try:
            records.append(os.read(log, 8192))
        except BlockingIOError:
            return records


def _dmesg(*words: str) -> bytes:
    return subprocess.run(["dmesg", *words], check=True, capture_output=True).stdout


FORMS: dict[str, Callable[[], bytes]] = {
    "kmsg": lambda: b"".join(_records()),
    "dmesg": lambda: _dmesg("-s", "1000000"),
    "dmesg-r": lambda: _dmesg("-r", "-s", "1000000"),
    "syslog": lambda: Path("/run/messages").read_bytes(),
    "console": lambda: b"",
}


def main() -> None:
    """Bring one about, and keep what was said."""
    situation, form = sys.argv[1:]
    quiet()
    if form == "syslog":
        subprocess.run(["syslogd", "-O", "/run/messages"], check=True)
        subprocess.run(["klogd"], check=True)
        time.sleep(1)
    truth = Truth()
    Path("/proc/self/oom_score_adj").write_text("-1000")
    before = len(_records())
    SITUATIONS[situation](truth)
    end = time.monotonic() + _PATIENCE_SECONDS
    while len(_records()) < before + 20 and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
    time.sleep(1)
    Path("/out/log").write_bytes(FORMS[form]())
    truth.write(Path("/out/truth"))
    Path("/out/page_size").write_text(str(mmap.PAGESIZE))
    # Whatever is left goes down with the guest.


if __name__ == "__main__":
    main()
