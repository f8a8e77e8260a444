"""Makes disk images with an ext4 file system full of files, without root."""

import random
import shutil
import tempfile
from pathlib import Path

from target.debs import BuildError, run

MODULES = ("ext4", "crc32c_generic")
"""What a guest needs to mount one, besides virtio_blk, which comes with every disk.

ext4 asks for crc32c by name, not by a dependency that could be read from the module.
"""
FILES_FOLDER = "files"
SMALL_FOLDER = "small"
_SMALL_FILES = 250
"""Empty files in each folder of SMALL_FOLDER: names and inodes alone."""
_INODES_SPARE = 1000
_MIB = 1 << 20
_FILE_BYTES = 256 * 1024
# Of an image; the rest is the file system's own: inodes, journal, spare blocks.
_FILLED = 0.85


def tool() -> str | None:
    """Find mke2fs, which lies where only root's path leads; None where there is none."""
    return shutil.which("mke2fs") or shutil.which("mke2fs", path="/usr/sbin:/sbin")


def make_ext4(image: Path, size_mib: int = 192, small_folders: int = 0) -> int:
    """Make an image full of files of 256 KiB in the folder `files`; returns their bytes.

    Besides, in the folder `small`, so many folders of 250 empty files each.
    To be given as `Options.disks`, with MODULES as `Options.modules`; in the guest
    `mount -t ext4 /dev/vda /mnt`. The contents are the same each time, and not zeros.

    Raises:
        BuildError: mke2fs is missing or fails.
    """
    program = tool()
    if program is None:
        raise BuildError("mke2fs is not installed (see tests/target/packages.txt)")
    source = random.Random(0)  # noqa: S311 - any bytes do
    count = int(size_mib * _MIB * _FILLED) // _FILE_BYTES
    with tempfile.TemporaryDirectory(prefix="oomwatchd-disk") as folder:
        files = Path(folder) / FILES_FOLDER
        files.mkdir()
        for number in range(count):
            (files / f"{number:05}").write_bytes(source.randbytes(_FILE_BYTES))
        for number in range(small_folders):
            small = Path(folder) / SMALL_FOLDER / f"{number:04}"
            small.mkdir(parents=True)
            for name in range(_SMALL_FILES):
                (small / f"{name:04}").touch()
        inodes = count + small_folders * (_SMALL_FILES + 1) + _INODES_SPARE
        with image.open("wb") as file:
            # An inode has 256 bytes, and a folder of so many files two or three blocks.
            file.truncate(size_mib * _MIB + inodes * 256 + small_folders * 16 * 1024)
        # -m 0: no blocks are kept for root. lazy_itable_init=0: no thread writes in the guest.
        run(
            *(program, "-q", "-F", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=0"),
            *("-N", str(inodes), "-d", folder, image),
        )
    return count * _FILE_BYTES
