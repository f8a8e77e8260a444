"""Reports of real kernels: the explanation finds what was worked out by hand."""

import pytest
from explaining import explained
from reportlib import NAMES, Expected, expected_of, log_of

from oomwatchd.explain.explanation import Explanation
from oomwatchd.explain.kernel import name_of
from oomwatchd.explain.trial import Refusal
from oomwatchd.report.gather import reports

_REFUSALS = {"total": Refusal.BUDGET, "no_block": Refusal.BLOCK, "stock": Refusal.STOCK}


@pytest.mark.parametrize("name", NAMES)
def test_a_report_is_explained_as_by_hand(name: str) -> None:
    """Every fact that was written down: who asked, the kernel, the comparison, the victim."""
    found = list(explained(reports([log_of(name)])))
    expected = expected_of(name)
    assert [it.report.line for it in found] == [int(facts["line"]) for facts in expected]
    for it, facts in zip(found, expected, strict=True):
        seen = facts_of(it)
        facts.pop("report")
        assert {key: seen.get(key) for key in facts} == facts


def facts_of(it: Explanation) -> Expected:
    """Write an explanation as `expected` is written."""
    report, asked, kernel = it.report, it.asked, it.kernel
    facts: dict[str, object] = {
        "line": report.line,
        "kind": report.kind.value,
        "comm": asked.comm,
        "pid": asked.pid,
        "order": report.header.order if report.header else None,
        "bytes": asked.size_bytes,
        "gfp": " ".join(asked.flags.names) if asked.flags else None,
        "version": name_of(kernel.version),
        "release": kernel.release,
        "since": name_of(kernel.since),
        "last": name_of(kernel.last),
        "verdict": it.reason.verdict.value,
        "purpose": asked.purpose.key if asked.purpose else None,
        "since_4_4": it.by_new_rule.value if it.by_new_rule else None,
    }
    trial = it.reason.trial
    if trial is not None:
        at = trial.refused_at
        check = trial.checks[at or 0]
        refused = {value: key for key, value in _REFUSALS.items()}
        facts |= {
            "zone": trial.zone.name,
            "free": trial.free_pages,
            "cma": trial.zone.kib.get("free_cma", 0) * 1024 // kernel.page_size,
            "highatomic": trial.highatomic_pages,
            "boost": trial.boost_pages,
            "f": check.pages,
            "mark": check.mark - (0 if at else trial.reserve_pages),
            "reserve": trial.reserve_pages,
            "refused_by": refused[trial.refusal] if trial.refusal else None,
            "refused_at": at,
            "high": trial.zone.kib["high"] * 1024 // kernel.page_size,
        }
    for victim in it.victims:
        facts |= {
            "victim": victim.kill.name,
            "victim_pid": victim.kill.pid,
            "victim_anon_kib": victim.kill.anon_rss_kib,
        }
        if victim.chosen is not None:
            facts |= {"chosen": victim.chosen.name, "chosen_pid": victim.chosen.pid}
    if (group := report.cgroup) is not None:
        facts |= {
            "limit_kib": group.limit_kib,
            "usage_kib": group.usage_kib,
            "cgroup": group.path,
        }
    return {key: str(value) for key, value in facts.items() if value is not None}
