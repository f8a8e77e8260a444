"""A disk for guests: what is read from it fills the page cache."""

from pathlib import Path

import pytest
from target.disk import MODULES, make_ext4
from target.guest import Boot

RUN = """\
mkdir /mnt
mount -t ext4 /dev/vda /mnt || exit 1
cat /proc/meminfo >/out/before
cat /mnt/files/* | wc -c >/out/bytes
cat /proc/meminfo >/out/after
"""


def kib(text: str, name: str) -> int:
    """Give a figure of meminfo."""
    return int(text.split(f"{name}:")[1].split(maxsplit=1)[0])


@pytest.mark.target
def test_reading_a_disk_fills_memory_with_cache(arm: Boot, tmp_path: Path) -> None:
    """A full cache is the normal state of a device: little is free, and most is available."""
    image = tmp_path / "disk"
    size = make_ext4(image)
    found = arm(RUN, memory_mib=128, modules=MODULES, disks=(image,), python=False)
    before, after = found.text("before"), found.text("after")
    assert int(found.text("bytes")) == size > 150 << 20
    total = kib(after, "MemTotal")
    assert kib(before, "Cached") < total / 4
    assert kib(after, "Cached") > total / 2
    assert kib(before, "MemFree") > total / 2
    assert kib(after, "MemFree") < total / 8
    assert kib(after, "MemAvailable") > total / 2
