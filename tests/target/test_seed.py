"""The seed's failure: the kernel gives up on a device with plenty of free memory."""

import pytest
from target.demo import line, seed, steps_of
from target.guest import Guests, Result

FREE_KIB = 64 << 10
"""A quarter of the device."""


def story_of(result: Result) -> str:
    """Tell all that happened."""
    return "\n".join(line(event) for event in result.events)


def is_lost(result: Result) -> bool:
    """Whether the kernel has killed, or panicked because there was nobody left to kill."""
    kills = any(event["event"] == "kernel" for event in result.events)
    return kills or "deadlocked on memory" in (result.panic or "")


@pytest.mark.target
def test_the_kernel_kills_with_memory_left_and_oomwatchd_said_so_before(guests: Guests) -> None:
    """What buddyinfo shows at the end is CMA; headroom runs out, and the demand is critical.

    Whoever acts then starts more processes than whoever only watches.
    """
    watched = seed(guests, "--dry-run")
    story = story_of(watched)
    assert is_lost(watched), story
    steps = [step for step in steps_of(watched) if "headroom" in step]
    assert steps[0]["severity"] == "ok", story
    assert steps[-1]["free_kib"] > FREE_KIB, story
    # What is killed gives its page directory back: the worst is seen right before.
    worst = min(steps, key=lambda step: int(step["headroom"]))
    assert worst["severity"] == "critical", story
    assert worst["free_kib"] > FREE_KIB, story
    # Who trusts buddyinfo, or the kernel's own index, sees no fragmentation at all.
    assert sum(worst["free_blocks"][4:]) > 0, story
    assert worst["kernel_index_thousandths"] == -1000, story
    said = [event["line"] for event in watched.events if event["event"] == "said"]
    assert any(text.startswith("headroom_critical demand=process") for text in said), story
    acted = seed(guests)
    assert is_lost(acted), story_of(acted)
    more = steps_of(acted)[-1]["started"], steps_of(watched)[-1]["started"]
    assert more[0] > more[1], f"{more}\n{story}\n{story_of(acted)}"
