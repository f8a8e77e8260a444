"""Answering on the socket: the status document, and what else can be asked."""

import os
from typing import Any

from oomwatchd.assess.assessment import Assessment
from oomwatchd.daemon.facts import remedy_facts, standings
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.daemon.platform import Platform
from oomwatchd.model import Problem, Process
from oomwatchd.policy import State
from oomwatchd.settings import Config
from oomwatchd.status.document import AlertFacts, Facts, document
from oomwatchd.status.protocol import encode
from oomwatchd.system.processes import Processes

_FRESH_SECONDS = 0.5
"""Whoever asks for the processes more often than this is given the last ones again."""


class Answers:
    """Puts the status together; keeps the evidence that was gathered last."""

    def __init__(self, platform: Platform, outlook: Outlook, started: float) -> None:
        """Load what lists processes, and list them once."""
        self._outlook = outlook
        self._platform = platform
        self._started = started
        self._evidence = Processes() if platform.root is None else None
        self.processes: tuple[Process, ...] = ()
        """The largest, when they were last looked at."""
        self._asked_at: float | None = None

    def gather(self) -> None:
        """Gather evidence: the largest processes."""
        if self._evidence is not None:
            self.processes = self._evidence.largest()

    def evidence(self, assessment: Assessment, now: float) -> dict[str, Any]:
        """Describe where the memory is: the largest processes, and what no process holds.

        All processes are read for it, unless that was done just now for somebody else who asked.
        """
        if self._asked_at is None or not 0 <= now - self._asked_at < _FRESH_SECONDS:
            self._asked_at = now
            self.gather()
        processes = [process._asdict() for process in self.processes]
        return {"processes": processes, "memory": assessment.memory._asdict()}

    def status(  # noqa: PLR0913 - what the document is made of
        self,
        assessment: Assessment,
        state: State,
        config: Config,
        problems: tuple[Problem, ...],
        now: float,
        *,
        why_not: str | None = None,
        alerts: AlertFacts = AlertFacts(),  # noqa: B008 - it is immutable
    ) -> bytes:
        """Give the status document as the socket's reply."""
        facts = Facts(
            pid=os.getpid(),
            uptime_seconds=now - self._started,
            boot_id=self._platform.boot_id,
            now=now,
            capabilities=self._platform.capabilities,
            problems=problems,
            standings=standings(state, self._outlook, now),
            remedies=remedy_facts(state, config.remedies, now)._replace(why_not=why_not),
            processes=self.processes,
            alerts=alerts,
        )
        return encode(document(assessment, facts))
