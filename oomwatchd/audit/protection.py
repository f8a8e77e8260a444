"""How the daemon itself outlives a shortage."""

from collections.abc import Iterator

from oomwatchd.audit.finding import Finding, Subject, ok, problem

_WANTED = -900
_WANTED_WHERE_ANYBODY_DIES = -1000


def oom_score(subject: Subject) -> Iterator[Finding]:
    """/proc/self/oom_score_adj: fs/proc/base.c, 2.6.36; lowering it takes CAP_SYS_RESOURCE."""
    score = subject.facts.oom_score_adj
    if score is None:
        return
    wanted = subject.config.survival.oom_score_adj
    if wanted is None:
        anybody = subject.facts.tunables.oom_kill_allocating_task
        wanted = _WANTED_WHERE_ANYBODY_DIES if anybody else _WANTED
    if score > wanted:
        yield problem(
            "protection",
            f"The kernel may kill oomwatchd: its oom_score_adj is {score}, not {wanted}.",
            f"Run it as root with CAP_SYS_RESOURCE, or with OOMScoreAdjust={wanted} in its unit.",
        )
    else:
        yield ok("protection", f"oomwatchd's oom_score_adj is {score}.")


def lock(subject: Subject) -> Iterator[Finding]:
    """mlockall(2): VmLck in /proc/self/status."""
    locked_kib = subject.facts.locked_kib
    if locked_kib is None or not subject.config.survival.lock_memory:
        return
    if locked_kib:
        yield ok("protection", "oomwatchd has its memory locked.")
    else:
        yield problem(
            "protection",
            "oomwatchd's memory is not locked: it may have to be read from flash when memory is "
            "short.",
            "Give it CAP_IPC_LOCK, or LimitMEMLOCK=infinity in its unit.",
        )


RULES = (oom_score, lock)
