"""Boots a guest, runs a job in it and gives back what the job left, as data.

Theory of operation. The root file system is the initramfs, as on the small devices that this is
about: a base layer (BusyBox, modules, init), one with Python, one with the project, and the
job's own files below /job. init runs `/job/run`, a script, with its output in /out. Two channels
lead out of the guest, virtio serial ports that end in files: "events" takes one JSON object a
line while the job runs, so that what was told before a panic is not lost; "tape" takes a tar
archive of /out at the end. The console stays free for kernel messages. A guest ends by itself
(poweroff, or a reboot after a panic, which -no-reboot turns into an exit); one that does not is
killed.
"""

import json
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from target.cpio import Archive
from target.debs import BuildError, Cache, kernel_images
from target.machines import Machine
from target.modules import Modules
from target.python_layer import project_layer, python_layer, source_layer
from target.toolchain import build_module

HERE = Path(__file__).parent
INSIDE = HERE / "inside"
PROBE = HERE / "probe"

INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t debugfs none /sys/kernel/debug
mount -t devtmpfs none /dev
mkdir -p /tmp /run /out
for module in $(cat /modules/order); do insmod /modules/$module.ko; done
rm -rf /modules
# The ports come some moments after their driver, and their names after them.
until [ -c /dev/events ] && [ -c /dev/tape ]; do
    for port in /sys/class/virtio-ports/*; do
        name=$(cat $port/name) && [ -n "$name" ] && ln -s -f /dev/${port##*/} /dev/$name
    done 2>/dev/null
done
hostname guest
ip link set lo up
cd /job
/job/run >/out/stdout 2>/out/stderr </dev/null
echo $? >/out/status
cd /
tar -c -f /dev/tape -C /out .
poweroff -f
"""
_ENDED = "terminating on signal"
"""What QEMU says when it was told to end; its status is 0 then."""
_RUNNING: set[subprocess.Popen[bytes]] = set()
BASE_MODULES = ("virtio_mmio", "virtio_console")


class Options(NamedTuple):
    """What a guest is like."""

    memory_mib: int = 256
    cpus: int = 1
    append: str = ""
    """Kernel arguments."""
    icount: bool = False
    """One virtual nanosecond is one instruction; idle time is skipped."""
    modules: Sequence[str] = ()
    """Kernel modules to load, with what they need."""
    disks: Sequence[Path] = ()
    """Images seen as /dev/vda and so on (module virtio_blk); the guest's writes are lost."""
    python: bool = True
    """Whether Python, its libraries and the project are there."""
    probe: bool = False
    """Whether the probe module is loaded: /proc/oomwatchd_probe."""
    timeout_seconds: float = 120.0


class Result(NamedTuple):
    """What came back."""

    status: int | None
    """The job's exit status; None if the guest did not get so far."""
    events: list[dict[str, Any]]
    """What the job reported, oldest first."""
    files: dict[str, bytes]
    """What the job left in /out: `stdout` and `stderr` among it."""
    console: str
    seconds: float
    timed_out: bool

    @property
    def panic(self) -> str | None:
        """Why the kernel panicked; None where it did not."""
        found = re.search(r"Kernel panic - not syncing: (.*)", self.console)
        return found[1] if found else None

    def text(self, name: str) -> str:
        """Give a file that the job left; empty if it did not."""
        return self.files.get(name, b"").decode(errors="replace")

    def checked(self) -> "Result":
        """Give this back if the job succeeded; else raise with what it said."""
        if self.status != 0:
            why = "timed out" if self.timed_out else f"status {self.status}"
            raise AssertionError(
                f"job {why} after {self.seconds:.0f} s\n{self.text('stderr')}\n{self.console}"
            )
        return self


class Boot(Protocol):
    """Boots one kind of guest with a script; the keywords are those of `Options`.

    Fails if the script does.
    """

    def __call__(
        self, run: str, files: Mapping[str, bytes] | None = None, **options: object
    ) -> Result:
        """Boot, and give back what came of it."""
        ...


class Guests:
    """Builds and boots guests; what can be kept is kept in the cache."""

    def __init__(self, cache: Path, wheel: Callable[[], Path] | None = None) -> None:
        """Use a cache, which may be empty, and the project's wheel, made when it is needed."""
        self.cache = Cache(cache)
        self._wheel = wheel

    def boot(
        self,
        machine: Machine,
        run: str | bytes,
        options: Options = Options(),  # noqa: B008 - it is immutable
        *,
        files: Mapping[str, bytes] | None = None,
        listen: Callable[[dict[str, Any]], None] | None = None,
    ) -> Result:
        """Boot, run a script ("#!" says in what; else sh) and wait until the guest has ended.

        `files` lie beside the script, in /job; from there `python3 -m target.inside.NAME` runs
        one of the modules for guests. `listen` is called with each event as it comes.

        Raises:
            BuildError: the guest cannot be built or started here.
        """
        with tempfile.TemporaryDirectory(prefix="oomwatchd-target") as folder:
            place = Path(folder)
            words = self.command(machine, run, options, place, files=files)
            return carried_out(words, place, options.timeout_seconds, listen=listen)

    def command(
        self,
        machine: Machine,
        run: str | bytes,
        options: Options,
        place: Path,
        *,
        files: Mapping[str, bytes] | None = None,
    ) -> list[str]:
        """Build a guest in a directory, and write the command that starts it.

        Raises:
            BuildError: the guest cannot be built here.
        """
        script = run.encode() if isinstance(run, str) else run
        if not script.startswith(b"#!"):
            script = b"#!/bin/sh\n" + script
        own = Archive()
        own.file("job/run", script, 0o755)
        for name, data in (files or {}).items():
            own.file(f"job/{name}", data, 0o755 if data.startswith((b"#!", b"\x7fELF")) else 0o644)
        with self.cache.locked():
            kernel, layers = self._build(machine, options)
        layers.append(own.packed())
        # Every layer begins on a multiple of four bytes.
        data = b"".join(layer + b"\0" * (-len(layer) % 4) for layer in layers)
        (place / "initrd").write_bytes(data)
        return [
            *hardware(machine, options, place),
            *("-kernel", str(kernel), "-initrd", f"{place}/initrd"),
            *("-append", f"console={machine.console} quiet panic=-1 {options.append}".strip()),
        ]

    def _build(self, machine: Machine, options: Options) -> tuple[Path, list[bytes]]:
        """Give the kernel image and the layers of the root file system."""
        cache, arch = self.cache, machine.debian
        kernels = cache.of(machine.suite)
        root = kernels.kernel(machine.kernel, arch)
        disks = ("virtio_blk",) if options.disks else ()
        modules = Modules(root).closure([*BASE_MODULES, *disks, *options.modules])
        if options.probe:
            modules["oomwatchd_probe"] = build_module(kernels, machine, PROBE)
        busybox = cache.unpacked("busybox-static", arch) / "bin/busybox"
        layers = [_base(busybox.read_bytes(), modules)]
        if options.python:
            layers.append(python_layer(cache, arch))
            if self._wheel:
                layers.append(project_layer(self._wheel()))
            layers.append(source_layer(INSIDE, "job/target/inside"))
            layers.append(source_layer(INSIDE / "proof", "job/target/inside/proof"))
        (image,) = kernel_images(root)
        return image, layers


def _base(busybox: bytes, modules: Mapping[str, bytes]) -> bytes:
    """Make the layer that every guest has."""
    archive = Archive()
    archive.file("bin/busybox", busybox, 0o755)
    archive.link("bin/sh", "busybox")
    archive.file("init", INIT.encode(), 0o755)
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3)
    for name in ("proc", "sys", "sbin", "usr/bin", "usr/sbin", "etc"):
        archive.directory(name)
    archive.file("etc/passwd", b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    archive.file("modules/order", "\n".join(modules).encode())
    for name, data in modules.items():
        archive.file(f"modules/{name}.ko", data)
    return archive.packed()


def hardware(machine: Machine, options: Options, place: Path) -> list[str]:
    """Write the part of the command that says what the guest's machine is, and what it leaves."""
    words = [
        *machine.qemu,
        *("-m", str(options.memory_mib), "-smp", str(options.cpus)),
        *("-nographic", "-nic", "none", "-no-reboot"),
        # What the guest writes has arrived when its write returns: a panic loses nothing.
        *("-global", "virtio-mmio.ioeventfd=off", "-device", "virtio-serial-device"),
    ]
    for port in ("events", "tape"):
        words += ["-chardev", f"file,id={port},path={place}/{port}"]
        words += ["-device", f"virtserialport,chardev={port},name={port}"]
    for number, disk in enumerate(options.disks):
        drive = f"file={disk},format=raw,if=none,id=disk{number},snapshot=on"
        words += ["-drive", drive, "-device", f"{machine.disk},drive=disk{number}"]
    if options.icount:
        words += ["-icount", "shift=0,sleep=off"]
    return words


def started(words: Sequence[str], place: Path) -> subprocess.Popen[bytes]:
    """Start QEMU, with its console in a file.

    In a session of its own: an interrupt from the terminal is for us, who end it.

    Raises:
        BuildError: it is not installed.
    """
    try:
        with (place / "console").open("wb") as console:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _RUNNING.add(process)
            return process
    except FileNotFoundError as error:
        raise BuildError(f"{words[0]} is not installed (see tests/target/packages.txt)") from error


def ended(process: subprocess.Popen[bytes]) -> None:
    """See that a QEMU has ended."""
    process.kill()
    process.wait()
    _RUNNING.discard(process)


def heed_termination() -> None:
    """Have SIGTERM end the program as an interrupt does: guests are ended, and folders removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def end_guests() -> None:
    """End every guest that runs; whoever waits for one is told by an error."""
    for process in tuple(_RUNNING):
        process.kill()


def carried_out(
    words: Sequence[str],
    place: Path,
    timeout_seconds: float,
    *,
    listen: Callable[[dict[str, Any]], None] | None = None,
    awake: Callable[[], None] | None = None,
) -> Result:
    """Run QEMU to its end, and collect what came out; `awake` is called when it has started.

    Raises:
        AssertionError: QEMU failed, or somebody has ended it: that is no end of a guest's.
    """
    begin = time.monotonic()
    timed_out = False
    heard = 0
    process = started(words, place)
    try:
        if awake:
            awake()
        while process.poll() is None and not timed_out:
            try:
                process.wait(0.5 if listen else timeout_seconds)
            except subprocess.TimeoutExpired:
                timed_out = time.monotonic() - begin >= timeout_seconds
            if listen:
                heard = _tell(place, heard, listen)
    finally:
        ended(process)
    console = (place / "console").read_text(errors="replace").replace("\r\n", "\n")
    if not timed_out and (process.returncode or _ENDED in console):
        raise AssertionError(f"{words[0]} has ended with {process.returncode}\n{console}")
    files = _unwound(place / "tape")
    status = files.get("status")
    return Result(
        status=int(status) if status else None,
        events=list(events_in(place)),
        files=files,
        console=console,
        seconds=time.monotonic() - begin,
        timed_out=timed_out,
    )


def _tell(place: Path, heard: int, listen: Callable[[dict[str, Any]], None]) -> int:
    """Tell of the events after the first `heard`; return how many there are."""
    for number, event in enumerate(events_in(place)):
        if number >= heard:
            listen(event)
            heard = number + 1
    return heard


def events_in(place: Path) -> Iterator[dict[str, Any]]:
    """Read the events; a line that was not finished is not one."""
    file = place / "events"
    if not file.exists():
        return
    with file.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield json.loads(line)


def _unwound(tape: Path) -> dict[str, bytes]:
    """Take the files from the tape; none, if the guest did not get so far."""
    if not tape.exists() or tape.stat().st_size == 0:
        return {}
    files: dict[str, bytes] = {}
    with tarfile.open(tape, mode="r:") as archive:
        for member in archive:
            data = archive.extractfile(member)
            if data:
                files[member.name.removeprefix("./")] = data.read()
    return files
