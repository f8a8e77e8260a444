"""What is said of the remedies: what runs, what the last ones did, what is left, what holds."""

from oomwatchd.status.amounts import amount
from oomwatchd.status.fields import Json, flag, number, record, records, text, whole
from oomwatchd.status.layout import labelled, span

_OUTCOMES_SHOWN = 3


_KINDS = {"compact": "compaction", "reclaim": "reclaim", "drop": "drop_caches"}
"""The kinds of remedies with budgets of their own, and the capability that each needs."""


def remedy_lines(document: Json, demands: list[Json], page_bytes: int, width: int) -> list[str]:
    """Write all of it, in lines of at most `width` columns."""
    remedies = record(document, "remedies")
    lines: list[str] = []
    running = text(remedies, "running")
    if running:
        lines += labelled("running", running, width)
    label = "remedies"
    for outcome in records(remedies, "last")[-_OUTCOMES_SHOWN:]:
        lines += labelled(label, outcome_text(outcome, demands, page_bytes), width)
        label = ""
    if label and not running:
        lines += labelled(label, "none yet", width)
    for key, what in (
        ("inhibited_until_seconds", "inhibited"),
        ("backoff_remaining_seconds", "backoff"),
    ):
        seconds = number(remedies, key)
        if seconds is not None:
            lines += labelled(what, f"for {span(seconds)} more", width)
    budget = _budget(record(remedies, "budget_left"), record(document, "capabilities"))
    return lines + (labelled("budget", budget, width) if budget else [])


def outcome_text(outcome: Json, demands: list[Json], page_bytes: int, *, full: bool = False) -> str:
    """Write what one remedy changed: its demand's headroom before and after.

    `full`: right after it, with as many words as a line of its own has room for.
    """
    name = text(outcome, "demand", "?")
    demand = next((demand for demand in demands if text(demand, "name") == name), {})
    node, seconds = whole(outcome, "node"), number(outcome, "duration_seconds")
    before, after = (
        amount(whole(outcome, key), demand, page_bytes, "unknown")
        for key in ("headroom_before", "headroom_after")
    )
    freed = whole(outcome, "pages_freed")
    error, age_seconds = text(outcome, "error"), number(outcome, "age_seconds")
    return "".join(
        (
            text(outcome, "remedy", "?"),
            "" if node is None else f" on node {node}",
            f" for {name}: {'headroom ' if full else ''}{before} -> {after}",
            f", {freed} pages freed" if full and freed is not None and freed > 0 else "",
            "" if seconds is None else f" in {seconds:.2f} s",
            ", effective" if flag(outcome, "effective") else ", not enough",
            f", {error}" if error else "",
            "" if full or age_seconds is None else f", {span(age_seconds)} ago",
        )
    )


def _budget(budget: Json, capabilities: Json) -> str:
    """Say how often each kind of remedy that can be had here may still be run."""
    kinds: list[str] = []
    for kind, capability in _KINDS.items():
        if capabilities.get(capability) is False:
            continue
        hour, day = (whole(budget, f"{kind}_per_{period}") for period in ("hour", "day"))
        if hour is not None or day is not None:
            left = "/".join("?" if number is None else str(number) for number in (hour, day))
            kinds.append(f"{kind} {left}")
    return f"left this hour/today: {', '.join(kinds)}" if kinds else ""
