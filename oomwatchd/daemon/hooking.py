"""The hook: a command of the user's is run when the device's severity changes."""

import math
import select
from typing import TYPE_CHECKING

from oomwatchd.assess.assessment import Assessment
from oomwatchd.assess.demands import PROCESS_BYTES
from oomwatchd.assess.headroom import headroom
from oomwatchd.daemon.environment import environment
from oomwatchd.errors import escape
from oomwatchd.model import Problem, Request
from oomwatchd.policy import State, initial, notice
from oomwatchd.policy.notice import Notice
from oomwatchd.settings import Hook
from oomwatchd.system.files import reason
from oomwatchd.units import order_of

if TYPE_CHECKING:
    from oomwatchd.system.hook import Process


class Hooking:
    """Runs the command when it is due; what is wrong with it is in `problems`."""

    def __init__(self, settings: Hook, *, acting: bool, epoll: select.epoll) -> None:
        """Open what a run needs if there is a command; a daemon that does not act runs none."""
        self.runs = 0
        """How often the command was started."""
        self.failed = 0
        """How often it ended badly, was stopped, was refused or could not be started."""
        self.has_news = False
        """Whether a problem came or went after a tick has told of it: that calls for another.

        The same in other words or figures is none, as for those who are told.
        """
        self._settings = settings
        self._acting = acting
        self._epoll = epoll
        self._process: Process | None = None
        self._notice = Notice()
        self._last: tuple[State, Assessment] | None = None
        """What was noted last."""
        self._refusal: str | None = None
        self._trouble: str | None = None
        self._held: str | None = None
        self.reconfigure(settings)

    @property
    def suppressed(self) -> int:
        """Count the changes that were held back by the floor."""
        return self._notice.suppressed

    @property
    def coalesced(self) -> int:
        """Count the changes that a newer one replaced before they were told."""
        return self._notice.coalesced

    @property
    def problem(self) -> str | None:
        """Say what is wrong, if something is; what went wrong stands until a run is good."""
        if self._process is not None and self._process.is_stuck:
            return "the last run was killed and does not end: no more are run"
        return self._refusal or self._held or self._trouble

    @property
    def problems(self) -> tuple[Problem, ...]:
        """List what is wrong for `degraded`: nothing, or the one problem."""
        return (Problem("hook", self.problem),) if self.problem else ()

    def reconfigure(self, settings: Hook) -> None:
        """Take other settings; a run goes on under those that it was started with."""
        if settings != self._settings:
            self._trouble = None
        self._settings = settings
        self._refusal = self._held = None
        if not settings.command or not self._acting:
            self._notice = notice.passed_over(self._notice)
            return
        if self._process is None and self._last is not None:
            # What was so before there was a command is not told.
            self._notice = notice.passed_over(notice.heard(self._notice, *self._last))
        try:
            self._process = self._process or _open_process(self._epoll)
        except OSError as error:
            self._refusal = f"no command can be run: {reason(error)}"
        else:
            self._refusal = self._process.refusal(settings.command)

    def rehearse(self, assessment: Assessment) -> None:
        """Go once through what a run needs; nothing is run."""
        if self._process is not None:
            self._process.rehearse()
            environment(Notice(), initial(), assessment)
            self._shortage(assessment)

    def handles(self, descriptor: int) -> bool:
        """Whether an event on the descriptor tells the end of a run."""
        return self._process is not None and self._process.handles(descriptor)

    def take(self, now: float) -> None:
        """See off a run that has ended; `chore` is to be called afterwards."""
        if self._process is not None:
            self._look(self._process, now)

    def note(self, state: State, assessment: Assessment, now: float) -> float:
        """Take note of what was said, and do what is due; called at the end of a tick.

        Returns:
            When `chore` is to be called again.
        """
        self._last = state, assessment
        if self._process is None:
            return math.inf
        before = self.problem is None  # which this tick has told
        self._held = None
        self._notice = notice.heard(self._notice, state, assessment)
        if not self._settings.command:
            self._notice = notice.passed_over(self._notice)
        due = self.chore(state, now)
        self.has_news = (self.problem is None) is not before
        return due

    def chore(self, state: State, now: float) -> float:
        """Do what is due; returns when something is again, infinity if that is not known.

        What was said is for `note`; here the state tells whether a remedy has been started since.
        """
        process = self._process
        if process is None:
            return math.inf
        self._look(process, now)
        if not process.is_running and self._due_at(state, now) <= now and self._last:
            self._run(process, state, self._last[1], now)
        return process.due_at(now) if process.is_running else self._due_at(state, now)

    def stop(self) -> None:
        """Tell a run to end; it is not waited for."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _due_at(self, state: State, now: float) -> float:
        """Say when there is something to run; what is held back waits for the next tick."""
        return math.inf if self._held else notice.due_at(self._notice, state, now)

    def _look(self, process: "Process", now: float) -> None:
        """Enforce the time limit, and take note of a run's end."""
        end = process.look(now)
        if end is not None:
            self.failed += not end.is_good
            before = self.problem is None
            self._trouble = end.trouble and f"{escape(end.command)}: {end.trouble}"
            self.has_news = self.has_news or (self.problem is None) is not before

    def _run(self, process: "Process", state: State, assessment: Assessment, now: float) -> None:
        """Run the command, unless something is against it."""
        command = self._settings.command
        self._held = self._shortage(assessment)
        if self._held:
            self._notice = notice.held(self._notice)
            return
        self._refusal = process.refusal(command)
        if self._refusal:
            self.failed += 1
            self._notice = notice.told(self._notice, now)
            return
        told = environment(self._notice, state, assessment)
        try:
            process.start(command, told, self._settings.timeout_seconds, now)
        except OSError as error:
            self.failed += 1
            self._trouble = f"{escape(command[0])}: cannot be started: {reason(error)}"
            again = process.may_start_later(error)
            self._notice = (notice.postponed if again else notice.told)(self._notice, now)
            return
        self.runs += 1
        self._notice = notice.told(self._notice, now)

    def _shortage(self, assessment: Assessment) -> str | None:
        """Say what a process start might lack; None where there is enough, or no floor."""
        floor = self._settings.floor_blocks
        if not floor:
            return None
        order = order_of(PROCESS_BYTES, assessment.kernel.page_size)
        measured = headroom(assessment.system, Request.KERNEL, order)
        if measured is not None and measured.blocks >= floor:
            return None
        blocks = "an unknown number" if measured is None else measured.blocks
        return f"held back: {blocks} of {floor} blocks of order {order} that a start must find"


def _open_process(epoll: select.epoll) -> "Process":
    """Open what starts the command.

    Raises:
        OSError: it cannot be.
    """
    # Resident only where there is a command.
    from oomwatchd.system.hook import Process  # noqa: PLC0415

    return Process(epoll)
