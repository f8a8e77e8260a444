"""Asking the daemon: find its socket, send one line, read one line."""

import os
import time

# The bare module: `socket` draws in enum, selectors and more, which a client waits for.
from _socket import AF_UNIX, SOCK_STREAM, socket

from oomwatchd.errors import Exit, OomwatchdError, UnreachableError, escape
from oomwatchd.status.paths import SYSTEM_PATH, default_path

_TIMEOUT_SECONDS = 5.0
_RETRY_SECONDS = 0.02
_MAX_REPLY_BYTES = 16 * 1024 * 1024


class ReplyError(OomwatchdError):
    """The daemon refuses the request, or does not answer as one."""

    def __init__(self, code: Exit, message: str) -> None:
        """Keep the exit code."""
        super().__init__(f"oomwatchctl: {escape(message)}")
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
            tried.append(f"{escape(place)}: {(error.strerror or str(error)).lower()}")
        except ValueError:
            tried.append(f"{escape(place)}: not a path")
        else:
            if reply.startswith(b'{"error"'):
                raise _refusal(reply)
            return reply
    raise UnreachableError(f"no oomwatchd answers ({'; '.join(tried)})")


def _refusal(reply: bytes) -> ReplyError:
    """Read an error reply."""
    import json  # noqa: PLC0415 - errors are rare, and starting fast is not

    try:
        error = json.loads(reply)["error"]
        return ReplyError(Exit(error["code"]), str(error["message"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        return ReplyError(Exit.DATA, "the answer is not one of oomwatchd")


def _exchange(path: str, request: bytes) -> bytes:
    """Do one exchange with the daemon at `path`, within the time limit as a whole."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.settimeout(_TIMEOUT_SECONDS)
        while True:
            try:
                connection.connect(path)
                break
            except BlockingIOError:
                # Too many are waiting there already.
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_RETRY_SECONDS)
        connection.sendall(request)
        parts: list[bytes] = []
        length = 0
        while not (parts and parts[-1].endswith(b"\n")):
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            part = connection.recv(65536)
            length += len(part)
            if not part or length > _MAX_REPLY_BYTES:
                raise OSError(0, "the answer was cut short")
            parts.append(part)
        return b"".join(parts)
    finally:
        connection.close()
