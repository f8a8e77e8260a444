"""The kinds of machine that can be booted: how QEMU is started, and which kernel runs there."""

from typing import NamedTuple

SUITE = "bookworm"
"""The Debian release whose kernels and whose Python the guests run."""


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
