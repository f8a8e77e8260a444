"""The status socket: one request, one reply, and the connection closes.

Nothing blocks: every client is read and written as far as it goes. Idle ones are closed, and
at the cap on connections the oldest silent one makes room, so that status always answers.
"""

import math
import os
import select
import socket
import stat
from collections.abc import Callable

from oomwatchd.status.protocol import (
    MAX_REQUEST_BYTES,
    RequestError,
    encode_error,
    parse_request,
)

IDLE_SECONDS = 2.0
MAX_CLIENTS = 32
_PAUSE_SECONDS = 1.0
_BACKLOG = 64
_MODE = 0o660

Answer = Callable[[str], bytes]
"""Answers a method with the reply's line; RequestError where it cannot."""


class InUseError(OSError):
    """Somebody listens at the socket already."""


class _Client:
    """A connection: what it has sent, what it is still owed, and until when it may idle."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.connection = connection
        self.deadline = deadline
        self.received = b""
        self.owed: bytes | None = None


class Server:
    """Serves the socket from the loop's epoll."""

    def __init__(self, path: str, group_id: int | None, epoll: select.epoll) -> None:
        """Bind and listen. A stale socket at the path is replaced.

        Raises:
            OSError: the socket cannot be made, or something else lies at the path.
        """
        if os.path.lexists(path):
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                raise OSError(0, "something else than a socket is there", path)
            if _is_served(path):
                raise InUseError(0, "in use by another daemon", path)
            os.unlink(path)
        self._path = path
        self._epoll = epoll
        self._clients: dict[int, _Client] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            # The mode is right from the first moment, and nobody can connect before listen().
            before = os.umask(0o777 & ~_MODE)
            try:
                self._listener.bind(path)
            finally:
                os.umask(before)
            try:
                if group_id is not None:
                    os.chown(path, -1, group_id)
                self._listener.listen(_BACKLOG)
            except OSError:
                os.unlink(path)
                raise
        except OSError:
            self._listener.close()
            raise
        self._identity = _identity(path)
        self._paused_until: float | None = None
        epoll.register(self._listener.fileno(), select.EPOLLIN)

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
            if client.owed is None:
                self._receive(client, answer)
            if client.owed is not None:
                self._send(client, now)
        except OSError:
            self._drop(client)

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
        try:
            if _identity(self._path) == self._identity:
                os.unlink(self._path)
        except OSError:
            pass  # gone already, or the folder is read-only now

    def _accept(self, now: float, answer: Answer) -> None:
        """Take one connection; epoll tells again if there are more."""
        try:
            connection, _ = self._listener.accept()
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
        self._clients[connection.fileno()] = _Client(connection, now + IDLE_SECONDS)
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

    def _receive(self, client: _Client, answer: Answer) -> None:
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
            try:
                method, _parameters = parse_request(line)
                client.owed = answer(method)
            except RequestError as error:
                client.owed = encode_error(error)

    def _send(self, client: _Client, now: float) -> None:
        """Write what the client takes; it may idle anew while it keeps taking."""
        owed = client.owed or b""
        try:
            sent = client.connection.send(owed, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            sent = 0
        client.owed = owed[sent:]
        if not client.owed:
            self._drop(client)
        elif sent:
            client.deadline = now + IDLE_SECONDS
            self._epoll.modify(client.connection.fileno(), select.EPOLLOUT)

    def _drop(self, client: _Client) -> None:
        """Close a connection."""
        if self._clients.pop(client.connection.fileno(), None) is not None:
            self._epoll.unregister(client.connection.fileno())
            client.connection.close()


def _precedence(client: _Client) -> tuple[bool, float]:
    """Order clients for making room: silent ones first, the oldest of them first."""
    return client.owed is not None or bool(client.received), client.deadline


def _identity(path: str) -> tuple[int, int]:
    """Give what tells this socket's file from another one at the same path."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino


def _is_served(path: str) -> bool:
    """Whether somebody listens at the socket: one without the lock, on a copied tree, may ask."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # too many are waiting, or it is not for us
    return True
