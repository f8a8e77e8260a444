"""(j) The kernel's own memory grows: what is still free lies in CMA, while a driver asks.

Neither of them may use CMA; what a program has outside of it could be moved there. Nobody does
that: the kernel compacts when its index says so, and CMA's large blocks say that there are enough,
even while it kills for want of a single page.
"""

from target.inside.proof.scene import Scene

_TAKEN_PAGES = (12_000, 22_000)
"""That lie outside of CMA: nothing uses it before half of what is free is CMA's."""
_LEFT_PAGES = 4000
"""Outside of CMA, when it begins to grow."""
_STEP_PAGES = (10, 40)
"""A second."""
_BEYOND_PAGES = (200, 1200)
"""By so many it grows larger than what is left; CMA has room for three times as many."""
_BURSTS = 4


def play(scene: Scene) -> None:
    """Grow as a list of packets does, a page at a time; now and then a driver comes."""
    chance, probe = scene.chance, scene.probe
    scene.do("take", chance.randrange(*_TAKEN_PAGES))
    probe.hold("kernel", 0, max(0, probe.take("kernel", 0).came - _LEFT_PAGES))
    scene.calm_down()
    grown, most = 0, _LEFT_PAGES + chance.randrange(*_BEYOND_PAGES)
    bursts_at = sorted(chance.randrange(most) for _ in range(_BURSTS))
    while grown < most:
        step = chance.randrange(*_STEP_PAGES)
        probe.hold("reported_kernel", 0, step)
        grown += step
        scene.wait(1.0)
        while bursts_at and bursts_at[0] < grown:
            bursts_at.pop(0)
            scene.burst()
