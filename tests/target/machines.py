"""The kinds of machine that can be booted: how QEMU is started, and which kernel runs there."""

from typing import NamedTuple

SUITE = "bookworm"
"""The Debian release whose Python the guests run, and whose kernel if nothing else is said."""


class Machine(NamedTuple):
    """One kind of machine."""

    name: str
    debian: str
    """Debian's name of the architecture."""
    kernel: str
    """The meta package that names the kernel."""
    qemu: tuple[str, ...]
    arch: str
    """The kernel's name of the architecture, for building modules."""
    triplet: str
    compiler: str
    console: str = "ttyAMA0"
    disk: str = "virtio-blk-device"
    suite: str = SUITE
    """The Debian release that the kernel is from."""


ARM = Machine(
    name="arm",
    debian="armhf",
    kernel="linux-image-armmp",
    qemu=("qemu-system-arm", "-M", "virt", "-cpu", "cortex-a15"),
    arch="arm",
    triplet="arm-linux-gnueabihf",
    compiler="gcc-12",
)
"""ARM32, two-level page tables, 12 orders: the device of the first bug report, and its heirs."""

ARM64 = Machine(
    name="arm64",
    debian="arm64",
    kernel="linux-image-arm64",
    qemu=("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53"),
    arch="arm64",
    triplet="aarch64-linux-gnu",
    compiler="gcc-12",
)

MACHINES = {machine.name: machine for machine in (ARM, ARM64)}

# Kernels of other releases: for what they print, not for what the daemon does on them.
ARM_5_10 = ARM._replace(name="arm-5.10", suite="bullseye")
ARM_6_12 = ARM._replace(name="arm-6.12", suite="trixie")
ARM_7 = ARM._replace(name="arm-7", suite="forky")
ARM64_16K = ARM64._replace(
    name="arm64-16k",
    suite="trixie",
    kernel="linux-image-arm64-16k",
    qemu=("qemu-system-aarch64", "-M", "virt", "-cpu", "max"),
)
"""Pages of 16 KiB, which a cortex-a53 cannot do."""
