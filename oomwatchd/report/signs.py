"""What in a report tells the kernel's age: each sign with the versions that print it.

Source: mm/oom_kill.c, mm/page_alloc.c, mm/show_mem.c (since 6.5), arch/*/mm/init.c. Where the exact
version is not known the window is the wider one. Vendors add what is newer to what is older, and
hardly ever take away: a `since` is weaker evidence than a `before`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from oomwatchd.model import Version
from oomwatchd.report.record import ReportNode, ReportZone


class Window(NamedTuple):
    """The kernels that print it."""

    since: Version | None
    before: Version | None


SIGNS: Mapping[str, Window] = {
    # The line that opens a report.
    "oom-killer: without a name": Window(None, (2, 6, 19)),
    "oomkilladj=": Window((2, 6, 19), (2, 6, 32)),
    "oom_adj=": Window((2, 6, 32), (2, 6, 36)),
    "oom_adj= and oom_score_adj=": Window((2, 6, 36), (3, 9, 0)),
    "oom_score_adj=": Window((3, 7, 0), None),
    "names of GFP flags": Window((4, 6, 0), None),
    "OOM header: nodemask=": Window((4, 9, 0), (5, 0, 0)),
    "OOM header: two blanks before order=": Window((4, 11, 0), (4, 15, 0)),
    "failure. order:": Window(None, (3, 0, 0)),
    "failure: order:": Window((2, 6, 38), None),
    "failure header: nodemask=": Window((4, 11, 0), None),
    "failure header: cpuset=": Window((5, 0, 0), None),
    "cpuset= mems_allowed= on a line of its own": Window((2, 6, 29), (5, 0, 0)),
    # The figures of the whole system.
    "Mem-info:": Window(None, (4, 1, 0)),
    "cpu 0 hot: high": Window(None, (2, 6, 19)),
    "CPU 0: Hot: hi:": Window((2, 6, 19), (2, 6, 25)),
    "CPU 0: hi:": Window((2, 6, 25), (4, 1, 0)),
    "Active:": Window(None, (2, 6, 28)),
    "Active_anon:": Window((2, 6, 28), (2, 6, 32)),
    "counters: isolated_anon": Window((2, 6, 32), None),
    "counters: free_cma": Window((3, 7, 0), None),
    "counters: free_pcp": Window((4, 1, 0), None),
    "counters: unstable": Window(None, (5, 8, 0)),
    "counters: kernel_misc_reclaimable": Window((5, 15, 0), None),
    "counters: sec_pagetables": Window((6, 1, 0), None),
    # The figures of nodes and zones.
    "figures of nodes": Window((4, 8, 0), None),
    "node: kernel_stack": Window((5, 9, 0), None),
    "node: pagetables": Window((5, 11, 0), None),
    "node: sec_pagetables": Window((6, 1, 0), None),
    "node: balloon": Window((6, 15, 0), None),
    "zone: boost": Window((5, 16, 0), None),
    "zone: reserved_highatomic": Window((5, 5, 0), None),
    "zone: free_highatomic": Window((6, 15, 0), None),
    "zone: isolated(anon)": Window((2, 6, 32), (4, 8, 0)),
    "zone: writepending": Window((4, 8, 0), None),
    "zone: managed": Window((3, 7, 0), None),
    "zone: mlocked": Window((2, 6, 32), None),
    "zone: slab_reclaimable": Window((2, 6, 32), (4, 13, 0)),
    "zone: kernel_stack": Window((2, 6, 32), (5, 9, 0)),
    "zone: pagetables": Window((2, 6, 32), (5, 11, 0)),
    "zone: free_pcp": Window((4, 1, 0), None),
    "zone: free_cma": Window((3, 7, 0), None),
    "zone: all_unreclaimable": Window(None, (4, 8, 0)),
    # The free lists, and what stands below them.
    "free lists: letters": Window((3, 7, 0), None),
    "free lists: R": Window((3, 7, 0), (4, 4, 0)),
    "free lists: H": Window((4, 4, 0), None),
    "hugepages_total=": Window((3, 10, 0), None),
    "pages of RAM": Window(None, (4, 1, 0)),
    "Swap cache stats:": Window(None, (6, 0, 0)),
    "Unreclaimable slab info:": Window((4, 15, 0), None),
    # The table of tasks.
    "tasks: cpu oom_adj": Window((2, 6, 25), (2, 6, 36)),
    "tasks: cpu oom_adj oom_score_adj": Window((2, 6, 36), (3, 6, 0)),
    "tasks: nr_ptes swapents": Window((3, 6, 0), (4, 0, 0)),
    "tasks: nr_ptes nr_pmds": Window((4, 0, 0), (4, 15, 0)),
    "tasks: pgtables_bytes": Window((4, 15, 0), (6, 8, 0)),
    "tasks: rss_anon": Window((6, 8, 0), None),
    "tasks: wide [  pid  ]": Window((4, 19, 0), None),
    "Tasks state:": Window((4, 19, 0), None),
    # Who was chosen, who was killed.
    "Kill process ... and children.": Window(None, (2, 6, 19)),
    "kill process ... or a child": Window((2, 6, 19), (2, 6, 36)),
    "vsz:": Window((2, 6, 33), (2, 6, 36)),
    "Kill process ... or sacrifice child": Window((2, 6, 36), (5, 1, 0)),
    "Killed process": Window(None, (5, 1, 0)),
    "Killed process ... shmem-rss:": Window((4, 5, 0), None),
    "Killed process ... pgtables:": Window((5, 4, 0), None),
    "Out of memory: Killed process ... total-vm:": Window((5, 1, 0), None),
    "oom-kill:": Window((5, 0, 0), None),
    "oom_reaper:": Window((4, 6, 0), None),
    "Task in ... killed as a result of limit of": Window((2, 6, 25), (5, 0, 0)),
}


_OF_COUNTERS, _OF_NODES, _OF_ZONES = (
    {sign.partition(": ")[2]: sign for sign in SIGNS if sign.startswith(part)}
    for part in ("counters: ", "node: ", "zone: ")
)
"""By the key of the figure."""


def of_figures(
    counters: Mapping[str, int], nodes: tuple[ReportNode, ...], zones: tuple[ReportZone, ...]
) -> frozenset[str]:
    """Give the signs that lie in which figures there are."""
    signs = {sign for key, sign in _OF_COUNTERS.items() if key in counters}
    if nodes:
        signs.add("figures of nodes")
    for node in nodes:
        signs.update([sign for key, sign in _OF_NODES.items() if key in node.kib])
    for zone in zones:
        signs.update([sign for key, sign in _OF_ZONES.items() if key in zone.kib])
        if zone.all_unreclaimable is not None:
            signs.add("zone: all_unreclaimable")
        letters = "".join(zone.letters or ())
        if letters:
            signs.add("free lists: letters")
        signs.update([f"free lists: {letter}" for letter in "RH" if letter in letters])
    return frozenset(signs)
