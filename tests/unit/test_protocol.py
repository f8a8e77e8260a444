"""The words on the socket."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.errors import Exit
from oomwatchd.status.methods import METHODS
from oomwatchd.status.protocol import (
    MAX_REQUEST_BYTES,
    Request,
    RequestError,
    encode,
    encode_error,
    parse_request,
)

REQUESTS: dict[bytes, Request] = {
    b"status": Request("status"),
    b" status \r": Request("status"),
    b'{"method": "status"}': Request("status"),
    b' {"method": "watch"} ': Request("watch"),
    b"compact": Request("compact", {"node": None}),
    b"compact 1": Request("compact", {"node": 1}),
    b'{"method": "compact", "node": 0}': Request("compact", {"node": 0}),
    b'{"method": "compact", "node": null}': Request("compact", {"node": None}),
    b"drop-caches": Request("drop-caches", {"what": "all"}),
    b"drop-caches  slab": Request("drop-caches", {"what": "slab"}),
    b'{"method": "drop-caches", "what": "pagecache"}': Request(
        "drop-caches", {"what": "pagecache"}
    ),
    b"inhibit 600": Request("inhibit", {"seconds": 600}),
    b"inhibit 0": Request("inhibit", {"seconds": 0}),
    b'{"seconds": 86400, "method": "inhibit"}': Request("inhibit", {"seconds": 86400}),
}

FAULTS = {
    "nothing": b"",
    "no method": b"nonsense",
    "another case": b"STATUS",
    "an argument too many": b"status now",
    "two arguments too many": b"compact 1 2",
    "not UTF-8": b"\xff\xfe",
    "not whole": b'{"method": "status"',
    "an object without a method": b"{}",
    "a method that is no text": b'{"method": 5}',
    "null": b'{"method": null}',
    "an unknown method in an object": b'{"method": "ensure"}',
    "an unknown argument": b'{"method": "compact", "nodes": 1}',
    "behind the object": b'{"method": "status"} x',
    "nested deeply": b'{"a":' * 800,
    "a method that is a huge number": b'{"method": ' + b"1" * 4000 + b"}",
    "too long": b"s" * (MAX_REQUEST_BYTES + 1),
    "a node that is none": b"compact all",
    "a negative node": b"compact -1",
    "a node that is a truth": b'{"method": "compact", "node": true}',
    "a node that is a fraction": b'{"method": "compact", "node": 1.0}',
    "a node that is a list": b'{"method": "compact", "node": [1]}',
    "a node that no kernel has": b"compact 1024",
    "a huge node": b'{"method": "compact", "node": ' + b"1" * 4000 + b"}",
    "caches that there are not": b"drop-caches everything",
    "caches that are a number": b'{"method": "drop-caches", "what": 3}',
    "no seconds": b"inhibit",
    "seconds that are null": b'{"method": "inhibit", "seconds": null}',
    "more than a day": b"inhibit 86401",
    "other digits": "inhibit \u0663".encode(),
    "an underscore": b"inhibit 1_0",
}


@pytest.mark.parametrize("line", REQUESTS)
def test_a_request_is_words_or_an_object(line: bytes) -> None:
    """The method with all of its arguments, defaults included."""
    assert parse_request(line) == REQUESTS[line]


def test_the_longest_request_is_read() -> None:
    """4 KiB may be used to the last byte."""
    assert parse_request(b"status".ljust(MAX_REQUEST_BYTES)) == Request("status")


def test_what_changes_the_system_is_known() -> None:
    """All but what only asks."""
    asking = {"status", "doctor", "events", "processes", "watch"}
    assert {name for name, method in METHODS.items() if not method.changes} == asking


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
        st.builds(
            lambda method, key, value: json.dumps({"method": method, key: value}),
            st.sampled_from(sorted(METHODS)),
            st.sampled_from(("node", "what", "seconds", "x")),
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
        ),
        st.builds(
            lambda method, words: " ".join((method, *words)),
            st.sampled_from(sorted(METHODS)),
            st.lists(st.one_of(st.text(max_size=6), st.integers().map(str)), max_size=3),
        ),
    )
)
def test_any_bytes_are_a_request_or_refused(line: bytes | str) -> None:
    """Nothing else is raised, and every argument is there."""
    try:
        request = parse_request(line if isinstance(line, bytes) else line.encode())
    except RequestError as error:
        reply = encode_error(error)
        assert _replies_in_one_line(reply)
        assert json.loads(reply)["error"]["message"].isprintable()
    else:
        assert request.method in METHODS
        assert set(request.arguments) == set(METHODS[request.method].readers)


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
