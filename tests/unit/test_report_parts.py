"""Each part of a report, in the forms that kernels and mails give it. All of it is synthetic."""

import os
import quopri
from collections.abc import Iterator

import pytest
from reportlib import NAMES, log_of

from oomwatchd.report import tasks
from oomwatchd.report.gather import reports
from oomwatchd.report.record import Chosen, Kill, Kind, Report, Task

HERE = os.path.dirname(__file__)
HEADER = "checkd invoked oom-killer: gfp_mask=0xd0, order=2, oom_score_adj=0\n"
FAILURE = "checkd: page allocation failure: order:2, mode:0xd0\n"
ZONE = "Normal free:20kB min:8kB low:10kB high:12kB present:64kB managed:60kB\n"
NOBODY = Kill(1, "x", None, None, None, None, None, None, None)


def read(log: str) -> list[Report]:
    """Read a log."""
    return [*reports([log.encode()])]


def one(log: str) -> Report:
    """Read a log of one report."""
    (report,) = read(log)
    return report


def test_a_log_without_reports_gives_none() -> None:
    """Words that only sound like it open no report."""
    assert read("") == []
    assert (
        read("why was the oom-killer: not invoked?\nthe page allocation failure was ours\n") == []
    )
    assert read("[ 1.0] lowmemorykiller: Killing 'x' (1), adj 900\n") == []
    assert read("sysrq: Show Memory\nMem-Info:\nactive_anon:1 inactive_anon:2\n" + ZONE) == []


def test_the_report_of_2009() -> None:
    """A published one, a driver's line between: nothing of it is missing."""
    with open(
        os.path.join(HERE, "../reports/arm-camera-linux2.6.28-unix-message/log"), "rb"
    ) as file:
        (report,) = reports([file.read()])
    assert report.missing == ()
    assert report.kind is Kind.OOM
    assert report.header is not None
    assert report.header[:4] == ("checkd", 0x44D0, None, 2)
    assert report.architecture == "arm"
    assert report.trace[:3] == ("dump_stack", "oom_kill_process", "out_of_memory")
    assert report.trace[-1] == "ret_fast_syscall"
    (zone,) = report.zones
    assert (zone.node, zone.name, zone.smallest_block_kib) == (None, "Normal", 4)
    assert zone.free_blocks == (1445, 1781, 15, 2, 1, 0, 0, 0, 0, 0, 0)
    assert zone.kib["free"] == zone.free_kib_in_blocks == 20396
    assert zone.kib["present"] == 249936
    assert zone.lowmem_reserve == (0, 0)
    assert report.counters_pages["unevictable"] == 32228
    assert report.totals_pages == {
        "pagecache": 48566,
        "ram": 62976,
        "reserved": 1487,
        "swapcache": 0,
    }
    assert report.chosen == Chosen(995, "httpd", 2646)
    assert report.kills == (NOBODY._replace(pid=2491, name="stream.cgi"),)


HEADERS = {
    "of 2.6.18": ("oom-killer: gfp_mask=0xd0, order=1", (None, 0xD0, None, 1, None, None)),
    "of 2.6.19": (
        "a b: c invoked oom-killer: gfp_mask=0x44d0, order=2, oomkilladj=-17",
        ("a b: c", 0x44D0, None, 2, -17, None),
    ),
    "of 2.6.36": (
        "x invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=-3, oom_score_adj=-176",
        ("x", 0xD0, None, 0, -176, None),
    ),
    "of 4.14": (
        (
            "x invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=0-1,3,  order=3, "
            "oom_score_adj=0"
        ),
        ("x", 0x14000C0, ("GFP_KERNEL",), 3, 0, "0-1,3"),
    ),
    "of somebody who asked": (
        (
            "kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=4294967295, "
            "oom_score_adj=0"
        ),
        ("kworker/0:1", 0xCC0, ("GFP_KERNEL",), -1, 0, None),
    ),
    "of a page fault": (
        "x invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=0",
        ("x", 0, (), 0, 0, None),
    ),
    "wrapped": (
        "x invoked oom-killer: gfp_mask=0xd0,\norder=2, oom_adj=0,\noom_score_adj=5",
        ("x", 0xD0, None, 2, 5, None),
    ),
    "of a failure before 3.0": (
        "swapper/0: page allocation failure. order:3, mode:0x20",
        ("swapper/0", 0x20, None, 3, None, None),
    ),
    "of a failure since 5.0": (
        (
            "a.b: page allocation failure: order:4, "
            "mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO), "
            "nodemask=(null),cpuset=/,mems_allowed=0"
        ),
        ("a.b", 0x40DC0, ("GFP_KERNEL", "__GFP_COMP", "__GFP_ZERO"), 4, None, None),
    ),
    "of a failure, wrapped": (
        "x: page allocation failure:\norder:1,\nmode:0x20",
        ("x", 0x20, None, 1, None, None),
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers(name: str) -> None:
    """Who asked for what."""
    log, header = HEADERS[name]
    assert one(log + "\n").header == header


STACKS = {
    "ARM": (
        (
            "[<c00328c8>] (a+0x0/0x14) from [<c006baf0>] (b+0x104/0x1cc)\n"
            "r8:c020f610 r7:c0354128\n"
            "[<c006b9ec>] (b+0x0/0x1cc) from [<c006bf44>] (ret_fast_syscall+0x0/0x2c)\n"
        ),
        "arm",
        ("a", "b", "ret_fast_syscall"),
    ),
    "ARM, wrapped": (
        "[<c00328c8>] (a+0x0/0x14) from [<c006baf0>]\n(b+0x104/0x1cc)\n",
        "arm",
        ("a", "b"),
    ),
    "ARM since 5.15": (
        " unwind_backtrace from show_stack+0x18/0x1c\n show_stack from a.isra.0+0x1/0x2\n",
        "arm",
        ("unwind_backtrace", "show_stack", "a.isra.0"),
    ),
    "x86_64": (
        (
            " [<ffffffff81400659>] a+0x1/0x2\n [<ffffffff81400490>] ? left+0x0/0x2\n"
            " [<ffffffff814aa5cb>] b+0x56b/0x6f0 [mod]\n"
        ),
        "x86_64",
        ("a", "b [mod]"),
    ),
    "x86_64 before 2.6.19": (
        (
            "Call Trace: <ffffffff80156200>{a+50} <ffffffff80158500>{b+556}\n"
            "       <ffffffff88000d00>{:mod:c_poll+33}\n"
        ),
        "x86_64",
        ("a", "b", "c_poll [mod]"),
    ),
    "a module's build": (
        " a+0x1/0x2 [mod 40df44e07c05479f7a6e7b90fba9f0e0031a7814]\n do_syscall_64+0x1/0x2\n",
        "x86_64",
        ("a [mod]", "do_syscall_64"),
    ),
    "modules on ARM": (
        (
            "[<bf000100>] (a+0x1/0x2 [smsc95xx]) from [<bf000200>] (b+0x1/0x2 [usbnet])\n"
            "[<bf000200>] (b+0x1/0x2 [usbnet]) from [<c0000300>] (c+0x1/0x2)\n"
        ),
        "arm",
        ("a [smsc95xx]", "b [usbnet]", "c"),
    ),
    "x86_64 now": (
        " <TASK>\n dump_stack_lvl+0x1/0x2\n ? left+0x1/0x2\n do_syscall_64+0x1/0x2\n </TASK>\n",
        "x86_64",
        ("dump_stack_lvl", "do_syscall_64"),
    ),
    "x86 without an unwinder": (
        " [<c1056b8a>] ? a+0x1/0x2\n [<c1056b8b>] ? b+0x1/0x2\n",
        "x86",
        ("a", "b"),
    ),
    "MIPS": ("[<8001a784>] a+0x0/0x10\n", "mips", ("a",)),
    "PowerPC": ("[c01fbd90] [c0008c6c] .a+0x48/0x168 (unreliable)\n", "powerpc", ("a",)),
    "arm64": (" a+0x0/0x140\n el0_svc+0x8/0xc\n", "arm64", ("a", "el0_svc")),
}


@pytest.mark.parametrize("name", STACKS)
def test_stacks(name: str) -> None:
    """Each architecture prints its own form."""
    dump, architecture, trace = STACKS[name]
    report = one(FAILURE + "Call Trace:\n" + dump + "Mem-Info:\n" + dump)
    assert (report.architecture, report.trace) == (architecture, trace)


@pytest.mark.parametrize(
    "line",
    [
        "CPU: 0 PID: 12 Comm: checkd Not tainted 4.4.0-31 #1",
        "CPU: 0 UID: 0 PID: 12 Comm: checkd Tainted: G        W   E      4.4.0-31 #1",
        "CPU: 0 PID: 12 Comm: checkd Not tainted\n4.4.0-31 #1",
        "Pid: 12, comm: checkd Not tainted 4.4.0-31 #1",
        "Pid: 12, comm: checkd Not tainted (4.4.0-31 #1)",
    ],
)
def test_the_stack_tells_the_kernel(line: str) -> None:
    """Release and process stand above the functions."""
    report = one(FAILURE + line + "\nHardware name: A Board\n a+0x1/0x2\n")
    assert (report.release, report.pid, report.hardware) == ("4.4.0-31", 12, "A Board")


def test_a_stack_of_another_task_is_not_taken() -> None:
    """Another processor may dump a stack of its own."""
    other = "CPU: 1 PID: 13 Comm: other Not tainted 4.4.0 #1\n"
    report = one(FAILURE + other + "CPU: 0 PID: 12 Comm: checkd Not tainted 4.4.0 #1\n")
    assert report.pid == 12


def test_lines_that_a_kernel_prints_piece_by_piece_are_joined() -> None:
    """Before 4.9 each count may be a record, with other lines between."""
    pieces = [
        *("Mem-Info:", "Node 0", ZONE.strip(), "lowmem_reserve[]:", "0", "usb 1-1: x", "12 13"),
        *("Node 0", "Normal:", "1*4kB", "(UM)", "usb 1-1: x", "0*8kB", "1*16kB (M)", "= 20kB"),
    ]
    (zone,) = one(FAILURE + "\n".join(f"[    1.000000] {piece}" for piece in pieces)).zones
    assert (zone.node, zone.lowmem_reserve) == (0, (0, 12, 13))
    assert (zone.free_blocks, zone.letters) == ((1, 0, 1), ("UM", "", "M"))


def test_lines_that_a_mail_has_wrapped_are_joined() -> None:
    """At blanks, or in the middle of a word."""
    log = (
        f"{FAILURE}> Mem-Info:\n> Normal free:20kB min:8kB\n> low:10kB high:12kB mana\n> ged:60kB\n"
        "> pages_scanned:0\n> all_unreclaimable? no\n> lowmem_reserve[]: 0\n> 5 6\n"
        "> Normal: 1*4kB (UM) 0*8\n> kB 1*16kB\n> (M) 0*32kB =\n> 20kB\n"
    )
    (zone,) = one(log).zones
    assert zone.kib == {"free": 20, "min": 8, "low": 10, "high": 12, "managed": 60}
    assert zone.all_unreclaimable is False
    assert zone.lowmem_reserve == (0, 5, 6)
    assert (zone.free_blocks, zone.letters) == ((1, 0, 1, 0), ("UM", "", "M", ""))


def test_a_mail_in_quoted_printable_is_joined() -> None:
    """Its lines end with an equals sign."""
    log = (
        f"{FAILURE}Mem-Info:\nNormal free:20kB min:8kB low:10kB high:12kB present:64kB managed:6=\n"
        "0kB mlocked:4kB\n"
    )
    (zone,) = one(log).zones
    assert (zone.kib["managed"], zone.kib["mlocked"]) == (60, 4)
    assert [*reports([log.encode()])] == [*reports([bytes([byte]) for byte in log.encode()])]


def test_a_ruler_is_no_line_of_a_mail() -> None:
    """Sanitizers draw such lines."""
    ruler = "=" * 66
    cpu = "CPU: 0 PID: 11 Comm: checkd Not tainted 6.1.0 #1\n"
    assert one(f"{HEADER}{ruler}\n{cpu}").pid == 11


def test_a_header_of_a_mail_may_be_broken_anywhere() -> None:
    """Behind a blank, and in front of what makes it one."""
    before = "Nov 27 03:00:01 b kernel: [   21.511931] kswapd0: "
    for begin, rest in (
        ("page allocation failure: =", "order:4, mode:0xa20(GFP_ATOMIC)=3D"),
        ("page =", "allocation failure: order:4, mode:0xa20(GFP_ATOMIC)=3D"),
    ):
        found = one(f"{before}{begin}\n{rest}\n")
        assert found.header is not None
        assert found.header.order == 4


def test_a_table_cut_at_the_windows_edge_takes_no_kill() -> None:
    """Its rows and what follows are no ends of its header."""
    log = (
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj na\n"
        "[    100]     0   100     1000      500    32768        0             0 ta\n"
        "Out of memory: Killed process 100 (task) total-vm:4000kB, anon-rss:1500kB, file-\n"
    )
    found = one(HEADER + log)
    assert [kill.pid for kill in found.kills] == [100]
    assert [task.pid for task in found.tasks] == [100]


def test_totals_alone_are_kept() -> None:
    """Where somebody has cut out what stood above them."""
    found = one(f"{FAILURE}Mem-Info:\n[...]\n308964 total pagecache pages\n262144 pages RAM\n")
    assert found.totals_pages == {"pagecache": 308964, "ram": 262144}


@pytest.mark.parametrize("name", NAMES)
def test_mails_in_quoted_printable_say_what_the_log_says(name: str) -> None:
    """Whatever the line begins with, wherever a line is broken."""
    log = log_of(name).replace(b"\r", b"")
    told = [it._replace(line=0, banner=None) for it in reports([log])]
    lines = [quopri.encodestring(line) for line in log.splitlines(keepends=True)]
    assert any(b"=\n" in line for line in lines)
    assert [it._replace(line=0, banner=None) for it in reports([b"".join(lines)])] == told


WRAPPED = {
    "a name": "Out of memory: Killed process 7|(a b) total-vm:8kB, anon-rss:4kB",
    "figures": "Out of memory: Killed process 7 (a b) total-vm:8kB,|anon-rss:4kB, UID:3",
    "a number": "Memory cgroup out of memory: Killed process|7 (a b) total-vm:8kB, anon-rss:4kB",
    "a word": "Memory cgroup out of|memory: Killed process 7 (a b) total-vm:8kB, anon-rss:4kB",
    "the reaper": "Killed process 7 (a b) total-vm:8kB, anon-rss:4kB|oom_reaper: reaped process 7"
    "|(a b), now|anon-rss:0kB, file-rss:0kB",
}


@pytest.mark.parametrize("what", WRAPPED)
def test_a_wrapped_kill_is_read_whole(what: str) -> None:
    """Mail programs break lines between words; what the reaper leaves is not what was freed."""
    (kill,) = one(HEADER + WRAPPED[what].replace("|", "\n")).kills
    assert (kill.pid, kill.name, kill.total_vm_kib, kill.anon_rss_kib) == (7, "a b", 8, 4)


@pytest.mark.parametrize(
    ("header", "comm"),
    [
        ("sh: page allocation failure.|order:1, mode:0x20", "sh"),
        ("sh: page allocation|failure: order:1, mode:0x20", "sh"),
        ("sh: page|allocation failure: order:1, mode:0x20", None),
        ("sh: page allocation failure: order:1,|mode:0x20", "sh"),
    ],
)
def test_a_wrapped_header_of_a_failure_is_read_whole(header: str, comm: str | None) -> None:
    """Its kind, order and flags are known wherever it was broken."""
    found = one(header.replace("|", "\n"))
    assert found.kind is Kind.ALLOCATION_FAILURE
    assert found.header is not None
    assert (found.header.comm, found.header.order, found.header.gfp_mask) == (comm, 1, 0x20)


def test_a_wrapped_header_of_a_kill_is_not_taken_for_an_old_one() -> None:
    """Who asks stands in the line before, and an old kernel does not say it at all."""
    old = "oom-killer: without a name"
    found = one("sh invoked\noom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n")
    assert old not in found.signs
    assert old in one("oom-killer: gfp_mask=0xd0, order=0\n").signs


def test_a_stall_does_not_take_the_wrapped_header_of_a_kill() -> None:
    """Two reports begin at once."""
    stall = "a: page allocation stalls for 10079ms, order:0, mode:0x14001c2\n"
    kill = "b invoked oom-killer:\ngfp_mask=0xd0,\nnodemask=(null),  order=2, oom_score_adj=0\n"
    found = one(stall + kill)
    assert found.header is not None
    assert found.header.order == 2


@pytest.mark.parametrize("total", ["16183 total pagecache|pages", "16183 total|pagecache pages"])
def test_a_wrapped_total_is_read_whole(total: str) -> None:
    """And so is the panic below it."""
    memory = "Mem-Info:\nactive_anon:1\n"
    panic = "Kernel panic - not syncing: Out of memory:\ncompulsory panic_on_oom is enabled\n"
    found = one(f"{HEADER}{memory}{total}\n{panic}".replace("|", "\n"))
    assert found.totals_pages == {"pagecache": 16183}
    assert "kill" not in found.missing


@pytest.mark.parametrize("lists", ["1*4kB 0*8kB", "1*4kB 1*16kB = 20kB", "1*4kB 3*8kB = 20kB"])
def test_free_lists_that_lack_something_are_not_believed(lists: str) -> None:
    """Cut short, an order lost, a digit lost."""
    report = one(f"{FAILURE}{ZONE}lowmem_reserve[]: 0\nNormal: {lists}\n")
    assert report.zones[0].free_blocks is None
    assert "free lists" in report.missing


def test_a_zone_that_stands_twice_belongs_to_another_report() -> None:
    """The head of the second one was lost."""
    first, second = read(FAILURE + ZONE + ZONE.replace("20kB", "24kB"))
    assert first.zones[0].kib["free"] == 20
    assert second.zones[0].kib["free"] == 24
    assert second.missing[0] == "header"


TABLES = {
    "of 2.6.25": (
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name\n[ 12]  1  13  140  15  0  -17 a b",
        (1, 13, 140, 15, None, None, -17),
    ),
    "of 2.6.36": (
        (
            "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name\n"
            "[ 12]  1  13  140  15  0  -17  -1000 a b"
        ),
        (1, 13, 140, 15, None, None, -1000),
    ),
    "of 3.6": (
        (
            "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
            "[ 12]  1  13  140  15  2  16  -1000 a b"
        ),
        (1, 13, 140, 15, 16, 8, -1000),
    ),
    "of 4.0": (
        (
            "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name\n"
            "[ 12]  1  13  140  15  2  1  16  -1000 a b"
        ),
        (1, 13, 140, 15, 16, 12, -1000),
    ),
    "of 4.19": (
        (
            "Tasks state (memory values in pages):\n"
            "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
            "[     12]     1    13      140       15     8192       16         -1000 a b"
        ),
        (1, 13, 140, 15, 16, 8, -1000),
    ),
    "of 6.8": (
        (
            "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes "
            "swapents oom_score_adj name\n[ 12] 1 13 140 15 1 2 3 8192 16 -1000 a b"
        ),
        (1, 13, 140, 15, 16, 8, -1000),
    ),
    "wrapped": (
        (
            "[ pid ]   uid  tgid\ntotal_vm      rss nr_ptes swapents oom_score_adj name\n"
            "[ 12]  1  13  140\n15  2  16  -1000 a b"
        ),
        (1, 13, 140, 15, 16, 8, -1000),
    ),
    "without its header": (
        "[ 12]  1  13  140  15  2  1  16  -1000 a b",
        (1, 13, 140, 15, 16, 12, -1000),
    ),
    "without its header, ambiguous": (
        "[ 12]  1  13  140  15  2  16  -1000 a b",
        (1, 13, 140, 15, None, None, -1000),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_tasks(name: str) -> None:
    """The header names the columns; without it their number may tell."""
    table, figures = TABLES[name]
    assert one(f"{HEADER}{table}\n").tasks == (Task(12, "a b", *figures),)


def test_a_row_that_cannot_be_read_is_left_out() -> None:
    """The others stay."""
    table = "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
    rows = "[ 1] 0 1 2 3 4 5 0 a\n[ 2] 0 1 x 3 4 5 0 b\n[ 3] 0 1\n[ 4] 0 1 2 3 4 5 0 d\n"
    assert [task.name for task in one(HEADER + table + rows).tasks] == ["a", "d"]


def test_a_table_without_an_end_stays_one_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of it is bounded; the rest is counted, and the kill behind it is its own."""
    monkeypatch.setattr(tasks, "MAX_TASKS", 700)
    table = "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
    rows = "".join(f"[{pid:5}] 0 {pid} 2 3 4 5 0 a\n" for pid in range(1, 1501))
    unnamed = "".join(f"[{pid:5}] 0 {pid} 2 3 4 5 0 a\n" for pid in range(1501, 1505))
    kill = "Killed process 7 (a) total-vm:4kB, anon-rss:4kB, file-rss:0kB\n"
    found = one(HEADER + table + rows + "other\n" + unnamed + kill)
    assert (len(found.tasks), found.tasks_left_out) == (700, 804)
    assert [kill.pid for kill in found.kills] == [7]
    assert one(HEADER + rows + kill).tasks_left_out == 800


def test_what_a_vmalloc_failure_got_is_kept() -> None:
    """Up to 4.8 the line behind it does not say it again."""
    usual = FAILURE.replace("order:2", "order:0")
    found = one(f"vmalloc: allocation failure, allocated 4096 of 8192 bytes\n{usual}")
    assert (found.vmalloc_bytes, found.vmalloc_got_bytes) == (8192, 4096)


KILLS = {
    "of 2.6.18": (
        (
            "Out of Memory: Kill process 2 (y) score 30 and children.\n"
            "Out of memory: Killed process 1 (x)."
        ),
        Chosen(2, "y", 30),
        NOBODY,
    ),
    "of 2.6.32": (
        "Out of memory: kill process 2 (y (z)) score 30 or a child\nKilled process 1 (x)",
        Chosen(2, "y (z)", 30),
        NOBODY,
    ),
    "of 2.6.35": (
        "Killed process 1 (x) vsz:7kB, anon-rss:8kB, file-rss:9kB",
        None,
        NOBODY._replace(total_vm_kib=7, anon_rss_kib=8, file_rss_kib=9),
    ),
    "of 3.10 with a user": (
        "Killed process 1 (x), UID 48, total-vm:7kB, anon-rss:8kB, file-rss:9kB",
        None,
        NOBODY._replace(total_vm_kib=7, anon_rss_kib=8, file_rss_kib=9, uid=48),
    ),
    "of 6.1, wrapped": (
        (
            "Out of memory: Killed process\n1 (x) total-vm:7kB, anon-rss:8kB,\nfile-rss:9kB, "
            "shmem-rss:10kB, UID:11 pgtables:12kB\noom_score_adj:-13"
        ),
        None,
        Kill(1, "x", 7, 8, 9, 10, 12, -13, 11),
    ),
}


@pytest.mark.parametrize("name", KILLS)
def test_kills(name: str) -> None:
    """Who was chosen, and who died."""
    lines, chosen, kill = KILLS[name]
    report = one(f"{HEADER}{lines}\noom_reaper: reaped process 1 (x), now anon-rss:0kB\n")
    assert (report.chosen, report.kills) == (chosen, (kill,))


def test_kills_alone_are_reports_whose_head_is_missing() -> None:
    """Headers are rate-limited, kills are not."""
    kill = "Out of memory: Killed process %d (x) total-vm:7kB, anon-rss:8kB, file-rss:9kB\n"
    several = read(kill % 1 + kill % 2 + kill % 3)
    assert [report.kills[0].pid for report in several] == [1, 2, 3]
    assert all(report.missing[0] == "header" for report in several)
    assert {report.kind for report in several} == {Kind.OOM}


def test_nobody_to_kill() -> None:
    """The kernel panics, and says why."""
    panic = "Kernel panic - not syncing: Out of memory and no killable processes...\n"
    report = one(HEADER + panic)
    assert (report.nobody_to_kill, report.panic_on_oom) == (True, False)
    assert "kill" not in report.missing
    report = one(HEADER + panic.replace(" and no killable processes...", ": panic_on_oom"))
    assert (report.nobody_to_kill, report.panic_on_oom) == (False, True)
    assert not report.kills


def test_a_cgroup_before_5_0() -> None:
    """Its task, its usage, its figures in KB, those of its children added."""
    report = one(
        f"{HEADER}Task in /a/b killed as a result of limit of /a\n"
        "memory: usage 1024kB, limit 1025kB, failcnt 24\n"
        "memory+swap: usage 0kB, limit 9007199254740988kB, failcnt 0\n"
        "Memory cgroup stats for /a: cache:1KB rss:2KB\n"
        "Memory cgroup stats for /a/b: cache:3KB rss:4KB\n"
        "Memory cgroup out of memory: Kill process 1 (x) score 5 or sacrifice child\n"
        "Killed process 1 (x) total-vm:7kB, anon-rss:8kB, file-rss:9kB\n"
    )
    assert report.kind is Kind.CGROUP_OOM
    assert report.cgroup is not None
    assert report.cgroup[:5] == ("/a", "/a/b", 1024, 1025, 24)
    assert report.cgroup.stats_kib == {"cache": 4, "rss": 6}
    assert report.missing == ("stack dump",)


def test_a_cgroup_since_5_0() -> None:
    """The figures of memory.stat in bytes; what counts events is left out."""
    report = one(
        f"{HEADER}memory: usage 1024kB, limit 1025kB, failcnt 24\n"
        "swap: usage 3kB, limit 4kB, failcnt 0\n"
        "Memory cgroup stats for /a:\nanon 8192\nfile 0\npgfault 77\n"
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,"
        "task_memcg=/a/b,task=x,pid=1,uid=0\n"
        "Memory cgroup out of memory: Killed process 1 (x) total-vm:7kB, anon-rss:8kB\n"
    )
    assert report.kind is Kind.CGROUP_OOM
    assert report.constraint == "CONSTRAINT_MEMCG"
    assert report.cgroup is not None
    assert report.cgroup[:7] == ("/a", "/a/b", 1024, 1025, 24, 3, 4)
    assert report.cgroup.stats_kib == {"anon": 8, "file": 0}


@pytest.mark.parametrize(
    ("log", "size"),
    [
        (
            "vmalloc: allocation failure, allocated 1 of 8192 bytes\n"
            + FAILURE.replace("order:2", "order:0"),
            8192,
        ),
        ("x: vmalloc: allocation failure: 8192 bytes, mode:0x14000c0(GFP_KERNEL)\n", 8192),
        ("x: vmalloc error: size 8192, page order 0, failed to allocate pages, mode:0xcc0\n", 8192),
        ("vmap allocation for size 8192 failed: use vmalloc=<size> to increase size.\n", 8192),
    ],
)
def test_vmalloc_failures(log: str, size: int) -> None:
    """Virtual space, or the pages for it."""
    report = one(log)
    assert (report.kind, report.vmalloc_bytes) == (Kind.VMALLOC_FAILURE, size)


def test_the_last_banner_is_kept() -> None:
    """A log may hold several starts of the kernel."""
    banners = "Linux version 4.4.1 (a@b) #1\nLinux version 4.4.2-x (a@b) #2\n"
    report = one(banners + FAILURE)
    assert report.banner is not None
    assert (report.banner.release, report.banner.text) == (
        "4.4.2-x",
        "Linux version 4.4.2-x (a@b) #2",
    )
    assert report.line == 3


def test_slabs_and_compaction() -> None:
    """What else a kernel says."""
    report = one(
        HEADER + "COMPACTION is disabled!!!\nUnreclaimable slab info:\n"
        "Name                      Used          Total\nkmalloc-8                5KB          6KB\n"
    )
    assert report.compaction_disabled
    assert report.slabs == (("kmalloc-8", 5, 6),)


def test_an_old_report_is_not_held_forever() -> None:
    """A report is given as soon as other lines have followed it, not at the log's end."""
    log = HEADER + "Killed process 1 (x)\n" + "usb 1-1: new device\n" * 60

    def endless() -> Iterator[bytes]:
        yield log.encode()
        raise AssertionError("it was not given")

    assert next(reports(endless())).kills


def test_an_answer_that_was_wrapped() -> None:
    """A mail's wrapping takes the answer from its question; what follows stays itself."""
    wrapped = "Normal free:20kB min:8kB low:10kB high:12kB pages_scanned:9 all_unreclaimable?\n"
    (zone,) = one(FAILURE + "Mem-info:\n" + wrapped + "no\nlowmem_reserve[]: 0\n").zones
    assert (zone.all_unreclaimable, zone.lowmem_reserve) == (False, (0,))
    (zone,) = one(FAILURE + "Mem-info:\n" + wrapped + "lowmem_reserve[]: 0\n").zones
    assert (zone.all_unreclaimable, zone.lowmem_reserve) == (None, (0,))


def test_blanks_that_do_not_break() -> None:
    """Mail programs replace every second blank."""
    report = one(
        FAILURE + "[    1.000002]\xa0CPU: 0 PID: 12 Comm: checkd Tainted: G \xa0 \xa0C 5.10.2 #1\n"
    )
    assert (report.release, report.pid) == ("5.10.2", 12)


def test_a_task_on_a_kernel_that_is_ready_to_dump() -> None:
    """The word between the name and the taints is not the name's."""
    report = one(FAILURE + "CPU: 0 PID: 12 Comm: checkd Kdump: loaded Not tainted 5.15.0 #1\n")
    assert (report.release, report.pid) == ("5.15.0", 12)


def test_a_header_behind_another_program_s_text() -> None:
    """A player writes how far it is, without a line's end."""
    report = one("[Playing][Vol=01][00:02:54/00:04:07]" + FAILURE)
    assert report.header is not None
    assert report.header[:4] == ("checkd", 0xD0, None, 2)


def test_one_killed_after_the_other() -> None:
    """Headers are rate-limited, the kills are not: each goes with who was chosen for it."""
    log = HEADER
    for chosen, child in ((10, 11), (20, 21), (10, 12)):
        log += f"Out of Memory: Kill process {chosen} (a) score 9 and children.\n"
        log += f"Out of memory: Killed process {child} (b).\n"
    found = read(log)
    assert [(report.chosen and report.chosen.pid) for report in found] == [10, 20, 10]
    assert [[kill.pid for kill in report.kills] for report in found] == [[11], [21], [12]]


def test_a_name_with_a_line_feed() -> None:
    """What stands behind it in the next line is the kill's."""
    report = one(
        HEADER + "Out of memory: Killed process 9 (bad\nname) total-vm:8kB, anon-rss:4kB, UID:0\n"
    )
    assert report.kills == (Kill(9, "bad", 8, 4, None, None, None, None, 0),)


def test_an_allocation_that_is_reported_again() -> None:
    """Where there is no MMU the caller shows the memory once more: it is the same failure."""
    memory = "free:5\n" + ZONE + "9 total pagecache pages\n"
    report = one(
        FAILURE
        + "Mem-Info:\n"
        + memory
        + "nommu: Allocation of length 8192 from process 57 (x) failed\n"
        + memory
    )
    assert report.header is not None


def test_taints_with_dashes() -> None:
    """As RHEL prints them, a mail between."""
    report = one(
        FAILURE + "CPU: 1 PID: 2 Comm: checkd Tainted: G\n W  OE  ------------   3.10.0 #1\n"
    )
    assert (report.release, report.pid) == ("3.10.0", 2)


def test_an_arm64_that_prints_no_addresses() -> None:
    """Its first function tells."""
    report = one(FAILURE + "Call trace:\n dump_backtrace+0x0/0x1f8\n show_stack+0x20/0x28\n")
    assert report.architecture == "arm64"


def test_nobody_is_left_of_another_report() -> None:
    """Where somebody was killed, somebody was left."""
    killed = HEADER + "Out of memory: Killed process 1 (x) total-vm:8kB, anon-rss:4kB\n"
    found = read(killed + "Out of memory and no killable processes...\n")
    assert [report.nobody_to_kill for report in found] == [False, True]


def test_a_copy_that_has_lines_twice() -> None:
    """A terminal that was scrolled: the same text with the same stamp is the same line."""
    log = "[    1.000001] " + FAILURE + "[    1.000002] Mem-Info:\n[    1.000003] " + ZONE
    log += "[    1.000004] lowmem_reserve[]: 0 0\n"
    report = one(log + "".join(log.splitlines(keepends=True)[-2:]))
    assert len(report.zones) == 1


def test_an_allocation_that_waits_is_no_report() -> None:
    """Its dump may come while another's is printed."""
    stack = "CPU: {} PID: {} Comm: {} Not tainted 4.10.0 #1\nCall Trace:\n {}+0x1/0x2\n"
    memory = "Mem-Info:\nfree:5\n" + ZONE + "9 total pagecache pages\n"
    report = one(
        "kworker/1:1: page allocation stalls for 10079ms, order:0, mode:0x14000c0(GFP_KERNEL)\n"
        + HEADER
        + stack.format(3, 2, "checkd", "copy_process")
        + memory
        + "Out of memory: Kill process 8 (a) score 9 or sacrifice child\nKilled process 8 (a)\n"
        + stack.format(1, 51, "kworker/1:1", "other")
        + memory
    )
    assert (report.kind, report.trace, report.pid) == (Kind.OOM, ("copy_process",), 2)
