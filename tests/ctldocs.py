"""What a daemon would answer, for tests of the client."""

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]


def demand(name: str = "process", **facts: object) -> Json:
    """Make a demand of a status document, one that is met."""
    return {
        "name": name,
        "order": 2,
        "request": "kernel",
        "headroom": 342,
        "lower_bound": False,
        "warning": 15,
        "critical": 3,
        "severity": "ok",
        "since_seconds": 61.0,
        "cause": None,
        "exhaustion_seconds": None,
        "advice": None,
        "history": [342],
        **facts,
    }


LOW = demand(
    headroom=2,
    severity="critical",
    cause="fragmentation",
    exhaustion_seconds=312.0,
    advice="memory is free in pieces that are too small",
)
MEMORY = demand("memory", order=0, request="movable", headroom=27_876, warning=3614, critical=1807)


def outcome(**facts: object) -> Json:
    """Make an outcome of a remedy."""
    return {
        "remedy": "compact",
        "node": None,
        "demand": "process",
        "cause": "fragmentation",
        "headroom_before": 3,
        "headroom_after": 40,
        "pages_freed": 12,
        "cma_pages_taken": 0,
        "duration_seconds": 0.412,
        "effective": True,
        "error": None,
        "age_seconds": 312.0,
        **facts,
    }


def status(*demands: Json, **facts: object) -> Json:
    """Make a status document."""
    return {
        "schema": 1,
        "version": "0.1.0",
        "pid": 321,
        "uptime_seconds": 7261.2,
        "boot_id": None,
        "severity": "critical" if LOW in demands else "ok",
        "degraded": [],
        "kernel": {"release": "6.1.0", "machine": "armv7l", "page_size": 4096, "orders": 11},
        "capabilities": {},
        "memory": {
            "total_kib": 240_640,
            "free_kib": 61_440,
            "available_kib": 110_592,
            "droppable_pagecache_kib": 51_200,
            "droppable_slab_kib": 10_240,
            "cma_total_kib": 16_384,
            "cma_free_kib": 8580,
            "slab_unreclaimable_kib": 8123,
            "page_tables_kib": 1200,
        },
        "zones": [],
        "demands": list(demands) or [demand(), MEMORY],
        "remedies": remedies(),
        "processes": [],
        "alerts": {
            "sink": "syslog",
            "lines_lost": 0,
            "lines_withheld": 0,
            "lines_repeated": 0,
            "hook_runs": 0,
            "hook_suppressed": 0,
            "hook_problem": None,
        },
        **facts,
    }


def remedies(**facts: object) -> Json:
    """Make what a status document says of the remedies."""
    return {
        "running": None,
        "inhibited_until_seconds": None,
        "backoff_remaining_seconds": None,
        "counts": {},
        "budget_left": {
            "compact_per_hour": 11,
            "compact_per_day": 143,
            "reclaim_per_hour": 12,
            "reclaim_per_day": 144,
            "drop_per_hour": 2,
            "drop_per_day": 4,
        },
        "why_not": None,
        "last": [],
        **facts,
    }


EVENT: Json = {
    "event": "headroom_low",
    "priority": 5,
    "boot_id": None,
    "monotonic_seconds": 61.5,
    "wall_seconds": 1_800_000_000.25,
    "demand": "process",
    "headroom": 12,
    "cause": "fragmentation",
    "lower_bound": False,
    "exhaustion_seconds": None,
    "remedy": "compact",
}


def tick(*demands: Json, **facts: object) -> Json:
    """Make the line of `watch` for one look."""
    return {
        "status": {
            "severity": "critical" if LOW in demands else "ok",
            "demands": list(demands) or [demand(), MEMORY],
            "running": None,
            "inhibited_until_seconds": None,
            "page_size": 4096,
            "wall_seconds": 1_800_000_000.0,
            **facts,
        }
    }


PROCESSES: Json = {
    "processes": [
        {
            "pid": 321,
            "name": "gst-launch-1.0",
            "rss_kib": 54_321,
            "shared_kib": 1200,
            "oom_score_adj": 0,
        },
        {
            "pid": 4_194_304,
            "name": "sd) (\x1b[2J\udcff",
            "rss_kib": 321,
            "shared_kib": 0,
            "oom_score_adj": None,
        },
    ],
    "memory": {
        "slab_unreclaimable_kib": 8123,
        "page_tables_kib": 1200,
        "kernel_stack_kib": 900,
        "shmem_kib": None,
        "cma_total_kib": 16_384,
        "cma_free_kib": 8580,
    },
}

_KEYS = sorted(
    {
        *status(),
        *status()["kernel"],
        *status()["memory"],
        *status()["alerts"],
        *demand(),
        *remedies(),
        *remedies()["budget_left"],
        *outcome(),
        *EVENT,
        *tick()["status"],
        *PROCESSES,
        *PROCESSES["processes"][0],
        *PROCESSES["memory"],
        *("what", "why", "findings", "topic", "level", "text", "change", "outcome", "history"),
        *("status", "error", "code", "message"),
    }
)
_NUMBERS = st.one_of(
    st.integers(-5, 100),
    st.integers(),
    st.sampled_from([2**31, 2**63, 2**64, 10**400, -(10**400)]),
    st.floats(allow_nan=False, allow_infinity=False),
)
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["\x1b[2J\x1b]0;x\x07", "a\nb\r\0", "\udcff\ud800", "x" * 300, "\u202eabc", ""]
    ),
)
_KNOWN = st.sampled_from(
    ["ok", "warning", "critical", "unknown", "compact", "fragmentation", "process", "memory"]
)
_SCALARS = st.one_of(st.none(), st.booleans(), _NUMBERS, HOSTILE, _KNOWN)
ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(_KEYS), HOSTILE), inner, max_size=8),
    ),
    max_leaves=30,
)
"""Whatever JSON can say, in the daemon's words or not."""


@st.composite
def damaged(draw: st.DrawFn, document: Json) -> Json:
    """Take keys away from a document, and put anything in the place of values."""

    def spoil(value: object) -> object:
        if draw(st.integers(0, 9)) == 0:
            return draw(ANYTHING)
        if isinstance(value, dict):
            return {key: spoil(it) for key, it in value.items() if draw(st.integers(0, 19))}
        if isinstance(value, list):
            return [spoil(it) for it in value]
        return value

    spoilt = {key: spoil(value) for key, value in document.items() if draw(st.integers(0, 19))}
    return {**spoilt, **draw(st.dictionaries(HOSTILE, ANYTHING, max_size=1))}
