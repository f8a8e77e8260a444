"""`--once`: one sample, printed; nothing is written and nothing is locked."""

import json
import os
import time

from oomwatchd import policy
from oomwatchd.assess.assessment import assess
from oomwatchd.assess.watched import demands_of
from oomwatchd.daemon.facts import remedy_facts
from oomwatchd.daemon.platform import find_platform
from oomwatchd.errors import Exit
from oomwatchd.model import Problem, Severity
from oomwatchd.settings import Config
from oomwatchd.status.document import Facts, document
from oomwatchd.status.text import describe
from oomwatchd.system.processes import Processes
from oomwatchd.system.sampler import Sampler
from oomwatchd.system.stdio import write_output

EXIT_CODES = {
    Severity.OK: Exit.OK,
    Severity.WARNING: Exit.WARNING,
    Severity.CRITICAL: Exit.CRITICAL,
    Severity.UNKNOWN: Exit.UNKNOWN,
}

CANNOT_COMPACT = Problem(
    "compaction", "/proc/sys/vm/compact_memory is not there or not ours to write"
)


def look_once(config: Config, root: str | None, *, as_json: bool) -> int:
    """Take one sample, print the assessment and return the exit code of its severity."""
    started = time.monotonic()
    platform = find_platform(root)
    kernel, capabilities = platform.kernel, platform.capabilities
    sample = Sampler(root or "/", kernel, live=root is None).sample()
    assessment = assess(sample, demands_of(config, kernel, sample.meminfo))
    now = time.monotonic()
    facts = Facts(
        pid=os.getpid(),
        uptime_seconds=now - started,
        boot_id=platform.boot_id,
        now=now,
        capabilities=capabilities,
        problems=() if capabilities.compaction else (CANNOT_COMPACT,),
        standings={},
        remedies=remedy_facts(policy.initial(), config.remedies, now),
        processes=Processes().largest() if root is None else (),
    )
    status = document(assessment, facts)
    write_output(f"{json.dumps(status) if as_json else describe(status)}\n")
    return EXIT_CODES[assessment.severity]
