"""What the daemon runs on, or reads a copy of."""

from typing import NamedTuple

from oomwatchd.model import Capabilities, Kernel
from oomwatchd.system.capabilities import find_capabilities
from oomwatchd.system.origin import boot_id, copied_kernel, live_kernel


class Platform(NamedTuple):
    """What does not change while the daemon runs; `root` is None for the running system."""

    root: str | None
    kernel: Kernel
    capabilities: Capabilities
    boot_id: str | None


def find_platform(root: str | None) -> Platform:
    """Find out what the daemon runs on."""
    kernel = live_kernel() if root is None else copied_kernel(root)
    capabilities = find_capabilities(root or "/", kernel, live=root is None)
    return Platform(root, kernel, capabilities, boot_id(root))
