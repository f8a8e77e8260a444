"""The programs of others, from their Debian packages."""

import re
from pathlib import Path

from target.debs import Cache
from target.machines import ARM

_OOMD = (
    "systemd-oomd",
    "libsystemd-shared",
    *("libacl1", "libaudit1", "libblkid1", "libcap-ng0", "libcap2", "libgcrypt20"),
    *("libgpg-error0", "libip4tc2", "libkmod2", "liblz4-1", "libmount1", "libpam0g"),
    *("libpcre2-8-0", "libseccomp2", "libselinux1", "libzstd1"),
)
"""With the libraries that the guest's Python does not bring."""


def programs(cache: Cache, contestant: str) -> dict[str, bytes]:
    """Give the files that a contestant needs beside the job.

    They lie in the device's memory, as the whole root file system does: only its own are there.

    Raises:
        BuildError: they cannot be had.
    """
    with cache.locked():
        if contestant == "earlyoom":
            root = cache.unpacked("earlyoom", ARM.debian)
            return {"earlyoom": (root / "usr/bin/earlyoom").read_bytes()}
        if contestant == "nohang":
            root = cache.unpacked("nohang", "all")
            return {
                "nohang": (root / "usr/sbin/nohang").read_bytes(),
                "nohang.conf": (root / "etc/nohang/nohang.conf").read_bytes(),
            }
        if contestant == "systemd-oomd":
            packages = [(name, ARM.debian) for name in _OOMD]
            root = cache.unpacked_together(packages, f"systemd-oomd_{ARM.debian}_whole")
            found = [root / "lib/systemd/systemd-oomd", *_libraries(root)]
            return {f"oomd/{name}": file.read_bytes() for name, file in map(_named, found)}
    return {}


def _libraries(root: Path) -> list[Path]:
    """List the libraries, each by the name that programs ask for."""
    return [
        file
        for file in sorted(root.rglob("*.so*"))
        if re.search(r"\.so\.\d+$|^libsystemd-shared", file.name)
    ]


def _named(file: Path) -> tuple[str, Path]:
    return file.name, file
