"""Who kills, or compacts, beside oomwatchd: the kernel's settings and other daemons."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, note, ok, problem

_MEMCG_TOO = 2
_SPARE_US = "See that it can never choose oomwatchd, and that both are needed."
_BY_AMOUNT = "kills by how much memory is left, and does not see fragmentation"
_BY_PRESSURE = "kills under memory pressure, whatever oomwatchd is about to do"
_KILLERS = {
    "earlyoom": _BY_AMOUNT,
    "nohang": _BY_PRESSURE,
    "systemd-oomd": f"{_BY_PRESSURE}, whole control groups at once",
    "oomd": _BY_PRESSURE,
    "lmkd": _BY_PRESSURE,
    "bustd": _BY_PRESSURE,
}
"""By name as comm has it, at most 15 bytes."""
_LOW_MEMORY_MONITOR = "low-memory-monitor"
_COMM_BYTES = 15


def panic(subject: Subject) -> Iterator[Finding]:
    """vm.panic_on_oom: mm/oom_kill.c, 2.6.18 and later; kernel.panic: kernel/panic.c."""
    tunables = subject.facts.tunables
    if not tunables.panic_on_oom:
        return
    always = ", even for a control group's own limit" if tunables.panic_on_oom == _MEMCG_TOO else ""
    text = (
        f"vm.panic_on_oom is {tunables.panic_on_oom}: the kernel panics where it would kill{always}"
    )
    if tunables.panic == 0:
        yield problem(
            "panic",
            f"{text}, and kernel.panic is 0: it then stands still until a watchdog or a hand "
            "resets it.",
            "Set kernel.panic to the seconds after which it is to reboot.",
        )
    else:
        yield note(
            "panic", f"{text}.", "See that the reboot works, and that pstore keeps the last log."
        )


def allocating_task(subject: Subject) -> Iterator[Finding]:
    """vm.oom_kill_allocating_task: mm/oom_kill.c, 2.6.24 and later."""
    if subject.facts.tunables.oom_kill_allocating_task:
        yield note(
            "allocating-task",
            "vm.oom_kill_allocating_task is set: the kernel kills whoever happens to ask, not "
            "whoever holds the memory.",
            "Set it to 0, unless it is meant so; what must live needs an oom_score_adj of -1000.",
        )


def lru_gen(subject: Subject) -> Iterator[Finding]:
    """/sys/kernel/mm/lru_gen/min_ttl_ms: mm/vmscan.c, 6.1 and later with CONFIG_LRU_GEN."""
    ttl_ms = subject.facts.lru_gen_min_ttl_ms
    if ttl_ms:
        yield note(
            "lru-gen",
            f"lru_gen/min_ttl_ms is {ttl_ms}: the kernel kills rather than evict what was used "
            "within that time, with caches left to drop.",
            "Set it to 0 unless such early kills are wanted.",
        )


def daemons(subject: Subject) -> Iterator[Finding]:
    """Other programs that act on low memory, by name."""
    running = subject.facts.processes or frozenset()
    if "adaptivemmd" in running:
        yield problem(
            "daemons",
            "adaptivemmd is running, which compacts too: what a compaction of one changes is "
            "taken for the other's.",
            "Run one of the two.",
        )
    for name in sorted(running & _KILLERS.keys()):
        yield note("daemons", f"{name} is running: it {_KILLERS[name]}.", _SPARE_US)
    if _LOW_MEMORY_MONITOR[:_COMM_BYTES] in running:
        yield note(
            "daemons",
            f"{_LOW_MEMORY_MONITOR} is running: it warns programs over D-Bus, and may call the "
            "kernel's OOM killer.",
            "See whether TriggerKernelOom is set in its configuration.",
        )
    if "psi-notify" in running:
        yield ok("daemons", "psi-notify is running: it only tells users of pressure.")


RULES = (panic, allocating_task, lru_gen, daemons)
