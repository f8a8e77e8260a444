"""What kernel and machine the files come from: the running one, or a copied tree's ORIGIN."""

import os

from oomwatchd.errors import escape
from oomwatchd.model import Kernel
from oomwatchd.procfs.version import parse_release, parse_version
from oomwatchd.system.files import read_optional, read_tiny

_PAGE_SIZES = frozenset(1 << shift for shift in range(12, 19))
_DEFAULT_PAGE_SIZE = 4096


def live_kernel() -> Kernel:
    """Describe the running kernel."""
    return _kernel("/", os.uname().machine, os.sysconf("SC_PAGE_SIZE"))


def copied_kernel(root: str) -> Kernel:
    """Describe the kernel that a tree was copied from."""
    facts = origin_of(root)
    page_size = facts.get("page_size", "")
    known = page_size.isdecimal() and len(page_size) < len("1000000")
    return _kernel(root, facts.get("machine") or None, int(page_size) if known else 0)


def origin_of(root: str) -> dict[str, str]:
    """Read a copied tree's ORIGIN, `key=value` lines; empty where there is none."""
    facts: dict[str, str] = {}
    for line in (read_optional(f"{root}/ORIGIN") or b"").decode("ascii", "replace").splitlines():
        key, equals, value = line.replace(":", "=", 1 if "=" not in line else 0).partition("=")
        if equals:
            facts.setdefault(key.strip(), escape(value.strip())[:128])
    return facts


def boot_id(root: str | None) -> str | None:
    """Read the identifier of this boot; a copied tree does not have one as a rule."""
    text = read_tiny(f"{(root or '').rstrip('/')}/proc/sys/kernel/random/boot_id")
    return escape((text or b"").strip()[:36].decode("latin-1")) or None


def _kernel(root: str, machine: str | None, page_size: int) -> Kernel:
    """Add what /proc tells."""
    version = read_optional(f"{root}/proc/version")
    osrelease = read_tiny(f"{root}/proc/sys/kernel/osrelease")
    return Kernel(
        release=parse_release(version, osrelease),
        version=parse_version(version, osrelease),
        machine=machine,
        page_size=page_size if page_size in _PAGE_SIZES else _DEFAULT_PAGE_SIZE,
    )
