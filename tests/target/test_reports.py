"""Reports made anew on a guest are explained as its memory was."""

import json
from pathlib import Path

import pytest
from explaining import explained
from reportlib import log_in, log_of
from target.guest import Boot, Guests
from target.reports import PLANS, capture

from oomwatchd.explain.explanation import Explanation
from oomwatchd.explain.verdict import Verdict
from oomwatchd.procfs import buddyinfo
from oomwatchd.report.gather import reports


def first_report(guests: Guests, name: str, folder: Path) -> tuple[Explanation, Path]:
    """Have a guest come to a failure, and explain the first report of its log."""
    (plan,) = (one for one in PLANS if f"{one.machine.name}-{one.name}" == name)
    place = folder / capture(guests, plan, folder)
    return next(explained(reports([log_in(place)]))), place


@pytest.mark.target
def test_a_kill_with_memory_left_is_fragmentation(guests: Guests, tmp_path: Path) -> None:
    """No block of four pages, though a quarter of the device is free, as /proc says too."""
    it, place = first_report(guests, "arm-order2-kill", tmp_path)
    assert it.reason.verdict is Verdict.FRAGMENTATION
    assert it.asked.purpose is not None
    assert (it.asked.order, it.asked.purpose.key) == (2, "page_directory")
    trial = it.reason.trial
    assert trial is not None
    assert (trial.free_pages or 0) * 4096 > 64 << 20
    assert trial.usable_blocks == 0
    (before,) = buddyinfo.parse((place / "truth" / "buddyinfo").read_bytes())
    # Of these a process start takes some: the one that failed began after /proc was read.
    pages = [count << order for order, count in enumerate(before.free_blocks)]
    assert sum(pages[2:]) < sum(pages) // 50
    assert it.victims


@pytest.mark.target
def test_the_device_itself_explains_a_log(arm: Boot) -> None:
    """With nothing but what is installed there; what comes by a pipe too."""
    script = (
        "oomwatchctl explain /job/log >/out/text || exit\n"
        "oomwatchctl explain --json </job/log >/out/json || exit\n"
        "dmesg | oomwatchctl explain >/out/own\necho $? >/out/code\n"
        "for log in /dev/kmsg /proc/kmsg; do oomwatchctl explain $log; echo $?; done >/out/live\n"
    )
    result = arm(script, files={"log": log_of("arm-camera-linux2.6.28-unix-message")})
    assert "89 <= 124: refused" in result.text("text")
    (report,) = json.loads(result.text("json"))["reports"]
    assert report["verdict"]["verdict"] == "fragmentation"
    assert result.text("own").startswith("no report of the OOM killer")
    assert result.text("code").strip() == "1"
    # Where nothing is left to read they would wait for what comes next.
    assert result.text("live").split("\n")[1::2] == ["1", "1"]


@pytest.mark.target
def test_a_driver_that_cannot_wait_is_told_from_a_kill(guests: Guests, tmp_path: Path) -> None:
    """Its allocation fails, nobody is killed, and an atomic demand would have spoken."""
    it, _ = first_report(guests, "arm-driver-order4", tmp_path)
    assert it.reason.verdict is Verdict.FRAGMENTATION
    assert it.asked.flags is not None
    assert not it.asked.flags.may_sleep
    assert not it.victims
    assert it.demand is not None
    assert (it.demand.order, it.demand.request.value) == (4, "atomic")


@pytest.mark.target
def test_a_control_groups_kill_is_no_shortage_of_the_device(guests: Guests, tmp_path: Path) -> None:
    """The group and its limit are named."""
    it, _ = first_report(guests, "arm-cgroup", tmp_path)
    assert it.reason.verdict is Verdict.CGROUP_LIMIT
    assert it.report.cgroup is not None
    assert it.report.cgroup.limit_kib
    assert it.demand is None
