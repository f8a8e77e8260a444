"""The seed's failure on the 256 MB ARM device, told step by step: python -m target.demo.

Twice: with a daemon that only watches, and with one that acts.
"""

import sys
from collections.abc import Callable
from typing import Any

from target.debs import BuildError, default_cache
from target.guest import Guests, Options, Result, heed_termination
from target.machines import ARM
from target.wheel import project_wheel

TIMEOUT_SECONDS = 300.0
SEED = Options(append="loglevel=6", timeout_seconds=TIMEOUT_SECONDS)


def tell(event: dict[str, Any]) -> None:
    """Print one event."""
    sys.stdout.write(f"{line(event)}\n")
    sys.stdout.flush()


def line(event: dict[str, Any]) -> str:
    """Describe one event in one line."""
    if event["event"] == "said":
        return f"    oomwatchd: {event['line']}"
    if event["event"] == "kernel":
        return f"    kernel: {event['line']}"
    if event["event"] == "end":
        return ""
    index = event["kernel_index_thousandths"] / 1000
    seen = (
        f"headroom {event['headroom']} page directories, {event['severity']}"
        + (f", {event['cause']}" if event["cause"] else "")
        if "headroom" in event
        else event["unreachable"]
    )
    return (
        f"{event['step']}, {event['started']} running: {event['free_kib'] >> 10} MB free, "
        f"blocks {' '.join(map(str, event['free_blocks']))}, kernel's index {index:.3f}; {seen}"
    )


def seed(
    guests: Guests, *arguments: str, listen: Callable[[dict[str, Any]], None] | None = None
) -> Result:
    """Bring the device down; the arguments are for its daemon."""
    script = " ".join(["exec python3 -m target.inside.seed", *arguments])
    return guests.boot(ARM, script, SEED, listen=listen)


def steps_of(result: Result) -> list[dict[str, Any]]:
    """Give what was seen at each step."""
    return [event for event in result.events if event["event"] == "step"]


def main() -> int:
    """Show it; 0 if the kernel killed or panicked both times."""
    heed_termination()
    guests = Guests(default_cache(), project_wheel)
    ends: list[str] = []
    for title, arguments in (("only watching", ("--dry-run",)), ("acting", ())):
        sys.stdout.write(f"--- oomwatchd {title}\n")
        try:
            result = seed(guests, *arguments, listen=tell)
        except BuildError as error:
            sys.stderr.write(f"target: {error}\n")
            return 69
        if result.panic:
            sys.stdout.write(f"kernel panic: {result.panic}\n")
        steps = steps_of(result)
        if not steps:
            sys.stderr.write(f"target: the guest told nothing\n{result.console}\n")
            return 1
        last = steps[-1]
        if not (result.panic or last["oom_kills"]):
            return 1
        ends.append(
            f"with oomwatchd {title} {last['started']} processes could be started, and "
            f"{last['free_kib'] >> 10} MB were free at the end"
        )
    sys.stdout.write("\n".join([*ends, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
