"""The largest processes: which are named, and in what order."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from oomwatchd.system import processes
from oomwatchd.system.processes import Processes


class NoSuchProcessError(Exception):
    """Stands for psutil's own."""


def process(pid: int, rss: int | None) -> SimpleNamespace:
    """Make one of that size in KiB; None for one that has ended meanwhile."""

    def memory_info() -> SimpleNamespace:
        if rss is None:
            raise NoSuchProcessError
        return SimpleNamespace(rss=rss << 10, shared=0)

    return SimpleNamespace(pid=pid, memory_info=memory_info)


@pytest.fixture
def largest(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the sizes in KiB of those that are named, of some that run."""

    def process_iter() -> Iterator[SimpleNamespace]:
        # Beyond any real one, which would have a name.
        sizes = [0, 5, None, 0, *range(100, 114), 7]
        return (process(1 << 30 | number, size) for number, size in enumerate(sizes))

    psutil = SimpleNamespace(process_iter=process_iter, Error=NoSuchProcessError)
    monkeypatch.setattr(processes, "_import_psutil", lambda: psutil)
    return [found.rss_kib for found in Processes().largest()]


def test_the_ten_largest_are_named_largest_first(largest: list[int]) -> None:
    """Whatever ends meanwhile."""
    assert largest == list(range(113, 103, -1))


def test_what_has_no_memory_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel's threads, which a small device has more of than processes."""
    psutil = SimpleNamespace(
        process_iter=lambda: [process(1 << 30, 0), process(1 << 30 | 1, 4)],
        Error=NoSuchProcessError,
    )
    monkeypatch.setattr(processes, "_import_psutil", lambda: psutil)
    assert [found.rss_kib for found in Processes().largest()] == [4]
