"""(j) The kernel's own memory has grown: what is still free lies in CMA, while a driver asks.

Neither of them may use CMA; what a program has outside of it could be moved there. Nobody does
that: the kernel compacts when its index says so, and CMA's large blocks say that there are enough,
even while it kills for want of a single page.
"""

from target.inside.proof.scene import Scene

_TAKEN_PAGES = (12_000, 22_000)
"""That lie outside of CMA: nothing uses it before half of what is free is CMA's."""
_SINGLE_PAGES = (100, 900)
_BURSTS = 4


def play(scene: Scene) -> None:
    """Leave some single pages outside of CMA, and hardly a large block; then let a driver come."""
    chance, probe = scene.chance, scene.probe
    scene.do("take", chance.randrange(*_TAKEN_PAGES))
    held = probe.hold("kernel", 0, 1 << 20)
    probe.scatter(scene.seed, chance.randrange(*_SINGLE_PAGES) / held)
    scene.take_large_blocks(chance.randrange(12))
    scene.calm_down()
    for _ in range(_BURSTS):
        scene.burst()
        scene.wait(chance.uniform(10.0, 50.0))
