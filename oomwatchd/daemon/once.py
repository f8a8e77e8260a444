"""`--once`: one sample, printed; nothing is written and nothing is locked."""

import json
import os
import time

from oomwatchd import policy
from oomwatchd.assess.assessment import assess
from oomwatchd.daemon.demands import demands_of
from oomwatchd.daemon.facts import remedy_facts
from oomwatchd.errors import Exit
from oomwatchd.model import Problem, Severity
from oomwatchd.settings import Config
from oomwatchd.status.document import Facts, document
from oomwatchd.status.text import describe
from oomwatchd.system.capabilities import find_capabilities
from oomwatchd.system.origin import boot_id, copied_kernel, live_kernel
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
    kernel = live_kernel() if root is None else copied_kernel(root)
    sample = Sampler(root or "/", kernel, live=root is None).sample()
    assessment = assess(sample, demands_of(config, kernel, sample.meminfo))
    now = time.monotonic()
    capabilities = find_capabilities(root or "/", kernel, live=root is None)
    facts = Facts(
        pid=os.getpid(),
        uptime_seconds=now - started,
        boot_id=boot_id(root),
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
