"""The seed's failure: the kernel gives up on a device with plenty of free memory."""

import pytest
from target.demo import line, seed
from target.guest import Guests

FREE_KIB = 80 << 10


@pytest.mark.target
def test_the_kernel_kills_with_memory_left_and_oomwatchd_said_so_before(guests: Guests) -> None:
    """What buddyinfo shows at the end is CMA; headroom is 0, the demand critical."""
    result = seed(guests)
    story = "\n".join(line(event) for event in result.events)
    steps = [event for event in result.events if event["event"] == "step"]
    kills = [event for event in result.events if event["event"] == "kernel"]
    assert kills or "deadlocked on memory" in (result.panic or ""), story
    seen = [step for step in steps if "headroom" in step]
    healthy, last = seen[0], seen[-1]
    assert healthy["severity"] == "ok", story
    assert last["free_kib"] > FREE_KIB, story
    assert last["severity"] == "critical", story
    assert last["headroom"] <= 2, story
    # Who trusts buddyinfo, or the kernel's own index, sees no fragmentation at all.
    assert sum(last["free_blocks"][4:]) > 0, story
    assert last["kernel_index_thousandths"] == -1000, story
    said = [event["line"] for event in result.events if event["event"] == "said"]
    assert any(text.startswith("headroom_critical demand=process") for text in said), story
