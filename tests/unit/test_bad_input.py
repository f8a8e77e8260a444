"""Roots that are damaged, odd or hostile: a document that says so, soon, and no traceback."""

import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest
from commands import CONFIG, DAEMON, Result, look, run
from jsonschema import Draft202012Validator
from rootlib import ROOTS

NEW = ROOTS / "armv7l-virt-linux6.1-cma-boost"
OLD = ROOTS / "armv7l-hi3536-linux3.18-min-free-order-shift"
# Root without the right to pass over permissions, so that they count for it too.
AS_OWNER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
EXIT_CODES = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
VALIDATOR = Draft202012Validator(
    json.loads(resources.files("oomwatchd").joinpath("status/schema.json").read_text())
)

Damage = Callable[[Path], None]


@pytest.fixture(name="root")
def _root() -> Iterator[Path]:
    """Make a copy of a good root that everybody may read (and sockets have short paths)."""
    folder = Path(tempfile.mkdtemp(prefix="oomwatchd"))
    folder.chmod(0o755)
    shutil.copytree(NEW, folder / "root")
    yield folder / "root"
    shutil.rmtree(folder)


def _missing(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _blank(path: Path) -> None:
    path.write_bytes(b"\n \n\n")


def _words(path: Path) -> None:
    path.write_text("hello\nworld\n")


def _binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 100)


def _escapes(path: Path) -> None:
    path.write_bytes(b"\x1b[2J\x1b]0;title\x07\n" * 10)


def _half(path: Path) -> None:
    data = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes(re.sub(rb"\D+\Z", b"", data))


def _one_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1])


def _other_file(path: Path) -> None:
    path.write_bytes((NEW / "ORIGIN").read_bytes())


def _huge(path: Path) -> None:
    os.truncate(path, 64 << 20)


def _long_line(path: Path) -> None:
    path.write_bytes(b"Node 0, zone Normal " + b"1 " * (1 << 20))


def _many_zones(path: Path) -> None:
    path.write_text("".join(f"Node {at}, zone   Normal\n" for at in range(200_000)))


def _huge_number(path: Path) -> None:
    path.write_bytes(re.sub(rb"\d+", b"9" * 5000, path.read_bytes(), count=5))


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


DAMAGES: list[Damage] = [
    *(_missing, _empty, _blank, _words, _binary, _escapes, _half, _one_byte, _other_file, _huge),
    *(_long_line, _many_zones, _huge_number, _directory, _fifo, _socket, _loop, _dangling),
    *(_endless,),
]
FOR_ALL: list[Damage] = [_missing, _words, _binary, _half, _huge_number, _fifo, _loop]


def _judged(result: Result) -> dict[str, object]:
    """Check what holds for every document: valid, clean, and the exit code is its severity."""
    assert result.is_clean
    assert result.err == ""
    document = result.document
    VALIDATOR.validate(document)
    assert result.code == EXIT_CODES[document["severity"]]
    return document


def _degraded(document: dict[str, object]) -> list[str]:
    """List what is degraded; every reason is one printable line."""
    entries = document["degraded"]
    assert isinstance(entries, list)
    assert all(entry["why"].isprintable() for entry in entries)
    return [entry["what"] for entry in entries]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_an_unusable_buddyinfo_is_unknown(damage: Damage, root: Path) -> None:
    """Valid JSON, exit code 3, and `degraded` says why."""
    damage(root / "proc/buddyinfo")
    result = look(root)
    document = _judged(result)
    assert result.code == 3
    assert "buddyinfo" in _degraded(document)


@pytest.mark.parametrize("damage", FOR_ALL, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("file", ["zoneinfo", "meminfo", "pagetypeinfo"])
def test_another_unusable_file_degrades(file: str, damage: Damage, root: Path) -> None:
    """The document says what could not be had, and what depends on it is null, not 0."""
    damage(root / "proc" / file)
    document = _judged(look(root))
    # Half a zoneinfo or meminfo is a shorter one: what it still says is true.
    if damage is not _half or file == "pagetypeinfo":
        assert file in _degraded(document)
        memory = document["memory"]
        assert isinstance(memory, dict)
        assert (set(memory.values()) == {None}) == (file == "meminfo")


@pytest.mark.parametrize("damage", [_many_zones, _huge], ids=lambda damage: damage.__name__)
def test_a_huge_zoneinfo_is_not_believed(damage: Damage, root: Path) -> None:
    """No machine has so many zones."""
    damage(root / "proc/zoneinfo")
    assert "zoneinfo" in _degraded(_judged(look(root)))


def test_without_zoneinfo_headroom_is_unknown(root: Path) -> None:
    """Without marks nothing can be told: not 0, not critical, not unsatisfiable."""
    _missing(root / "proc/zoneinfo")
    demands = _judged(look(root))["demands"]
    assert isinstance(demands, list)
    process = demands[0]
    assert (process["headroom"], process["severity"]) == (None, "unknown")


@pytest.mark.parametrize("damage", FOR_ALL, ids=lambda damage: damage.__name__)
def test_the_rest_of_the_files_may_be_anything(damage: Damage, root: Path) -> None:
    """Version, origin, pressure, settings: all at once, and the kernel's files still count."""
    paths = ["ORIGIN", "proc/version", "proc/vmstat", "proc/pressure/memory"]
    paths += ["proc/sys/kernel/osrelease", "proc/sys/vm/min_free_kbytes"]
    for path in paths:
        damage(root / path)
    document = _judged(look(root))
    assert "buddyinfo" not in _degraded(document)
    assert isinstance(document["zones"], list)
    assert document["zones"][0]["orders"]


@pytest.mark.parametrize("damage", FOR_ALL, ids=lambda damage: damage.__name__)
def test_every_file_may_be_damaged_at_once(damage: Damage, root: Path) -> None:
    """Nothing is known then."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.stat().st_size:
            damage(path)
    assert _judged(look(root))["severity"] == "unknown"


def test_an_empty_root_is_unknown(tmp_path: Path) -> None:
    """All of it is missing, and that is a valid document too."""
    document = _judged(look(tmp_path))
    assert document["severity"] == "unknown"
    assert {"buddyinfo", "zoneinfo", "meminfo"} <= set(_degraded(document))
    assert document["zones"] == []


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_a_folder_may_be_a_file(name: str, root: Path) -> None:
    """Proc or sys as a file is as good as missing."""
    shutil.rmtree(root / name)
    (root / name).write_text("")
    _judged(look(root))


@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root reads everything"
)
@pytest.mark.parametrize("name", ["proc", "proc/buddyinfo", "ORIGIN"])
def test_an_unreadable_file_is_said_to_be_so(name: str, root: Path) -> None:
    """Not permitted: degraded, not a traceback."""
    (root / name).chmod(0)
    result = look(root, under=AS_OWNER)
    (root / name).chmod(0o755)
    document = _judged(result)
    if name != "ORIGIN":
        assert result.code == 3
        entries = document["degraded"]
        assert isinstance(entries, list)
        assert {"what": "buddyinfo", "why": "/proc/buddyinfo: permission denied"} in entries


@pytest.mark.parametrize("page_size", ["0", "-1", "1", "5000", "1048576", "9" * 30, "x", "٤٠٩٦"])
def test_a_page_size_that_no_kernel_has_is_4096(page_size: str, root: Path) -> None:
    """A wrong ORIGIN does not make wrong numbers."""
    (root / "ORIGIN").write_text(f"machine=armv7l\npage_size={page_size}\n", encoding="utf-8")
    kernel = _judged(look(root))["kernel"]
    assert isinstance(kernel, dict)
    assert kernel["page_size"] == 4096


@pytest.mark.parametrize(
    "origin", [b"", b"=\n=", b"machine=\n", b"machine\n", b"\xff=\xff\n", b"a=b=c\n" * 5000]
)
def test_an_origin_without_a_machine_is_none(origin: bytes, root: Path) -> None:
    """The machine is null then, never an empty text."""
    (root / "ORIGIN").write_bytes(origin)
    kernel = _judged(look(root))["kernel"]
    assert isinstance(kernel, dict)
    assert kernel["machine"] is None


def test_text_for_people_has_no_control_characters(root: Path) -> None:
    """A copied tree does not get to move the reader's cursor."""
    (root / "ORIGIN").write_bytes(b"machine=\x1b[2Jarm\n")
    (root / "proc/sys/kernel/osrelease").write_bytes(b"6.1.0\x1b]0;x\x07\n")
    result = run(DAEMON, "--config", str(CONFIG), "--once", "--root", str(root))
    assert all(line.isprintable() for line in result.out.splitlines())


@pytest.mark.parametrize("shift", ["0", "1", "9999999999999", "-1", "x", "9" * 400])
def test_a_vendors_shift_may_be_anything(shift: str, root: Path) -> None:
    """It goes into a shift of the marks on kernels before 4.4."""
    shutil.rmtree(root)
    shutil.copytree(OLD, root)
    (root / "proc/sys/vm/min_free_order_shift").write_text(f"{shift}\n")
    _judged(look(root))


def test_the_largest_counts_are_still_numbers(root: Path) -> None:
    """2^64 - 1 blocks of each order are a document like any other."""
    row = f"{2**64 - 1} " * 11
    (root / "proc/buddyinfo").write_text(f"Node 0, zone   Normal {row}\n")
    document = _judged(look(root))
    zones = document["zones"]
    assert isinstance(zones, list)
    largest = [zone["orders"][10]["free_blocks"] for zone in zones if zone["orders"]]
    assert largest == [2**64 - 1]


def test_files_that_contradict_each_other_are_judged(root: Path) -> None:
    """Zones of one file that the other does not have, and orders that do not agree."""
    (root / "proc/buddyinfo").write_text(
        "Node 0, zone      Odd 1 2 3 \nNode 7, zone   Normal 4 5 6 \n"
    )
    document = _judged(look(root))
    assert document["severity"] in EXIT_CODES
    assert _degraded(document)
