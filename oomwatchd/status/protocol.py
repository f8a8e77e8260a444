"""The words on the socket: a request of one line, a reply of one line of JSON."""

import json
from typing import Any

from oomwatchd.errors import Exit, quote

MAX_REQUEST_BYTES = 4096


class RequestError(Exception):
    """A request that cannot be answered; `code` is the client's exit code for it."""

    def __init__(self, code: Exit, message: str) -> None:
        """Keep both for the reply."""
        super().__init__(message)
        self.code = code
        self.message = message


def parse_request(line: bytes) -> tuple[str, dict[str, Any]]:
    """Read a request, without its line break: a bare word, or a JSON object with `method`.

    Raises:
        RequestError: it is neither.
    """
    if len(line) > MAX_REQUEST_BYTES:
        raise RequestError(Exit.USAGE, f"a request is at most {MAX_REQUEST_BYTES} bytes")
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise RequestError(Exit.USAGE, "a request is UTF-8 text") from None
    if not text.startswith("{"):
        return text, {}
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        raise RequestError(Exit.USAGE, "not a JSON object") from None
    method = request.pop("method", None)
    if not isinstance(method, str):
        raise RequestError(Exit.USAGE, 'a JSON request has a "method"')
    return method, request


def unknown_method(method: str) -> RequestError:
    """Make the error for a word that means nothing here."""
    return RequestError(Exit.USAGE, f"unknown request {quote(method)}")


def encode(reply: dict[str, Any]) -> bytes:
    """Write a reply."""
    return json.dumps(reply, separators=(",", ":")).encode("ascii") + b"\n"


def encode_error(error: RequestError) -> bytes:
    """Write an error reply."""
    return encode({"error": {"code": int(error.code), "message": error.message}})
