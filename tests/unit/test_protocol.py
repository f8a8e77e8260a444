"""The words on the socket."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.errors import Exit
from oomwatchd.status.protocol import (
    MAX_REQUEST_BYTES,
    RequestError,
    encode,
    encode_error,
    parse_request,
    unknown_method,
)

REQUESTS: dict[bytes, tuple[str, dict[str, object]]] = {
    b"status": ("status", {}),
    b" status \r": ("status", {}),
    b"drop-caches": ("drop-caches", {}),
    b"": ("", {}),
    b'{"method": "status"}': ("status", {}),
    b' {"method": "ensure", "order": 4} ': ("ensure", {"order": 4}),
    b'{"method": "ensure", "demand": "camera", "more": {"a": [1, null]}}': (
        "ensure",
        {"demand": "camera", "more": {"a": [1, None]}},
    ),
}

FAULTS = {
    "not UTF-8": b"\xff\xfe",
    "not whole": b'{"method": "status"',
    "no method": b"{}",
    "a method that is no text": b'{"method": 5}',
    "null": b'{"method": null}',
    "behind the object": b'{"method": "status"} x',
    "nested deeply": b'{"a":' * 800,
    "a method that is a huge number": b'{"method": ' + b"1" * 4000 + b"}",
    "too long": b"s" * (MAX_REQUEST_BYTES + 1),
}


@pytest.mark.parametrize("line", REQUESTS)
def test_a_request_is_a_word_or_an_object(line: bytes) -> None:
    """The method, and the parameters that an object holds besides."""
    assert parse_request(line) == REQUESTS[line]


def test_the_longest_request_is_read() -> None:
    """4 KiB may be used to the last byte."""
    word = "s" * MAX_REQUEST_BYTES
    assert parse_request(word.encode()) == (word, {})


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_request_is_refused_as_usage(name: str) -> None:
    """The reply names the exit code, and says what is wrong in one line."""
    with pytest.raises(RequestError) as caught:
        parse_request(FAULTS[name])
    reply = json.loads(encode_error(caught.value))
    assert reply["error"]["code"] == Exit.USAGE
    assert reply["error"]["message"].isprintable()


def _replies_in_one_line(reply: bytes) -> bool:
    """Whether it is one line of ASCII that is JSON."""
    return reply.isascii() and reply.endswith(b"\n") and reply.count(b"\n") == 1


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(st.text(max_size=9), st.text(max_size=9)).map(json.dumps),
    )
)
def test_any_bytes_are_a_request_or_refused(line: bytes | str) -> None:
    """Nothing else is raised, and the method can be named in an error."""
    try:
        method, _ = parse_request(line if isinstance(line, bytes) else line.encode())
    except RequestError as error:
        reply = encode_error(error)
    else:
        reply = encode_error(unknown_method(method))
    assert _replies_in_one_line(reply)
    assert json.loads(reply)["error"]["message"].isprintable()


def test_an_error_reply_is_the_contracts() -> None:
    """`{"error": {"code": …, "message": …}}`."""
    assert encode_error(RequestError(Exit.NOT_PERMITTED, "only root may")) == (
        b'{"error":{"code":77,"message":"only root may"}}\n'
    )


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none(), st.booleans())))
def test_a_reply_is_one_line_of_ascii(reply: dict[str, object]) -> None:
    """Line breaks and other scripts are escaped, and nothing is lost."""
    line = encode(reply)
    assert _replies_in_one_line(line)
    assert json.loads(line) == reply
