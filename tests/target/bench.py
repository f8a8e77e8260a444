"""What the daemon costs, counted in instructions: python -m target.bench [--ticks N].

The ARM device runs under icount: one virtual nanosecond is one instruction, so what is printed
repeats within a percent on any machine, however busy. earlyoom, the smallest program that watches
memory, is the yardstick. Prints a table, then one line of JSON; exit code 1 if a goal is missed.
"""

import argparse
import json
import re
import sys

from target.debs import BuildError, default_cache
from target.goals import Figures, goals, table
from target.guest import Guests, Options, heed_termination
from target.machines import ARM
from target.proof.peers import programs
from target.wheel import project_wheel

TICKS = 100_000
TICKS_QUICK = 2000
SAMPLES = 40
_TIMEOUT_SECONDS = 1200.0
# Each is alone while it is weighed: another Python would take half of what they share. Slim is
# without psutil; else everything is on.
_RUN = """\
mkdir -p /dev/pts; mount -t devpts devpts /dev/pts
weigh() {{
    name=$1; shift
    "$@" >/out/$name.said 2>&1 &
    sleep 15
    cat /proc/$!/smaps_rollup >/out/$name.rollup
    kill $!; wait
}}
weigh python python3 -c 'import time; time.sleep(60)'
weigh earlyoom /job/earlyoom -r 0
weigh nohang python3 /job/nohang --monitor --config /job/nohang.conf
printf '[socket]\\npath = /run/weighed.sock\\n' >/run/weighed.conf
weigh slim python3 -c '
import sys
sys.modules["psutil"] = None
from oomwatchd.daemon.main import main
sys.argv[1:] = ["--config", "/run/weighed.conf"]
main()'
printf '[hook]\\ncommand = /bin/true\\n' >>/run/weighed.conf
syslogd
weigh oomwatchd oomwatchd --config /run/weighed.conf --log-to syslog
killall syslogd
exec python3 -m target.inside.bench {ticks} {samples}
"""


def measure(guests: Guests, ticks: int = TICKS) -> Figures:
    """Boot a device and measure everything in it.

    Raises:
        BuildError: the guest cannot be built here.
    """
    result = guests.boot(
        ARM,
        _RUN.format(ticks=ticks, samples=SAMPLES),
        Options(icount=True, timeout_seconds=_TIMEOUT_SECONDS),
        files=programs(guests.cache, "earlyoom") | programs(guests.cache, "nohang"),
    ).checked()
    figures: Figures = {event.pop("subject"): event for event in result.events}
    figures["pss_kib"] = {
        name: float(re.findall(r"^Pss: +(\d+)", result.text(f"{name}.rollup"), re.MULTILINE)[0])
        for name in ("python", "earlyoom", "nohang", "slim", "oomwatchd")
    }
    figures["run"] = {"wall_seconds": result.seconds}
    return figures


def main() -> int:
    """Measure and print; 0 if all goals are met, 1 if not, 69 where a guest cannot be built."""
    parser = argparse.ArgumentParser(prog="target.bench", description="what the daemon costs")
    parser.add_argument("--ticks", type=int, default=TICKS, help=f"in the long run ({TICKS})")
    wanted = parser.parse_args()
    heed_termination()
    try:
        figures = measure(Guests(default_cache(), project_wheel), wanted.ticks)
    except BuildError as error:
        sys.stderr.write(f"target: {error}\n")
        return 69
    found = goals(figures)
    missed = [goal.what for goal in found if not goal.met]
    sys.stdout.write(f"{table(found)}\n{json.dumps({**figures, 'missed': missed})}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
