"""python -m target.proof [--seeds N] [--scenario NAME…] [--contestant NAME…] [--results FILE].

Prints a table for each scenario and then the claims; exit code 1 if one is missed. With a results
file what is there already is not played again, so that a run that was stopped goes on.
"""

import argparse
import signal
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from target.debs import BuildError, default_cache
from target.disk import make_ext4
from target.guest import Guests
from target.proof.claims import claims
from target.proof.play import Record, Results, make_of, plans_for, play
from target.proof.scenarios import CONTESTANTS, SCENARIOS, VARIANTS
from target.proof.table import summary, tables, verdicts
from target.wheel import project_wheel

SEEDS = 20


def main() -> int:
    """Play and show; 69 where a guest cannot be built."""
    parser = argparse.ArgumentParser(prog="target.proof", description="failing memory, and peers")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs of each kind ({SEEDS})")
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument(
        "--contestant", nargs="+", choices=[*CONTESTANTS, *VARIANTS], default=list(CONTESTANTS)
    )
    parser.add_argument("--results", type=Path, help="where runs are kept (none: nowhere)")
    wanted = parser.parse_args()
    # As an interrupt: guests are ended, and folders removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="oomwatchd-proof") as folder:
        try:
            file = wanted.results or Path(folder) / "results"
            results = Results(file, make_of(project_wheel()))
            disk = Path(folder) / "disk"
            make_ext4(disk, small_folders=120)
            plans = list(plans_for(wanted.scenario, wanted.contestant, wanted.seeds))
            guests = Guests(default_cache(), project_wheel)
            play(guests, plans, disk, results, lambda line: print(line, file=sys.stderr))  # noqa: T201
        except BuildError as error:
            sys.stderr.write(f"target: {error}\n")
            return 69
    runs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for plan in plans:
        runs[plan.scenario, plan.contestant].append(results.records[plan])
    found = claims(runs)
    sys.stdout.write(f"{summary(runs)}\n\n{tables(runs)}\n\n{verdicts(found)}\n")
    return 0 if all(claim.met for claim in found) else 1


if __name__ == "__main__":
    sys.exit(main())
