"""Asking the daemon: find its socket, send one line, read one line."""

import os

# The bare module: `socket` draws in enum, selectors and more, which a client waits for.
from _socket import AF_UNIX, SOCK_STREAM, socket

from oomwatchd.errors import Exit, OomwatchdError, UnreachableError, quote
from oomwatchd.status.paths import SYSTEM_PATH, default_path

_TIMEOUT_SECONDS = 5.0
_MAX_REPLY_BYTES = 16 * 1024 * 1024


class ReplyError(OomwatchdError):
    """The daemon refuses the request; the exit code is the one that it names."""

    def __init__(self, code: Exit, message: str) -> None:
        """Keep the code."""
        super().__init__(f"oomwatchctl: {message}")
        self.exit_code = code


def candidates(path: str | None) -> list[str]:
    """List where the daemon may be, most wanted first."""
    if path is not None:
        return [path]
    named = os.environ.get("OOMWATCHD_SOCKET")
    if named:
        return [named]
    return list(dict.fromkeys([own for own in (default_path(),) if own] + [SYSTEM_PATH]))


def ask(path: str | None, request: bytes) -> bytes:
    """Send a request and return the reply's line.

    Raises:
        UnreachableError: no daemon answers.
        ReplyError: it answers with an error.
    """
    tried: list[str] = []
    for place in candidates(path):
        try:
            reply = _exchange(place, request)
        except OSError as error:
            tried.append(f"{place}: {(error.strerror or str(error)).lower()}")
        except ValueError:
            tried.append(f"{quote(place)}: not a path")
        else:
            if reply.startswith(b'{"error"'):
                raise _refusal(reply)
            return reply
    raise UnreachableError(f"no oomwatchd answers ({'; '.join(tried)})")


def _refusal(reply: bytes) -> ReplyError:
    """Read an error reply."""
    import json  # noqa: PLC0415 - errors are rare, and starting fast is not

    error = json.loads(reply)["error"]
    return ReplyError(Exit(error["code"]), error["message"])


def _exchange(path: str, request: bytes) -> bytes:
    """Do one exchange with the daemon at `path`."""
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.settimeout(_TIMEOUT_SECONDS)
        connection.connect(path)
        connection.sendall(request)
        reply = b""
        while not reply.endswith(b"\n"):
            part = connection.recv(65536)
            if not part or len(reply) > _MAX_REPLY_BYTES:
                raise OSError(0, "the answer was cut short")
            reply += part
        return reply
    finally:
        connection.close()
