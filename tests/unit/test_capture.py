"""packaging/oomwatchd-capture, run by the shells that devices have."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging" / "oomwatchd-capture"
NOBODY = 65534

BUDDYINFO = "Node 0, zone   Normal     12      3      0      1 \n"
EXTFRAG = "Node 0, zone   Normal -1.000 -1.000 -1.000 -1.000 \n"
MEMINFO = "MemTotal:         {kib} kB\nMemFree:           12345 kB\n"
ZONEINFO = """\
Node 0, zone   Normal
  pages free     26
        min      4
        spanned  2100
        present  2100
        managed  1500
Node 0, zone  Movable
  pages free     0
        managed  500
"""

# What a device has, and what the capture makes of it: None where it must not appear.
DEVICE: dict[str, tuple[str, str | None]] = {
    "proc/buddyinfo": (BUDDYINFO, BUDDYINFO),
    "proc/meminfo": (MEMINFO.format(kib=8000), MEMINFO.format(kib=8000)),
    "proc/zoneinfo": (ZONEINFO, ZONEINFO),
    "proc/vmstat": ("nr_free_pages 26\n", "nr_free_pages 26\n"),
    "proc/pagetypeinfo": ("Page block order: 3\n", "Page block order: 3\n"),
    "proc/pressure/memory": ("some avg10=0.00\n", "some avg10=0.00\n"),
    "proc/version": (
        "Linux version 6.1.0 (me@factory) (gcc (Debian 12) 12.2, ld) #1\n",
        "Linux version 6.1.0 (builder) (gcc (Debian 12) 12.2, ld) #1\n",
    ),
    "proc/cmdline": ("root=/dev/nfs hostname=secret\n", None),
    "proc/mounts": ("server:/secret / nfs rw 0 0\n", None),
    "proc/sys/kernel/osrelease": ("6.1.0\n", "6.1.0\n"),
    "proc/sys/kernel/hostname": ("secret\n", None),
    "proc/sys/kernel/random/boot_id": ("4d1c0b2e\n", None),
    "proc/sys/vm/min_free_kbytes": ("1948\n", "1948\n"),
    "proc/sys/vm/compact_memory": ("never read\n", ""),
    "proc/sys/vm/stat_refresh": ("never read\n", ""),
    "proc/device-tree/model": ("Acme\tBoard\x07 2\0", None),
    "sys/devices/system/node/online": ("0\n", "0\n"),
    "sys/devices/system/node/node0/compact": ("never read\n", ""),
    "sys/devices/system/node/node0/meminfo": ("Node 0 MemFree: 1 kB\n",) * 2,
    "sys/fs/cgroup/memory.reclaim": ("never read\n", ""),
    "sys/kernel/mm/lru_gen/min_ttl_ms": ("0\n", "0\n"),
    "sys/kernel/mm/transparent_hugepage/enabled": ("always [madvise] never\n",) * 2,
    "sys/kernel/debug/extfrag/extfrag_index": (EXTFRAG, EXTFRAG),
    "sys/kernel/debug/extfrag/unusable_index": (EXTFRAG, EXTFRAG),
    "sys/kernel/debug/cma/reserved/used": ("7\n", "7\n"),
    "sys/kernel/debug/cma/reserved/alloc": ("never read\n", None),
}

SHELLS = [
    pytest.param(
        shell,
        id=shell[0],
        marks=pytest.mark.skipif(shutil.which(shell[0]) is None, reason=f"no {shell[0]} here"),
    )
    for shell in (["dash"], ["busybox", "sh"])
]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Every shell that devices run the script with."""
    command: list[str] = request.param
    return command


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A made-up device: a directory with proc and sys."""
    root = tmp_path / "device"
    for name, (text, _) in DEVICE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A directory in which everybody may write, as pytest's own is not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def run(
    command: list[str], *args: str | Path, path: Path | None = None, user: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script with a shell."""
    env = dict(os.environ)
    if path is not None:
        env["PATH"] = str(path)
    line = [shutil.which(command[0]) or command[0], *command[1:], SCRIPT, *args]
    return subprocess.run(
        line, env=env, user=user, capture_output=True, text=True, timeout=30, check=False
    )


def contents(root: Path) -> dict[str, str]:
    """Every file below a directory, by its path there."""
    return {
        str(file.relative_to(root)): file.read_text() for file in root.rglob("*") if file.is_file()
    }


def origin(root: Path) -> dict[str, str]:
    """The facts of a capture's ORIGIN."""
    lines = (root / "ORIGIN").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def fake_cat(directory: Path, text: str) -> Path:
    """A PATH whose cat is the given shell text; $cat is the real one."""
    fake = directory / "bin"
    fake.mkdir()
    for tool in ("mkdir", "mv", "rm", "rmdir", "sed", "sort", "tr", "date", "id", "uname", "sleep"):
        (fake / tool).symlink_to(shutil.which(tool) or tool)
    (fake / "cat").write_text(f"#!/bin/sh\ncat={shutil.which('cat')}\n{text}")
    (fake / "cat").chmod(0o755)
    return fake


def test_copies_what_the_daemon_reads_and_nothing_private(
    shell: list[str], device: Path, tmp_path: Path
) -> None:
    """Readable files are copied byte for byte, what acts is left empty, what identifies is not."""
    out = tmp_path / "out"
    result = run(shell, "--from", device, out)
    assert (result.returncode, result.stderr) == (0, "")
    found = contents(out)
    assert found.pop("ORIGIN")
    assert found == {name: text for name, (_, text) in DEVICE.items() if text is not None}
    assert f"{out}: {len(found) + 1} files, consistent=yes after 1 tries; " in result.stdout
    assert result.stdout.endswith("missing: nothing\n")


def test_writes_nothing_outside_its_directory(
    shell: list[str], device: Path, tmp_path: Path
) -> None:
    """The files it looks at keep their contents and times, and no other file appears."""

    def state() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for file in device.rglob("*")}

    before, texts = state(), contents(device)
    assert run(shell, "--from", device, tmp_path / "out").returncode == 0
    assert (state(), contents(device)) == (before, texts)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["device", "out"]


def test_origin_is_one_printable_line_a_fact(
    shell: list[str], device: Path, tmp_path: Path
) -> None:
    """Control characters and NULs of names and of the situation text do not survive."""
    out = tmp_path / "out"
    assert run(shell, "--from", device, out, "after\n\x1b[1mone", "night").returncode == 0
    facts = origin(out)
    assert facts.pop("captured")[4] == "-"
    assert facts.pop("user") in {"root", "other"}
    assert facts == {
        "source": "captured",
        "board": "Acme Board 2",
        "page_size": "4096",
        "release": "6.1.0",
        "situation": "after [1mone night",
        "capture_version": "1",
        "consistent": "yes",
    }


@pytest.mark.parametrize("page_kib", [4, 16, 64])
@pytest.mark.parametrize("counted", ["managed", "present"])
def test_page_size_follows_from_the_same_memory_in_pages_and_kib(
    shell: list[str], device: Path, tmp_path: Path, page_kib: int, counted: str
) -> None:
    """MemTotal over the pages of all zones, rounded: kernels before 3.7 know `present` only."""
    zoneinfo = device / "proc/zoneinfo"
    if counted == "present":
        zoneinfo.write_text(ZONEINFO.replace("managed", "ignored"))
    (device / "proc/meminfo").write_text(MEMINFO.format(kib=2000 * page_kib))
    out = tmp_path / "out"
    assert run(shell, "--from", device, out).returncode == 0
    assert origin(out)["page_size"] == str(page_kib * 1024)


def test_old_kernels_lack_files(shell: list[str], device: Path, tmp_path: Path) -> None:
    """What a kernel does not have is absent in the capture and named in the summary."""
    for name in ("proc/pagetypeinfo", "proc/pressure/memory", "proc/sys/vm/compact_memory"):
        (device / name).unlink()
    shutil.rmtree(device / "sys")
    out = tmp_path / "out"
    result = run(shell, "--from", device, out)
    assert result.returncode == 0
    assert not (out / "sys").exists()
    assert not (out / "proc/pagetypeinfo").exists()
    assert not (out / "proc/sys/vm/compact_memory").exists()
    assert "pagetypeinfo (not in this kernel)" in result.stdout


@pytest.mark.parametrize(("calm_after", "consistent"), [(4, "yes"), (1000, "no")])
def test_reads_again_until_the_free_lists_hold_still(
    device: Path, tmp_path: Path, calm_after: int, consistent: str
) -> None:
    """The first and the last buddyinfo of a try must agree, or ORIGIN says that none did."""
    count = tmp_path / "count"
    count.write_text("0\n")
    path = fake_cat(
        tmp_path,
        f"""
        for file; do
            "$cat" "$file"
            case $file in */buddyinfo)
                read -r n <{count}
                n=$((n + 1))
                echo $n >{count}
                [ $n -ge {calm_after} ] || echo "Node 0, zone   Normal $n" >"$file"
            esac
        done
        """,
    )
    out = tmp_path / "out"
    result = run(["sh"], "--from", device, out, path=path)
    assert result.returncode == 0
    assert origin(out)["consistent"] == consistent
    assert (out / "proc/zoneinfo").read_text() == ZONEINFO
    assert "after 10 tries" in result.stdout or consistent == "yes"


def test_an_interrupted_capture_leaves_nothing(device: Path, tmp_path: Path) -> None:
    """A signal in the middle: neither the directory nor the partial one is there."""
    path = fake_cat(tmp_path, f'[ -e {tmp_path}/slow ] && sleep 0.3\nexec "$cat" "$@"\n')
    (tmp_path / "slow").touch()
    out = tmp_path / "out"
    with subprocess.Popen(
        [shutil.which("sh") or "sh", SCRIPT, "--from", device, out], env={"PATH": str(path)}
    ) as process:
        deadline = time.monotonic() + 5
        while not (tmp_path / "out.partial").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        (tmp_path / "slow").unlink()
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM
    assert not out.exists()
    assert not (tmp_path / "out.partial").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "no directory given"),
        (["-x", "out"], "unknown option -x"),
        (["-b"], "-b needs a value"),
        (["/"], "the directory must be a new one"),
        (["--from", "nowhere", "out"], "nowhere has no proc directory"),
    ],
)
def test_wrong_usage_is_one_line(shell: list[str], args: list[str], message: str) -> None:
    """Exit status 64, and a line that says what is wrong."""
    result = run(shell, *args)
    assert (result.returncode, result.stdout) == (64, "")
    assert result.stderr == f"oomwatchd-capture: {message} (see --help)\n"


def test_help_goes_to_standard_output(shell: list[str]) -> None:
    """--help is no error."""
    result = run(shell, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("usage: oomwatchd-capture ")


def test_never_overwrites(shell: list[str], device: Path, tmp_path: Path) -> None:
    """A directory with something in it, a file and an earlier partial capture are refused."""
    full = tmp_path / "full"
    full.mkdir()
    (full / "precious").touch()
    (tmp_path / "left.partial").mkdir()
    for out, message in (
        (full, f"{full} exists and is not an empty directory"),
        (full / "precious", f"{full}/precious exists and is not an empty directory"),
        (
            tmp_path / "left",
            f"{tmp_path}/left.partial is left from an interrupted capture: remove it first",
        ),
        (tmp_path / "no" / "parent", f"cannot create {tmp_path}/no/parent.partial"),
    ):
        result = run(shell, "--from", device, out)
        assert (result.returncode, result.stderr) == (73, f"oomwatchd-capture: {message}\n")
    assert (full / "precious").exists()


def test_an_empty_directory_may_be_given(shell: list[str], device: Path, tmp_path: Path) -> None:
    """What mktemp -d made may be given; a slash behind it does no harm."""
    out = tmp_path / "out"
    out.mkdir()
    assert run(shell, "--from", device, f"{out}/").returncode == 0
    assert (out / "proc/buddyinfo").read_text() == BUDDYINFO


@pytest.mark.skipif(not Path("/proc/buddyinfo").exists(), reason="not a Linux system")
def test_captures_the_running_system(shell: list[str], tmp_path: Path) -> None:
    """The facts about the running kernel agree with what Python knows about it."""
    out = tmp_path / "out"
    assert run(shell, "-b", "my board", out, "as is").returncode == 0
    facts = origin(out)
    assert facts["board"] == "my board"
    assert facts["machine"] == os.uname().machine
    assert facts["release"] == os.uname().release
    assert facts["page_size"] == str(os.sysconf("SC_PAGE_SIZE"))
    assert facts["user"] == ("root" if os.geteuid() == 0 else "other")
    assert (out / "proc/buddyinfo").read_text().startswith("Node 0, zone ")
    assert os.uname().nodename not in contents(out).values()


@pytest.mark.skipif(shutil.which("busybox") is None, reason="no busybox here")
def test_needs_nothing_but_busybox(tmp_path: Path) -> None:
    """With a PATH of BusyBox applets alone, everything is found, the page size included."""
    applets = tmp_path / "applets"
    applets.mkdir()
    busybox = shutil.which("busybox") or ""
    for applet in subprocess.check_output([busybox, "--list"], text=True).split():
        if applet != "getconf":
            (applets / applet).symlink_to(busybox)
    out = tmp_path / "out"
    result = run([str(applets / "sh")], out, path=applets)
    assert result.returncode == 0
    assert "not found" not in result.stderr
    assert origin(out)["page_size"] == str(os.sysconf("SC_PAGE_SIZE"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_root_less_is_captured(shell: list[str], open_dir: Path) -> None:
    """One line says so; the exit status is that of success."""
    out = open_dir / "out"
    # The script may lie where nobody may not look.
    script = open_dir / "capture"
    shutil.copy(SCRIPT, script)
    result = subprocess.run(
        [*shell, script, out], user=NOBODY, capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 0
    assert result.stderr == (
        "oomwatchd-capture: not running as root: pagetypeinfo and debugfs may be missing\n"
    )
    assert origin(out)["user"] == "other"
    assert (out / "proc/buddyinfo").exists()
    assert (out / "proc/sys/vm/compact_memory").exists()
