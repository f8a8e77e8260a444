"""The init script on the 256 MB ARM device: BusyBox init, ash, start-stop-daemon, syslogd."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from target.guest import Guests, Options
from target.machines import ARM

from oomwatchd.alerts.vocabulary import PRIORITIES

pytestmark = pytest.mark.target

INIT = Path(__file__).parents[2] / "init"
# BusyBox init as process 1 runs the guest's own first script, and adopts who has lost a parent.
FIRST = "#!/bin/busybox sh\necho '::sysinit:/init' >/etc/inittab\nexec /bin/busybox init\n"
TIMEOUT_SECONDS = 600.0
SYSLOG_NAMES = {2: "crit", 3: "err", 4: "warn", 5: "notice", 6: "info"}
RECORD = re.compile(
    r"[A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8} guest daemon\.(?P<priority>[a-z]+)"
    r" oomwatchd\[(?P<pid>[0-9]+)\]: (?P<line>(?P<event>[a-z_]+).*)"
)
VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^ "=]+)'
WHOLE = re.compile(rf"[a-z_]+(?: [a-z_]+={VALUE})*(?: \.\.\.)?")
FAULTS = ("oomwatchd.conf:2: [poll]: ", 'oomwatchd.conf:5: demand "camera": ')

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def stories(guests: Guests) -> Facts:
    """Boot once; give each story's facts, and the whole log as `messages`."""
    files = {name: (INIT / name).read_bytes() for name in ("S90oomwatchd", "oomwatchd.default")}
    result = guests.boot(
        ARM,
        "exec python3 -m target.inside.initscript",
        Options(append="rdinit=/job/first", timeout_seconds=TIMEOUT_SECONDS),
        files=files | {"first": FIRST.encode()},
    ).checked()
    facts: Facts = json.loads(result.text("init.json"))
    for name, story in facts.items():
        assert "error" not in story, (name, story)
    return facts | {"messages": result.text("messages").splitlines()}


def is_one(now: Facts) -> bool:
    """Whether there is one daemon, one supervisor, and a pid file that names the daemon."""
    counts = len(now["daemons"]), len(now["supervisors"])
    return counts == (1, 1) and now["pid_file"] == str(now["daemons"][0])


def is_nothing(now: Facts) -> bool:
    """Whether no process, no pid file and nothing else of the script's is left."""
    processes = now["daemons"] + now["supervisors"]
    files = [name for name in now["run"] if "oomwatchd" in name]
    return not processes and now["pid_file"] is None and not files


def test_start_brings_up_one_supervised_daemon(stories: Facts) -> None:
    """Process 1 is BusyBox init; both of ours are the last that the kernel would kill."""
    life = stories["life"]
    assert life["init"] == ["/bin/busybox", "init"]
    assert (life["start"]["code"], life["start"]["out"]) == (0, "Starting oomwatchd: OK\n")
    assert life["said_started"]
    assert is_one(life["running"])
    assert life["adjustments"] == {"daemons": [-900], "supervisors": [-900]}
    assert life["status"]["code"] == 0
    (pid,) = life["running"]["daemons"]
    assert life["status"]["out"] == f"oomwatchd is running (pid {pid})\n"


def test_a_supervisor_is_tiny(stories: Facts) -> None:
    """What it has for itself, BusyBox's text apart, is some pages."""
    (kib,) = stories["life"]["supervisor_kib"]
    assert kib <= 300


def test_start_twice_is_one_daemon(stories: Facts) -> None:
    """The second start succeeds and changes nothing."""
    life = stories["life"]
    assert life["start_again"]["code"] == 0
    assert life["running_still"]["daemons"] == life["running"]["daemons"]
    assert is_one(life["running_still"])


def test_reload_reaches_the_daemon(stories: Facts) -> None:
    """It says in the log that it has read its configuration, and stays the same process."""
    life = stories["life"]
    assert life["reload"]["code"] == 0
    assert life["said_reloaded"]
    assert life["reload_stopped"]["code"] == 7


def test_reload_with_a_broken_configuration_shows_the_faults(stories: Facts) -> None:
    """On the console and in the log; the daemon goes on, and a restart is refused."""
    life = stories["life"]
    for action in ("reload_bad", "restart_bad"):
        assert life[action]["code"] == 78
        assert life[action]["out"].endswith(": FAIL\n")
        assert all(fault in life[action]["err"] for fault in FAULTS)
    assert life["said_rejected"]
    assert all(fault in life["rejected"][0].replace("\\", "") for fault in FAULTS)
    assert life["running_after"] == life["running_still"]


def test_restart_is_another_daemon(stories: Facts) -> None:
    """One again, with another pid."""
    life = stories["life"]
    assert life["restart"]["code"] == 0
    assert is_one(life["restarted"])
    assert life["restarted"]["daemons"] != life["running"]["daemons"]


def test_stop_leaves_nothing(stories: Facts) -> None:
    """No supervisor, no socket, no pid file; the daemon said goodbye, and soon."""
    life = stories["life"]
    assert life["stop"]["code"] == 0
    assert life["stop"]["seconds"] < 5
    assert is_nothing(life["left"])
    assert not life["left"]["socket"]
    assert life["said_stopped"]


def test_stopped_is_status_3_and_stopping_it_is_no_error(stories: Facts) -> None:
    """As LSB has it, before the first start and after the last stop."""
    life = stories["life"]
    for name in ("status_before", "status_after"):
        assert (life[name]["code"], life[name]["out"]) == (3, "oomwatchd is stopped\n")
    assert life["stop_before"]["code"] == life["stop_again"]["code"] == 0


def test_a_broken_configuration_is_refused_before_the_background_hides_it(stories: Facts) -> None:
    """Every fault stands on the console, the exit code tells, and no process is left."""
    broken = stories["broken"]
    assert broken["start"]["code"] == 78
    assert broken["start"]["out"] == "Starting oomwatchd: FAIL\n"
    assert all(fault in broken["start"]["err"] for fault in FAULTS)
    assert is_nothing(broken["left"])
    assert broken["start_nowhere"]["code"] == 66
    assert "/nowhere: no such file" in broken["start_nowhere"]["err"]
    assert broken["start_without_python"]["code"] == 127
    assert "/nowhere/python3" in broken["start_without_python"]["err"]
    assert is_nothing(broken["left_after"])


@pytest.mark.parametrize(("at", "number"), [(0, 9), (1, 11)])
def test_a_killed_daemon_is_started_again(stories: Facts, at: int, number: int) -> None:
    """After SIGKILL and SIGSEGV: another pid, and both the death and the start in the log."""
    death = stories["respawn"]["deaths"][at]
    assert death["seconds"] is not None
    assert death["said"]
    assert is_one(death["now"])
    assert death["now"]["daemons"] != [death["old"]]
    told = f"daemon.err oomwatchd-init: oomwatchd was killed by signal {number}: started again"
    assert any(told in line for line in death["log"])


def test_a_crash_loop_slows_down(stories: Facts) -> None:
    """The pause doubles from a second; status says that the daemon is dead, start that it is on."""
    loop = stories["crash_loop"]
    times = loop["starts"]
    pauses = [later - sooner for sooner, later in pairwise(times)]
    assert len(pauses) >= 3
    for number, pause in enumerate(pauses):
        assert pause >= 2**number * 0.9, pauses
    assert len(times) <= 6
    assert loop["status"]["code"] == 1
    assert loop["start_again"]["code"] == 0
    assert len(loop["running"]["supervisors"]) == 1
    assert len(loop["log"]) == len(times)


def test_stop_ends_a_crash_loop_between_two_deaths(stories: Facts) -> None:
    """At once, and nothing is started any more."""
    loop = stories["crash_loop"]
    assert loop["stop"]["code"] == 0
    assert loop["stop"]["seconds"] < 5
    assert is_nothing(loop["left"])
    assert loop["starts_after"] == len(loop["starts"])


@pytest.mark.parametrize("code", ["0", "64", "75", "78"])
def test_who_would_only_end_again_is_not_started_again(stories: Facts, code: str) -> None:
    """Done, wrong usage, already running, configuration; all but the first are told."""
    ended = stories["exits"][code]
    assert ended["starts"] == 1
    assert is_nothing(ended["now"])
    told = [line for line in ended["log"] if f"exited with status {code}: not started" in line]
    assert len(told) == (code != "0")


def test_another_exit_code_is_a_death(stories: Facts) -> None:
    """As after a traceback."""
    ended = stories["exits"]["1"]
    assert ended["starts"] > 1
    assert any("exited with status 1: started again" in line for line in ended["log"])


@pytest.mark.parametrize("at", range(3), ids=["sleep", "shell", "python"])
def test_who_has_the_pid_now_is_left_alone(stories: Facts, at: int) -> None:
    """A stale pid file keeps nothing from starting, and stop ends the daemon alone."""
    story = stories["stale"]["bystanders"][at]
    assert story["status_before"]["code"] == 1
    assert story["started"]
    assert is_one(story["running"])
    assert story["stop"]["code"] == 0
    assert is_nothing(story["left"])
    assert story["survived"]


def test_a_missing_pid_file_is_not_missed(stories: Facts) -> None:
    """Status, start and stop find both processes without it."""
    story = stories["stale"]["missing"]
    assert story["status"]["code"] == story["start"]["code"] == story["stop"]["code"] == 0
    assert (len(story["running"]["daemons"]), len(story["running"]["supervisors"])) == (1, 1)
    assert is_nothing(story["left"])


def test_a_daemon_run_by_hand_is_left_alone(stories: Facts) -> None:
    """The daemon's lock makes the second one give way; stop does not end what it did not start."""
    story = stories["foreign"]
    assert story["gave_way"] is not None
    assert story["running"]["daemons"] == [story["pid"]]
    assert any("exited with status 75: not started again" in line for line in story["log"])
    assert story["stop"]["code"] == 0
    assert story["survived"]


def test_a_daemon_without_its_supervisor_is_found(stories: Facts) -> None:
    """Status and stop know it, and a start supervises it again."""
    story = stories["orphan"]
    assert story["status"]["code"] == 0
    assert story["alone"]["supervisors"] == []
    assert story["started"]
    assert is_one(story["running"])
    assert story["running"]["daemons"] != [story["old"]]
    assert story["stop"]["code"] == 0
    assert is_nothing(story["left"])


@pytest.mark.parametrize("who", ["daemon", "supervisor"])
def test_stop_waits_for_nobody_for_ever(stories: Facts, who: str) -> None:
    """One of the two does not answer: after some seconds it is killed."""
    story = stories["stuck"][who]
    assert story["stop"]["code"] == 0
    assert story["stop"]["seconds"] < 10
    assert is_nothing(story["left"])


def test_two_starts_at_once_are_one_daemon(stories: Facts) -> None:
    """Both succeed; the one that comes too late leaves the pid file right."""
    story = stories["at_once"]
    assert story["codes"] == [0, 0]
    assert story["alone"] is not None
    assert is_one(story["running"])
    assert is_nothing(story["left"])


def test_a_daemon_that_is_still_loading_takes_reload_and_stop(stories: Facts) -> None:
    """A HUP that comes before it is ready is no way to die."""
    story = stories["at_once"]
    assert story["reload_early"] == 0
    assert is_one(story["running_after"])
    assert story["stop_early"]["code"] == 0
    assert is_nothing(story["left_early"])


def test_the_supervisor_outlives_a_time_without_processes(stories: Facts) -> None:
    """Where the shell cannot fork it tries again later, without spinning."""
    story = stories["without_processes"]
    assert story["refused"] >= 2
    assert len(story["meanwhile"]["supervisors"]) == 1
    assert story["meanwhile"]["daemons"] == []
    assert story["status"]["code"] == 1
    assert story["ticks"] <= 10
    assert story["said"]
    assert is_one(story["running"])
    assert is_nothing(story["left"])


def test_syslogd_shows_each_record_whole(stories: Facts) -> None:
    """Facility daemon, the event's priority, at most 240 bytes, all values closed."""
    lines = [line for line in stories["messages"] if "oomwatchd[" in line]
    events = set()
    for line in lines:
        found = RECORD.fullmatch(line)
        assert found, line
        assert found["priority"] == SYSLOG_NAMES[PRIORITIES[found["event"]]], line
        assert len(found["line"]) <= 240, line
        assert WHOLE.fullmatch(found["line"]), line
        events.add(found["event"])
    assert events >= {
        *("started", "stopped", "config_reloaded", "config_rejected"),
        *("headroom_warning", "headroom_critical"),
    }


def test_long_records_are_cut_with_dots(stories: Facts) -> None:
    """Of what does not fit so much is shown that the line says "...", and none is lost."""
    rejections = stories["records"]["rejections"]
    assert all(one["said"] for one in rejections)
    told = [line for one in rejections for line in one["lines"] if "config_rejected" in line]
    assert len(told) == len(rejections)
    assert '"' in told[0]
    assert told[-1].endswith(("...", '..."'))


def test_a_long_refusal_still_says_where_the_first_fault_is(stories: Facts) -> None:
    """The beginning of a value that is too long is shown."""
    for one in stories["records"]["rejections"]:
        assert any("oomwatchd.conf:" in line for line in one["lines"]), one["length"]


def test_a_datagram_is_one_record(stories: Facts) -> None:
    """The priority, name and pid that syslogd looks for, then printable ASCII; nothing is lost."""
    story = stories["datagrams"]
    head = re.compile(rf"<[0-9]+>oomwatchd\[{story['pid']}\]: [ -~]+")
    for datagram in story["taken"]:
        assert head.fullmatch(datagram), datagram
    assert sum("config_rejected" in datagram for datagram in story["taken"]) >= 39
    assert is_nothing(story["left"])


def test_a_record_with_its_header_fits_what_syslogd_keeps(stories: Facts) -> None:
    """255 bytes, where BusyBox is built with its default (Debian's keeps more)."""
    assert stories["records"]["kept"] >= 255
    assert max(len(datagram) for datagram in stories["datagrams"]["taken"]) <= 255


def test_what_is_said_before_syslogd_is_there_is_not_the_end_of_it(stories: Facts) -> None:
    """A daemon that is started before syslogd logs as soon as there is one."""
    story = stories["late_syslog"]
    assert story["start"]["code"] == 0
    assert story["said"]
    assert is_nothing(story["left"])


@pytest.mark.parametrize("way", ["lines", "ring"])
def test_each_event_arrives_once_and_readable(stories: Facts, way: str) -> None:
    """In syslogd's file and in the ring that logread shows, at its priority; none forges one."""
    story = stories["every_event"]
    assert story["sent"]["lost"] == 0
    others = re.compile(r".* (kern\.[a-z]+ kernel: \[ *[0-9]+\.|syslog\.info syslogd started).*")
    lines = [line for line in story[way] if line and not others.match(line)]
    found = [RECORD.fullmatch(line) for line in lines]
    assert all(found), lines
    records = [one for one in found if one]
    assert [one["event"] for one in records] == list(PRIORITIES)
    for one in records:
        assert one["priority"] == SYSLOG_NAMES[PRIORITIES[one["event"]]]
        assert WHOLE.fullmatch(one["line"]), one["line"]


def test_a_stuck_syslogd_is_not_waited_for(stories: Facts) -> None:
    """Thousands of events go on at once; the lost ones are counted, and told when it is back."""
    stuck = stories["every_event"]["stuck"]
    lost = stuck["stopped"]["lost"]
    assert 2500 < lost < 3000
    assert stuck["stopped"]["trouble"].startswith("/dev/log does not take lines; ")
    assert stuck["stopped"]["seconds"] < 60
    assert stuck["after"] == {"trouble": None, "lost": lost}
    told = re.findall('degraded what=log why="([0-9]+) lines? w', "\n".join(stuck["lines"]))
    assert sum(int(count) for count in told) == lost
    assert f"test_alert lost={lost}" in stuck["lines"][-1]
