"""The roots below tests/roots, and the reader of their hand-worked expectations."""

from pathlib import Path
from typing import NamedTuple

from oomwatchd.assess.assessment import Assessment, assess
from oomwatchd.assess.headroom import System
from oomwatchd.assess.sample import Sample
from oomwatchd.model import DemandSpec
from oomwatchd.system.origin import copied_kernel
from oomwatchd.system.sampler import Sampler

ROOTS = Path(__file__).parent / "roots"


class Expectation(NamedTuple):
    """One line of an `expected` file: a fact, its arguments and where it stands."""

    root: Path
    line: int
    fact: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        """Name the test case."""
        return f"{self.root.name}:{self.line}:{self.fact}"


def all_roots() -> list[Path]:
    """List the roots."""
    return sorted(path for path in ROOTS.iterdir() if (path / "proc").is_dir())


def expectations(*facts: str) -> list[Expectation]:
    """List the expectations of some kinds over all roots."""
    found: list[Expectation] = []
    for root in all_roots():
        expected = root / "expected"
        if not expected.exists():
            continue
        for number, text in enumerate(expected.read_text().splitlines(), 1):
            words = text.partition("#")[0].split()
            if words and words[0] in facts:
                found.append(Expectation(root, number, words[0], tuple(words[1:])))
    return found


def sample_of(root: Path) -> Sample:
    """Read a root as the daemon does."""
    sampler = Sampler(str(root), copied_kernel(str(root)), live=False)
    try:
        return sampler.sample()
    finally:
        sampler.close()


def assessment_of(root: Path, *specs: DemandSpec) -> Assessment:
    """Assess a root."""
    return assess(sample_of(root), specs)


def system_of(root: Path) -> System:
    """Give a root's zones and what rules over them."""
    return assessment_of(root).system
