"""Gathering the facts: from broken trees, from those of a device, and from this machine."""

import os
from pathlib import Path

import pytest
from rootlib import all_roots, assessment_of, sample_of

from oomwatchd.assess.assessment import assess
from oomwatchd.assess.watched import demands_of
from oomwatchd.audit.facts import Facts
from oomwatchd.audit.finding import Finding, Level
from oomwatchd.audit.findings import findings
from oomwatchd.settings import Config
from oomwatchd.system.audit import gather
from oomwatchd.system.origin import copied_kernel, live_kernel
from oomwatchd.system.surroundings import container_name

ROOTS = {root.name: root for root in all_roots()}
MARKS = (
    "\n  pages free 9\n min 1\n low 2\n high 3\n present 100\n managed 90\n protection: (0, 0)\n"
)


def facts_of(root: Path) -> Facts:
    """Gather from a tree."""
    return gather(str(root), copied_kernel(str(root)), live=False, own=False, realtime=None)


def audit(root: Path) -> tuple[Finding, ...]:
    """Audit a root with the default configuration."""
    sample = sample_of(root)
    assessment = assess(sample, demands_of(Config(), sample.kernel, sample.meminfo))
    return findings(facts_of(root), assessment, Config())


def write(root: Path, files: dict[str, str]) -> None:
    """Lay files out below `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def test_a_tree_that_is_not_there_gives_no_facts(tmp_path: Path) -> None:
    """What can be missing is missing; all else is not known, and nothing is raised."""
    facts = facts_of(tmp_path / "none")
    assert facts.has_proc_sys is facts.has_compact_memory is facts.has_psi_file is False
    known = {name for name, fact in facts._asdict().items() if fact not in (None, False)}
    assert known == {"capabilities", "tunables"}
    assert set(facts.tunables) == {None}


@pytest.mark.parametrize("text", ["", "\n", "x", "1 2", "--1", "9" * 19, "0x10", "\0"])
def test_a_tunable_that_is_no_number_is_not_known(text: str, tmp_path: Path) -> None:
    """As if it were not there."""
    write(tmp_path, {"proc/sys/vm/panic_on_oom": text, "proc/sys/kernel/panic": "-1\n"})
    assert facts_of(tmp_path).tunables.panic_on_oom is None
    assert facts_of(tmp_path).tunables.panic == -1


@pytest.mark.parametrize("name", ["zoneinfo", "pagetypeinfo", "meminfo", "mounts", "self/mounts"])
@pytest.mark.parametrize("kind", ["damaged", "folder", "fifo", "loop"])
def test_a_file_that_is_none_is_not_known(name: str, kind: str, tmp_path: Path) -> None:
    """Nothing hangs, and nothing is raised."""
    path = tmp_path / "proc" / name
    path.parent.mkdir(parents=True)
    if kind == "damaged":
        path.write_bytes(b"\xff\0Node 0, zone\nPages per block: x\n/ /\n")
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(path.name)
    facts = facts_of(tmp_path)
    assert facts.managed_pages is facts.pages_per_block is facts.swap_total_kib is None
    assert facts.root_fs is None


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_a_tunable_that_is_no_file_is_not_known(kind: str, tmp_path: Path) -> None:
    """A FIFO without a writer does not hold the audit up."""
    folder = tmp_path / "proc/sys/vm"
    folder.mkdir(parents=True)
    make = os.mkfifo if kind == "fifo" else os.mkdir
    make(folder / "panic_on_oom")
    assert facts_of(tmp_path).tunables.panic_on_oom is None


def test_zones_that_do_not_tell_what_they_manage(tmp_path: Path) -> None:
    """Then the sum is not known; an empty zone may lack it."""
    whole = f"Node 0, zone   Normal{MARKS}"
    empty = "Node 0, zone  Movable\n  pages free 0\n present 0\n"
    write(tmp_path, {"proc/zoneinfo": whole + empty})
    assert (facts_of(tmp_path).managed_pages, facts_of(tmp_path).present_pages) == (90, 100)
    write(tmp_path, {"proc/zoneinfo": f"{whole}{empty.replace('present 0', 'present 7')}"})
    assert (facts_of(tmp_path).managed_pages, facts_of(tmp_path).present_pages) == (None, 107)


@pytest.mark.parametrize(
    ("mounts", "root_fs", "hidepid", "lxcfs"),
    [
        ("rootfs / rootfs rw 0 0\n/dev/root / squashfs ro 0 0\n", "squashfs", False, False),
        ("none / tmpfs rw 0 0\nproc /proc proc rw,hidepid=2 0 0\n", "tmpfs", True, False),
        ("proc /proc proc rw,hidepid=invisible 0 0\n", None, True, False),
        ("proc /proc proc rw,hidepid=0 0 0\n", None, False, False),
        ("proc /proc proc rw,hidepid=off 0 0\n", None, False, False),
        ("lxcfs /proc/meminfo fuse.lxcfs rw 0 0\n", None, False, True),
        ("lxcfs /var/lib/lxcfs fuse.lxcfs rw 0 0\n", None, False, False),
        ("nonsense\n\n", None, False, False),
    ],
)
def test_mounts(
    mounts: str,
    root_fs: str | None,
    hidepid: bool,  # noqa: FBT001 - a table
    lxcfs: bool,  # noqa: FBT001 - a table
    tmp_path: Path,
) -> None:
    """The last mount on a place counts; lxcfs only over /proc, not where the host keeps it."""
    write(tmp_path, {"proc/mounts": mounts, "ORIGIN": "root_fs=ext4\n"})
    facts = facts_of(tmp_path)
    assert (facts.root_fs, facts.hidepid, facts.lxcfs) == (root_fs, hidepid, lxcfs)


def test_a_copy_without_mounts_knows_its_root_from_its_origin() -> None:
    """The capture script notes the type, and nothing else of the mounts."""
    facts = facts_of(ROOTS["armv7l-virt-linux6.1-boot"])
    assert (facts.root_fs, facts.hidepid, facts.lxcfs) == ("rootfs", None, None)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({}, None),
        ({"run/systemd/container": "lxc\n"}, "lxc"),
        ({"run/systemd/container": "x\x1b[2J"}, "x\\x1b[2J"),
        ({".dockerenv": ""}, "docker"),
        ({"run/.containerenv": ""}, "podman"),
    ],
)
def test_containers(files: dict[str, str], name: str | None, tmp_path: Path) -> None:
    """By what their makers leave in them, on one printable line."""
    write(tmp_path, files)
    assert container_name(str(tmp_path)) == name


def test_processes_huge_pages_and_the_lru(tmp_path: Path) -> None:
    """Names without their line break; a setting that is switched off is none."""
    files = {
        "proc/1/comm": "init\n",
        "proc/22/comm": "earlyoom\n",
        "proc/net/comm": "no process\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "always madvise [never]\n",
        "sys/kernel/mm/lru_gen/enabled": "0x0007\n",
        "sys/kernel/mm/lru_gen/min_ttl_ms": "1000\n",
    }
    write(tmp_path, files)
    facts = facts_of(tmp_path)
    assert facts.processes == frozenset({"init", "earlyoom"})
    assert (facts.thp, facts.lru_gen_min_ttl_ms) == (False, 1000)
    write(tmp_path, {"sys/kernel/mm/lru_gen/enabled": "0x0000\n"})
    assert facts_of(tmp_path).lru_gen_min_ttl_ms is None


def test_the_running_system() -> None:
    """Whatever it is: it has a page size, marks and processes, and the audit says something."""
    facts = gather("/", live_kernel(), live=True, own=True, realtime="a reason")
    assert facts.uid == os.geteuid()
    assert facts.oom_score_adj is not None
    assert facts.locked_kib is not None
    assert facts.sees_others is not None
    assert facts.processes
    assert facts.realtime == "a reason"


@pytest.mark.parametrize("root", ROOTS.values(), ids=ROOTS.keys())
def test_every_root_is_audited(root: Path) -> None:
    """Sentences of one printable line of ASCII each, problems first."""
    found = audit(root)
    for topic, level, text, change in found:
        assert topic
        assert isinstance(level, Level)
        for sentence in (text, *([] if change is None else [change])):
            assert sentence.isascii()
            assert sentence.isprintable()
            assert sentence.endswith(".")
            assert sentence[0].isupper() or sentence.startswith(("/", "vm.", "lru_gen"))
            assert "None" not in sentence
    ranks = [[*Level].index(finding.level) for finding in found]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    ("name", "problems", "notes"),
    [
        ("armv5tejl-camera-linux2.6.28-seed-report", "kernel compaction", "demands"),
        ("mips-ath79-linux5.10-no-compaction", "compaction", "psi atomic boost"),
        ("aarch64-lx2160-linux6.1-64k-pages", "mobility", ""),
        ("armv7l-virt-linux6.1-64mb-boot", "", "mobility cma root levels boost"),
        ("aarch64-virt-linux6.1-rt-boot", "", "realtime cma root levels unevictable"),
        ("aarch64-virt-linux6.12-16k-boot", "", "cma root levels boost"),
        ("armv6l-rpi-zero-linux5.10-94mb-no-swap", "", "pagetypeinfo demands"),
        ("armv7l-hi3536-linux3.18-min-free-order-shift", "", "demands vendor vendor"),
        ("armv7l-virt-linux6.1-fragmented-unmovable-nonroot", "", "pagetypeinfo root levels"),
        ("x86_64-gateway-linux6.1-two-nodes", "", ""),
        ("x86_64-vm-linux6.18-boot", "", "meminfo"),
    ],
)
def test_what_is_said_of_some(name: str, problems: str, notes: str) -> None:
    """Read against the files of each by hand: nothing is missing and nothing too much."""
    found = audit(ROOTS[name])
    assert [f.topic for f in found if f.level is Level.PROBLEM] == problems.split()
    said = [f.topic for f in found if f.level is Level.NOTE]
    assert said == notes.split()


def test_an_assessment_without_demands_is_audited_too() -> None:
    """Nothing is said of demands then."""
    root = ROOTS["armv7l-virt-linux6.1-boot"]
    found = findings(facts_of(root), assessment_of(root), Config(builtin_demands=False))
    assert "demands" not in {finding.topic for finding in found}
