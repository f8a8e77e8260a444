"""(h) A gigabyte: what the kernel can use for itself is in pieces, HighMem is free."""

import json

from target.inside.proof.scene import Scene

from oomwatchd.ctl.client import ask
from oomwatchd.errors import OomwatchdError

_LEFT_PAGES = 4000
_ROUNDS = 3
_STARTS = 10


def play(scene: Scene) -> None:
    """Scatter lowmem in single pages."""
    probe = scene.probe
    probe.hold("kernel", 0, probe.take("kernel", 0).came - _LEFT_PAGES)
    probe.scatter(scene.seed, scene.chance.uniform(0.2, 0.5))
    for _ in range(_ROUNDS):
        # What lies on per-CPU lists completes other blocks, once it comes from there.
        probe.drain()
        scene.hold_blocks()
    scene.wait(30.0)
    try:
        status = json.loads(ask(None, b"status\n"))
    except OomwatchdError:
        pass
    else:
        scene.facts["demands"] = {
            one["name"]: [one["headroom"], one["severity"], one["cause"]]
            for one in status["demands"]
        }
    scene.facts["granted"] = probe.take("kernel", 2).came
    probe.drain()
    scene.start_processes(_STARTS)
