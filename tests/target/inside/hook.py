"""The hook on a device: run from a process that is protected and locked, as the daemon is."""

import select
import time
from pathlib import Path

from target.inside.tools import Reporter

from oomwatchd import policy
from oomwatchd.assess.assessment import Assessment, assess
from oomwatchd.daemon.hooking import Hooking
from oomwatchd.daemon.platform import find_platform
from oomwatchd.model import DemandSpec, Request
from oomwatchd.policy import State, Word
from oomwatchd.settings import Hook
from oomwatchd.system.memory import freeze_garbage, lock_memory
from oomwatchd.system.oom_score import protect
from oomwatchd.system.sampler import Sampler

SCRIPT = Path("/etc/hook")
TOLD = Path("/out/hook")
TEXT = f"""#!/bin/sh
sleep 60 &
sleep 1
{{
    cat /proc/$$/oom_score_adj /proc/$!/oom_score_adj
    grep VmLck /proc/$$/status
    echo "$OOMWATCHD_PREVIOUS_SEVERITY $OOMWATCHD_SEVERITY"
}} >>{TOLD}
[ "$1" = once ] && kill $! && exit 0
trap '' TERM
while :; do sleep 1; done
"""
DEMAND = DemandSpec("process", 2, None, Request.KERNEL)


def _status(name: str) -> int:
    """Read a field of /proc/self/status, in KiB."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0])


def _said(word: Word) -> State:
    """Make the state in which a word was said."""
    return policy.initial()._replace(words={"process": word})


def _see_off(hooked: Hooking, epoll: select.epoll) -> None:
    """Do as the loop does until nothing runs."""
    process = hooked._process  # noqa: SLF001 - the loop need not know
    while process is not None and process.is_running:
        due = hooked.chore(policy.initial(), time.monotonic())
        for _ in epoll.poll(max(0.0, min(1.0, due - time.monotonic()))):
            hooked.take(time.monotonic())


def main() -> None:
    """Run a good one and one that does not end, and one below the floor."""
    report = Reporter()
    SCRIPT.write_text(TEXT)
    SCRIPT.chmod(0o755)
    kernel = find_platform(None).kernel
    assessment: Assessment = assess(Sampler("/", kernel, live=True).sample(), (DEMAND,))
    epoll = select.epoll()
    resident = _status("VmRSS")
    hooked = Hooking(Hook((str(SCRIPT), "once")), acting=True, epoll=epoll)
    hooked.rehearse(assessment)
    why = protect(-900), lock_memory()
    freeze_garbage()
    locked = _status("VmLck")
    begun = time.monotonic()
    hooked.note(_said(Word.CRITICAL), assessment, begun)
    seconds = time.monotonic() - begun
    _see_off(hooked, epoll)
    report(
        why=why,
        start_seconds=seconds,
        kib=_status("VmRSS") - resident,
        problems=hooked.problems,
        score=Path("/proc/self/oom_score_adj").read_text().strip(),
        still_locked=locked > 0 and _status("VmLck") > 0,
    )
    hooked.reconfigure(Hook((str(SCRIPT), "forever"), timeout_seconds=3.0))
    time.sleep(max(0.0, begun + 5.5 - time.monotonic()))
    hooked.note(_said(Word.RECOVERED), assessment, time.monotonic())
    _see_off(hooked, epoll)
    report(problems=hooked.problems, runs=hooked.runs, failed=hooked.failed)
    hooked.reconfigure(Hook((str(SCRIPT), "never"), floor_blocks=1 << 40))
    time.sleep(5.5)
    hooked.note(_said(Word.WARNING), assessment, time.monotonic())
    report(problems=hooked.problems, runs=hooked.runs, suppressed=hooked.suppressed)
    hooked.stop()


if __name__ == "__main__":
    main()
