"""A zone as text: its figures, each comparison that the kernel made, its free blocks."""

from collections.abc import Iterator

from oomwatchd.explain.explanation import Explanation
from oomwatchd.explain.story import pages_text
from oomwatchd.explain.trial import Refusal, Trial
from oomwatchd.explain.verdict import Verdict

Paragraph = tuple[str, str]
"""A label ("" for one that goes on) and a text."""


def zone_paragraphs(trial: Trial, it: Explanation) -> Iterator[Paragraph]:
    """Write a zone."""
    if trial.free_pages is None:
        return
    node = f"node {trial.zone.node} " if trial.zone.node is not None else ""
    free = f"free {trial.free_pages:,} pages ({pages_text(trial.free_pages, it)})"
    title = f"{node}{trial.zone.name}: {free}"
    if not trial.is_reached:
        yield "zone", f"{title}; such a request cannot use it"
        return
    yield "zone", ", ".join([title, *_kept(trial, it.reason.mark)])
    for text in (*_comparisons(trial), *_large_blocks(trial, it.asked.order)):
        yield "", f"  {text}"
    if trial.zone.free_blocks:
        yield "", f"  free blocks by pages: {_blocks(trial)}"
    if trial.missing and it.reason.verdict is not Verdict.REQUESTED:
        yield "", f"  the report lacks {trial.missing}"


def _kept(trial: Trial, mark: str) -> Iterator[str]:
    """Name what is kept from the request."""
    if trial.mark_pages is not None:
        boost = f" (boost {trial.raised_pages:,} in it)" if trial.raised_pages else ""
        yield f"{mark} mark {trial.mark_pages:,}{boost}"
    for name, pages in (
        ("reserve", trial.reserve_pages),
        ("in CMA", trial.cma_pages),
        ("HighAtomic", trial.highatomic_pages),
    ):
        if pages:
            yield f"{name} {pages:,}"


def _comparisons(trial: Trial) -> Iterator[str]:
    """Write what the kernel compared, up to where it refused."""
    for at, check in enumerate(trial.checks):
        what = "usable, less the request" if at == 0 else f"in blocks of {1 << at} and more"
        if not check.passed:
            yield f"{what}: {check.pages:,} <= {check.mark:,}: refused"
            return
        yield f"{what}: {check.pages:,} > {check.mark:,}: passes"


def _large_blocks(trial: Trial, order: int | None) -> Iterator[str]:
    """Write whether there was a block, where it came to that."""
    if trial.usable_blocks is None or not order or trial.refused_at is not None:
        return
    barred = f", {trial.barred_blocks:,} of other types" if trial.barred_blocks else ""
    found = "refused" if trial.refusal is Refusal.BLOCK else "passes"
    yield f"blocks that are large enough: {trial.usable_blocks:,}{barred}: {found}"


def _blocks(trial: Trial) -> str:
    letters = trial.zone.letters
    parts = []
    for order, count in enumerate(trial.zone.free_blocks or ()):
        if count:
            types = letters[order] if letters is not None and order < len(letters) else ""
            parts.append(f"{count:,} of {1 << order}{f' ({types})' if types else ''}")
    return ", ".join(parts) or "none"
