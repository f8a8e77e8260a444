"""/proc/PID/stat and /proc/PID/task/TID/stat (proc(5)): what tells a real-time task."""

from typing import NamedTuple

from oomwatchd.errors import ParseError

_FLAGS = 9 - 3
_THREADS = 20 - 3
_POLICY = 41 - 3
"""Positions among the fields after the name, which proc(5) counts from 3."""
_KERNEL_THREAD = 0x00200000
_MAX_DIGITS = 20


class TaskStat(NamedTuple):
    """One task; `name` is whatever bytes the process gave itself, parentheses too."""

    name: bytes
    kernel_thread: bool
    threads: int
    """How many the process has; 0 once it has ended."""
    policy: int


def parse(data: bytes) -> TaskStat:
    """Parse the one line: the name ends at the last parenthesis, only numbers follow it.

    Raises:
        ParseError: it does not read as any kernel prints it.
    """
    head, closing, rest = data.rpartition(b")")
    _, opening, name = head.partition(b"(")
    if not closing or not opening:
        raise ParseError("stat", 1, data, "no name in parentheses")
    fields = rest.split()
    if len(fields) <= _POLICY:
        raise ParseError("stat", 1, data, "cut short")
    numbers = fields[_FLAGS], fields[_THREADS], fields[_POLICY]
    if not all(number.isdigit() and len(number) <= _MAX_DIGITS for number in numbers):
        raise ParseError("stat", 1, data, "flags, threads or policy are not numbers")
    flags, threads, policy = (int(number) for number in numbers)
    return TaskStat(name, bool(flags & _KERNEL_THREAD), threads, policy)
