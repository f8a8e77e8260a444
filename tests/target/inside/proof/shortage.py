"""(f) A program takes more and more: memory itself runs short."""

from target.inside.proof.scene import Scene

_PAGES = 512
_MOST = 200


def play(scene: Scene) -> None:
    """Take two megabytes at a time, at a rate that chance chooses, until somebody is killed."""
    pause_seconds = scene.chance.uniform(1.0, 4.0)
    for _ in range(_MOST):
        if not scene.do("take", _PAGES) or scene.kills():
            break
        scene.wait(pause_seconds)
    scene.wait(5.0)
