"""Prepares a device with a contestant, and plays one run: python3 -m target.inside.proof.stage.

Arguments: the contestant, and what the device needs as a configuration of ours. The order of a
run (staged.py) is a scenario and a seed. Reports one event, the run's figures.
"""

import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

from target.inside.orders import Orders, disks
from target.inside.proof import (
    borrowed,
    groups,
    healthy,
    highmem,
    movable,
    pagecache,
    reserved,
    returning,
    shortage,
    slab,
    unmovable,
)
from target.inside.proof.contestants import Run
from target.inside.proof.scene import Scene
from target.inside.states import allow_many_files
from target.inside.tools import Probe, Reporter

SCENARIOS = {
    "movable": movable.play,
    "slab": slab.play,
    "pagecache": pagecache.play,
    "unmovable": unmovable.play,
    "reserved": reserved.play,
    "shortage": shortage.play,
    "healthy": healthy.play,
    "highmem": highmem.play,
    "returning": returning.play,
    "borrowed": borrowed.play,
}
_SETTLE_SECONDS = 30.0


def main() -> None:
    """Settle, wait for the order, play, report."""
    contestant, demands = sys.argv[1:]
    allow_many_files()
    report, probe, orders = Reporter(), Probe(), Orders()
    if len(disks()) > 1:
        Path("/mnt").mkdir()
        words = ["mount", "-t", "ext4", "-o", "ro", disks()[1], "/mnt"]
        subprocess.run(words, check=True)
    groups.mount()
    Path("/proc/self/oom_score_adj").write_text("-1000")
    run = Run(contestant, demands)
    time.sleep(_SETTLE_SECONDS)
    if run.has_ended():
        raise RuntimeError(os.pread(run.log, 10_000, 0).decode())
    scenario, seed = orders.wait(report).split()
    scene = Scene(probe, run, int(seed))
    try:
        SCENARIOS[scenario](scene)
    except Exception:  # noqa: BLE001 - what was seen until then is told
        scene.facts["error"] = traceback.format_exc()
    report(scenario=scenario, seed=int(seed), contestant=contestant, **scene.figures())
    scene.application.end()


if __name__ == "__main__":
    main()
