"""Reading JSON of anybody's without the json package."""

import json
import sys

import pytest
from ctldocs import ANYTHING
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.ctl.reading import ReplyError, parse, parse_object, passed_on, refusal


@settings(deadline=None, max_examples=200)
@given(ANYTHING, st.booleans())
def test_json_is_read_as_the_package_reads_it(value: object, ascii_only: bool) -> None:  # noqa: FBT001
    """Numbers of any size, any text, any nesting."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse(text.encode("utf-8", "replace") + b"\n") == json.loads(
        text.encode("utf-8", "replace")
    )


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    """And never both; nothing else is raised."""
    try:
        value = parse(data)
    except ReplyError as error:
        assert error.exit_code == 65  # noqa: PT017 - both ends are right
    else:
        assert value == json.loads(data)


@pytest.mark.parametrize(
    "text",
    ["NaN", "-Infinity", "[" * 100_000, '{"a": 1} x', '"\t"', "", "9" * 5000, "{,}", '"\\ud'],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """In one line."""
    with pytest.raises(ReplyError, match="the answer is not JSON") as refused:
        parse(text.encode())
    assert refused.value.exit_code == 65


@pytest.mark.parametrize("text", ['{"a": [1, "é\\u2028"]}', "NaN", '{"a":', "[" * 100_000])
def test_an_interpreter_without_the_accelerator_reads_the_same(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the package, slowly."""
    try:
        expected = parse(text.encode())
    except ReplyError:
        expected = None
    monkeypatch.setitem(sys.modules, "_json", None)
    if expected is None:
        with pytest.raises(ReplyError, match="not JSON"):
            parse(text.encode())
    else:
        assert parse(text.encode()) == expected


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.text(max_size=9), ANYTHING, max_size=4), st.booleans())
def test_what_is_passed_on_means_the_same(value: dict[str, object], ascii_only: bool) -> None:  # noqa: FBT001
    """One line of printable ASCII, fit for a terminal, whatever it was written as."""
    reply = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace") + b"\n"
    text = passed_on(reply)
    assert text.endswith("\n")
    assert text[:-1].isascii()
    assert text[:-1].isprintable()
    assert json.loads(text) == json.loads(reply)


def test_letters_beyond_the_first_plane_are_two_escapes() -> None:
    """And what only divides is a blank."""
    assert passed_on('{"a":\t"é\x7f\U0001f600"}\n'.encode()) == (
        '{"a": "\\u00e9\\u007f\\ud83d\\ude00"}\n'
    )


@pytest.mark.parametrize("text", ["[]", "7", "null", '"x"'])
def test_an_answer_is_an_object(text: str) -> None:
    """Nothing else is one of the daemon's."""
    with pytest.raises(ReplyError, match="not one of oomwatchd"):
        parse_object(text.encode())


def test_a_refusal_is_one_line_but_for_the_faults_of_a_configuration() -> None:
    """Those are a line each, with their files, as the daemon itself prints them."""
    faults = {"error": {"code": 78, "message": 'a.conf:1: no "x"\nb.conf:2: \x1b[2J'}}
    error = refusal(json.dumps(faults).encode())
    assert (str(error), error.exit_code) == ('a.conf:1: no "x"\nb.conf:2: \\x1b[2J', 78)
    busy = refusal(b'{"error": {"code": 75, "message": "one\\ntwo"}}')
    assert (str(busy), busy.exit_code) == ("oomwatchctl: one\\ntwo", 75)


@settings(deadline=None, max_examples=200)
@given(ANYTHING, ANYTHING)
def test_any_refusal_is_an_error_of_the_contract(code: object, message: object) -> None:
    """With a code that scripts know, and fit for a terminal."""
    error = refusal(json.dumps({"error": {"code": code, "message": message}}).encode())
    assert error.exit_code in (64, 65, 66, 69, 75, 77, 78)
    assert all(it.isprintable() and it.isascii() for it in str(error).split("\n"))
