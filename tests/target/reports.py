"""Captures the kernel's reports anew: python -m target.reports [-o FOLDER] [NAME...].

Each is a guest's: its log from the banner to the report's end, and what /proc said right before.
All of them, or those named, go into tests/reports; what is there is replaced, but for `expected`.
"""

import argparse
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from target.debs import BuildError, default_cache
from target.guest import Guests, Options, carried_out, heed_termination
from target.inside.reports import SITUATIONS
from target.machines import ARM, ARM64, ARM64_16K, ARM_5_10, ARM_6_12, ARM_7, Machine
from target.wheel import TOP, project_wheel

_TIMEOUT_SECONDS = 120.0
FORMS = {
    "kmsg": "/dev/kmsg, a record a line",
    "dmesg": "dmesg",
    "dmesg-r": "dmesg -r: levels in front",
    "syslog": "BusyBox syslogd and klogd",
    "console": "serial console, CR LF",
}


class Plan(NamedTuple):
    """One report to capture."""

    machine: Machine
    situation: str
    """One of inside/reports.py."""
    form: str
    """How the log is kept, likewise."""
    name: str
    """The end of the directory's name."""
    memory_mib: int = 256
    append: str = ""
    probe: bool = True


PLANS = (
    Plan(ARM, "unmovable", "dmesg", "order2-kill", append="cma=0"),
    Plan(ARM, "driver", "kmsg", "driver-order4", append="cma=0"),
    Plan(ARM, "shortage", "console", "shortage"),
    Plan(ARM, "split-name", "dmesg", "name-with-line-feed"),
    Plan(ARM, "cgroup", "syslog", "cgroup"),
    Plan(ARM, "unmovable", "dmesg-r", "order2-kill-cma-free"),
    Plan(ARM, "sleeping-driver", "dmesg", "order4-cma-free"),
    Plan(ARM, "highatomic", "kmsg", "order4-highatomic-free", append="cma=0"),
    Plan(ARM, "lowmem", "console", "lowmem-short", 1024, "init_on_alloc=0"),
    Plan(ARM, "lowmem-in-pieces", "dmesg", "lowmem-in-pieces", 1024, "init_on_alloc=0"),
    Plan(ARM, "boost", "dmesg-r", "boost"),
    Plan(ARM, "requested", "syslog", "sysrq"),
    Plan(ARM64, "insisting-driver", "kmsg", "order2-kill"),
    Plan(ARM64, "driver", "console", "driver-order4"),
    Plan(ARM64, "shortage", "dmesg", "shortage"),
    Plan(ARM_5_10, "unmovable", "dmesg", "order2-kill"),
    Plan(ARM_5_10, "driver", "dmesg-r", "driver-order4"),
    Plan(ARM_5_10, "shortage", "kmsg", "shortage"),
    Plan(ARM_6_12, "unmovable", "console", "order2-kill", probe=False),
    Plan(ARM_6_12, "shortage", "dmesg", "shortage", probe=False),
    Plan(ARM_7, "unmovable", "dmesg", "order2-kill", probe=False),
    Plan(ARM_7, "shortage", "kmsg", "shortage", probe=False),
    Plan(ARM64_16K, "cgroup", "syslog", "16k-cgroup", 512, probe=False),
    Plan(ARM64_16K, "shortage", "dmesg", "16k-shortage", 512, probe=False),
)


def capture(guests: Guests, plan: Plan, folder: Path) -> str:
    """Boot a guest, have it bring the situation about, and write what came; returns the name."""
    words = f"exec python3 -m target.inside.reports {plan.situation} {plan.form}"
    options = Options(
        memory_mib=plan.memory_mib,
        append=f"loglevel=7 {plan.append}".strip(),
        probe=plan.probe,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    with tempfile.TemporaryDirectory(prefix="oomwatchd-report") as place:
        command = guests.command(plan.machine, words, options, Path(place))
        result = carried_out(command, Path(place), _TIMEOUT_SECONDS).checked()
        console = (Path(place) / "console").read_bytes()
    log = result.files["log"] or console.partition(b"reboot: ")[0].rpartition(b"\n")[0] + b"\n"
    banner = re.search(rb"Linux version (\S+)", log)
    assert banner, log
    log = log[log.rfind(b"\n", 0, banner.start()) + 1 :]
    assert re.search(rb"invoked oom-killer|page allocation failure", log), log
    release = banner[1].decode()
    series = re.match(r"\d+\.\d+", release)
    assert series
    arch = {"arm": "armv7l", "arm64": "aarch64"}[plan.machine.arch]
    name = f"{arch}-virt-linux{series[0]}-{plan.name}"
    for file, data in {
        "log": log,
        "ORIGIN": _origin(plan, arch, release, result.text("page_size")).encode(),
        **{file: data for file, data in result.files.items() if file.startswith("truth/")},
    }.items():
        to = folder / name / file
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(data)
    return name


def _origin(plan: Plan, arch: str, release: str, page_size: str) -> str:
    story = " ".join((SITUATIONS[plan.situation].__doc__ or "").split()).rstrip(".")
    facts = {
        "source": "captured",
        "board": "linux,dummy-virt",
        "machine": arch,
        "page_size": page_size,
        "release": release,
        "root_fs": "rootfs",
        "situation": f"{plan.memory_mib} MB, no swap, root in RAM; {story[0].lower()}{story[1:]}",
        "arguments": plan.append or "none",
        "form": FORMS[plan.form],
        "captured": datetime.now(UTC).date(),
    }
    return "".join(f"{key}={value}\n" for key, value in facts.items())


def main() -> int:
    """Capture; 69 where a guest cannot be built."""
    parser = argparse.ArgumentParser(prog="target.reports", description=__doc__)
    parser.add_argument("-o", dest="folder", type=Path, default=TOP / "tests" / "reports")
    parser.add_argument("names", nargs="*", metavar="NAME", help="MACHINE-NAME, as in PLANS")
    given = parser.parse_args()
    heed_termination()
    guests = Guests(default_cache(), project_wheel)
    for plan in PLANS:
        if given.names and f"{plan.machine.name}-{plan.name}" not in given.names:
            continue
        try:
            name = capture(guests, plan, given.folder)
        except BuildError as error:
            sys.stderr.write(f"target: {error}\n")
            return 69
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
