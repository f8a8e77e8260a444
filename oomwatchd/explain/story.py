"""The explanation in sentences, each with its numbers: what was asked, why not, what was done."""

from collections.abc import Iterator

from oomwatchd.explain.explanation import NEW_RULE, Explanation
from oomwatchd.explain.kernel import name_of
from oomwatchd.explain.memory import tells_managed
from oomwatchd.explain.trial import Refusal, Trial
from oomwatchd.explain.verdict import Verdict
from oomwatchd.explain.victim import Victim
from oomwatchd.mm.fragmentation import unusable_index
from oomwatchd.mm.refusal import Outcome
from oomwatchd.model import Version
from oomwatchd.report.record import Kind
from oomwatchd.units import describe_size

_KINDS = {
    Kind.OOM: "the OOM killer",
    Kind.CGROUP_OOM: "the OOM killer, for a control group",
    Kind.ALLOCATION_FAILURE: "an allocation failed",
    Kind.VMALLOC_FAILURE: "a vmalloc allocation failed",
}
_OUTCOMES = {
    Outcome.KILLS: "The kernel does not let such a request fail: it kills for it.",
    Outcome.KILLS_LATE: "The kernel tries on while single pages are to be had, and then kills.",
    Outcome.FAILS: "The kernel lets such a request fail, and says so in the log.",
}
_PINS_MM: Version = (4, 9, 0)
"""Since then signal->oom_mm holds a victim's memory until it is reaped (kernel/fork.c)."""
_EXPECTED = {
    Kind.OOM: (Outcome.KILLS, Outcome.KILLS_LATE),
    Kind.ALLOCATION_FAILURE: (Outcome.FAILS,),
}
"""What is worth saying of a report; else a vendor's kernel has other rules."""


def headline(it: Explanation) -> str:
    """Say in one line what this is."""
    asked = it.asked
    what = _KINDS[it.report.kind]
    if "header" in it.report.missing and it.report.kind is Kind.ALLOCATION_FAILURE:
        what = "a report without its beginning"
    line = f"{what}: {asked.comm}" if asked.comm else what
    if not asked.comm and it.victims:
        line += f", which killed {it.victims[0].kill.name}"
    if it.report.kind in (Kind.OOM, Kind.ALLOCATION_FAILURE) and asked.is_known:
        line += f", order {asked.order}"
        line += f" ({describe_size(asked.size_bytes)})" if asked.size_bytes is not None else ""
    return f"{line}: {it.reason.verdict.value.replace('_', ' ')}"


def story(it: Explanation) -> str:
    """Say in some sentences what happened, and why."""
    sentences = (_wanted(it), _why(it), _nowhere(it), *_done(it))
    return " ".join(sentence for sentence in sentences if sentence)


def _nowhere(it: Explanation) -> str:
    """Say that most of the memory is in none of the kernel's lists, where that is so."""
    uses = it.uses
    if not uses.total_kib or not uses.unaccounted_kib or uses.unaccounted_kib * 2 < uses.total_kib:
        return ""
    share = uses.unaccounted_kib * 100 // uses.total_kib
    who = "drivers or graphics" if tells_managed(it.kernel) else "drivers or the kernel itself"
    return f"{share} % of all memory is in none of its lists: {who} have it."


def _wanted(it: Explanation) -> str:
    asked = it.asked
    who = asked.comm or "Somebody"
    if it.report.kind is Kind.VMALLOC_FAILURE:
        bytes_wanted = it.report.vmalloc_bytes
        amount = f"{describe_size(bytes_wanted)} of" if bytes_wanted else "some"
        text = f"{who} asked for {amount} kernel address space (vmalloc)"
        total_kib, got = it.uses.total_kib, it.report.vmalloc_got_bytes
        if bytes_wanted and total_kib and bytes_wanted > total_kib << 10:
            return f"{text}: more than the machine has ({describe_size(total_kib << 10)})."
        if got is not None:
            backed = f"{text} and got pages for {describe_size(got)} of it"
            return f"{backed}: there were addresses, pages failed."
        return f"{text}."
    if not asked.is_known or asked.order is None:
        return ""
    pages = 1 << asked.order
    what = "one page" if pages == 1 else f"{pages} neighbouring pages"
    text = f"{who} asked for {what}"
    if it.report.kind is Kind.CGROUP_OOM and asked.purpose is None:
        return f"{text}."
    if asked.size_bytes is not None:
        text += f" ({describe_size(asked.size_bytes)})"
    if asked.purpose is not None:
        text += f", {'' if asked.purpose.sure else 'probably '}for {asked.purpose.what}"
    if asked.is_dying:
        text += "; it had just been killed, and is on its way out"
    return f"{text}."


def _why(it: Explanation) -> str:
    """Say why it was refused."""
    verdict, trial = it.reason.verdict, it.reason.trial
    if verdict is Verdict.CGROUP_LIMIT:
        return _cgroup(it)
    if verdict is Verdict.REQUESTED:
        return "Somebody asked the kernel for a kill (SysRq-f)."
    if trial is None:
        return _nothing_known(it)
    if verdict is Verdict.TOO_LARGE:
        orders = len(trial.zone.free_blocks or ())
        return f"The kernel has no blocks larger than order {orders - 1}."
    if not trial.free_pages:
        return f"Nothing was free in {trial.zone.name}."
    free = f"{pages_text(trial.free_pages, it)} were free in {trial.zone.name}"
    return f"{free}{_but(verdict, trial, it)}."


def _but(verdict: Verdict, trial: Trial, it: Explanation) -> str:
    """Go on from what was free."""
    if verdict is Verdict.UNKNOWN:
        return f"; {_untold(trial, it)}"
    if verdict is Verdict.GRANTED_NOW:
        return " when the report was written, and the request would pass: memory came free"
    if verdict is Verdict.FRAGMENTATION:
        return f", {_pieces(trial, it)}"
    if verdict is Verdict.RESERVED:
        return f", but {_kept(trial, it)}"
    if not trial.checks:
        return ", and none of that could it have"
    return _below_the_mark(verdict, trial, it)


def _untold(trial: Trial, it: Explanation) -> str:
    """Say what can be said without knowing all."""
    free, kept = trial.free_pages or 0, trial.cma_pages + trial.highatomic_pages
    if trial.missing == "the request" and kept * 2 >= free:
        left = pages_text(max(0, free - kept), it)
        return f"whatever was asked for, all but {left} of that is CMA or HighAtomic"
    return f"the report lacks {trial.missing or 'the rest'}"


def _below_the_mark(verdict: Verdict, trial: Trial, it: Explanation) -> str:
    """Say what of the free memory is kept back."""
    needed = pages_text(trial.checks[0].mark, it)
    if verdict is Verdict.BOOST:
        return (
            f", but the mark was raised by {pages_text(trial.raised_pages, it)} for a while "
            f"(boost), to {needed}: without that it would have been granted"
        )
    text = f", and {needed} are kept from such a request"
    text += " before a kill (the high mark)" if it.reason.mark == "high" else ""
    if verdict is Verdict.LOWMEM:
        return f"{text}; what is free lies in {_elsewhere(it)}, where it cannot go"
    return f"{text}: too little was free, in whatever pieces"


def _pieces(trial: Trial, it: Explanation) -> str:
    """Say how the free memory lies."""
    order, blocks = it.asked.order or 0, trial.zone.free_blocks or ()
    small = unusable_index(blocks, order) if blocks else None
    share = f"{small / 10:.0f} % of it in smaller blocks: " if small is not None else ""
    at = trial.refused_at
    if trial.refusal is Refusal.STOCK and at is not None and trial.usable_blocks != 0:
        check = trial.checks[at]
        left = max(0, check.pages)
        were = "was" if left == 1 else "were"
        return (
            f"{share}this kernel's rule asks for more than {check.mark:,} pages in blocks of "
            f"{1 << at} and more, besides the request, and there {were} {left:,}"
        )
    return f"{share}no free block was large enough"


def _kept(trial: Trial, it: Explanation) -> str:
    """Say for whom the free memory is kept."""
    if trial.refusal is Refusal.BLOCK:
        kinds = ("CMA", trial.cma_pages), ("HighAtomic", trial.highatomic_pages)
        names = " and ".join(name for name, pages in kinds if pages) or "of other types"
        return (
            f"in smaller blocks, save for {trial.barred_blocks:,} that are kept for others "
            f"({names})"
        )
    kept = []
    if trial.cma_pages:
        kept.append(f"{pages_text(trial.cma_pages, it)} of that in CMA")
    if trial.highatomic_pages:
        kept.append(f"{pages_text(trial.highatomic_pages, it)} of it as HighAtomic")
    parts = " and ".join(kept) or "in blocks for others"
    if it.reason.mark == "high" and it.asked.flags is not None and it.asked.flags.movable:
        return f"{parts}, which the last try before a kill does not count"
    return f"{parts}, which such a request cannot use"


def _elsewhere(it: Explanation) -> str:
    free = [
        f"{trial.zone.name} ({pages_text(trial.free_pages or 0, it)})"
        for trial in it.trials
        if not trial.is_reached and trial.free_pages
    ]
    return ", ".join(free) or "other zones"


def _cgroup(it: Explanation) -> str:
    group = it.report.cgroup
    text = "A memory control group reached its limit"
    if group is None:
        return f"{text}."
    if group.path:
        text = f"The memory control group {group.path} reached its limit"
    if group.usage_kib is not None and group.limit_kib is not None:
        used = describe_size(group.usage_kib << 10)
        text += f": {used} used of {describe_size(group.limit_kib << 10)}"
    return f"{text}; the device as a whole need not have been short of memory."


def _nothing_known(it: Explanation) -> str:
    if it.report.kind is Kind.VMALLOC_FAILURE:
        return ""
    if it.reason.verdict is Verdict.LOWMEM:
        where = " on the nodes that its cpuset allows" if it.is_bound_to_nodes else ""
        return f"No zone that it may use{where} has any memory; free is {_elsewhere(it)}."
    if it.asked.mask == 0 and it.asked.order == 0:
        return "A page fault called the killer; what could not be had is not said."
    missing = ", ".join(it.report.missing)
    return f"The log lacks the {missing}." if missing else ""


def _done(it: Explanation) -> Iterator[str]:
    """Say what the kernel did about it."""
    outcome = it.asked.outcome
    if it.report.panic_on_oom:
        yield (
            "The kernel is told to panic instead of killing (vm.panic_on_oom): whether the device "
            "comes up again is up to kernel.panic."
        )
    elif outcome is not None and outcome in _EXPECTED.get(it.report.kind, ()) and it.asked.is_known:
        yield _OUTCOMES[outcome]
    for victim in it.victims:
        yield _killed(victim)
    if it.victims:
        yield help_of(it)
    if it.report.nobody_to_kill:
        yield "Nobody was left to kill: the kernel panics then."


def _killed(victim: Victim) -> str:
    kill, chosen = victim.kill, victim.chosen
    text = f"{kill.name} ({kill.pid}) was killed"
    if chosen is not None:
        text += f" in place of {chosen.name} ({chosen.pid}), which had been chosen: its child"
    if victim.freed_kib is not None:
        text += f", which gives back {describe_size(victim.freed_kib << 10)} of its own"
    return f"{text}."


def help_of(it: Explanation) -> str:
    """Say whether a kill could help."""
    verdict = it.reason.verdict
    if verdict is Verdict.FRAGMENTATION:
        text = "That frees pages, but not necessarily neighbouring ones"
        if it.kernel.architecture == "arm" and it.asked.order == 2:  # noqa: PLR2004 - a page directory's
            waits = " once its parent has waited for it" if it.kernel.since >= _PINS_MM else ""
            text += f"; its page directory, one block of four, comes back{waits or ' as well'}"
        return f"{text}."
    if verdict is Verdict.LOWMEM:
        if it.has_highmem:
            return "A program's pages lie in HighMem first: killing it frees little lowmem."
        return "Of a program's pages only those in the zones that are short help."
    if verdict is Verdict.RESERVED and it.reason.trial is not None and it.reason.trial.cma_pages:
        return "Of a program's pages only those outside of CMA help."
    if verdict in (Verdict.SHORTAGE, Verdict.CGROUP_LIMIT):
        return "That helps until somebody takes as much again."
    return ""


def later_rule(it: Explanation) -> str:
    """Say what a kernel since 4.4 would have said; "" where that is the same."""
    verdict = it.by_new_rule
    if verdict is None or verdict is it.reason.verdict:
        return ""
    if verdict is Verdict.GRANTED_NOW:
        return (
            f"a kernel since {name_of(NEW_RULE)} would have granted it: one block is enough there"
        )
    return f"a kernel since {name_of(NEW_RULE)} would have refused it too: {verdict.value}"


def pages_text(pages: int, it: Explanation) -> str:
    """Write an amount of pages as memory."""
    return describe_size(pages * it.kernel.page_size)
