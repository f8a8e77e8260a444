"""The scenarios, the devices that they are played on, and the contestants."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from target.disk import MODULES
from target.guest import Options
from target.inside.proof.contestants import DRIVER
from target.inside.proof.contestants import VARIANTS as INSIDE_VARIANTS

ROOT_IN_RAM = (Path(__file__).parents[3] / "config/profiles/read-only-root-in-ram.conf").read_text()


class Device(NamedTuple):
    """What a scenario is played on."""

    memory_mib: int = 256
    append: str = ""
    has_disk: bool = True
    demands: str = ""
    """What the device needs, for whoever can be told: a configuration of ours."""

    def options(self, disk: Path) -> Options:
        """Say how it is booted."""
        return Options(
            memory_mib=self.memory_mib,
            append=self.append,
            icount=True,
            probe=True,
            disks=(disk,) if self.has_disk else (),
            modules=MODULES if self.has_disk else (),
        )


class Scenario(NamedTuple):
    """One way in which memory fails, or does not."""

    letter: str
    title: str
    device: str


DEVICES: Mapping[str, Device] = {
    "driver": Device(demands=DRIVER),
    "old": Device(append="sysctl.vm.compaction_proactiveness=0", has_disk=False, demands=DRIVER),
    "unboosted": Device(append="sysctl.vm.watermark_boost_factor=0", demands=DRIVER),
    "plain": Device(),
    "ram": Device(append="cma=0", has_disk=False, demands=ROOT_IN_RAM),
    "large": Device(memory_mib=1024, has_disk=False),
}
SCENARIOS: Mapping[str, Scenario] = {
    "movable": Scenario("a", "user memory with holes; drivers ask for 16 blocks of 64K", "driver"),
    "slab": Scenario("b", "inodes between pages that went; drivers ask as in a", "driver"),
    "pagecache": Scenario("c", "a full page cache; a driver asks as in a", "driver"),
    "unmovable": Scenario("d", "unmovable pages; a process starts each second", "ram"),
    "reserved": Scenario("e", "large blocks in CMA and HighAtomic alone", "plain"),
    "shortage": Scenario("f", "a program takes more and more", "plain"),
    "healthy": Scenario("g", "ten minutes in which nothing is wrong", "plain"),
    "highmem": Scenario("h", "1 GB: lowmem in pieces, HighMem free", "large"),
    "returning": Scenario("i", "as a, again and again; the kernel does not compact", "old"),
    "borrowed": Scenario(
        "j", "kernel memory grows; what is free lies in CMA; no boosts", "unboosted"
    ),
}
CONTESTANTS: Mapping[str, str] = {
    "nothing": "nothing",
    "proactiveness": "compaction_proactiveness = 100",
    "loop": "compact_memory each minute",
    "earlyoom": "earlyoom 1.7",
    "nohang": "nohang 0.2",
    "systemd-oomd": "systemd-oomd 252",
    "oomwatchd": "oomwatchd",
    "slim": "oomwatchd, slim",
    "undemanding": "oomwatchd, nothing stated",
}
"""How they are called in tables."""
VARIANTS: Mapping[str, str] = {name: f"oomwatchd, {name}" for name in INSIDE_VARIANTS}
OURS = ("oomwatchd", "slim")
