"""A daemon that says what it imports and opens, between the events of its log."""

import re
import sys

_OF_A_PROCESS = re.compile(r"audit open \('\d+/(stat|task)")
_SCRIPT = """
import os, sys
import oomwatchd.daemon.loop as loop
from oomwatchd.daemon.main import main

EVENTS = ("import", "open", "os.listdir", "os.scandir", "os.fork", "subprocess.Popen")

def hook(event, arguments):
    # A folder that is open already is listed by its number.
    if event in EVENTS and type(arguments[0] if arguments else None) is not int:
        os.write(2, f"audit {event} {arguments[:1]}\\n".encode())

def held(lifeline):
    hold(lifeline)
    os.write(2, b"rehearsed\\n")

hold, loop.Lifeline.hold = loop.Lifeline.hold, held
sys.addaudithook(hook)
sys.exit(main())
"""
AUDITED = (sys.executable, "-c", _SCRIPT)


def imported_after_rehearsal(log: str) -> list[str]:
    """List what was imported when all should have been there."""
    _, rehearsed, rest = log.partition("rehearsed\n")
    assert rehearsed
    return [line for line in rest.splitlines() if line.startswith("audit import")]


def between(log: str, first: str, last: str) -> list[str]:
    """List what was imported, opened or started from one event to the next of another kind."""
    lines = log.splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith(first))
    end = next(at for at, line in enumerate(lines) if at > begin and line.startswith(last))
    # Processes that have just come are looked at for real-time threads, by their number.
    audited = [line for line in lines[begin:end] if line.startswith("audit")]
    return [line for line in audited if not _OF_A_PROCESS.match(line)]
