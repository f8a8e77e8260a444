"""(c) Files that have been read fill the memory, while a driver asks for blocks in bursts.

This is every device with a flash file system after some hours.
"""

from target.inside.proof.scene import Scene

FOLDER = "/mnt/files"
_FILES = 650
_BURSTS = 8
_READ = 40


def play(scene: Scene) -> None:
    """Read everything, and go on reading between the bursts."""
    scene.do("take", 12_000)
    scene.do("read", FOLDER, 0, _FILES)
    scene.calm_down()
    for _ in range(_BURSTS):
        scene.burst()
        scene.do("read", FOLDER, 0, _READ)
        scene.wait(scene.chance.uniform(10.0, 20.0))
