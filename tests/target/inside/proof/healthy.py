"""(g) Nothing is wrong: a boot, a page cache that is full, a busy shell, ten minutes."""

import os
import signal

from target.inside.proof.scene import Scene

FOLDER = "/mnt/files"
_SECONDS = 600.0
_READ = 8
_PROCESSES = 5
_ALIVE = 20


def play(scene: Scene) -> None:
    """Read all files, then some again and again, with processes that come and go."""
    alive: list[int] = []
    scene.do("read", FOLDER, 0, 1000)
    while scene.now() < _SECONDS:
        first = scene.chance.randrange(600)
        scene.do("read", FOLDER, first, first + _READ)
        for _ in range(_PROCESSES):
            os.waitpid(os.posix_spawn("/bin/busybox", ["ls", "/bin"], {}, file_actions=QUIET), 0)
        alive.append(os.posix_spawn("/bin/busybox", ["sleep", "100000"], {}))
        if len(alive) > _ALIVE:
            oldest = alive.pop(scene.chance.randrange(len(alive)))
            os.kill(oldest, signal.SIGKILL)
            os.waitpid(oldest, 0)
        scene.wait(scene.chance.uniform(10.0, 20.0))


QUIET = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
