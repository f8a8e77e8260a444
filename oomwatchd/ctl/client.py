"""Asking the daemon: find its socket, send one line, read one line, or a stream of them."""

import time

# The bare module: `socket` draws in enum, selectors and more, which a client waits for.
from _socket import AF_UNIX, SOCK_STREAM, socket

from oomwatchd.ctl.reading import ReplyError, refusal
from oomwatchd.fault import UnreachableError, shown
from oomwatchd.status.paths import SYSTEM_PATH, default_path, variable

TIMEOUT_SECONDS = 5.0
_RETRY_SECONDS = 0.02
MAX_REPLY_BYTES = 1 << 20
"""Some ten times the longest that a daemon has to say."""
_PART_BYTES = 65536


def ask(path: str | None, request: bytes, timeout_seconds: float = TIMEOUT_SECONDS) -> bytes:
    """Send a request and return the reply's line, with its line break.

    Raises:
        UnreachableError: no daemon answers.
        ReplyError: it answers with an error, or not in one line.
    """
    connection, place = reach(path, request)
    try:
        reply = _line(connection, time.monotonic() + timeout_seconds)
    except OSError as error:
        raise _unreachable([_trouble(place, error)]) from None
    finally:
        connection.close()
    if not reply:
        raise lost(place, "it has closed the connection")
    if not reply.endswith(b"\n"):
        raise ReplyError("the answer was cut short")
    if reply.startswith(b'{"error"'):
        raise refusal(reply)
    return reply


def reach(path: str | None, request: bytes) -> tuple[socket, str]:
    """Send a request to the first daemon that can be reached; give the connection and its path.

    Raises:
        UnreachableError: there is none.
    """
    tried: list[str] = []
    for place in candidates(path):
        connection = socket(AF_UNIX, SOCK_STREAM)
        try:
            _connect(connection, place)
            connection.sendall(request)
        except OSError as error:
            tried.append(_trouble(place, error))
        except ValueError:
            tried.append(f"{shown(place)}: not a path")
        else:
            return connection, place
        connection.close()
    raise _unreachable(tried)


def candidates(path: str | None) -> list[str]:
    """List where the daemon may be, most wanted first."""
    if path is not None:
        return [path]
    named = variable("OOMWATCHD_SOCKET")
    if named:
        return [named]
    own = default_path()
    return [SYSTEM_PATH] if own in (None, SYSTEM_PATH) else [own, SYSTEM_PATH]


def lost(place: str, why: str) -> UnreachableError:
    """Make the error for a daemon that was there and is not any more."""
    return _unreachable([f"{shown(place)}: {why}"])


def _line(connection: socket, deadline: float) -> bytes:
    """Read up to a line break, or the end.

    Raises:
        OSError: it takes too long.
        ReplyError: no daemon says so much.
    """
    line = b""
    while not line.endswith(b"\n"):
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(_PART_BYTES)
        if not part:
            break
        line += part
        if len(line) > MAX_REPLY_BYTES:
            raise ReplyError("the answer is endless")
    return line


def _connect(connection: socket, path: str) -> None:
    """Connect; where too many are waiting already, try again for a while."""
    connection.settimeout(TIMEOUT_SECONDS)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            connection.connect(path)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _trouble(place: str, error: OSError) -> str:
    return f"{shown(place)}: {(error.strerror or str(error)).lower()}"


def _unreachable(tried: list[str]) -> UnreachableError:
    return UnreachableError(f"no oomwatchd answers ({'; '.join(tried)})")
