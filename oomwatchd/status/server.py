"""The status socket: one request, one reply, and the connection closes.

Nothing blocks: every client is read and written as far as it goes. Idle ones are closed, and
at the cap on connections the oldest silent one makes room, so that status always answers. What
takes long is answered later, and whoever watches is told until he leaves: for both the
connection is only listened to for its end.
"""

import math
import select
import socket
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from oomwatchd.errors import Exit
from oomwatchd.status.listener import Listener
from oomwatchd.status.peer import may_change, peer_of
from oomwatchd.status.protocol import (
    MAX_REQUEST_BYTES,
    Request,
    RequestError,
    encode_error,
    parse_request,
)

IDLE_SECONDS = 2.0
LATE_SECONDS = 120.0 + 600.0 + 60.0
"""Longer than a remedy is waited for: until it counts as stuck, or has run and settled."""
MAX_CLIENTS = 32
MAX_WATCHING = 8
MAX_OWED_BYTES = 128 * 1024
"""Whoever watches and takes less than what comes is left behind."""
_PAUSE_SECONDS = 1.0


class Then(Enum):
    """What follows a reply."""

    CLOSE = "close"
    LATER = "later"
    """The reply is still to come: see `Server.reply`."""
    WATCH = "watch"
    """More lines follow: see `Server.tell`."""


class Reply(NamedTuple):
    """The answer to a request."""

    line: bytes
    then: Then = Then.CLOSE


Answer = Callable[[Request, int], Reply]
"""Answers a request of a client, known by a number of its own; RequestError where it cannot."""


class _Client:
    """A connection: what it has sent, what it is still owed, and until when it may idle."""

    def __init__(self, connection: socket.socket, number: int, deadline: float) -> None:
        self.connection = connection
        self.number = number
        self.deadline = deadline
        self.received = b""
        self.owed = b""
        self.then: Then | None = None
        """What follows what it is owed; None as long as it has not asked for anything."""


class Server:
    """Serves the socket from the loop's epoll."""

    def __init__(
        self, listener: Listener, epoll: select.epoll, control_group_id: int | None = None
    ) -> None:
        """Take connections that come in at the listener from now on."""
        self._listener = listener
        self._epoll = epoll
        self._control_group_id = control_group_id
        self._clients: dict[int, _Client] = {}
        self._number = 0
        self._paused_until: float | None = None
        epoll.register(listener.fileno(), select.EPOLLIN)

    def handles(self, descriptor: int) -> bool:
        """Whether an event on the descriptor is for the server."""
        return descriptor == self._listener.fileno() or descriptor in self._clients

    def handle(self, descriptor: int, now: float, answer: Answer) -> None:
        """Do what is to be done for one descriptor; a client's failings end with it."""
        if descriptor == self._listener.fileno():
            self._accept(now, answer)
            return
        client = self._clients.get(descriptor)
        if client is None:
            return
        try:
            if client.then is None:
                self._receive(client, now, answer)
            elif client.owed:
                self._send(client, now)
            else:
                self._drop(client)  # its end is all that was listened for
        except OSError:
            self._drop(client)

    def reply(self, number: int, line: bytes, now: float) -> None:
        """Answer a client that was to be answered later; one that has left is passed over."""
        for client in list(self._clients.values()):
            if client.number == number and client.then is Then.LATER:
                client.then = Then.CLOSE
                self._owe(client, line, now)

    def tell(self, line: bytes, now: float) -> None:
        """Send a line to all who watch; who does not keep up is dropped."""
        for client in list(self._clients.values()):
            if client.then is Then.WATCH:
                if len(client.owed) + len(line) > MAX_OWED_BYTES:
                    self._drop(client)
                else:
                    self._owe(client, line, now)

    @property
    def is_watched(self) -> bool:
        """Whether somebody watches."""
        return self._count_watching() > 0

    def expire(self, now: float) -> float:
        """Close idle connections; returns when there is something to be done again."""
        if self._paused_until is not None and now >= self._paused_until:
            self._epoll.modify(self._listener.fileno(), select.EPOLLIN)
            self._paused_until = None
        for client in [client for client in self._clients.values() if client.deadline <= now]:
            self._drop(client)
        due = min((client.deadline for client in self._clients.values()), default=math.inf)
        return due if self._paused_until is None else min(due, self._paused_until)

    def close(self) -> None:
        """Stop serving and take the socket away."""
        for client in list(self._clients.values()):
            self._drop(client)
        self._epoll.unregister(self._listener.fileno())
        self._listener.close()

    def _accept(self, now: float, answer: Answer) -> None:
        """Take one connection; epoll tells again if there are more."""
        try:
            connection = self._listener.accept()
        except OSError:
            self._make_room(now)
            return
        connection.setblocking(False)  # noqa: FBT003 - the standard library's signature
        if len(self._clients) >= MAX_CLIENTS:
            self._make_room(now)
        try:
            self._epoll.register(connection.fileno(), select.EPOLLIN)
        except OSError:  # memory is short
            connection.close()
            return
        self._number += 1
        client = _Client(connection, self._number, now + IDLE_SECONDS)
        self._clients[connection.fileno()] = client
        # Most have spoken by now: whoever has is answered before the next one comes in.
        self.handle(connection.fileno(), now, answer)

    def _make_room(self, now: float) -> None:
        """Drop the oldest silent client; without any, let the others wait for a moment.

        Descriptors are short then, and epoll would tell of the waiting ones again and again.
        """
        if self._clients:
            self._drop(min(self._clients.values(), key=_precedence))
        else:
            self._epoll.modify(self._listener.fileno(), 0)
            self._paused_until = now + _PAUSE_SECONDS

    def _receive(self, client: _Client, now: float, answer: Answer) -> None:
        """Read what there is; a whole request is answered."""
        try:
            part = client.connection.recv(MAX_REQUEST_BYTES + 1)
        except BlockingIOError:
            return
        client.received += part
        line, newline, _ = client.received.partition(b"\n")
        if not part and not client.received:
            self._drop(client)
        elif newline or not part or len(line) > MAX_REQUEST_BYTES:
            reply = self._reply_to(client, line, answer)
            client.then = reply.then
            if reply.then is not Then.CLOSE:
                # Only its end is told of from now on: half a close is not the end.
                self._epoll.modify(client.connection.fileno(), 0)
                client.deadline = now + LATE_SECONDS if reply.then is Then.LATER else math.inf
            if reply.line:
                self._owe(client, reply.line, now)

    def _reply_to(self, client: _Client, line: bytes, answer: Answer) -> Reply:
        """Give the answer to a request, or say what is wrong with it."""
        try:
            request = parse_request(line)
            self._check(client, request)
            return answer(request, client.number)
        except RequestError as error:
            return Reply(encode_error(error))

    def _check(self, client: _Client, request: Request) -> None:
        """Raise RequestError where the client may not ask that, or not now."""
        if request.method == "watch" and self._count_watching() >= MAX_WATCHING:
            raise RequestError(Exit.BUSY, f"{MAX_WATCHING} clients watch already")
        if not request.changes:
            return
        try:
            allowed = may_change(peer_of(client.connection), self._control_group_id)
        except OSError:
            allowed = False
        if not allowed:
            raise RequestError(Exit.NOT_PERMITTED, "only root and the control group may do that")

    def _owe(self, client: _Client, line: bytes, now: float) -> None:
        """Send a line, or what of it the client takes now."""
        client.owed += line
        try:
            self._send(client, now)
        except OSError:
            self._drop(client)

    def _send(self, client: _Client, now: float) -> None:
        """Write what the client takes; it may idle anew while it keeps taking."""
        try:
            sent = client.connection.send(client.owed, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            sent = 0
        client.owed = client.owed[sent:]
        if not client.owed and client.then is Then.CLOSE:
            self._drop(client)
            return
        if sent and client.then is Then.CLOSE:
            client.deadline = now + IDLE_SECONDS
        events = select.EPOLLOUT if client.owed else 0
        self._epoll.modify(client.connection.fileno(), events)

    def _count_watching(self) -> int:
        return sum(client.then is Then.WATCH for client in self._clients.values())

    def _drop(self, client: _Client) -> None:
        """Close a connection."""
        if self._clients.pop(client.connection.fileno(), None) is not None:
            self._epoll.unregister(client.connection.fileno())
            client.connection.close()


def _precedence(client: _Client) -> tuple[bool, float]:
    """Order clients for making room: silent ones first, the oldest of them first."""
    return client.then is not None or bool(client.received), client.deadline
