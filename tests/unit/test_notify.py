"""The service manager is told, over real datagram sockets, and nothing that it does stops us."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomwatchd.system.notify import Notifier

WATCHDOG = {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}


class Manager:
    """A socket that listens, and a notifier that was told of it."""

    def __init__(self, address: str) -> None:
        """Listen at a path or an abstract name."""
        self.address = address
        self.socket = self.listen()
        self.notifier = Notifier({"NOTIFY_SOCKET": address, **WATCHDOG})

    def listen(self) -> socket.socket:
        """Make the socket."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        made.bind(self.address.replace("@", "\0", 1))
        return made

    def heard(self) -> list[bytes]:
        """Take what has come."""
        messages = []
        try:
            while True:
                messages.append(self.socket.recv(8192))
        except BlockingIOError:
            return messages

    def leave(self) -> None:
        """Vanish."""
        self.socket.close()
        if self.address.startswith("/"):
            os.unlink(self.address)

    def come_back(self) -> None:
        """Listen again, with a new socket."""
        self.socket = self.listen()

    def fill(self) -> int:
        """Tell new things until no more is taken; returns how many were."""
        for count in range(100_000):
            self.notifier.status(f"number {count}")
            if self.notifier.problem:
                return count
        pytest.fail("the socket is never full")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """Listen in either way."""
    path = str(tmp_path / "notify")
    made = Manager(path if request.param == "path" else f"@oomwatchd-test-{os.getpid()}")
    yield made
    made.notifier.close()
    made.socket.close()


def say_everything(notifier: Notifier) -> None:
    """Call each method."""
    notifier.ready("up")
    notifier.status("well")
    notifier.reloading(1)
    notifier.watchdog()
    notifier.stopping()


# --- Nobody listens ----------------------------------------------------------------------------


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, WATCHDOG])
def test_without_a_socket_nothing_is_done(environment: dict[str, str]) -> None:
    """Started by hand or by an init script: no problem, and no watchdog."""
    before = len(os.listdir("/proc/self/fd"))
    notifier = Notifier(environment)
    say_everything(notifier)
    assert notifier.problem is None
    assert notifier.watchdog_seconds is None
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_socket_does_not_block_and_loses_no_change_of_state(manager: Manager) -> None:
    """A manager that does not read: it learns that we are ready when it does."""
    count = manager.fill()
    manager.notifier.ready("up")
    assert manager.notifier.problem == "not told: resource temporarily unavailable"
    assert len(manager.heard()) == count
    manager.notifier.watchdog()
    assert manager.heard() == [b"READY=1\nSTATUS=up", b"WATCHDOG=1"]
    assert manager.notifier.problem is None


def test_a_status_that_was_not_heard_is_told_again(manager: Manager) -> None:
    """It is new until it was taken."""
    count = manager.fill()
    manager.heard()
    manager.notifier.status(f"number {count}")
    assert manager.heard() == [f"STATUS=number {count}".encode()]


def test_a_receiver_that_vanished_and_comes_back_is_reached_again(manager: Manager) -> None:
    """What is owed comes first, in order; years without anybody do not pile up."""
    manager.leave()
    for moment in range(1000):
        manager.notifier.reloading(moment)
        manager.notifier.ready("up")
        manager.notifier.watchdog()
    assert manager.notifier.problem in (
        "not told: no such file or directory",
        "not told: connection refused",
    )
    manager.come_back()
    manager.notifier.watchdog()
    assert manager.heard() == [
        b"RELOADING=1\nMONOTONIC_USEC=998",
        b"READY=1\nSTATUS=up",
        b"RELOADING=1\nMONOTONIC_USEC=999",
        b"READY=1\nSTATUS=up",
        b"WATCHDOG=1",
    ]


def test_what_fails_never_raises(tmp_path: Path) -> None:
    """A path where something else lies, or that was closed."""
    (tmp_path / "file").write_bytes(b"")
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "file"), **WATCHDOG})
    say_everything(notifier)
    assert notifier.problem == "not told: connection refused"
    notifier.close()
    say_everything(notifier)
    notifier.close()


# --- The environment ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["relative", "vsock:2:1234", "/" + "x" * 107, "@" + "x" * 107, "-1", " /run/x"]
)
def test_a_socket_that_is_none_is_told_and_ignored(name: str) -> None:
    """One line that shows it; nothing is sent anywhere, and the watchdog cannot be fed."""
    notifier = Notifier({"NOTIFY_SOCKET": name, **WATCHDOG})
    assert notifier.problem is not None
    assert notifier.problem.startswith("NOTIFY_SOCKET is neither a path nor an abstract name: ")
    assert len(notifier.problem) < 140
    assert notifier.watchdog_seconds is None
    say_everything(notifier)


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "1.5", "60s", " 60", "6_0", "\u0661", "18446744073709551615", "9" * 5000],
)
def test_a_watchdog_time_that_is_none_is_told_and_ignored(manager: Manager, text: str) -> None:
    """There is no watchdog then; the rest is told as ever."""
    notifier = Notifier({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": text})
    assert notifier.watchdog_seconds is None
    assert notifier.problem is not None
    assert notifier.problem.startswith("WATCHDOG_USEC is not a time: ")
    notifier.watchdog()
    notifier.stopping()
    assert manager.heard() == [b"STOPPING=1"]
    assert notifier.problem.startswith("WATCHDOG_USEC"), "it stays wrong whatever can be sent"
    notifier.close()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        (WATCHDOG, 30.0),
        ({"WATCHDOG_USEC": "1"}, 0.1),
        ({"WATCHDOG_USEC": "3000000"}, 1.5),
        ({**WATCHDOG, "WATCHDOG_PID": "1"}, None),
        ({**WATCHDOG, "WATCHDOG_PID": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_demanded_if_it_is_ours(
    manager: Manager, environment: dict[str, str], seconds: float | None
) -> None:
    """What is meant for the process that started us is no concern of ours."""
    notifier = Notifier({"NOTIFY_SOCKET": manager.address, **environment})
    assert notifier.watchdog_seconds == seconds
    assert notifier.problem is None
    notifier.watchdog()
    assert manager.heard() == ([] if seconds is None else [b"WATCHDOG=1"])
    notifier.close()


@given(st.dictionaries(st.sampled_from(["NOTIFY_SOCKET", *WATCHDOG]), st.text(max_size=200)))
def test_no_environment_raises(environment: dict[str, str]) -> None:
    """Whatever stands in it; a problem is one printable line."""
    environment.pop("NOTIFY_SOCKET", None)
    notifier = Notifier({**environment, "NOTIFY_SOCKET": "@oomwatchd-nobody"})
    say_everything(notifier)
    notifier.close()
    assert notifier.problem is None or notifier.problem.isprintable()


@given(st.text())
def test_no_socket_name_raises(name: str) -> None:
    """Names that cannot even be sent to: surrogates, NUL, any length."""
    notifier = Notifier({"NOTIFY_SOCKET": f"@oomwatchd-nobody{name}"})
    say_everything(notifier)
    notifier.close()
    assert notifier.problem is not None
    assert notifier.problem.isprintable()


# --- What is said ------------------------------------------------------------------------------


def test_a_life_is_told(manager: Manager) -> None:
    """Each message in sd_notify's words; a status only when it is new."""
    notifier = manager.notifier
    notifier.ready("watching 2 demands")
    notifier.status("watching 2 demands")
    notifier.status("process: critical")
    notifier.status("process: critical")
    notifier.watchdog()
    notifier.reloading(123456789)
    notifier.ready("watching 3 demands")
    notifier.stopping()
    assert manager.heard() == [
        b"READY=1\nSTATUS=watching 2 demands",
        b"STATUS=process: critical",
        b"WATCHDOG=1",
        b"RELOADING=1\nMONOTONIC_USEC=123456789",
        b"READY=1\nSTATUS=watching 3 demands",
        b"STOPPING=1",
    ]


def test_a_status_cannot_say_anything_else(manager: Manager) -> None:
    """A line break in it would begin another field; and it has an end."""
    manager.notifier.status("x\nSTOPPING=1\0\xe9\udcff" + "y" * 10000)
    (message,) = manager.heard()
    assert message.startswith(rb"STATUS=x\nSTOPPING=1\x00\xe9\udcff" + b"yyy")
    assert len(message) == len("STATUS=") + 200
