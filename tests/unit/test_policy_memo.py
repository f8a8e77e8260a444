"""What outlives a restart, and what a damaged memo may do: nothing."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from policies import BOOT

from oomwatchd import policy
from oomwatchd.model import Remedy
from oomwatchd.policy import Backoff, State
from oomwatchd.policy.state import Start
from oomwatchd.settings import Remedies

NOW = 5000.0
GOOD: dict[str, Any] = {
    "boot_id": BOOT,
    "starts": [["compact", 4000.0], ["drop_all", 4500]],
    "backoffs": {"process": [3, 5100.5]},
    "inhibited_until": 6000.0,
}


def recall(memo: bytes, boot_id: str | None = BOOT) -> State:
    """Recall a memo at the start."""
    return policy.recalled(policy.initial(), memo, boot_id, NOW)


def with_(**changes: object) -> bytes:
    """Write a good memo down with something changed."""
    return json.dumps(GOOD | changes).encode()


# --- Nothing that does not read so -------------------------------------------------------------

DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "text": b"starts",
    "cut short": with_()[:-5],
    "not utf-8": b"\xff\xfe\x00",
    "a number": b"1",
    "nothing": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "deep": b"[" * 100_000,
    "deep inside": with_().replace(b'"starts": [', b'"starts": [' + b"[" * 50_000),
    "a huge number": with_().replace(b"4500", b"9" * 5000),
    "a large number": with_().replace(b"4500", b"9" * 400),
    "the largest": with_().replace(b"4500", b"1e308"),
    "beyond": with_().replace(b"4500", b"1e999"),
    "too late": with_(starts=[["compact", 1e12]]),
    "not a number": with_(starts=[["compact", float("nan")]]),
    "infinity": with_(inhibited_until=float("inf")),
    "minus infinity": with_(inhibited_until=float("-inf")),
    "negative": with_(starts=[["compact", -0.001]]),
    "negative until": with_(backoffs={"a": [1, -1]}),
    "a time of letters": with_(starts=[["compact", "4000"]]),
    "a time of truth": with_(starts=[["compact", True]]),
    "no remedy": with_(starts=[["format_disk", 1]]),
    "a list for a remedy": with_(starts=[[["compact"], 1]]),
    "too many parts": with_(starts=[["compact", 1, 2]]),
    "too few": with_(starts=[["compact"]]),
    "starts by name": with_(starts={"compact": 1}),
    "no starts": with_(starts=None),
    "starts of letters": with_(starts="compact"),
    "back-offs in a list": with_(backoffs=[["a", 1, 2]]),
    "no back-offs": with_(backoffs=None),
    "no failure": with_(backoffs={"a": [0, 1]}),
    "failures below nothing": with_(backoffs={"a": [-1, 1]}),
    "too many failures": with_(backoffs={"a": [17, 1]}),
    "half a failure": with_(backoffs={"a": [1.0, 1]}),
    "a failure of truth": with_(backoffs={"a": [True, 1]}),
    "a bare back-off": with_(backoffs={"a": 1}),
    "inhibited by letters": with_(inhibited_until="x"),
    "inhibited by truth": with_(inhibited_until=True),
    "another boot": with_(boot_id="another"),
    "no boot": with_(boot_id=None),
    **{
        f"without {key}": json.dumps({k: v for k, v in GOOD.items() if k != key}).encode()
        for key in GOOD
    },
}


@pytest.mark.parametrize("memo", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_memo_is_not_believed_in_part(memo: bytes) -> None:
    """The state stays as it was, whatever is wrong and wherever."""
    known = policy.initial()._replace(
        starts=(Start(Remedy.COMPACT, 1.0),), backoffs={"x": Backoff(1, 2.0)}, inhibited_until=3.0
    )
    assert policy.recalled(known, memo, BOOT, NOW) == known


def test_without_a_boot_id_nothing_is_believed() -> None:
    """Nobody knows whose times they are."""
    assert recall(with_(boot_id=None), None) == policy.initial()
    assert recall(with_(), None) == policy.initial()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
ROWS = st.lists(st.tuples(st.sampled_from([r.value for r in Remedy]), JSON) | JSON, max_size=4)


@given(
    st.binary(max_size=60)
    | st.fixed_dictionaries(
        {"boot_id": st.just(BOOT)},
        optional={
            "starts": ROWS | JSON,
            "backoffs": st.dictionaries(st.text(max_size=40), st.tuples(JSON, JSON)) | JSON,
            "inhibited_until": JSON,
        },
    ).map(lambda facts: json.dumps(facts).encode())
)
@example(with_())
@example(with_().replace(b'"starts"', b'"boot_id": "0b3c", "starts": [], "starts"'))
def test_any_memo_leaves_times_within_bounds(memo: bytes) -> None:
    """None raises; nothing lies ahead of now but back-offs and inhibition of a day at most."""
    state = recall(memo)
    assert all(0 <= start.at <= NOW for start in state.starts)
    assert list(state.starts) == sorted(state.starts, key=lambda start: start.at)
    for name, backoff in state.backoffs.items():
        assert len(name) <= 32
        assert 1 <= backoff.failures <= 16
        assert 0 <= backoff.until <= NOW + 86400
    assert state.inhibited_until is None or 0 <= state.inhibited_until <= NOW + 86400
    assert recall(policy.memo_of(state, BOOT)).starts == state.starts


# --- What is kept ------------------------------------------------------------------------------


def test_a_memo_is_one_line_of_ascii() -> None:
    """What stands after the line break is not read."""
    memo = policy.memo_of(recall(with_()), BOOT)
    assert memo.endswith(b"\n")
    assert memo.count(b"\n") == 1
    assert json.loads(memo) == GOOD


def test_times_ahead_are_brought_back() -> None:
    """Or no clock would ever reach them."""
    memo = with_(starts=[["reclaim", 9e9], ["compact", 1]], backoffs={"a": [16, 9e9]})
    state = recall(memo)
    assert state.starts == (Start(Remedy.COMPACT, 1.0), Start(Remedy.RECLAIM, NOW))
    assert state.backoffs == {"a": Backoff(16, NOW + 86400)}
    assert recall(with_(inhibited_until=9e9)).inhibited_until == NOW + 86400
    assert recall(with_(inhibited_until=None)).inhibited_until is None
    assert recall(with_(inhibited_until=0)).inhibited_until == 0


def test_so_much_is_read_at_most() -> None:
    """The newest 6000 starts, 256 back-offs, 32 letters of a name."""
    starts = [["compact", at / 2] for at in range(7000)]
    found = recall(with_(starts=starts)).starts
    assert [start.at for start in found] == [at / 2 for at in range(1000, 7000)]
    backoffs = {f"{n:040}": [1, n] for n in range(300)}
    assert len(recall(with_(backoffs={f"n{n}": [1, n] for n in range(300)})).backoffs) == 256
    assert list(recall(with_(backoffs=backoffs)).backoffs) == ["0" * 32]


def test_all_starts_that_a_configuration_allows_fit() -> None:
    """Into the memo, and the memo into the quarter of a MiB that is read of the file."""
    kinds = (Remedy.COMPACT_ASYNC, Remedy.RECLAIM, Remedy.DROP_PAGECACHE)
    most = 2000
    starts = tuple(Start(remedy, 99_999_999.125 + at) for at, remedy in enumerate(kinds * most))
    state = policy.initial()._replace(starts=starts)
    memo = policy.memo_of(state, BOOT * 9)
    assert len(memo) < 256 * 1024 - 20_000
    state = policy.recalled(policy.initial(), memo, BOOT * 9, 99_999_999.125 + 3 * most)
    assert state.starts == starts
    remedies = Remedies(compact_per_day=most, reclaim_per_day=most, drop_per_day=most)
    left = policy.budget_left(state, remedies, 99_999_999.125 + 3 * most)
    assert {left[f"{key}_per_day"] for key in ("compact", "reclaim", "drop")} == {0}


TIMES = st.integers(0, 4_999_999).map(lambda ms: ms / 1000)
KEPT = st.builds(
    lambda starts, backoffs, inhibited: policy.initial()._replace(
        starts=tuple(sorted(starts, key=lambda start: start.at)),
        backoffs=backoffs,
        inhibited_until=inhibited,
    ),
    st.lists(st.builds(Start, st.sampled_from(Remedy), TIMES), max_size=20),
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_-]{0,31}", fullmatch=True),
        st.builds(Backoff, st.integers(1, 16), st.integers(0, 90_000).map(float)),
        max_size=5,
    ),
    st.none() | TIMES,
)


@given(KEPT)
def test_what_bounds_the_remedies_is_kept(state: State) -> None:
    """Starts, back-offs and inhibition; the rest begins anew."""
    kept = recall(policy.memo_of(state, BOOT))
    assert kept == policy.initial()._replace(
        starts=state.starts, backoffs=state.backoffs, inhibited_until=state.inhibited_until
    )
