"""The audit, made when somebody asks for it."""

from oomwatchd.assess.assessment import Assessment
from oomwatchd.audit.finding import document
from oomwatchd.audit.findings import findings
from oomwatchd.settings import Config
from oomwatchd.status.protocol import encode
from oomwatchd.system.audit import gather


def answer(
    assessment: Assessment, config: Config, root: str | None, realtime: str | None = None
) -> bytes:
    """Audit the system that was last assessed; returns the reply's line."""
    live = root is None
    facts = gather(root or "/", assessment.kernel, live=live, own=live, realtime=realtime)
    return encode(document(findings(facts, assessment, config)))
