"""(d) The failure of 2009: pages that cannot be moved, and a process started each second.

Every process takes a block of four pages, and as many go to something else.
"""

from target.inside.proof.scene import Scene
from target.inside.states import free_pages

ORDER = 2
_PART = 0.4
_BLOCKS = 240
"""Left at the beginning."""
_MOST_STARTS = 600
_SPARE_PAGES = 200


def play(scene: Scene) -> None:
    """Scatter memory in single pages, and start processes until the kernel kills."""
    probe = scene.probe
    blocks = _BLOCKS + scene.chance.randrange(-20, 20)
    probe.hold("kernel", ORDER, blocks)
    probe.hold("kernel", 0, probe.take("kernel", 0).came - _SPARE_PAGES)
    probe.scatter(scene.seed, _PART)
    scene.hold_blocks()
    probe.give_back(ORDER, blocks)
    scene.facts["headroom"] = probe.take("kernel", ORDER).came
    while scene.started < _MOST_STARTS and scene.start_process():
        probe.hold("kernel", ORDER, 1)
        scene.wait(1.0)
    scene.facts["free_pages_at_kill"] = free_pages()
