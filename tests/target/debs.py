"""Debian packages, downloaded by apt and unpacked into a cache: nothing twice.

The system's apt stays as it is: a private configuration in the cache adds the architectures and
keeps lists of its own, for the mirror that the system's apt is configured for. No root is needed.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from target.machines import SUITE

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class BuildError(Exception):
    """A guest cannot be built here; the text says why."""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command and return what it prints; BuildError where it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=cwd, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise BuildError(f"{words[0]} is not installed (see tests/target/packages.txt)") from error
    if done.returncode:
        raise BuildError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def default_cache() -> Path:
    """Say where the cache is kept, outside of the tree."""
    own = os.environ.get("OOMWATCHD_TARGET_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "oomwatchd-target"


class Cache:
    """A directory of downloaded and built things; it may be empty, or not exist."""

    def __init__(self, place: Path, suite: str = SUITE) -> None:
        """Use a directory, for packages of a release."""
        self.place = place
        self._suite = suite

    def of(self, suite: str) -> "Cache":
        """Give the part of the cache that is for a release."""
        return self if suite == self._suite else Cache(self.place / suite, suite)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other builders out."""
        self.place.mkdir(parents=True, exist_ok=True)
        with (self.place / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def unpacked(self, package: str, arch: str) -> Path:
        """Give the directory with the contents of a package."""
        return self.unpacked_together([(package, arch)], f"{package}_{arch}")

    def unpacked_together(self, packages: Sequence[tuple[str, str]], name: str) -> Path:
        """Give a directory with the contents of several packages, as if installed in it."""
        place = self.place / "debs" / name
        if not place.exists():
            self._update()
            # What was begun and not finished is not there.
            new = place.with_name(f"{name}.new")
            shutil.rmtree(new, ignore_errors=True)
            (new / "debs").mkdir(parents=True)
            names = [f"{package}:{arch}" for package, arch in packages]
            run("apt-get", *self._options, "download", *names, cwd=new / "debs")
            for deb in sorted((new / "debs").iterdir()):
                run("dpkg-deb", "-x", deb, new / "root")
            shutil.rmtree(new / "debs")
            new.rename(place)
        return place / "root"

    def kernel_package(self, meta: str, arch: str) -> str:
        """Name the package that a meta package such as linux-image-armmp stands for now.

        The answer is kept: a cache always boots the kernel that it has.
        """
        pin = self.place / f"{meta}-{arch}"
        if not pin.exists():
            self._update()
            show = ("apt-cache", *self._options, "show", "--no-all-versions", f"{meta}:{arch}")
            found = re.search(r"^Depends:.*?(linux-image-\d[^ ,]*)", run(*show), re.MULTILINE)
            if not found:
                raise BuildError(f"{meta}:{arch} depends on no kernel")
            pin.write_text(found[1])
        return pin.read_text()

    def kernel(self, meta: str, arch: str) -> Path:
        """Give the directory with the image and the modules of the kernel of a meta package."""
        package = self.kernel_package(meta, arch)
        root = self.unpacked(package, arch)
        if kernel_images(root):
            return root
        # In later releases that package, too, only names others.
        release = package.removeprefix("linux-image-")
        parts = [(f"linux-{part}-{release}", arch) for part in ("binary", "modules")]
        return self.unpacked_together(parts, f"linux-binary-{release}_{arch}")

    @cached_property
    def native(self) -> str:
        """The architecture of this machine, in Debian's words."""
        return run("dpkg", "--print-architecture").strip()

    @cached_property
    def _options(self) -> list[str]:
        """Options for apt-get and apt-cache."""
        base = self.place / "apt"
        return [
            f"-oAPT::Architectures={','.join(self._architectures)}",
            "-oAPT::Sandbox::User=root",  # another user could not write into the cache
            f"-oDir::Etc::sourcelist={base}/sources.list",
            "-oDir::Etc::sourceparts=/dev/null",
            f"-oDir::State::lists={base}/lists",
            f"-oDir::Cache={base}/cache",
            "-oAcquire::Languages=none",
            "-oAcquire::Retries=3",
            "-oDebug::NoLocking=1",
            "-qq",
        ]

    @property
    def _architectures(self) -> list[str]:
        return list(dict.fromkeys([self.native, "armhf", "arm64"]))

    def _update(self) -> None:
        """Fetch the package lists, once."""
        base = self.place / "apt"
        if (base / "ready").exists():
            return
        (base / "lists/partial").mkdir(parents=True, exist_ok=True)
        (base / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
        arches = ",".join(self._architectures)
        line = f"deb [arch={arches} signed-by={KEYRING}] {_mirror()} {self._suite} main\n"
        (base / "sources.list").write_text(line)
        run("apt-get", *self._options, "update")
        (base / "ready").touch()


def kernel_images(root: Path) -> list[Path]:
    """List the kernels in an unpacked package."""
    return [*root.glob("boot/vmlinuz-*"), *root.glob("usr/lib/modules/*/vmlinuz")]


def _mirror() -> str:
    """Give the mirror of Debian's main archive that apt is configured for."""
    words = ("apt-get", "indextargets", "--format", "$(SITE)", "Label: Debian")
    sites = run(*words).split()
    if not sites:
        raise BuildError("apt knows no mirror of Debian: run apt-get update")
    return sites[0]
