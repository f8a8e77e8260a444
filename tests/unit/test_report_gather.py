"""Reports in a log: what is there is found and kept, whatever stands between or is lost."""

from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportforms import ERAS, PREFIXES, name_of, plain, prefixed, print_report
from reportforms import reports as made_reports
from reportlib import NAMES, log_of

from oomwatchd.model import Version
from oomwatchd.report import plain as plain_lines
from oomwatchd.report.gather import MAX_DONE, reports
from oomwatchd.report.record import Kind, Report
from oomwatchd.report.signs import SIGNS

ONE_OF_EACH_AGE = st.sampled_from(ERAS)


def read(log: bytes) -> list[Report]:
    """Read a log that comes in one piece."""
    return [*reports([log])]


@st.composite
def made(draw: st.DrawFn) -> tuple[Version, Report]:
    """Make up a kernel and one of its reports."""
    version = draw(ONE_OF_EACH_AGE)
    return version, draw(made_reports(version))


@settings(deadline=None, max_examples=30)
@given(log=st.binary(max_size=400))
def test_any_bytes_are_read_to_their_end(log: bytes) -> None:
    """Nothing is raised, whatever the bytes are."""
    read(log)


WORDS = st.sampled_from(
    [
        *("a invoked oom-killer: gfp_mask=0xd0, order=2", "b: page allocation failure: order:1,"),
        *(
            "Mem-Info:",
            "Node 0",
            "Node 0 DMA free:4kB",
            "Normal free:8kB min:",
            "lowmem_reserve[]:",
        ),
        *("0 0", "Normal: 1*4kB", "2*8kB (UM)", "= 20kB", "=", "(UM)", "active_anon:1", "free:1kB"),
        *("[ pid ] uid tgid total_vm rss name", "[ 1] 2 3 4 5 x", "[ 1]", "1 pages RAM"),
        *(
            "Killed process 1 (x)",
            "Out of memory: Kill process 1 (x) score",
            "oom-kill:constraint=",
        ),
        *("[<c0", "CPU: 0 PID: 1 Comm: x Not tainted 4", "\x1b[", "[ 1.0] ", "4,1,2,-;", "\\x0a"),
        *("memory: usage 1kB, limit 1kB", "Memory cgroup stats for /a:", "anon 4096", "UID:", "\r"),
        *("vmalloc: allocation failure: 1 bytes", "Task in /a killed as a result of limit of /b"),
        *(
            "kmalloc 1KB 2KB",
            "Unreclaimable slab info:",
            "Linux version 4.4",
            " ",
            "\n",
            "\n",
            "\n",
        ),
    ]
)


@settings(deadline=None, max_examples=30)
@given(words=st.lists(WORDS, max_size=60))
def test_any_pieces_of_reports_are_read_to_their_end(words: list[str]) -> None:
    """Nothing is raised when what kernels print comes in any order, torn or not."""
    log = " ".join(words).encode()
    assert read(log) == [*reports([bytes([byte]) for byte in log])]


@settings(deadline=None, max_examples=30)
@given(made=made(), data=st.data())
def test_a_report_cut_anywhere_keeps_what_is_there(
    made: tuple[Version, Report], data: st.DataObject
) -> None:
    """The figures of a cut report are those of the whole one, or are not there."""
    version, report = made
    log = prefixed(print_report(report, version), "dmesg")
    start = data.draw(st.integers(0, len(log)))
    end = data.draw(st.integers(start, len(log)))
    for part in read(log[start:end]):
        # What was cut in the middle of a number is shorter; what stands further in is as it was.
        known = {(zone.node, zone.name): zone for zone in report.zones}
        for zone in part.zones[1:-1]:
            whole = known[zone.node, zone.name]
            assert zone.free_blocks in (None, whole.free_blocks)
            assert not zone.kib or zone.kib == whole.kib


@pytest.mark.parametrize("version", [(2, 6, 28), (3, 10, 0), (5, 15, 0)], ids=name_of)
@settings(deadline=None, max_examples=1)
@given(data=st.data())
def test_a_report_cut_at_each_byte_is_never_refused(version: Version, data: st.DataObject) -> None:
    """However little is left of a report, nothing is raised, and its zones stay what they are."""
    report = data.draw(made_reports(version))
    log = prefixed(print_report(report, version), "none")
    for end in range(0, len(log), 1 + len(log) // 600):
        for part in read(log[:end]):
            assert len(part.zones) <= len(report.zones)
            for zone, whole in zip(part.zones, report.zones, strict=False):
                assert zone.free_blocks in (None, whole.free_blocks)
            read(log[end:])


@pytest.mark.parametrize("version", ERAS, ids=name_of)
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_what_a_kernel_prints_is_read_back(version: Version, data: st.DataObject) -> None:
    """Each age's report comes back as it was put in, and nothing of it is missing."""
    report = data.draw(made_reports(version))
    prefix = data.draw(st.sampled_from([*PREFIXES]))
    (found,) = read(prefixed(print_report(report, version), prefix))
    assert plain(found) == report


@pytest.mark.parametrize("version", ERAS, ids=name_of)
@settings(deadline=None, max_examples=3)
@given(data=st.data())
def test_every_sign_of_a_report_is_one_of_its_kernel(version: Version, data: st.DataObject) -> None:
    """No sign speaks against the kernel that printed the report."""
    report = data.draw(made_reports(version))
    (found,) = read(prefixed(print_report(report, version), "none"))
    for sign in found.signs:
        since, before = SIGNS[sign]
        assert since is None or since <= version, sign
        assert before is None or version < before, sign
    assert found.signs


@pytest.mark.parametrize("prefix", PREFIXES)
@settings(deadline=None, max_examples=2)
@given(data=st.data())
def test_any_prefix_is_taken_off(prefix: str, data: st.DataObject) -> None:
    """Whatever a log puts before the kernel's lines, the report is the same."""
    version = (4, 4, 0)
    report = data.draw(made_reports(version))
    for end in ("\n", "\r\n", "\r\r\n", "\n\n", "\0\n"):
        (found,) = read(prefixed(print_report(report, version), prefix, end))
        assert plain(found) == report


@settings(deadline=None, max_examples=30)
@given(made=made(), sizes=st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_pieces_of_any_size_give_the_same_reports(
    made: tuple[Version, Report], sizes: list[int]
) -> None:
    """It does not matter how a log is cut into pieces."""
    version, report = made
    log = prefixed(print_report(report, version), "dmesg") * 2
    pieces: list[bytes] = []
    at = 0
    while at < len(log):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(log[at : at + size])
        at += size
    assert [*reports(pieces)] == read(log)


FOREIGN = (
    "usb 1-1: new high-speed USB device number 2 using musb-hdrc",
    "eth0: link up, 100Mbps, full-duplex",
    "handle_end_of_frame: 880 remained in px DMA-desc",
    "systemd[1]: Started Session 1 of user root.",
    "12:34:56 something: 3 of 4",
    "random: crng init done",
)


@settings(deadline=None, max_examples=30)
@given(made=made(), data=st.data())
def test_other_lines_between_change_nothing(
    made: tuple[Version, Report], data: st.DataObject
) -> None:
    """Drivers print while the kernel reports."""
    version, report = made
    lines = print_report(report, version)
    mixed = [
        *chain.from_iterable(
            (line, *data.draw(st.lists(st.sampled_from(FOREIGN), max_size=2))) for line in lines
        )
    ]
    (found,) = read(prefixed(mixed, "dmesg"))
    assert plain(found) == report


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_reports_one_after_the_other_stay_apart(data: st.DataObject) -> None:
    """A log of several reports gives each of them, in their order."""
    version = data.draw(ONE_OF_EACH_AGE)
    several = data.draw(st.lists(made_reports(version), min_size=2, max_size=3))
    lines = [line for report in several for line in print_report(report, version)]
    assert [plain(found) for found in read(prefixed(lines, "dmesg"))] == several


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.large_base_example])
@given(data=st.data())
def test_reports_of_two_callers_are_told_apart(data: st.DataObject) -> None:
    """Since 5.1 a log may name the callers: their lines may be mixed in any way."""
    version = (6, 1, 0)
    kinds = (Kind.ALLOCATION_FAILURE,)
    both = [data.draw(made_reports(version, kinds=kinds, numa=False)) for _ in range(2)]
    queues = [
        [f"[    1.000000][  T{number}] {line}" for line in print_report(report, version)]
        for number, report in enumerate(both)
    ]
    mixed = [queues[0].pop(0)]
    dice = data.draw(st.randoms(use_true_random=False))
    while queues[0] or queues[1]:
        queue = queues[dice.randint(0, 1)]
        if queue:
            mixed.append(queue.pop(0))
    found = read("\n".join(mixed).encode())
    assert sorted(repr(plain(report)) for report in found) == sorted(map(repr, both))
    assert [report.line for report in found] == sorted(report.line for report in found)


OPEN = b"[ 1.0][  T1] a invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
FAILURE = b"[ 1.0][  T2] b: page allocation failure: order:1, mode:0x20\n"


@pytest.mark.parametrize("between", [0, 40, 200])
def test_reports_come_in_the_order_in_which_they_begin(between: int) -> None:
    """One that is over waits for one that is not and began before it."""
    kill = b"[ 1.0][  T1] Out of memory: Killed process 7 (a) total-vm:4kB\n"
    totals = b"[ 1.0][  T2] 1 pages RAM\n"
    found = read(OPEN + FAILURE + totals + b"[ 1.0][  T3] else's\n" * between + kill)
    assert [(report.line, report.kind) for report in found] == [
        (1, Kind.OOM),
        (2, Kind.ALLOCATION_FAILURE),
    ]
    assert [kill.pid for kill in found[0].kills] == [7]


STACK = (
    b"[ 1.0] CPU: 0 PID: %d Comm: %s Not tainted 6.1.0 #1\n[ 1.0] Call trace:\n[ 1.0]  f+0x1/0x2\n"
)
MEMORY = (
    b"[ 1.0] Mem-Info:\n[ 1.0] active_anon:1 free:%d\n"
    b"[ 1.0] Node 0 active_anon:4kB inactive_anon:4kB\n"
    b"[ 1.0] Node 0 DMA free:%dkB min:4kB low:4kB high:4kB\n[ 1.0] lowmem_reserve[]: 0 0\n"
    b"[ 1.0] Node 0 DMA: %d*4kB = %dkB\n[ 1.0] 7 total pagecache pages\n[ 1.0] %d pages RAM\n"
)
HEADERS = b"[ 1.0] %s: page allocation failure: order:0, mode:0x20\n"


@pytest.mark.parametrize("at", range(4, 13))
@pytest.mark.parametrize("begun", [1, 2, 4])
def test_a_second_processors_report_within_the_first_leaves_that_its_memory(
    at: int, begun: int
) -> None:
    """From its stack on: two reports, and each with what is its own."""
    first, second = (
        (HEADERS % name + STACK % (pid, name) + MEMORY % (n, 4 * n, n, 4 * n, n)).splitlines(
            keepends=True
        )
        for name, pid, n in ((b"a", 10, 1), (b"b", 20, 2))
    )
    mixed = [*first[:at], *second[:begun], *first[at:], *second[begun:]]
    found = read(b"".join(mixed))
    assert [(report.header and report.header.comm, report.pid) for report in found] == [
        ("a", 10),
        ("b", 20),
    ]
    if at > 4:
        for number, report in enumerate(found, 1):
            assert [zone.free_blocks for zone in report.zones] == [(number,)]
            assert (report.counters_pages["free"], report.totals_pages["ram"]) == (number, number)


def test_a_report_cut_in_its_stack_takes_nothing_of_the_next() -> None:
    """Kills come one after the other: what follows a header is that one's."""
    seed = [line for line in log_of("arm-camera-linux2.6.28-unix-message").splitlines() if line]
    cut, whole = seed[:12], [line.replace(b"checkd", b"httpd", 1) for line in seed]
    first, second = read(b"\n".join([*cut, *whole, b""]))
    alone = read(b"\n".join([*whole, b""]))[0]
    assert second._replace(line=1) == alone
    assert not first.kills
    assert not first.zones


def test_a_panic_of_another_reason_takes_nothing_of_a_report() -> None:
    """It is a line like any other."""
    parts = HEADERS % b"a" + STACK % (10, b"a")
    oom = parts.replace(
        b"page allocation failure: order:0, mode:0x20", b"invoked oom-killer: order=0"
    )
    panic = b"[ 1.0] Kernel panic - not syncing: softlockup: hung tasks\n"
    (found,) = read(oom + panic + MEMORY % (1, 4, 1, 4, 1))
    assert [zone.free_blocks for zone in found.zones] == [(1,)]


def test_a_vmap_line_takes_no_report_of_a_kill() -> None:
    """Addresses are not what a killer is called for."""
    log = log_of("arm-camera-linux2.6.28-unix-message")
    vmap = VMAP.removeprefix(b"[%s] ")
    assert [report.kind for report in read(vmap + log)] == [Kind.VMALLOC_FAILURE, Kind.OOM]


VMAP = b"[%s] vmap allocation for size 4198400 failed: use vmalloc=<size> to increase size\n"


def test_a_vmap_line_is_the_beginning_of_what_follows_at_once() -> None:
    """The caller says the same once more, with its flags (mm/vmalloc.c)."""
    caller = b"[10.0] a: vmalloc error: size 4194304, vm_struct allocation failed, mode:0xcc0\n"
    (found,) = read(VMAP % b"10.0" + caller + MEMORY % (1, 4, 1, 4, 1))
    assert found.kind is Kind.VMALLOC_FAILURE
    assert found.header is not None
    assert (found.header.comm, found.vmalloc_bytes) == ("a", 4198400)


@pytest.mark.parametrize("between", [0, 10])
def test_a_vmap_line_takes_no_other_failure(between: int) -> None:
    """Later, or behind other lines, it is somebody else's."""
    late = b"10.1" if between else b"5000.0"
    failure = b"[%s] a: page allocation failure: order:2, mode:0x20\n" % late
    found = read(VMAP % b"10.0" + b"[10.0] what?\n" * between + failure)
    assert [report.kind for report in found] == [Kind.VMALLOC_FAILURE, Kind.ALLOCATION_FAILURE]


@pytest.mark.parametrize(
    "line", ["cpu cpu0: dev_pm_opp_set_rate: failed to find OPP", "free: 12", "mapped: 0x80000000"]
)
def test_other_drivers_lines_end_no_stack(line: str) -> None:
    """They only look like a part of a report."""
    other = f"[ 1.0] {line}\n".encode()
    (found,) = read(HEADERS % b"a" + other + STACK % (10, b"a") + other + MEMORY % (1, 4, 1, 4, 1))
    assert (found.pid, found.trace, found.missing) == (10, ("f",), ())


def test_not_many_reports_wait_for_one_that_is_open() -> None:
    """What is kept is bounded: the others come first then, in their order."""
    count = 3 * MAX_DONE
    lines = [report.line for report in read(OPEN + FAILURE * count)]
    assert sorted(lines) == [*range(1, count + 2)]
    assert 0 < lines.index(1) < count
    lines.remove(1)
    assert lines == sorted(lines)


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_two_processors_that_print_line_by_line_are_told_apart(data: st.DataObject) -> None:
    """Without callers, a part that one report has goes to the other one."""
    version = data.draw(st.sampled_from([v for v in ERAS if v < (2, 6, 32)]))
    kinds = (Kind.ALLOCATION_FAILURE,)
    first = data.draw(made_reports(version, kinds=kinds, numa=False))
    second = first._replace(header=data.draw(made_reports(version, kinds=kinds)).header)
    lines = [print_report(report, version) for report in (first, second)]
    mixed = [line for pair in zip(*lines, strict=True) for line in pair]
    found = read(prefixed(mixed, "dmesg"))
    assert [report.header for report in found] == [first.header, second.header]
    for report in found:
        assert report.zones == first.zones
        assert report.counters_pages == first.counters_pages
        assert report.totals_pages == first.totals_pages


@pytest.mark.parametrize("name", NAMES)
def test_lines_taken_many_at_once_are_as_those_taken_one_by_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the form of the log, where it begins, and what stands between."""
    lines = log_of(name).split(b"\n")
    logs = [b"\n".join(lines[at:]) for at in range(0, len(lines), 23)]
    logs += [b"\n".join([*lines[:at], b"what?", *lines[at:]]) for at in range(0, len(lines), 29)]
    at_once = [read(log) for log in logs]
    monkeypatch.setattr(plain_lines, "lines_of", lambda _: None)
    assert [read(log) for log in logs] == at_once


HEAD = b"x invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
TABLE = b"[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
END = b"Out of memory: Killed process 3 (foo) total-vm:4000kB, anon-rss:400kB, file-rss:0kB\n"


@pytest.mark.parametrize("after", [b"", b"[    3]     0     3 1000 100 5 0 0 foo\n"])
def test_a_task_without_a_name_takes_no_line_for_its_name(after: bytes) -> None:
    """Any process may call itself so."""
    blank = b"[    4]     0     4 1000 100 5 0 0 \n"
    (found,) = read(HEAD + TABLE + blank + after + END)
    assert [kill.pid for kill in found.kills] == [3]
    assert len(found.tasks) == bool(after)


def test_rows_are_the_same_alone_and_in_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative users, pieces of rows, blanks without end and long names too."""
    good = b"[    1]     0     1 1000 100 5 0 0 init\n"
    odd = (
        *(b"[    2]    -2     2 1000 100 5 0 0 nb\n", b"[    2]0 2 1000 100 5 0 0 nb\n"),
        *(b"[12345678901] 0 2 1 1 5 0 0 nb\n", b"[  2]" + b" " * 4000 + b"0 2 1 1 5 0 0 nb\n"),
        *(b"[  2] 0 2 1 1 5 0 0 " + b"n" * 200 + b"\n", b"[  2] 0 2 1 1\n"),
    )
    logs = [HEAD + TABLE + good + row + good + END for row in odd]
    at_once = [read(log) for log in logs]
    assert [task.uid for task in at_once[0][0].tasks] == [0, -2, 0]
    monkeypatch.setattr(plain_lines, "lines_of", lambda _: None)
    assert [read(log) for log in logs] == at_once


def test_a_summary_of_many_paths_takes_no_time() -> None:
    """Each of them might be where one ends."""
    line = b"oom-kill:constraint=CONSTRAINT_MEMCG" + b",oom_memcg=" * 120 + b",task_memcg=" * 100
    (found,) = read(line + b",task=" * 200 + b"\n")
    assert found.constraint == "CONSTRAINT_MEMCG"
