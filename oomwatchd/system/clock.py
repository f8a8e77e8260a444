"""What the loop's own clock does not tell: suspend, and the time of day."""

import time


def suspended_seconds() -> float:
    """How long the system has been suspended since boot; it jumps when it resumes.

    The two clocks are read one after the other, so it trembles by some microseconds.
    """
    monotonic = time.monotonic()  # first: so that it is never below 0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - monotonic


def minute_of_day() -> int:
    """Minutes since midnight, local time by the wall clock, which may be set any time.

    The first call reads the time zone from its file, and no later one does.
    """
    now = time.localtime()
    return 60 * now.tm_hour + now.tm_min
