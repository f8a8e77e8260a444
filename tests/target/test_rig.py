"""The rig itself: what a test asks of a guest is what it gets."""

import struct
from pathlib import Path

import pytest
from target.cpio import Archive
from target.guest import Boot, Guests, Options
from target.machines import ARM
from target.modules import Modules


@pytest.mark.target
def test_the_installed_commands_run_in_a_guest(boot: Boot) -> None:
    """The wheel is installed: a look at a fresh guest finds nothing wrong, exit code 0."""
    found = boot("oomwatchd --once --json\noomwatchctl --version")
    assert found.status == 0
    assert '"severity": "ok"' in found.text("stdout")
    assert found.text("stderr") == ""


@pytest.mark.target
def test_parameters_reach_the_guest(arm: Boot, tmp_path: Path) -> None:
    """Memory, processors, kernel arguments, modules, a disk: seen from inside."""
    disk = tmp_path / "disk"
    disk.write_bytes(b"from the host".ljust(1 << 20, b"\0"))
    found = arm(
        "cat /proc/cmdline /sys/devices/system/cpu/online\n"
        "grep MemTotal /proc/meminfo\ngrep ext4 /proc/filesystems\n"
        "head -c 13 /dev/vda >/out/seen\n",
        memory_mib=128,
        cpus=2,
        append="cma=8M",
        modules=("ext4",),
        disks=(disk,),
        python=False,
    )
    text = found.text("stdout")
    assert "cma=8M" in text
    assert "\n0-1\n" in text
    assert 100 << 10 < int(text.split("MemTotal:")[1].split()[0]) < 128 << 10
    assert "ext4" in text
    assert found.files["seen"] == b"from the host"


@pytest.mark.target
def test_instructions_repeat_with_icount(arm: Boot) -> None:
    """The virtual clock counts instructions: two guests need the same time within a percent."""
    times = [
        float(arm("cut -d' ' -f1 /proc/uptime", icount=True, python=False).text("stdout"))
        for _ in range(2)
    ]
    assert times[0] == pytest.approx(times[1], rel=0.01)


@pytest.mark.target
def test_a_failing_job_and_a_panic_are_told(guests: Guests) -> None:
    """A status, or none and the reason; what was reported before is there."""
    nothing = Options(python=False)
    assert guests.boot(ARM, "exit 3", nothing).status == 3
    died = guests.boot(
        ARM, """echo '{"event": "before"}' >/dev/events\necho c >/proc/sysrq-trigger""", nothing
    )
    assert died.status is None
    assert died.panic == "sysrq triggered crash"
    assert died.events == [{"event": "before"}]
    assert not died.timed_out


@pytest.mark.target
def test_a_guest_that_does_not_end_is_ended(guests: Guests) -> None:
    """The time limit holds."""
    stuck = guests.boot(ARM, "sleep 1000", Options(python=False, timeout_seconds=6))
    assert stuck.timed_out
    assert stuck.status is None
    assert stuck.seconds < 10


@pytest.mark.target
def test_the_probe_takes_and_gives_back(boot: Boot) -> None:
    """A block held is missing to the next request; every kind is granted some."""
    found = boot(
        "#!/usr/bin/python3\n"
        "from target.inside.tools import Probe, Reporter\n"
        "report, probe = Reporter(), Probe()\n"
        "for kind in 'kernel', 'movable', 'atomic', 'nowait', 'kernel_noretry':\n"
        "    report(kind=kind, came=probe.take(kind, 4).came)\n"
        "before = probe.take('kernel', 4).came\n"
        "held = probe.hold('kernel', 4, 100)\n"
        "report(before=before, held=held, during=probe.take('kernel', 4).came,\n"
        "       released=probe.release(2), rest=probe.release())\n",
        probe=True,
    )
    came = {event["kind"]: event["came"] for event in found.events[:-1]}
    assert all(count > 100 for count in came.values())
    assert came["movable"] > came["kernel"], "CMA serves movable requests"
    last = found.events[-1]
    assert (last["held"], last["released"], last["rest"]) == (100, 50, 50)
    assert last["before"] - last["during"] == pytest.approx(100, abs=2)


def test_an_archive_is_in_the_newc_format() -> None:
    """Header, name and data each begin at a multiple of four bytes; parents come first."""
    archive = Archive()
    archive.file("a/b", b"12345", 0o755)
    data = archive.plain()
    assert data[:6] == b"070701"
    names = [part.split(b"\0")[0] for part in data.split(b"070701")[1:]]
    assert [name[104:] for name in names] == [b"a", b"a/b", b"TRAILER!!!"]
    assert len(data) % 4 == 0


def test_modules_come_after_what_they_need(tmp_path: Path) -> None:
    """The order is one in which they can be loaded; an unknown name is built in."""
    folder = tmp_path / "lib/modules/1/kernel"
    folder.mkdir(parents=True)
    for name, needs in (("a-b", "c,d"), ("c", ""), ("d", "c")):
        (folder / f"{name}.ko").write_bytes(
            struct.pack("4s", b"\x7fELF") + f"\0depends={needs}\0".encode()
        )
    assert list(Modules(tmp_path).closure(["unknown", "a_b"])) == ["c", "d", "a_b"]


@pytest.mark.target
def test_the_probe_scatters_pages_and_returns_blocks(arm: Boot) -> None:
    """By chance, but the same for a seed; blocks of an order are no single pages."""
    job = """#!/usr/bin/python3
from target.inside.tools import Probe
probe = Probe()
for _ in range(2):
    probe.hold("kernel", 2, 50)
    probe.hold("kernel", 0, 1000)
    print(probe.scatter(7, 0.3), probe.give_back(2, 20), probe.give_back(2, 100), probe.release())
"""
    once, again = arm(job, probe=True).text("stdout").splitlines()
    assert once == again
    scattered, some, rest, left = map(int, once.split())
    assert 200 < scattered < 400
    assert (some, rest, left) == (20, 30, 1000 - scattered)


@pytest.mark.target
def test_the_probe_tells_how_late_a_thread_woke_up(arm: Boot) -> None:
    """Later while memory is compacted, and nothing is told when nobody watches."""
    job = """#!/usr/bin/python3
import time
from target.inside.states import anonymous, compact, free_pages
from target.inside.tools import Probe
probe = Probe()
probe.watch(10_000)
probe.late_ns()
time.sleep(1.0)
calm = probe.late_ns()
with anonymous() as memory:
    memory.take(free_pages() // 2)
    memory.give_back(2)
    probe.late_ns()
    compact()
    busy = probe.late_ns()
probe.watch(0)
probe.late_ns()
time.sleep(1.0)
print(calm, busy, probe.late_ns())
"""
    calm, busy, off = map(int, arm(job, probe=True, icount=True).text("stdout").split())
    assert 0 < calm < busy
    assert off == 0
