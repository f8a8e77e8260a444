"""The daemon's place: a folder that nobody else can put files into, a lock, room for the ledger."""

import errno
import os
import select
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import make_reading

from oomwatchd import policy
from oomwatchd.alerts.log import Log
from oomwatchd.daemon.outlook import Outlook
from oomwatchd.daemon.place import Place, settle
from oomwatchd.daemon.reporter import Reporter, described
from oomwatchd.model import Cause, Problem, Remedy
from oomwatchd.policy.state import Backoff, Start
from oomwatchd.settings import Alerts, Remedies, SocketSettings
from oomwatchd.system.ledger import Ledger
from oomwatchd.system.lock import release_lock


@pytest.fixture
def epoll() -> Iterator[select.epoll]:
    """Give an epoll for the server."""
    with select.epoll() as made:
        yield made


def settled(path: Path, epoll: select.epoll) -> Place:
    """Settle at a socket's path, and leave again."""
    place = settle(SocketSettings(str(path)), copied=False, epoll=epoll)
    if place.server is not None:
        place.server.close()
    if place.lock is not None:
        release_lock(place.lock)
    return place


def test_a_folder_that_others_may_write_to_is_no_place(tmp_path: Path, epoll: select.epoll) -> None:
    """What lies there could be anybody's: no lock, and so no remedy; the reason is told."""
    tmp_path.chmod(0o1777)
    place = settled(tmp_path / "x.sock", epoll)
    assert (place.lock, place.server) == (None, None)
    assert "others may write there" in place.problems[0].why
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away")
def test_a_folder_of_somebody_else_is_no_place(tmp_path: Path, epoll: select.epoll) -> None:
    """Its owner may do with it what he likes."""
    os.chown(tmp_path, 65534, 65534)
    assert settled(tmp_path / "x.sock", epoll).lock is None


def test_folders_are_made_for_us_alone_to_write(tmp_path: Path, epoll: select.epoll) -> None:
    """Whatever umask we were started with."""
    before = os.umask(0)
    try:
        place = settled(tmp_path / "a" / "b" / "x.sock", epoll)
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert place.problems == ()
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_a_folder_named_lock_is_in_nobodys_way(tmp_path: Path, epoll: select.epoll) -> None:
    """As /run has one."""
    (tmp_path / "lock").mkdir()
    place = settled(tmp_path / "x.sock", epoll)
    assert place.problems == ()
    assert (tmp_path / "x.sock.lock").read_text() == f"{os.getpid()}\n"


def test_the_ledger_has_its_room_from_the_start(tmp_path: Path) -> None:
    """A file system that is full later has no say; an older, longer text leaves no trace."""
    ledger = Ledger(str(tmp_path / "ledger"))
    ledger.write(b"one long line\n")
    ledger.write(b"two\n")
    assert ledger.read().partition(b"\n")[0] == b"two"
    ledger.close()
    status = (tmp_path / "ledger").stat()
    assert status.st_blocks * 512 >= status.st_size
    assert Ledger(str(tmp_path / "ledger")).read().startswith(b"two\n")


def test_the_ledgers_room_is_enough_for_the_default_budgets(tmp_path: Path) -> None:
    """All of them used up, by what has the longest names, after ten years."""
    Ledger(str(tmp_path / "ledger")).close()
    bounds, now = Remedies(), 315_360_000.125
    counts = {
        Remedy.COMPACT_ASYNC: bounds.compact_per_day,
        Remedy.RECLAIM: bounds.reclaim_per_day,
        Remedy.DROP_PAGECACHE: bounds.drop_per_day,
    }
    starts = [Start(remedy, now) for remedy, count in counts.items() for _ in range(count)]
    backoffs = {f"{number:032}": Backoff(16, now) for number in range(16)}
    state = policy.initial()._replace(starts=tuple(starts), backoffs=backoffs, inhibited_until=now)
    memo = policy.memo_of(state, "01234567-89ab-cdef-0123-456789abcdef")
    assert len(memo) <= (tmp_path / "ledger").stat().st_size


def test_a_ledger_that_does_not_fit_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a new one would be none; what fits into its room is written all the same."""
    ledger = Ledger(str(tmp_path / "ledger"))
    ledger.write(b"old\n")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("oomwatchd.system.ledger.os.posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        ledger.write(b"x" * 100_000 + b"\n")
    assert ledger.read().startswith(b"old\n")
    ledger.write(b"new\n")
    assert ledger.read().startswith(b"new\n")


def test_a_new_ledger_tells_nothing(tmp_path: Path) -> None:
    """It is all zeros."""
    assert Ledger(str(tmp_path / "ledger")).read().strip(b"\0") == b""


@pytest.mark.parametrize(
    ("headroom", "text"),
    [
        (
            2,
            "demand process critical: headroom 2 blocks of order 2 (warning 16, critical 4), short",
        ),
        (None, "demand process unknown: headroom unknown blocks of order 2"),
    ],
)
def test_last_words_have_figures_and_units(headroom: int | None, text: str) -> None:
    """Whoever finds them in the pstore has nothing else, and 200 bytes hold them."""
    said = described(make_reading(headroom, cause=Cause.SHORTAGE))
    assert said.startswith(text)
    assert len(said) < 150


def test_trouble_in_other_words_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    """Once when it comes, once when it ends, whatever figures it is told with meanwhile."""
    reporter = Reporter(Log("stderr", Alerts(), None), Outlook())
    for count in range(5):
        reporter.problems((Problem("log", f"{count} lost"), Problem("socket", "no place")))
    reporter.problems((Problem("socket", "no place"),))
    events = [line.split()[:2] for line in capfd.readouterr().err.splitlines()]
    assert events == [
        ["degraded", "what=log"],
        ["degraded", "what=socket"],
        ["restored", "what=log"],
    ]
