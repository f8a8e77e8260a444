"""(a) User memory with holes, while drivers ask for blocks in bursts.

A program's memory grows until it has all, then shrinks page by page, again and again. Other
drivers hold the large blocks that were left. Compaction could close the holes; nobody does it for
a driver that cannot wait, and as long as CMA has large blocks free the kernel sees no need to.
"""

from target.inside.proof.scene import Scene

_LEFT_PAGES = 2400


def play(scene: Scene, rounds: int = 3) -> None:
    """Fill and scatter, then let a driver come that cannot wait, or one that can."""
    chance = scene.chance
    scene.fill_memory(_LEFT_PAGES)
    for number in range(rounds):
        scene.do("scatter", chance.uniform(0.3, 0.6))
        scene.take_large_blocks(chance.randrange(12))
        scene.calm_down()
        if (number + scene.seed) % 2:
            scene.sleeping_burst()
        else:
            scene.burst()
        scene.wait(chance.uniform(10.0, 50.0))
        scene.burst()
        scene.probe.release()
        scene.do("fill")
