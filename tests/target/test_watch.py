"""The daemon at work on the ARM device: what it says and does about memory that is in pieces."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from target.disk import MODULES, make_ext4
from target.guest import Guests, Options
from target.machines import ARM

pytestmark = pytest.mark.target

Facts = dict[str, Any]

# Free CMA blocks would be a cause of their own.
NO_CMA = "cma=0"
TIMEOUT_SECONDS = 600.0
OLD_PROACTIVENESS = 10
KILLS = 100
HOLD_SECONDS = 20.0
STORIES = ("movable", "unmovable", "trouble")
HEALTHY = """\
oomwatchd --log-to stderr 2>/out/daemon.log &
mkdir /mnt
mount -t ext4 /dev/vda /mnt || exit 1
until [ -S /run/oomwatchd/oomwatchd.sock ]; do sleep 0.1; done
exec python3 -m target.inside.healthy 4 180
"""


ATTEMPTS = 3


@pytest.fixture(scope="module")
def told(guests: Guests) -> Facts:
    """Boot once, or again where chance would have it so; give each story's facts."""
    script = " && ".join(f"python3 -m target.inside.{name}" for name in STORIES)
    options = Options(icount=True, append=NO_CMA, timeout_seconds=TIMEOUT_SECONDS)
    for _ in range(ATTEMPTS):
        result = guests.boot(ARM, script, options).checked()
        facts: Facts = {name: json.loads(result.text(f"{name}.json")) for name in STORIES}
        for story in (story for stories in facts.values() for story in stories.values()):
            assert "error" not in story, story["error"]
        if all(is_mended_at_once(story) for story in facts["movable"].values()):
            break
    return facts


def is_mended_at_once(story: Facts) -> bool:
    """Whether the first compaction was enough: now and then a boot's memory lies otherwise."""
    return "headroom_critical" not in events(story.get("lines", []))


def events(lines: list[str]) -> list[str]:
    """Give the names of the events."""
    return [line.split()[0] for line in lines]


def values(lines: list[str], event: str, key: str) -> list[str]:
    """Give what the events of a name say under a key."""
    found = (re.search(rf"^{event} .*\b{key}=(\S+)", line) for line in lines)
    return [match[1] for match in found if match]


@pytest.mark.parametrize(
    ("story", "remedy"), [("at_warning", "compact_async"), ("at_critical", "compact")]
)
def test_what_user_pages_fragment_is_mended_before_it_is_worth_a_warning(
    told: Facts, story: str, remedy: str
) -> None:
    """One remedy, the gentle one at warning; the demand is well above its level after it."""
    mended = told["movable"][story]
    lines = mended["lines"]
    assert events(lines) == [
        "started",
        "config_reloaded",
        "headroom_low",
        "remedy_started",
        "remedy_finished",
        "headroom_recovered",
        "stopped",
    ]
    assert values(lines, "headroom_low", "cause") == ["fragmentation"]
    assert values(lines, "remedy_started", "remedy") == [remedy]
    assert values(lines, "remedy_finished", "effective") == ["yes"]
    (outcome,) = mended["remedies"]["last"]
    assert outcome["headroom_after"] > 4 * outcome["headroom_before"]


def test_a_device_with_cma_is_mended_while_memory_fragments(guests: Guests) -> None:
    """The configuration is there from the start; what lies in CMA is named, and in nobody's way."""
    options = Options(icount=True, timeout_seconds=TIMEOUT_SECONDS)
    result = guests.boot(ARM, "python3 -m target.inside.ordinary", options).checked()
    for name, mended in json.loads(result.text("ordinary.json")).items():
        assert "error" not in mended, mended["error"]
        lines = mended["lines"]
        assert mended["recovered"], (name, lines)
        assert not {"headroom_warning", "headroom_critical"} & set(events(lines)), lines
        assert values(lines, "remedy_finished", "effective") == ["yes"]
        assert values(lines, "headroom_low", "cause")[0] in ("reserved", "fragmentation")


def test_the_kernels_setting_is_raised_for_a_demand_at_warning_and_put_back(told: Facts) -> None:
    """A critical demand leaves it alone."""
    warning, critical = told["movable"]["at_warning"], told["movable"]["at_critical"]
    assert warning["raised"] == [OLD_PROACTIVENESS, 100]
    assert critical["raised"] == [OLD_PROACTIVENESS]
    assert warning["proactiveness"] == critical["proactiveness"] == OLD_PROACTIVENESS


def test_an_heir_puts_back_what_a_killed_daemon_has_raised(told: Facts) -> None:
    """And counts the remedy that it was killed in against the budget."""
    killed = told["movable"]["killed_while_raised"]
    assert killed["started"]
    assert killed["left"] == 100
    assert killed["restored"] == OLD_PROACTIVENESS
    assert killed["remedies"]["budget_left"]["compact_per_hour"] == 11
    assert "remedy_started" not in events(killed["after"])


def test_what_nothing_mends_at_warning_is_a_warning(told: Facts) -> None:
    """When both compactions have failed, and not before."""
    lines = told["unmovable"]["at_warning"]["lines"]
    assert events(lines) == [
        "started",
        "headroom_low",
        *("remedy_started", "remedy_finished") * 2,
        "headroom_warning",
        "remedy_backed_off",
        "stopped",
    ]
    assert values(lines, "remedy_finished", "remedy") == ["compact_async", "compact"]
    assert values(lines, "remedy_finished", "effective") == ["no", "no"]
    assert values(lines, "headroom_warning", "cause") == ["fragmentation"]


def test_what_nothing_mends_is_tried_again_after_twice_as_long(told: Facts) -> None:
    """20 s, then 40 s; it is critical for fragmentation all along, and that is said once."""
    story = told["unmovable"]["at_critical"]
    lines = story["lines"]
    assert story["backed_off_twice"]
    first, second = story["times"]["remedy_started"]
    backed_off, again = story["times"]["remedy_backed_off"]
    assert first < backed_off
    assert backed_off + 19.5 <= second <= again
    assert values(lines, "remedy_backed_off", "seconds") == ["20.000", "40.000"]
    assert set(values(lines, "remedy_finished", "effective")) == {"no"}
    assert values(lines, "headroom_critical", "cause") == ["fragmentation"]
    assert "headroom_warning" not in events(lines)


def test_a_broken_configuration_changes_nothing(told: Facts) -> None:
    """It is refused once; the same demand, the same counts, and the back-off counts down."""
    story = told["unmovable"]["at_critical"]
    assert story["rejected"]
    assert events(story["lines"]).count("config_rejected") == 1
    before, after = story["before"], story["refused"]
    assert after["counts"] == before["counts"]
    assert after["demand"]["warning"] == before["demand"]["warning"]
    assert 0 < after["backoff_remaining_seconds"] < before["backoff_remaining_seconds"] - 2.5


def test_another_configuration_keeps_what_was_learnt(told: Facts) -> None:
    """New levels, the same counts, and the back-off counts down."""
    story = told["unmovable"]["at_critical"]
    assert story["taken"]
    before, after = story["refused"], story["reloaded"]
    assert after["counts"] == before["counts"]
    assert after["demand"]["warning"] == before["demand"]["warning"] + 1
    assert 0 < after["backoff_remaining_seconds"] < before["backoff_remaining_seconds"] - 2.5


def test_an_heir_waits_for_what_a_killed_daemon_backed_off(told: Facts) -> None:
    """It says at once how things stand, tries when the back-off ends, and doubles it."""
    story = told["unmovable"]["at_critical"]
    left = story["heir"]["backoff_remaining_seconds"]
    assert 20 < left < story["reloaded"]["backoff_remaining_seconds"]
    assert story["heir"]["budget_left"] == story["before"]["budget_left"]
    assert story["tries_again"]
    assert story["heir_waited_seconds"] > left - 0.5
    lines = story["heir_lines"]
    assert events(lines)[:3] == ["started", "headroom_critical", "remedy_started"]
    assert values(lines, "remedy_backed_off", "seconds") == ["80.000"]


@pytest.mark.parametrize("story", ["held", "clock_stepped"])
def test_a_low_demand_is_acted_on_after_the_hold_time(told: Facts, story: str) -> None:
    """Whatever the wall clock says meanwhile."""
    found = told["unmovable"][story]
    assert HOLD_SECONDS - 2.5 <= found["seconds_held"] <= HOLD_SECONDS + 2.5
    assert events(found["lines"])[2:4] == ["headroom_low", "remedy_started"]


def test_the_hold_time_begins_anew_after_a_minute_in_which_nobody_looked(told: Facts) -> None:
    """The daemon was stopped when most of it had passed."""
    found = told["unmovable"]["stopped"]
    assert found["severity"] == "warning"
    assert HOLD_SECONDS - 0.5 <= found["seconds_held"] <= HOLD_SECONDS + 2.5
    assert events(found["lines"])[:4] == [
        "started",
        "config_reloaded",
        "headroom_low",
        "remedy_started",
    ]


@pytest.mark.parametrize("name", ["buddyinfo", "zoneinfo"])
def test_nothing_is_done_for_a_demand_that_cannot_be_measured(told: Facts, name: str) -> None:
    """It was critical and will be tried for again, but not while the file is empty."""
    found = told["unmovable"]["unreadable"][name]
    assert found["hidden"]["severity"] == "unknown"
    assert [entry["what"] for entry in found["hidden"]["degraded"]] == [name]
    assert found["remedies_while_hidden"] == 0
    assert found["remedies_after"] == 1
    names = events(found["lines"])
    assert names.count("degraded") == names.count("restored") == 1
    assert names.count("headroom_critical") == 1


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("buddyinfo", "unknown"),
        ("zoneinfo", "unknown"),
        ("meminfo", "unknown"),
        ("pagetypeinfo", "ok"),
    ],
)
def test_a_daemon_that_starts_blind_says_so_and_sees_later(
    told: Facts, name: str, severity: str
) -> None:
    """Without pagetypeinfo headroom is a lower bound, and plenty all the same."""
    found = told["trouble"]["started_blind"][name]
    assert found["status"]["severity"] == severity
    assert [entry["what"] for entry in found["status"]["degraded"]] == [name]
    assert found["healed"]
    assert found["after"] == "ok"
    names = events(found["lines"])
    assert names[:2] == ["started", "degraded"]
    assert set(names) <= {"started", "degraded", "restored", "stopped"}
    assert found["restored"] or severity == "ok"


def test_a_hundred_kills_around_the_daemon_leave_it_alone(told: Facts) -> None:
    """The same process answers, protected as before; each kill is told of."""
    found = told["trouble"]["killed_around"]
    assert found["kills"] >= KILLS
    counted = sum(map(int, values(found["lines"], "oom_kill", "kills")))
    assert counted == found["kills"]
    for facts in (found["protected"], found["after"]):
        assert facts["score"] == -900
        assert facts["locked_kib"] > 8 << 10
    assert found["after"]["descriptors"] <= found["protected"]["descriptors"]
    assert found["command"]["code"] == 0
    assert json.loads(found["command"]["out"])["pid"] == found["pid"]
    assert found["check"]["code"] == 0


@pytest.mark.parametrize("append", [NO_CMA, "quiet"])
def test_a_healthy_device_is_not_worth_a_word(guests: Guests, tmp_path: Path, append: str) -> None:
    """Its boot, a page cache that fills again and again, processes that come and go, and rest.

    The device is short of free memory meanwhile, as it should be.
    """
    image = tmp_path / "disk"
    make_ext4(image)
    options = Options(
        icount=True,
        append=append,
        modules=MODULES,
        disks=(image,),
        timeout_seconds=TIMEOUT_SECONDS,
    )
    result = guests.boot(ARM, HEALTHY, options).checked()
    found = json.loads(result.text("healthy.json"))
    assert events(result.text("daemon.log").splitlines()) == ["started"], found["evidence"]
    assert found["status"]["degraded"] == []
    assert found["kills"] == 0
    assert found["started"] > 100
    assert found["lowest"]["process"] < 100
    assert found["uptime_seconds"] > 180
