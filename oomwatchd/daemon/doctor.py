"""The audit, made when somebody asks for it."""

from oomwatchd.assess.assessment import Assessment
from oomwatchd.daemon.options import Options
from oomwatchd.errors import Exit
from oomwatchd.settings import Config
from oomwatchd.status.protocol import RequestError, encode


def answer(
    assessment: Assessment, config: Config, options: Options, realtime: str | None = None
) -> bytes:
    """Audit the system that was last assessed; returns the reply's line.

    Raises:
        RequestError: memory is too short for it, or the program's files are gone.
    """
    try:
        # Some 200 KiB, resident from then on: only for those who ask.
        from oomwatchd.audit.finding import document  # noqa: PLC0415
        from oomwatchd.audit.findings import findings  # noqa: PLC0415
        from oomwatchd.system.audit import gather  # noqa: PLC0415

        live = options.root is None
        # A dry-run does not protect itself, and need not.
        own = live and not options.dry_run
        root = options.root or "/"
        facts = gather(root, assessment.kernel, live=live, own=own, realtime=realtime)
        return encode(document(findings(facts, assessment, config)))
    except (ImportError, OSError, MemoryError) as error:
        why = f"the audit cannot be made now: {type(error).__name__}"
        raise RequestError(Exit.BUSY, why) from None
