"""Somebody who answers where the client looks for the daemon."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Answer = Callable[[socket.socket], None]
"""Does with a connection, whose request has been read, what it likes."""
_JOIN_SECONDS = 10


@contextmanager
def serving(path: Path, answer: Answer) -> Iterator[list[bytes]]:
    """Serve a socket; gives the requests that came."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    requests: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    requests.append(connection.recv(4096))
                    answer(connection)
                except OSError:
                    pass  # the client has left

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(_JOIN_SECONDS)


def says(reply: bytes) -> Answer:
    """Make an answer that sends some bytes and closes."""
    return lambda connection: connection.sendall(reply)


def line(document: object) -> bytes:
    """Write a reply as the daemon does."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def refusal(code: object, message: object = "so it is") -> bytes:
    """Write an error reply."""
    return line({"error": {"code": code, "message": message}})
