"""/proc/meminfo: kib, and None for what a kernel lacks."""

import pytest
from hypothesis import given, settings
from strategies import meminfos, print_meminfo, shows_where_and_what

from oomwatchd.errors import ParseError
from oomwatchd.procfs.meminfo import Meminfo, parse

OLD = b"""\
MemTotal:       126976 kB
MemFree:         17436 kB
Buffers:          2264 kB
Cached:          50284 kB
SwapCached:          0 kB
Active:          42728 kB
Inactive:        36800 kB
HighTotal:           0 kB
Dirty:               4 kB
Writeback:           0 kB
Mapped:           7780 kB
Slab:            14764 kB
VmallocTotal:   901112 kB
"""

NEW = b"""\
MemTotal:         249932 kB
MemFree:           31012 kB
MemAvailable:     140000 kB
Buffers:            1000 kB
Cached:           120000 kB
SwapCached:            0 kB
SwapTotal:         65532 kB
Active:            60000 kB
Inactive:          70000 kB
Active(anon):      10000 kB
Inactive(anon):     5000 kB
Active(file):      50000 kB
Inactive(file):    65000 kB
Unevictable:           0 kB
Dirty:                20 kB
Writeback:             1 kB
Mapped:            15000 kB
Shmem:              3000 kB
KReclaimable:      11000 kB
SReclaimable:      10999 kB
SUnreclaim:        12345 kB
KernelStack:         888 kB
PageTables:          777 kB
SecPageTables:        66 kB
ShmemHugePages:        9 kB
WritebackTmp:         99 kB
VmallocTotal:     770048 kB
CmaTotal:          65536 kB
CmaFree:           60000 kB
HugePages_Total:       0
Hugepagesize:       2048 kB
"""


def test_a_kernel_of_2_6_18_lacks_what_came_later() -> None:
    """Absent lines are None, never 0; a line that says 0 is 0."""
    meminfo = parse(OLD)
    assert (meminfo.total_kib, meminfo.free_kib, meminfo.cached_kib) == (126976, 17436, 50284)
    assert meminfo.vmalloc_total_kib == 901112
    assert meminfo.available_kib is meminfo.active_file_kib is meminfo.shmem_kib is None
    assert meminfo.slab_reclaimable_kib is meminfo.cma_total_kib is meminfo.hugepage_kib is None
    assert meminfo.kernel_stack_kib is meminfo.page_tables_kib is None


def test_a_kernel_of_6_1_has_them_all() -> None:
    """Lines with a longer or a shorter name are other lines."""
    assert parse(NEW) == Meminfo(
        total_kib=249932,
        free_kib=31012,
        available_kib=140000,
        cached_kib=120000,
        active_file_kib=50000,
        inactive_file_kib=65000,
        dirty_kib=20,
        writeback_kib=1,
        mapped_kib=15000,
        shmem_kib=3000,
        slab_reclaimable_kib=10999,
        slab_unreclaimable_kib=12345,
        kernel_stack_kib=888,
        page_tables_kib=777,
        cma_total_kib=65536,
        cma_free_kib=60000,
        hugepage_kib=2048,
        vmalloc_total_kib=770048,
        swap_total_kib=65532,
    )


FAULTS = {
    "empty": (b"", "meminfo: no MemTotal in the file"),
    "no MemFree": (b"MemTotal: 1 kB\n", "meminfo: no MemFree in the file"),
    "a word": (
        b"MemTotal: 1 kB\nMemFree: much kB\n",
        'meminfo:2: not a number as the kernel prints it: "MemFree: much kB"',
    ),
    "a negative number": (
        b"MemTotal: -1 kB\n",
        'meminfo:1: not a number as the kernel prints it: "MemTotal: -1 kB"',
    ),
    "another unit": (
        b"MemTotal: 1 MB\n",
        'meminfo:1: not a number of kB: "MemTotal: 1 MB"',
    ),
    "no number": (
        b"MemTotal:\n",
        'meminfo:1: not a number as the kernel prints it: "MemTotal:"',
    ),
    "two numbers": (
        b"MemTotal: 1 2 kB\n",
        'meminfo:1: not a number of kB: "MemTotal: 1 2 kB"',
    ),
    "cut within MemFree": (b"MemTotal: 12 kB\nMemFree: 1", "meminfo: no MemFree in the file"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_line_and_text(name: str) -> None:
    """What no kernel prints is refused in one line that shows it."""
    data, message = FAULTS[name]
    with pytest.raises(ParseError) as caught:
        parse(data)
    assert str(caught.value) == message
    assert shows_where_and_what(caught.value, "meminfo")


@pytest.mark.parametrize("rest", [b"1", b"12", b"12 ", b"12 k"])
def test_a_number_cut_short_is_missing_and_not_smaller(rest: bytes) -> None:
    """Without its unit and line break the last line is as good as missing."""
    assert parse(b"MemTotal: 9 kB\nMemFree: 8 kB\nCached: " + rest).cached_kib is None


@pytest.mark.parametrize("rest", [b"12 kB", b"12 kB ", b"12 kB\r\n", b"12\n"])
def test_a_number_with_its_end_is_whole(rest: bytes) -> None:
    """The unit or the line break proves the number whole."""
    assert parse(b"MemTotal: 9 kB\nMemFree: 8 kB\nCached: " + rest).cached_kib == 12


@settings(deadline=None, max_examples=60)
@given(meminfos())
def test_what_the_kernel_prints_is_read_back(meminfo: Meminfo) -> None:
    """Any facts come back as they were, among lines that nobody asks for."""
    assert parse(print_meminfo(meminfo)) == meminfo
