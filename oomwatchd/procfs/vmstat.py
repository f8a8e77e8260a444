"""/proc/vmstat: counters, one `name value` a line.

Source: mm/vmstat.c, vmstat_show(). The names differ from version to version, and without
CONFIG_VM_EVENT_COUNTERS only the state counters are there: ask for a name and expect None.
Event counters are unsigned long: they wrap at 32 bits on 32-bit kernels.
"""

from oomwatchd.errors import ParseError
from oomwatchd.procfs.text import fault, lines, number

FILE = "vmstat"


def parse(data: bytes) -> dict[str, int]:
    """Parse the whole file; a last line without its line break is left out.

    Raises:
        ParseError: no counter at all, or a line that is not a name and a number.
    """
    counters: dict[str, int] = {}
    whole = data[: data.rfind(b"\n") + 1]
    for offset, line in lines(whole):
        name, blank, digits = line.partition(b" ")
        if not (name and blank and name.isascii()):
            raise fault(FILE, data, offset, "not a name and a number")
        counters[name.decode("ascii")] = number(digits.strip(), FILE, data, offset)
    if not counters:
        raise ParseError(FILE, 0, data[:80], "no counter in the file")
    return counters
