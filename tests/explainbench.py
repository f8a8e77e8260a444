"""What explaining costs: whether it grows with the log alone, and how long 100 MB take.

    make bench-explain ARGS='--megabytes 100'

Every kind of log is explained at one size and at four times that, side by side in one run: the
ratio of the two must be below 6, where 4 is exact. With --megabytes the command itself reads a
file of that size: an ordinary log, one of a device that boots and fails again and again, and one
that is reports and nothing else.
"""

import argparse
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from commands import CLIENT
from explaining import collected, explanations, pieces
from reportlib import NAMES, log_of

MOST_RATIO = 6.0
TRIES = 3
CHUNK_BYTES = 1 << 20
LEAST_SECONDS = 0.05
"""What is quicker is explained several times: a ratio of two trifles tells nothing."""
REPEATED = 20
FIGURE = re.compile(rb"(?<![\w.+x<\[/:-])\d{3,}(?![\w.\]>:/-])|(?<=_anon:|_file:)\d{3,}")
LISTED = re.compile(rb"(?<=_anon:|_file:)\d{3,}")
KEPT = (b"*4kB", b"min:", b"RAM", b"reserved")
HEADER = b"cam: page allocation failure: order:2, mode:0xd0\n"
KILL = b"cam invoked oom-killer: gfp_mask=0xd0, order=2, oom_score_adj=0\n"
ORDINARY = (
    b"Nov  2 10:11:12 host kernel: [  123.456789] usb 1-1: new high-speed USB device number 7\n"
    b"Nov  2 10:11:12 host systemd[1]: Started Session 12 of user root.\n"
    b"Nov  2 10:11:12 host dnsmasq-dhcp[123]: DHCPACK(br0) 192.168.1.7 aa:bb:cc:dd:ee:ff\n"
)


def real_reports() -> list[bytes]:
    """Give one report of each kernel, without the boot before it."""
    parts = []
    for name in NAMES:
        log = log_of(name).replace(b"\r\n", b"\n")
        first = explanations(log)[0].report.line
        parts.append(b"\n".join(log.split(b"\n")[first - 1 :]) + b"\n")
    return parts


def with_other_figures(report: bytes, chance: random.Random) -> bytes:
    """Change what the next report of a device has other: nobody shall gain by having seen it.

    What its verdict hangs on stays: marks, free lists, totals; so does what of stacks repeats.
    """

    def other(match: re.Match[bytes]) -> bytes:
        digits = len(match[0])
        return b"%d" % chance.randrange(10 ** (digits - 1), 10**digits)

    lines = report.split(b"\n")
    return b"\n".join(
        (LISTED if any(word in line for word in KEPT) else FIGURE).sub(other, line)
        for line in lines
    )


def long_log() -> bytes:
    """Give many reports of each kernel, one kernel after the other."""
    chance = random.Random(1)  # noqa: S311 - reproducible on purpose
    return b"".join(
        with_other_figures(report, chance) for report in real_reports() for _ in range(REPEATED)
    )


def cases() -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """Give kinds of logs: each is made `size` large, whatever the unit."""
    reports = b"".join(real_reports())
    yield "nothing but reports", lambda size: reports * (2 * size)
    yield "an ordinary log", lambda size: ORDINARY * (8000 * size)
    yield "headers without a body", lambda size: (HEADER + KILL) * (500 * size)
    yield (
        "headers that end in CR",
        lambda size: (HEADER + KILL).replace(b"\n", b"\r") * (500 * size),
    )
    yield (
        "zones without an end",
        lambda size: (
            HEADER
            + b"".join(
                b"Node %d Normal free:1kB min:2kB low:3kB high:4kB\n" % number
                for number in range(5000 * size)
            )
        ),
    )
    yield (
        "one zone again and again",
        lambda size: HEADER + b"Normal free:1kB min:2kB low:3kB high:4kB\n" * (5000 * size),
    )
    yield (
        "free lists that do not end",
        lambda size: HEADER + b"Normal free:1kB min:1kB\nNormal: " + b"1*4kB\n" * (5000 * size),
    )
    yield "free lists in one line", lambda size: HEADER + b"Normal: " + b"1*4kB " * (40_000 * size)
    yield "rows that are not closed", lambda size: KILL + b"[  12 0 12 1 1\n" * (5000 * size)
    yield (
        "a table without an end",
        lambda size: (
            KILL
            + b"[ pid ] uid tgid total_vm rss cpu oom_adj name\n"
            + b"[ 1] 0 1 1 1 0 0 a\n" * (5000 * size)
        ),
    )
    yield "kills without an end", lambda size: KILL + b"Killed process 1 (a)\n" * (5000 * size)
    yield (
        "a control group without an end",
        lambda size: KILL + b"Memory cgroup stats for /a:\n" + b"anon 4096\n" * (5000 * size),
    )
    yield "quoted deeply", lambda size: (b"> " * 2000 + HEADER) * (20 * size)
    yield "a line without an end", lambda size: HEADER[:-1] + b" oom-killer: x" * (40_000 * size)
    yield (
        "long lines that almost open a report",
        lambda size: (b"x invoked oom-kill: page allocation failur " * 1500 + b"\n") * (40 * size),
    )
    yield (
        "long lines that open one late",
        lambda size: (b"oom-killer: allocation " * 170 + HEADER) * (50 * size),
    )
    yield (
        "lines that mails have folded",
        lambda size: (KILL[:-2] + b"y" * 10 + b"=\n") * (2000 * size),
    )
    yield "stamps and no text", lambda size: HEADER + b"[    1.000000] " * (20_000 * size)
    yield "empty lines", lambda size: HEADER + b"\n" * (100_000 * size)
    yield "NUL bytes", lambda size: HEADER + b"\0" * (2_000_000 * size)
    yield "digits", lambda size: HEADER + (b"1" * 4000 + b"\n") * (200 * size)
    yield (
        "one line that ends in blanks",
        lambda size: HEADER + b"a" + b" " * (200_000 * size) + b"\n",
    )
    yield "blanks", lambda size: HEADER + (b"a" + b" " * 4000 + b"b\n") * (200 * size)


def seconds_of(log: bytes, times: int) -> float:
    """Measure the explanation of a log, as the command reads it, in processor time."""
    start = time.process_time()
    for _ in range(times):
        collected(pieces(log, CHUNK_BYTES))
    return (time.process_time() - start) / times


def ratio(make: Callable[[int], bytes]) -> tuple[float, float, float]:
    """Compare a log with one four times as large: the least ratio of some tries."""
    small, large = make(1), make(4)
    times = 1 + int(LEAST_SECONDS / max(seconds_of(small, 1), 1e-5))
    found = []
    for _ in range(TRIES):
        one, four = seconds_of(small, times), seconds_of(large, times)
        found.append((four / one, one, four))
    return min(found)


def check_ratios() -> bool:
    """Print the ratio of each kind of log; whether all are small enough."""
    well = True
    sys.stdout.write(f"{'log':<38} {'N':>9} {'4 N':>9} ratio\n")
    for name, make in cases():
        found, one, four = ratio(make)
        well = well and found < MOST_RATIO
        verdict = "" if found < MOST_RATIO else "  TOO MUCH"
        sys.stdout.write(
            f"{name:<38} {one * 1e3:6.1f} ms {four * 1e3:6.1f} ms {found:5.1f}{verdict}\n"
        )
    return well


def measure(megabytes: int) -> None:
    """Print what the command takes for a file of a size, and for a tenth of it."""
    kinds = {
        "an ordinary log": ORDINARY,
        "boots that end in a report": b"".join(map(log_of, NAMES)),
        "nothing but reports": long_log(),
    }
    for name, part in kinds.items():
        for size in (megabytes * 100_000, megabytes * 1_000_000):
            with tempfile.NamedTemporaryFile() as file:
                for _ in range(size // len(part) + 1):
                    file.write(part)
                file.truncate(size)
                seconds, kib = cost_of(Path(file.name))
            sys.stdout.write(
                f"{name}: {size / 1e6:.1f} MB, {seconds:.1f} s of processor time, {kib} KiB\n"
            )


def cost_of(log: Path) -> tuple[float, int]:
    """Run the command on a file; give its processor time, and the most memory that it had."""
    # A process of its own measures its only child: ru_maxrss is the largest of all children.
    script = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *CLIENT, "explain", str(log)],
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds, kib = done.stdout.split()
    return float(seconds), int(kib)


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=0)
    megabytes = parser.parse_args().megabytes
    well = check_ratios()
    if megabytes:
        measure(megabytes)
    sys.stdout.write(
        f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss} KiB at most\n"
    )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
