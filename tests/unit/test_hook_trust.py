"""Whom the hook trusts: root, and the user that the daemon runs as; nobody else on the way."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hooks import trusted_folder, write_script
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oomwatchd.system.trust import distrust

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """Have a folder that is trusted."""
    with trusted_folder() as made:
        yield made


def below(folder: Path, *names: str) -> Path:
    """Make folders and a script in the last one."""
    deepest = folder.joinpath(*names)
    deepest.mkdir(parents=True, exist_ok=True)
    for made in (deepest, *deepest.parents[: len(names)]):
        made.chmod(0o755)
    return write_script(deepest / "hook", "exit 0")


# --- Refused -----------------------------------------------------------------------------------


@needs_root
def test_a_program_of_somebody_else_is_refused(folder: Path) -> None:
    """Its owner may write into it whatever its mode."""
    script = below(folder)
    os.chown(script, NOBODY, 0)
    assert distrust(str(script)) == f"{script}: belongs to uid {NOBODY}"


@needs_root
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_folder_of_somebody_else_is_refused(folder: Path, depth: int) -> None:
    """However far up."""
    script = below(folder, "a", "b")
    os.chown(script.parents[depth], NOBODY, -1)
    assert distrust(str(script)) == f"{script.parents[depth]}: belongs to uid {NOBODY}"


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o722, 0o4775])
def test_a_program_that_others_may_write_to_is_refused(folder: Path, mode: int) -> None:
    """The group is others, too."""
    script = below(folder)
    script.chmod(mode)
    assert distrust(str(script)) == f"{script}: others than its owner may write to it"


@pytest.mark.parametrize("mode", [0o775, 0o777, 0o1777, 0o3775])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_folder_that_others_may_write_to_is_refused(folder: Path, mode: int, depth: int) -> None:
    """Sticky or not: what is not there today may be put there tomorrow."""
    script = below(folder, "a", "b")
    script.parents[depth].chmod(mode)
    assert (
        distrust(str(script)) == f"{script.parents[depth]}: others than its owner may write to it"
    )


def test_what_lies_in_tmp_is_refused(tmp_path: Path) -> None:
    """Whoever it belongs to."""
    script = write_script(tmp_path / "hook", "exit 0")
    if not Path("/tmp").stat().st_mode & stat.S_IWOTH or not script.is_relative_to("/tmp"):  # noqa: S108 - it is what is refused
        pytest.skip("the tests' folder is not in a /tmp for all")
    assert distrust(str(script)) == "/tmp: others than its owner may write to it"  # noqa: S108 - as above


def test_a_link_to_where_others_may_write_is_refused(folder: Path) -> None:
    """What counts is also where it leads."""
    script = below(folder, "open")
    script.parent.chmod(0o1777)
    link = folder / "link"
    link.symlink_to(script)
    assert distrust(str(link)) == f"{script.parent}: others than its owner may write to it"


def test_a_link_from_where_others_may_write_is_refused(folder: Path) -> None:
    """Others may put another link there."""
    script = below(folder, "closed")
    open_folder = below(folder, "open").parent
    open_folder.chmod(0o1777)
    (open_folder / "link").symlink_to(script)
    assert distrust(str(open_folder / "link")) is not None


@pytest.mark.parametrize("relative", [True, False])
def test_a_link_on_the_way_to_another_link_is_looked_at(folder: Path, relative: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The first and the last folder are good, and the one between is not."""
    script = below(folder, "closed")
    between = below(folder, "open").parent
    between.chmod(0o1777)
    (between / "second").symlink_to(script)
    first = folder / "closed" / "first"
    first.symlink_to("../open/second" if relative else between / "second")
    assert distrust(str(first)) == f"{between}: others than its owner may write to it"


def test_a_linked_folder_is_looked_at(folder: Path) -> None:
    """Not only the last name may be a link."""
    script = below(folder, "open", "in")
    script.parents[1].chmod(0o777)
    (folder / "link").symlink_to("open/in")
    assert distrust(str(folder / "link" / "hook")) is not None


@needs_root
def test_a_link_to_somebody_elses_program_is_refused(folder: Path) -> None:
    """The link is root's, what it leads to is not."""
    script = below(folder)
    os.chown(script, NOBODY, NOBODY)
    (folder / "link").symlink_to("hook")
    assert distrust(str(folder / "link")) == f"{script}: belongs to uid {NOBODY}"


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "no such file or directory"),
    "folder": (lambda path: path.mkdir(mode=0o755), "not a regular file"),
    "fifo": (lambda path: os.mkfifo(path, 0o700), "not a regular file"),
    "dangling": (lambda path: path.symlink_to("nothing"), "no such file or directory"),
    "loop": (lambda path: path.symlink_to(path.name), "too many symbolic links"),
    "root": (lambda path: path.symlink_to("/"), "not a regular file"),
    "not executable": (lambda path: write_script(path, "exit 0", 0o644), "not executable"),
}


@pytest.mark.parametrize("what", ODD)
def test_what_cannot_be_run_is_refused(folder: Path, what: str) -> None:
    """And said why."""
    make, why = ODD[what]
    make(folder / "hook")
    refused = distrust(str(folder / "hook"))
    assert refused is not None
    assert refused.startswith(str(folder) if what != "root" else "/: ")
    assert refused.endswith(f": {why}")


def test_a_file_on_the_way_is_told(folder: Path) -> None:
    """It is no folder."""
    script = below(folder)
    assert distrust(f"{script}/x") == f"{script}/x: not a directory"


def test_a_name_that_is_too_long_is_told() -> None:
    """The kernel says so."""
    refused = distrust("/" + "x" * 300)
    assert refused is not None
    assert refused.endswith(": file name too long")


def test_a_reason_is_one_line_of_plain_text(folder: Path) -> None:
    """Whatever the path is made of."""
    refused = distrust(f"{folder}/a\nb\x1bé")
    assert refused is not None
    assert refused.isprintable()
    assert refused.isascii()


@needs_root
def test_another_users_own_program_is_good_for_that_user_only(folder: Path) -> None:
    """Without root it is the user's own that is trusted, beside root's."""
    script = below(folder)
    os.chown(script, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        trusted_by_owner = distrust(str(script))
    finally:
        os.seteuid(0)
    # access(2) goes by the real user, who is root here.
    assert trusted_by_owner is None or "permission denied" in trusted_by_owner
    assert distrust(str(script)) is not None


# --- Trusted -----------------------------------------------------------------------------------


def test_a_program_of_ours_in_a_folder_of_ours_is_trusted(folder: Path) -> None:
    """By any of its names."""
    script = below(folder, "a")
    (folder / "to-file").symlink_to("a/hook")
    (folder / "to-link").symlink_to(folder / "to-file")
    (folder / "to-folder").symlink_to("./a")
    for path in (
        script,
        f"{folder}//a/./hook",
        f"{folder}/a/../a/hook",
        folder / "to-file",
        folder / "to-link",
        folder / "to-folder" / "hook",
        f"{folder}/to-folder/../to-folder/hook",
    ):
        assert distrust(str(path)) is None, path


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o555, 0o500, 0o711])
def test_modes_that_leave_it_to_its_owner_are_trusted(folder: Path, mode: int) -> None:
    """Others may read and run it."""
    script = below(folder)
    script.chmod(mode)
    assert distrust(str(script)) is None


def test_the_systems_own_shell_is_trusted() -> None:
    """On a system as it should be."""
    assert distrust("/bin/sh") is None


# --- Any tree ----------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
TARGETS = st.lists(st.sampled_from((*NAMES, *NAMES, "..", ".", "")), min_size=1, max_size=4).map(
    "/".join
)
ENTRIES = st.one_of(st.sampled_from(("folder", "folder", "program")), TARGETS.map("-> {}".format))
PLACES = [*NAMES, *(f"{one}/{two}" for one in NAMES for two in NAMES)]
TREES = st.fixed_dictionaries(dict.fromkeys(PLACES, ENTRIES))


def make_tree(folder: Path, entries: dict[str, str]) -> Path:
    """Make what can be made: a name below something that is no folder cannot be."""
    tree = Path(tempfile.mkdtemp(dir=folder))
    for place, entry in sorted(entries.items()):
        path = tree / place
        if path.parent.is_symlink() or not path.parent.is_dir():
            continue
        if entry == "folder":
            path.mkdir(mode=0o755)
        elif entry == "program":
            write_script(path, "exit 0")
        else:
            path.symlink_to(entry.removeprefix("-> ") or ".")
    return tree


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TREES, TARGETS)
def test_what_is_looked_at_is_what_would_be_run(
    folder: Path, entries: dict[str, str], path: str
) -> None:
    """Whatever links lead to it: trusted is what the kernel finds to be a program, and no more."""
    asked = f"{make_tree(folder, entries)}/{path.lstrip('/')}"
    assert (distrust(asked) is None) == os.path.isfile(asked)
