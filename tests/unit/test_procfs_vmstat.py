"""/proc/vmstat: names and numbers."""

import pytest
from hypothesis import given, settings
from strategies import print_vmstat, shows_where_and_what, vmstats

from oomwatchd.errors import ParseError
from oomwatchd.procfs.vmstat import parse

KERNELS = {
    "2.6.18": (b"nr_anon_pages 332\nallocstall 0\n", {"nr_anon_pages": 332, "allocstall": 0}),
    "4.8 on": (
        b"nr_free_pages 26\nallocstall_normal 3\nallocstall_movable 4\n",
        {"nr_free_pages": 26, "allocstall_normal": 3, "allocstall_movable": 4},
    ),
    "6.18, the largest number": (
        b"nr_free_pages_blocks 512\noom_kill 18446744073709551615\n",
        {"nr_free_pages_blocks": 512, "oom_kill": 2**64 - 1},
    ),
    "a last line cut short": (b"nr_free_pages 26\noom_kill 1", {"nr_free_pages": 26}),
}

FAULTS = {
    "empty": (b"", "vmstat: no counter in the file"),
    "one line without its end": (b"oom_kill 1", 'vmstat: no counter in the file: "oom_kill 1"'),
    "no number": (b"oom_kill\n", 'vmstat:1: not a name and a number: "oom_kill"'),
    "no name": (b"a 1\n 5\n", 'vmstat:2: not a name and a number: " 5"'),
    "a negative number": (
        b"a 1\noom_kill -1\n",
        'vmstat:2: not a number as the kernel prints it: "oom_kill -1"',
    ),
    "bytes that are no text": (
        b"\xff\xfe 1\n",
        'vmstat:1: not a name and a number: "\\xff\\xfe 1"',
    ),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernels_text_is_read(kernel: str) -> None:
    """A counter that a kernel lacks is not there; one cut short is left out."""
    data, counters = KERNELS[kernel]
    assert parse(data) == counters


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_line_and_text(name: str) -> None:
    """What no kernel prints is refused in one line that shows it."""
    data, message = FAULTS[name]
    with pytest.raises(ParseError) as caught:
        parse(data)
    assert str(caught.value) == message
    assert shows_where_and_what(caught.value, "vmstat")


@settings(deadline=None, max_examples=60)
@given(vmstats())
def test_what_the_kernel_prints_is_read_back(counters: dict[str, int]) -> None:
    """Any counters come back as they were."""
    assert parse(print_vmstat(counters)) == counters
