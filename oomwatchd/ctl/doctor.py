"""`oomwatchctl doctor`: the audit as text, and the audit where no daemon makes it."""

import json
import textwrap
from typing import Any

from oomwatchd.assess.assessment import assess
from oomwatchd.assess.watched import demands_of
from oomwatchd.audit.finding import document, problem
from oomwatchd.audit.findings import findings
from oomwatchd.ctl.client import ReplyError
from oomwatchd.errors import Exit, OomwatchdError, escape
from oomwatchd.settings import Config
from oomwatchd.status.protocol import encode
from oomwatchd.system.audit import gather
from oomwatchd.system.configfile import load
from oomwatchd.system.origin import live_kernel
from oomwatchd.system.sampler import Sampler

_WIDTH = 78
_INDENT = " " * 9


def local_audit() -> bytes:
    """Make the audit without the daemon, as a reply of one; that it is missing comes first."""
    found = [
        problem(
            "daemon",
            "No oomwatchd answers: this audit was made without it, with the rights of whoever "
            "asked.",
            "Start oomwatchd.",
        )
    ]
    config = Config()
    try:
        config = load(None)
    except OomwatchdError as error:
        first, *more = str(error).splitlines()
        others = f" (and {len(more)} more)" if more else ""
        found.append(
            problem(
                "configuration",
                f"The configuration is refused: {escape(first)}{others}.",
                "Mend it; `oomwatchd --check-config` lists every fault.",
            )
        )
    kernel = live_kernel()
    sampler = Sampler("/", kernel, live=True)
    sample = sampler.sample()
    sampler.close()
    assessment = assess(sample, demands_of(config, kernel, sample.meminfo))
    facts = gather("/", kernel, live=True, own=False, realtime=None)
    return encode(document((*found, *findings(facts, assessment, config))))


def doctor_text(reply: bytes) -> str:
    """Write a doctor reply for people, for any terminal of 80 columns.

    Raises:
        ReplyError: it is no audit.
    """
    try:
        found = json.loads(reply)["findings"]
        lines = [line for finding in found for line in _lines(finding)]
        levels = [finding["level"] for finding in found]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ReplyError(Exit.DATA, "the answer is not an audit") from None
    counts = [_count(levels.count("problem"), "problem"), _count(levels.count("note"), "note")]
    return "\n".join([*lines, f"{', '.join(counts)}, {levels.count('ok')} ok"])


def _lines(finding: dict[str, Any]) -> list[str]:
    """Write one finding: its level, its topic and text, and below what to change."""
    text = escape(f"{finding['topic']}: {finding['text']}")
    lines = _wrap(text, f"{escape(finding['level']):<8} ", _INDENT)
    if finding["change"] is not None:
        lines += _wrap(escape(finding["change"]), f"{_INDENT}-> ", f"{_INDENT}   ")
    return lines


def _wrap(text: str, first: str, rest: str) -> list[str]:
    """Break lines at blanks only: a path or a setting stays whole."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
