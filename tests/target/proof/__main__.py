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
from target.guest import Guests, heed_termination
from target.proof.claims import claims
from target.proof.play import Record, Results, ResultsError, make_of, plans_for, play
from target.proof.scenarios import CONTESTANTS, SCENARIOS, VARIANTS
from target.proof.table import LEGEND, summary, tables, verdicts
from target.wheel import project_wheel

SEEDS = 20


def main() -> int:
    """Play and show; 69 where a guest cannot be built, 130 where somebody interrupts."""
    heed_termination()
    try:
        return _proof()
    except KeyboardInterrupt:
        _tell("interrupted; what has been played is kept in the file of results, if one was named")
        return 128 + signal.SIGINT


def _tell(line: str) -> None:
    sys.stderr.write(f"target: {line}\n")


def _seeds(text: str) -> int:
    """Read the number of seeds."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"not a number of runs: {text!r}")


def _proof() -> int:
    parser = argparse.ArgumentParser(prog="target.proof", description="failing memory, and peers")
    parser.add_argument("--seeds", type=_seeds, default=SEEDS, help=f"runs of each kind ({SEEDS})")
    parser.add_argument(
        "--scenario",
        nargs="+",
        choices=SCENARIOS,
        default=list(SCENARIOS),
        help="; ".join(f"{name}: {one.title}" for name, one in SCENARIOS.items()),
    )
    parser.add_argument(
        "--contestant",
        nargs="+",
        choices=[*CONTESTANTS, *VARIANTS],
        default=list(CONTESTANTS),
        help=f"{', '.join(VARIANTS)} are oomwatchd with other settings, to choose defaults by",
    )
    parser.add_argument("--results", type=Path, help="where runs are kept (none: nowhere)")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="oomwatchd-proof") as folder:
        try:
            file = wanted.results or Path(folder) / "results"
            results = Results(file, make_of(project_wheel()))
            disk = Path(folder) / "disk"
            make_ext4(disk, small_folders=120)
            plans = list(plans_for(wanted.scenario, wanted.contestant, wanted.seeds))
            left = sum(plan not in results.records for plan in plans)
            others = f"; {results.others} in the file are of another make" if results.others else ""
            _tell(f"{left} of {len(plans)} runs to play, some seconds each{others}")
            play(Guests(default_cache(), project_wheel), plans, disk, results, _tell)
        except ResultsError as error:
            _tell(str(error))
            return 66
        except BuildError as error:
            _tell(str(error))
            return 69
    runs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for plan in plans:
        runs[plan.scenario, plan.contestant].append(results.records[plan])
    found = claims(runs)
    parts = (summary(runs), LEGEND, tables(runs), verdicts(found))
    sys.stdout.write("\n\n".join(parts) + "\n")
    return 0 if all(claim.met for claim in found) else 1


if __name__ == "__main__":
    sys.exit(main())
