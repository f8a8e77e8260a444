"""Answering requests, from the socket and from the control FIFO."""

import time
from collections.abc import Callable
from typing import Protocol

from oomwatchd import policy
from oomwatchd.alerts.log import Log
from oomwatchd.daemon import doctor
from oomwatchd.daemon.board import Board
from oomwatchd.daemon.options import Options
from oomwatchd.daemon.steps import Parts, Steps
from oomwatchd.errors import Exit, OomwatchdError
from oomwatchd.model import Action, Outcome, Remedy
from oomwatchd.settings import Config
from oomwatchd.status.document import AlertFacts, outcome_of
from oomwatchd.status.protocol import Request, RequestError, encode, encode_error
from oomwatchd.status.server import Reply, Server, Then

Handler = Callable[[Request, float], Reply]
"""Answers a request, given the time."""


class Keeper(Protocol):
    """Who keeps the configuration."""

    @property
    def options(self) -> Options:
        """The command line."""

    @property
    def config(self) -> Config:
        """The configuration in force."""

    def reload(self, now: float) -> list[str]:
        """Read it anew; returns what needs a restart."""

    def alert_facts(self) -> AlertFacts:
        """Say what became of the events."""


class Desk:
    """Does what is asked for, and gives the reply; remembers who waits for a remedy's outcome."""

    def __init__(
        self,
        steps: Steps,
        parts: Parts,
        board: Board,
        log: Log,
        keeper: Keeper,
    ) -> None:
        """Nobody has asked yet."""
        self._steps = steps
        self._answers = parts.answers
        self._hands = parts.hands
        self._board = board
        self._log = log
        self._keeper = keeper
        self._waiting: int | None = None
        """The client that waits for a remedy's outcome."""
        self._methods: dict[str, Handler] = {
            "status": self._status,
            "doctor": self._doctor,
            "events": self._events,
            "processes": self._processes,
            "watch": self._watch,
            "compact": self._compact,
            "drop-caches": self._drop_caches,
            "inhibit": self._inhibit,
            "reload": self._reload,
            "test-alert": self._test_alert,
        }

    def answer(self, request: Request, client: int) -> Reply:
        """Do what is asked for.

        Raises:
            RequestError: it cannot be done.
        """
        reply = self._methods[request.method](request, time.monotonic())
        if reply.then is Then.LATER:
            self._waiting = client
        return reply

    def obey(self, requests: list[Request], now: float) -> str | None:
        """Do what came by the FIFO; there is nobody to reply to. Says what could not be done."""
        why: str | None = None
        for request in requests:
            try:
                self._methods[request.method](request, now)
                why = None
            except RequestError as error:
                prefix = f"{request.method}: "
                why = prefix + error.message.removeprefix(prefix)
        return why

    def settle(self, outcome: Outcome | None, server: Server, now: float) -> None:
        """Answer who waits for a remedy that has been judged, or does not come back."""
        if self._waiting is None:
            return
        if outcome is not None:
            line = encode({"outcome": outcome_of(outcome, now)})
        elif policy.is_stuck(self._steps.state, now):
            line = encode_error(RequestError(Exit.BUSY, "the remedy does not come back"))
        else:
            return
        server.reply(self._waiting, line, now)
        self._waiting = None

    def _status(self, _request: Request, now: float) -> Reply:
        assessment = self._steps.look_closely(now)
        return Reply(
            self._answers.status(
                assessment,
                self._steps.state,
                self._keeper.config,
                self._steps.problems(now),
                now,
                why_not=self._steps.why_not,
                alerts=self._keeper.alert_facts(),
            )
        )

    def _doctor(self, _request: Request, now: float) -> Reply:
        assessment = self._steps.look_closely(now)
        self._hands.doubt_realtime(now)
        realtime = self._hands.realtime
        return Reply(doctor.answer(assessment, self._keeper.config, self._keeper.options, realtime))

    def _events(self, _request: Request, _now: float) -> Reply:
        return Reply(b'{"events":[' + b",".join(self._log.recent) + b"]}\n")

    def _processes(self, _request: Request, now: float) -> Reply:
        assessment = self._steps.look_closely(now)
        return Reply(encode(self._answers.evidence(assessment, now)))

    def _watch(self, _request: Request, now: float) -> Reply:
        assessment = self._steps.look_closely(now)
        self._steps.watched = True
        return Reply(self._board.line(assessment, self._steps.state, now, history=True), Then.WATCH)

    def _compact(self, request: Request, now: float) -> Reply:
        return self._run(Action(Remedy.COMPACT, request.arguments["node"]), now)

    def _drop_caches(self, request: Request, now: float) -> Reply:
        return self._run(Action(Remedy(f"drop_{request.arguments['what']}")), now)

    def _run(self, action: Action, now: float) -> Reply:
        """Start a remedy; its outcome is the reply."""
        refusal = self._steps.ask_for(action, now)
        if refusal is not None:
            code = Exit.NOT_PERMITTED if refusal.lasting else Exit.BUSY
            raise RequestError(code, f"{action.remedy.value}: {refusal.why}")
        return Reply(b"", Then.LATER)

    def _inhibit(self, request: Request, now: float) -> Reply:
        self._steps.inhibit(request.arguments["seconds"], now)
        until = self._steps.state.inhibited_until
        return Reply(encode({"inhibited_until_seconds": None if until is None else until - now}))

    def _reload(self, _request: Request, now: float) -> Reply:
        try:
            needs_restart = self._keeper.reload(now)
        except OomwatchdError as error:
            raise RequestError(Exit(error.exit_code), str(error)) from None
        return Reply(encode({"reloaded": True, "needs_restart": needs_restart}))

    def _test_alert(self, _request: Request, _now: float) -> Reply:
        self._log("test_alert", why="asked for")
        full = self._log.is_full
        trouble = "withheld, as an hour's lines have gone out" if full else self._log.trouble
        return Reply(encode({"sent": not full, "sink": self._log.sink, "trouble": trouble}))
