"""Answering on the socket: the status document, and what else can be asked."""

import os

from oomwatchd.assess.assessment import Assessment
from oomwatchd.daemon.facts import remedy_facts, standings
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.daemon.platform import Platform
from oomwatchd.model import Problem, Process
from oomwatchd.policy import State
from oomwatchd.settings import Config
from oomwatchd.status.document import Facts, document
from oomwatchd.status.protocol import encode
from oomwatchd.system.processes import Processes


class Answers:
    """Puts the status together; keeps the evidence that was gathered last."""

    def __init__(self, platform: Platform, outlook: Outlook, started: float) -> None:
        """Load what lists processes, and list them once."""
        self._outlook = outlook
        self._platform = platform
        self._started = started
        self._evidence = Processes() if platform.root is None else None
        self._processes: tuple[Process, ...] = ()

    def gather(self) -> None:
        """Gather evidence: the largest processes."""
        if self._evidence is not None:
            self._processes = self._evidence.largest()

    def status(
        self,
        assessment: Assessment,
        state: State,
        config: Config,
        problems: tuple[Problem, ...],
        now: float,
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
            remedies=remedy_facts(state, config.remedies, now),
            processes=self._processes,
        )
        return encode(document(assessment, facts))
