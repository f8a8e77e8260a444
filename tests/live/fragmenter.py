"""Fragments movable memory for as long as standard input stays open.

Touches anonymous memory page by page, with transparent huge pages off, and gives one page of
each pair back: half of it is free then, in single pages. Compaction can mend that. What is
filled first takes up the small blocks that are free already, so that large ones get broken, and
is given back at once.

Which page of a pair goes is drawn (by a fixed seed): the free scanner of recent kernels looks at
every 32nd page where it has found nothing, and would never see holes of the other parity.

Usage: fragmenter.py FILLED_MIB FRAGMENTED_MIB
"""

import mmap
import random
import sys


def main() -> None:
    """Fragment, say so, and wait."""
    filled, fragmented = (_touched(int(mib) << 20) for mib in sys.argv[1:3])
    # Compaction would move it into the holes, and free no large block by that.
    filled.close()
    drawn = random.Random(2009)  # noqa: S311 - no secret
    for offset in range(0, len(fragmented), 2 * mmap.PAGESIZE):
        hole = offset + drawn.randrange(2) * mmap.PAGESIZE
        fragmented.madvise(mmap.MADV_DONTNEED, hole, mmap.PAGESIZE)
    sys.stdout.write("fragmented\n")
    sys.stdout.flush()
    sys.stdin.read()


def _touched(length: int) -> mmap.mmap:
    """Take memory in single pages."""
    memory = mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for offset in range(0, length, mmap.PAGESIZE):
        memory[offset] = 1
    return memory


if __name__ == "__main__":
    main()
