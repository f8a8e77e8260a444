"""(b) Names and inodes of a file system that lie between other pages, which then go.

Compaction cannot move slab; the kernel gives it back when it is asked to, and for a driver that
cannot wait nobody asks.
"""

from target.inside.proof.scene import Scene
from target.inside.states import free_pages

FOLDER = "/mnt/small"
_SLAB_PAGES = 8_000
"""Left for slab and for what lies between it."""
_LEFT_PAGES = 2400
_BURSTS = 6


def play(scene: Scene) -> None:
    """Look at many files, with pipes being filled between them; then drain the pipes."""
    scene.fill_memory(_SLAB_PAGES)
    folder = scene.chance.randrange(10)
    while free_pages() > _LEFT_PAGES:
        scene.do("look_at", FOLDER, folder, folder + 1)
        if not scene.do("fill_pipes", scene.chance.randrange(100, 300)):
            break
        folder += 1
    scene.do("drain_pipes")
    scene.take_large_blocks(scene.chance.randrange(12))
    scene.facts["folders"] = folder
    scene.calm_down()
    for number in range(_BURSTS):
        if number == scene.seed % 2:
            scene.burst()
        else:
            scene.sleeping_burst()
        scene.wait(scene.chance.uniform(10.0, 20.0))
