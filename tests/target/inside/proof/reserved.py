"""(e) Large blocks are left, in CMA and in HighAtomic alone: the free lists look healthy."""

from pathlib import Path

from target.inside.proof.scene import Scene

_STARTS = 20


def play(scene: Scene) -> None:
    """Take every block that a process could have; then start some."""
    probe = scene.probe
    probe.take("driver", 4, 16)
    probe.hold("kernel", 0, probe.take("kernel", 0).came // 2)
    probe.scatter(scene.seed, scene.chance.uniform(0.4, 0.6))
    scene.hold_blocks()
    lists = Path("/proc/buddyinfo").read_text().split()[4:]
    scene.facts["blocks"] = sum(
        int(count) << order >> 2 for order, count in enumerate(lists[2:], 2)
    )
    scene.facts["granted"] = probe.take("kernel", 2).came
    scene.wait(60.0)
    scene.start_processes(_STARTS)
