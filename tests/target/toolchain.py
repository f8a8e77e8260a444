"""Builds a kernel module for a guest's kernel, from that kernel's own headers."""

import hashlib
import os
import shutil
from pathlib import Path

from target.debs import Cache, run
from target.machines import Machine


def headers(cache: Cache, machine: Machine) -> Path:
    """Give the build directory of a machine's kernel, unpacked in the cache.

    The packages expect to be installed in /usr/src; links within them are relative, and the one
    absolute path is put right here.
    """
    image = cache.kernel_package(machine.kernel, machine.debian)
    release = image.removeprefix("linux-image-")
    version, abi = release.split("-")[:2]
    series = ".".join(version.split(".")[:2])
    common = f"linux-headers-{version}-{abi}-common"
    own = f"linux-headers-{release}"
    root = cache.unpacked_together(
        [
            (own, machine.debian),
            (common, "all"),
            (f"linux-kbuild-{series}", cache.native),
        ],
        f"{own}_{machine.debian}",
    )
    place = root / "usr/src" / own
    (place / "Makefile").write_text(f"include {root}/usr/src/{common}/Makefile\n")
    return place


def build_module(cache: Cache, machine: Machine, source: Path) -> bytes:
    """Build the module in a directory of C sources with a Kbuild file; kept for the same text."""
    place = headers(cache, machine)
    digest = hashlib.sha256(place.name.encode())
    for file in sorted(source.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    built = cache.place / "built" / f"{source.name}-{machine.name}-{digest.hexdigest()[:16]}"
    name = (source / "Kbuild").read_text().split(":=")[1].split()[0].removesuffix(".o")
    if not built.exists():
        new = built.with_name(f"{built.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(source, new)
        run(
            *("make", "-C", place, f"M={new}", f"ARCH={machine.arch}"),
            f"CROSS_COMPILE={machine.triplet}-",
            f"CC={machine.triplet}-{machine.compiler}",
            f"-j{os.cpu_count() or 1}",
            "modules",
        )
        new.rename(built)
    return (built / f"{name}.ko").read_bytes()
