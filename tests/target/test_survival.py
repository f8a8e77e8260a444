"""What the daemon lives through a shortage by works on a device."""

from itertools import pairwise
from pathlib import Path
from select import EPOLLPRI

import pytest
from target.guest import Boot


@pytest.mark.target
def test_the_daemon_can_protect_itself_on_a_device(arm: Boot, tmp_path: Path) -> None:
    """Nothing is refused; untouched memory stays untouched; pressure wakes once in a window."""
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(64 << 20)
    found = arm(
        "python3 -m target.inside.survival || exit\ndmesg >/out/dmesg",
        modules=("virtio_blk",),
        disks=(disk,),
    )
    facts = {event.pop("what"): event for event in found.events}
    # Kernel threads of high priority (migration, psimon) make no real-time system.
    assert facts["real time"] == {"find": None, "quick": None}
    assert facts["score"] == {"why": None, "reads": "-900"}
    assert facts["kmsg"] == {"why": None, "written": True}
    assert "oomwatchd: the end is near\n" in found.text("dmesg")
    assert facts["lock"]["why"] is None
    assert facts["lock"]["locked_kib"] > 32 << 10
    assert facts["lock"]["grown_kib"] < 1 << 10
    assert facts["pressure"]["at_rest"] == 0
    wakes = facts["pressure"]["wakes"]
    assert 2 <= len(wakes) <= 5
    assert {events for _, events in wakes} == {EPOLLPRI}
    assert all(later - earlier > 1.5 for (earlier, _), (later, _) in pairwise(wakes))
