"""The profiles for kinds of boards, and the guide's examples: as they are, they are good."""

import re
import shutil
from pathlib import Path

import pytest
from commands import CONFIG, DAEMON, run

from oomwatchd.config import parse
from oomwatchd.model import Request
from oomwatchd.settings import Config

FOLDER = CONFIG.parent / "profiles"
PROFILES = sorted(FOLDER.iterdir())
_MEGABYTE = 1 << 20

each_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)


def _read(profile: Path) -> Config:
    """Read it as the daemon would."""
    return parse([(profile.name, profile.read_bytes())])


def _settings(text: str) -> list[tuple[str, str]]:
    """List the lines that say something, each with the line before it."""
    lines = text.splitlines()
    return [
        (lines[at - 1], line) for at, line in enumerate(lines) if re.match(r"#?[a-z_]+ =", line)
    ]


def test_there_are_profiles() -> None:
    """So that the tests below have something to do."""
    assert len(PROFILES) >= 5


@each_profile
def test_a_profile_is_accepted_as_a_drop_in(profile: Path, tmp_path: Path) -> None:
    """Beside the shipped file, in silence."""
    (tmp_path / "conf.d").mkdir()
    shutil.copy(CONFIG, tmp_path)
    shutil.copy(profile, tmp_path / "conf.d")
    result = run(DAEMON, "--config", str(tmp_path / CONFIG.name), "--check-config")
    assert result == (0, "", "")


@each_profile
def test_a_profile_says_something(profile: Path) -> None:
    """A demand or a setting that is not the default."""
    assert _read(profile) != Config()


@each_profile
def test_a_profile_gives_a_reason_for_every_line(profile: Path) -> None:
    """A comment stands before each setting, and at the top what board it is for."""
    text = profile.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert [line for before, line in _settings(text) if not before.startswith("# ")] == []


@each_profile
def test_a_profile_has_a_plain_name(profile: Path) -> None:
    """The name of a drop-in, for a shell too."""
    assert re.fullmatch(r"[a-z][a-z0-9-]*\.conf", profile.name)


@each_profile
def test_a_profiles_demands_fit_its_board(profile: Path) -> None:
    """They leave most of the memory that the name speaks of, or of 128 MB."""
    named = re.search(r"-(\d+)m\.", profile.name)
    memory = int(named[1]) * _MEGABYTE if named else 128 * _MEGABYTE
    pages = blocks = 0
    for spec in _read(profile).demands:
        assert spec.warning is not None
        assert spec.critical is not None
        assert spec.critical < spec.warning
        size = spec.size_bytes if spec.size_bytes is not None else 4096 << (spec.order or 0)
        if spec.order == 0:
            pages += size * spec.warning
        else:
            blocks += size * spec.warning
        if spec.request is Request.ATOMIC:
            # What is kept free for atomic requests is a part of the min mark.
            assert size * spec.warning <= memory // 100
    # Blocks are made of the same pages that are counted one by one.
    assert max(pages, blocks) <= memory // 8


@each_profile
def test_the_alternatives_of_a_profile_are_good_too(profile: Path, tmp_path: Path) -> None:
    """What stands there as a comment may be used, in the place of what is stated."""
    lines = profile.read_text(encoding="utf-8").splitlines()
    said: dict[str, dict[str, str]] = {}
    section = ""
    for line in lines:
        if match := re.fullmatch(r"#?\[(.+)\]", line):
            section = match[1]
        elif match := re.fullmatch(r"#?([a-z_]+) = (.*)", line):
            said.setdefault(section, {})[match[1]] = match[2]  # a comment stands last, and wins
    text = "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for section, keys in said.items()
    )
    (tmp_path / "x.conf").write_text(text)
    result = run(DAEMON, "--config", str(tmp_path / "x.conf"), "--check-config")
    assert result == (0, "", "")


def test_the_real_time_profile_leaves_real_time_tasks_alone() -> None:
    """No remedy, no thread of the kernel that runs among them."""
    config = _read(FOLDER / "realtime.conf")
    assert not config.remedies.realtime
    assert not config.poll.psi


def test_the_profile_of_a_root_in_ram_drops_nothing() -> None:
    """There is nothing to read back from."""
    remedies = _read(FOLDER / "read-only-root-in-ram.conf").remedies
    assert (remedies.drop_caches, remedies.reclaim, remedies.compact) == (False, False, True)


def test_the_examples_of_the_guide_are_good() -> None:
    """What stands in the man page can be copied."""
    page = (CONFIG.parents[1] / "man" / "oomwatchd-demands.7").read_text(encoding="utf-8")
    examples = [text for text in re.findall(r"(?s)\.Bd .*?\n(.*?)\.Ed", page) if text[0] == "["]
    assert len(examples) == 2
    for text in examples:
        assert parse([("example", text.encode())]).demands
