"""The view: what is read, and how often, for those who ask and for the loop."""

from pathlib import Path

import pytest
from loopbench import CONFIG, FAR, KERNEL, LOW, PROCESS, CountingSampler, write_memory

from oomwatchd.daemon.view import View
from oomwatchd.model import DemandSpec, Request, Severity
from oomwatchd.policy.pace import Pause


class Bench:
    """A view of a copied tree, and the time."""

    def __init__(self, root: Path) -> None:
        """Have plenty free."""
        self.now = 50.0
        self.root = root
        write_memory(root, FAR)
        self.sampler = CountingSampler(root, lambda: self.now)
        self.view = View(self.sampler, KERNEL, CONFIG)

    def look(self) -> int:
        """Look as the loop does; gives the number of readings that it took."""
        before = len(self.sampler.looks)
        self.view.text = self.sampler.glance() or self.view.text
        self.view.assess(self.view.sample(self.now), self.now)
        return len(self.sampler.looks) - before


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Make one."""
    return Bench(tmp_path)


def test_who_asks_again_at_once_is_given_the_last_answer(bench: Bench) -> None:
    """Close looks read everything, but twice a second at most, however many ask."""
    bench.look()
    close = 0
    for _ in range(1000):
        bench.now += 0.01
        close += bench.view.look_closely(bench.now) is not None
    assert 18 <= close <= 20
    assert all(needs.types for _, needs in bench.sampler.looks[1:])


def test_a_clock_that_was_set_back_does_not_blind_those_who_ask(bench: Bench) -> None:
    """The next one to ask is given a new look."""
    bench.view.look_closely(bench.now)
    bench.now -= 40
    assert bench.view.look_closely(bench.now) is not None


def test_a_close_look_sees_what_the_loop_has_not(bench: Bench) -> None:
    """And the loop's own next look still finds a change."""
    bench.look()
    write_memory(bench.root, LOW)
    assessment = bench.view.look_closely(bench.now)
    assert assessment is not None
    assert assessment.severity is Severity.CRITICAL
    lowest = bench.view.lowest()
    assert lowest is not None
    assert lowest.demand.name == "process"
    assert bench.sampler.glance() is not None


def test_other_demands_are_not_judged_by_what_was_seen_for_the_old_ones(bench: Bench) -> None:
    """Nothing looks far until they have been measured; and who has just asked may ask again."""
    bench.look()
    bench.view.look_closely(bench.now)
    assert isinstance(bench.view.pause_if_far(bench.now), Pause)
    huge = PROCESS._replace(name="huge", order=10, warning=200, critical=150)
    bench.view.reconfigure(CONFIG._replace(demands=(huge,)))
    assert bench.view.pause_if_far(bench.now) is None
    assessment = bench.view.look_closely(bench.now)
    assert assessment is not None
    assert [reading.demand.name for reading in assessment.readings] == ["huge"]
    assert assessment.severity is Severity.CRITICAL


def test_the_marks_are_taken_for_known_for_a_minute(bench: Bench) -> None:
    """Then a full look is called for, though the free lists look far."""
    bench.look()
    bench.now += 59.9
    assert bench.view.pause_if_far(bench.now) is not None
    bench.now += 0.2
    assert bench.view.pause_if_far(bench.now) is None


@pytest.mark.parametrize("text", [b"", b"Node 0, zone   Normal  x\n", b"Node \xff", b"\0" * 5000])
def test_a_text_that_does_not_read_never_looks_far(bench: Bench, text: bytes) -> None:
    """A full look will tell what is wrong with it."""
    bench.look()
    bench.view.text = text
    assert bench.view.pause_if_far(bench.now) is None
    (bench.root / "proc/buddyinfo").write_bytes(text)
    bench.look()
    assert bench.view.assessment is not None
    assert bench.view.assessment.severity is Severity.UNKNOWN
    assert bench.view.pause_if_far(bench.now) is None


def test_a_faster_fall_shortens_the_pause(bench: Bench) -> None:
    """What fell within a second may go on falling; a slow one changes nothing."""
    bench.look()
    calm = bench.view.pause_if_far(bench.now)
    bench.now += 1
    bench.view.text = bench.view.text.replace(b"    100    100", b"     10     10", 1)
    slower = bench.view.pause_if_far(bench.now)
    bench.now += 1
    half = (50,) * 11
    write_memory(bench.root, half)
    bench.view.text = (bench.root / "proc/buddyinfo").read_bytes()
    hasty = bench.view.pause_if_far(bench.now)
    assert calm == slower == Pause(10.0, 10.0)
    assert hasty is not None
    assert hasty.seconds < hasty.calm_seconds == 10.0


def test_free_lists_too_long_to_be_walked_are_not(bench: Bench) -> None:
    """The kernel walks them with interrupts off: not even for those who ask."""
    write_memory(bench.root, (600_000, *FAR[1:]))
    sample = bench.view.sample(bench.now, closely=True)
    assert sample.pagetypeinfo is None
    (problem,) = sample.problems
    assert problem.what == "pagetypeinfo"
    assert "500000 free blocks" in problem.why
    write_memory(bench.root, FAR)
    sample = bench.view.sample(bench.now, closely=True)
    assert sample.pagetypeinfo is not None
    assert sample.problems == ()


def test_cma_is_looked_for_in_debugfs_only_if_it_may_exceed_all_blocks(bench: Bench) -> None:
    """A demand for CMA within the orders of the free lists does without."""
    for order, wanted in ((10, False), (11, True)):
        camera = DemandSpec("camera", order, None, Request.CMA)
        bench.view.reconfigure(CONFIG._replace(demands=(camera,)))
        bench.look()
        bench.look()
        assert bench.sampler.looks[-1][1].cma_chunks is wanted
