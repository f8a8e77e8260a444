"""(i) As (a), again and again, on a kernel that does not compact by itself.

Linux before 5.9 has no proactive compaction, and many boards have it switched off.
"""

from target.inside.proof import movable
from target.inside.proof.scene import Scene

_ROUNDS = 4


def play(scene: Scene) -> None:
    """Fill and scatter, then let a driver come that cannot wait, or one that can."""
    movable.play(scene, _ROUNDS)
