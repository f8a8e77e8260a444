"""The words on the socket: a request of one line, a reply of one line of JSON."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from oomwatchd.errors import Exit, quote
from oomwatchd.status.methods import METHODS

MAX_REQUEST_BYTES = 4096


class Request(NamedTuple):
    """A method that there is, and all of its arguments as they should be."""

    method: str
    arguments: Mapping[str, Any] = {}

    @property
    def changes(self) -> bool:
        """Whether it changes the system."""
        return METHODS[self.method].changes


class RequestError(Exception):
    """A request that cannot be answered; `code` is the client's exit code for it."""

    def __init__(self, code: Exit, message: str) -> None:
        """Keep both for the reply."""
        super().__init__(message)
        self.code = code
        self.message = message


def parse_request(line: bytes) -> Request:
    """Read a request without its line break: words, or a JSON object with `method`.

    Raises:
        RequestError: it is neither, there is no such method, or an argument is at fault.
    """
    if len(line) > MAX_REQUEST_BYTES:
        raise _usage(f"a request is at most {MAX_REQUEST_BYTES} bytes")
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise _usage("a request is UTF-8 text") from None
    name, given = _of_object(text) if text.startswith("{") else _of_words(text)
    return Request(name, _arguments(name, given))


def _of_words(text: str) -> tuple[str, dict[str, Any]]:
    """Read the method and its arguments, in their order."""
    name, *words = text.split() or [""]
    if name not in METHODS:
        raise _unknown(text)
    names = list(METHODS[name].readers)
    if len(words) > len(names):
        raise _usage(f"unexpected {quote(words[len(names)])} after {name}")
    return name, dict(zip(names, words, strict=False))


def _of_object(text: str) -> tuple[str, dict[str, Any]]:
    """Read the method and its arguments, by their names."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise _usage("not a JSON object") from None
    name = given.pop("method", None)
    if not isinstance(name, str):
        raise _usage('a JSON request has a "method"')
    if name not in METHODS:
        raise _unknown(name)
    return name, given


def _arguments(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Read the arguments; what is not given, or null, has its default."""
    method = METHODS[name]
    for key in given:
        if key not in method.readers:
            raise _usage(f"{name} has no argument {quote(key)}")
    arguments = dict(method.defaults)
    for key, read in method.readers.items():
        value = given.get(key)
        if value is not None:
            try:
                arguments[key] = read(value)
            except ValueError as error:
                shown = quote(value) if isinstance(value, str) else "that"
                raise _usage(f"{name}: {key} {error}, not {shown}") from None
        elif key not in arguments:
            raise _usage(f"{name} needs {key}")
    return arguments


def _unknown(name: str) -> RequestError:
    return _usage(f"unknown request {quote(name)}")


def _usage(what: str) -> RequestError:
    return RequestError(Exit.USAGE, what)


def encode(reply: Mapping[str, Any]) -> bytes:
    """Write a reply."""
    return json.dumps(reply, separators=(",", ":")).encode("ascii") + b"\n"


def encode_error(error: RequestError) -> bytes:
    """Write an error reply."""
    return encode({"error": {"code": int(error.code), "message": error.message}})
