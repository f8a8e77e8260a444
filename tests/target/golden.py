"""Captures the golden roots anew: python -m target.golden [FOLDER]; into tests/roots by default.

What is captured is the kernel's: its files, its own indices, and the blocks that it granted. A
root that is there already is replaced, but for files that nobody captured.
"""

import sys
from pathlib import Path

from target.debs import BuildError, default_cache
from target.guest import Guests, Options
from target.machines import MACHINES
from target.wheel import TOP, project_wheel

NAMES = {"arm": "armv7l-virt-linux6.1", "arm64": "aarch64-virt-linux6.1"}
KEPT = (
    *("compact_memory", "drop_caches", "compaction_proactiveness", "min_free_kbytes"),
    *("watermark_boost_factor", "watermark_scale_factor", "lowmem_reserve_ratio"),
)
"""Of the tunables those that bear on the assessment: a root is to be read by people."""


def capture(guests: Guests, folder: Path) -> list[str]:
    """Boot each machine and write its roots; returns their names."""
    script = (TOP / "packaging" / "oomwatchd-capture").read_bytes()
    written: set[str] = set()
    for machine in MACHINES.values():
        result = guests.boot(
            machine,
            f"exec python3 -m target.inside.golden {NAMES[machine.name]}",
            Options(append="init_on_alloc=0", probe=True, timeout_seconds=400),
            files={"oomwatchd-capture": script},
        ).checked()
        for name, data in result.files.items():
            root, slash, rest = name.partition("/")
            tunable = rest.removeprefix("proc/sys/vm/")
            if not slash or (tunable != rest and tunable not in KEPT):
                continue
            file = folder / root / rest
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            written.add(root)
    return sorted(written)


def main() -> int:
    """Capture; 69 where a guest cannot be built."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TOP / "tests" / "roots"
    try:
        names = capture(Guests(default_cache(), project_wheel), folder)
    except BuildError as error:
        sys.stderr.write(f"target: {error}\n")
        return 69
    sys.stdout.write("".join(f"{name}\n" for name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
