"""The audit where no daemon makes it."""

from oomwatchd.assess.assessment import assess
from oomwatchd.assess.watched import demands_of
from oomwatchd.audit.finding import document, problem
from oomwatchd.audit.findings import findings
from oomwatchd.errors import OomwatchdError, escape
from oomwatchd.settings import Config
from oomwatchd.status.protocol import encode
from oomwatchd.system.audit import gather
from oomwatchd.system.configfile import load
from oomwatchd.system.origin import live_kernel
from oomwatchd.system.sampler import Sampler


def local_audit() -> bytes:
    """Make the audit without the daemon, as a reply of one; that it is missing comes first."""
    found = [
        problem(
            "daemon",
            "No oomwatchd answers: this audit was made without it, with the rights of whoever "
            "asked.",
            "Start oomwatchd, or ask as somebody who may connect.",
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
