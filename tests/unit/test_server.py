"""The status socket, over real sockets, with the time given by the test."""

import json
import math
import os
import resource
import select
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from oomwatchd.config import parse
from oomwatchd.errors import ConfigError, Exit
from oomwatchd.policy import STUCK_SECONDS
from oomwatchd.status import server as serving
from oomwatchd.status.listener import listen
from oomwatchd.status.protocol import MAX_REQUEST_BYTES, Request, RequestError, encode
from oomwatchd.status.server import (
    IDLE_SECONDS,
    LATE_SECONDS,
    MAX_CLIENTS,
    MAX_WATCHING,
    Reply,
    Server,
    Then,
)

LARGE = encode({"large": "x" * 3_000_000})


FIRST = encode({"status": {}})


def answer(request: Request, client: int) -> Reply:
    """Answer as the daemon does; `doctor` has a large reply, `compact` one that comes later."""
    if request.method == "doctor":
        return Reply(LARGE)
    if request.method == "watch":
        return Reply(FIRST, Then.WATCH)
    if request.method == "compact":
        return Reply(b"", Then.LATER)
    if request.method == "reload":
        return Reply(encode({"client": client}))
    return Reply(encode({"severity": "ok"}))


class Bench:
    """A server with its epoll, and clients that are closed at the end."""

    def __init__(self, path: Path) -> None:
        """Serve at `path`, at the time 100."""
        self.path = path
        self.epoll = select.epoll()
        self.server = Server(listen(str(path), None), self.epoll)
        self.now = 100.0
        self.clients: list[socket.socket] = []

    def client(self, *, serve: bool = True) -> socket.socket:
        """Connect a client."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(str(self.path))
        self.clients.append(client)
        if serve:
            self.serve()
        return client

    def serve(self) -> int:
        """Handle all that is ready, until nothing is; returns the number of rounds."""
        for rounds in range(10000):
            ready = self.epoll.poll(0)
            if not ready:
                return rounds
            for descriptor, _ in ready:
                if self.server.handles(descriptor):
                    self.server.handle(descriptor, self.now, answer)
        pytest.fail("the server is never through")

    def pass_time(self, seconds: float) -> float:
        """Let time pass."""
        self.now += seconds
        return self.server.expire(self.now)

    def ask(self, request: bytes) -> dict[str, Any]:
        """Do one exchange from beginning to end."""
        client = self.client()
        client.sendall(request)
        self.serve()
        return reply_of(client)

    def watchers(self) -> int:
        """Tell whether somebody watches, as a number."""
        return int(self.server.is_watched)

    def close(self) -> None:
        """Close everything."""
        for client in self.clients:
            client.close()
        self.server.close()
        self.epoll.close()


def read_all(client: socket.socket) -> bytes:
    """Read until the server closes."""
    data = b""
    while part := client.recv(65536):
        data += part
    return data


def reply_of(client: socket.socket) -> dict[str, Any]:
    """Read the one line that answers, to its end."""
    data = read_all(client)
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    reply = json.loads(data)
    assert isinstance(reply, dict)
    return reply


def is_closed(client: socket.socket) -> bool:
    """Whether the server has closed the connection without a word."""
    client.setblocking(False)  # noqa: FBT003 - the standard library's signature
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Serve in a folder of the test's own."""
    made = Bench(tmp_path / "s.sock")
    yield made
    made.close()


# --- Requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        b"status\n",
        b"  status \r\n",
        b'{"method": "status"}\n',
        b"status\nand what else was sent\n",
    ],
)
def test_a_request_is_a_word_or_an_object(bench: Bench, request_: bytes) -> None:
    """One line of JSON answers it, then the connection closes."""
    assert bench.ask(request_) == {"severity": "ok"}


@pytest.mark.parametrize(
    "request_",
    [
        b"\n",
        b"nonsense\n",
        b"STATUS\n",
        b"{\n",
        b"{}\n",
        b'{"method": 1}\n',
        b'{"method": null}\n',
        b'{"method": ["status"]}\n',
        b'["status"]\n',
        b'{"method": "x"} {"method": "status"}\n',
        b"\xff\xfe\x00\n",
        b"\0\0\0\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b'{"a":' * 700 + b"\n",
        b'{"method": ' + b"9" * 4000 + b"}\n",
        b"status" * 100 + b"\n",
    ],
)
def test_what_is_no_request_is_told(bench: Bench, request_: bytes) -> None:
    """The answer is an error with code and message, in one line; the server goes on."""
    error = bench.ask(request_)["error"]
    assert set(error) == {"code", "message"}
    assert error["code"] == int(Exit.USAGE)
    assert error["message"]
    assert error["message"].isascii()
    assert error["message"].isprintable()
    assert bench.ask(b"status\n") == {"severity": "ok"}


def test_a_request_byte_by_byte(bench: Bench) -> None:
    """It is answered at its line break, not before."""
    client = bench.client()
    for byte in b"statu":
        client.sendall(bytes([byte]))
        bench.serve()
    assert not is_closed(client)
    client.settimeout(5)
    client.sendall(b"s")
    bench.serve()
    client.sendall(b"\n")
    bench.serve()
    assert reply_of(client) == {"severity": "ok"}


@pytest.mark.parametrize("request_", [b"status", b'{"method": "status"}'])
def test_a_request_ends_at_end_of_file_too(bench: Bench, request_: bytes) -> None:
    """Without a line break half a close ends it."""
    client = bench.client()
    client.sendall(request_)
    bench.serve()
    client.shutdown(socket.SHUT_WR)
    bench.serve()
    assert reply_of(client) == {"severity": "ok"}


def test_the_longest_request(bench: Bench) -> None:
    """4 KiB are taken, one byte more is an error."""
    padding = MAX_REQUEST_BYTES - len(b"status")
    assert bench.ask(b"status" + b" " * padding + b"\n") == {"severity": "ok"}
    client = bench.client()
    client.sendall(b"status" + b" " * (padding + 1) + b"\n")
    bench.serve()
    assert "error" in json.loads(client.recv(4096))


@pytest.mark.parametrize("size", [MAX_REQUEST_BYTES + 1, 50_000])
def test_a_request_without_an_end(bench: Bench, size: int) -> None:
    """Too much without a line break is refused; nothing beyond it is kept."""
    client = bench.client()
    client.sendall(b"x" * size)
    bench.serve()
    error = json.loads(client.recv(4096))["error"]
    assert error["code"] == int(Exit.USAGE)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        client.sendall(b"more")


# --- Clients that misbehave --------------------------------------------------------------------


def test_a_silent_client_is_closed_after_two_seconds(bench: Bench) -> None:
    """Not before; and the server says when the next one is due."""
    client = bench.client()
    assert bench.pass_time(1.0) == pytest.approx(100 + IDLE_SECONDS)
    assert bench.pass_time(0.99) is not None
    assert not is_closed(client)
    assert bench.pass_time(0.01) == math.inf
    assert is_closed(client)


def test_half_a_request_does_not_keep_the_connection(bench: Bench) -> None:
    """A client that stops in the middle is idle as well."""
    client = bench.client()
    client.sendall(b"stat")
    bench.serve()
    bench.pass_time(IDLE_SECONDS)
    assert is_closed(client)


def test_status_answers_among_many_silent_clients(bench: Bench) -> None:
    """At the cap the oldest silent one makes room."""
    silent = [bench.client() for _ in range(3 * MAX_CLIENTS)]
    assert bench.ask(b"status\n") == {"severity": "ok"}
    open_ones = [client for client in silent if not is_closed(client)]
    assert len(open_ones) <= MAX_CLIENTS
    assert open_ones == silent[-len(open_ones) :]


def test_silent_clients_make_room_before_those_that_speak(bench: Bench) -> None:
    """Who is in the middle of a request keeps the place, though older."""
    speaking = bench.client()
    speaking.sendall(b"sta")
    bench.serve()
    for _ in range(2 * MAX_CLIENTS):
        bench.client()
    speaking.sendall(b"tus\n")
    bench.serve()
    assert reply_of(speaking) == {"severity": "ok"}


def test_status_answers_when_all_clients_are_slow(bench: Bench) -> None:
    """Even if all of them have spoken, the oldest makes room."""
    for _ in range(2 * MAX_CLIENTS):
        bench.client().sendall(b"x")
        bench.serve()
    assert bench.ask(b"status\n") == {"severity": "ok"}


@pytest.mark.parametrize("request_", [b"status\n", b"doctor\n", b"x\n", b"stat", b""])
def test_a_client_that_vanishes(bench: Bench, request_: bytes) -> None:
    """Nothing is raised, nothing is left."""
    client = bench.client(serve=False)
    client.sendall(request_)
    client.close()
    bench.serve()
    assert bench.pass_time(IDLE_SECONDS) == math.inf
    assert bench.ask(b"status\n") == {"severity": "ok"}


def test_a_client_that_vanishes_during_the_reply(bench: Bench) -> None:
    """Half a reply was sent already: the connection ends, the server goes on."""
    client = bench.client()
    client.sendall(b"doctor\n")
    bench.serve()
    assert client.recv(1000)
    client.close()
    bench.serve()
    assert bench.pass_time(0) == math.inf


def test_a_slow_reader_gets_a_large_reply(bench: Bench) -> None:
    """Taken bit by bit over a minute, the reply is whole; nothing blocks meanwhile."""
    client = bench.client()
    client.sendall(b"doctor\n")
    bench.serve()
    data = b""
    while len(data) < len(LARGE):
        # Less than a socket's buffer at once; the kernel wakes the sender when most is gone.
        part = client.recv(200_000)
        assert part
        data += part
        bench.serve()
        bench.pass_time(0.5)
    assert data == LARGE
    assert client.recv(1) == b""


def test_a_reader_that_stops_is_closed(bench: Bench) -> None:
    """Two seconds after the last byte that it took."""
    client = bench.client()
    client.sendall(b"doctor\n")
    bench.serve()
    bench.pass_time(1.5)
    client.recv(1 << 20)
    bench.serve()
    assert bench.pass_time(1.5) is not None
    assert bench.pass_time(0.5) == math.inf
    assert len(read_all(client)) < len(LARGE)


def test_a_reader_that_stops_costs_nothing(bench: Bench) -> None:
    """While it takes nothing the server is not woken, though more was sent than asked for."""
    client = bench.client()
    client.sendall(b"doctor\n")
    bench.serve()
    client.sendall(b"more\n" * 10)
    assert bench.serve() == 0


def test_an_answer_that_is_refused(bench: Bench) -> None:
    """RequestError of the answer becomes the reply, with its own code."""

    def refuse(_request: Request, _client: int) -> Reply:
        raise RequestError(Exit.BUSY, "not now")

    client = bench.client()
    client.sendall(b"status\n")
    for descriptor, _ in bench.epoll.poll(0):
        bench.server.handle(descriptor, bench.now, refuse)
    assert reply_of(client) == {"error": {"code": 75, "message": "not now"}}


def test_foreign_descriptors_are_not_the_servers(bench: Bench) -> None:
    """An event for something else is passed by."""
    assert not bench.server.handles(0)
    bench.server.handle(0, bench.now, answer)


# --- The file ----------------------------------------------------------------------------------


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    """What a killed daemon left behind does not stand in the way."""
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    bench = Bench(path)
    assert bench.ask(b"status\n") == {"severity": "ok"}
    bench.close()


def test_a_socket_that_is_served_is_left_alone(bench: Bench) -> None:
    """Another daemon, on a copied tree and so without the lock, must not push it aside."""
    with pytest.raises(OSError, match="in use"):
        listen(str(bench.path), None)
    bench.serve()
    assert bench.ask(b"status\n") == {"severity": "ok"}


@pytest.mark.parametrize("kind", ["file", "folder", "fifo", "link", "broken link"])
def test_something_else_at_the_path_is_left_alone(tmp_path: Path, kind: str) -> None:
    """Only a socket is ever replaced; a link is not followed."""
    path, other = tmp_path / "s.sock", tmp_path / "other"
    other.write_text("precious")
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(other if kind == "link" else tmp_path / "nowhere")
    before = os.lstat(path)
    with pytest.raises(OSError, match="something else"):
        listen(str(path), None)
    assert os.lstat(path).st_ino == before.st_ino
    assert other.read_text() == "precious"


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_the_mode_is_0660(tmp_path: Path, umask: int) -> None:
    """Whatever the umask, which is put back."""
    before = os.umask(umask)
    try:
        bench = Bench(tmp_path / "s.sock")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.lstat(bench.path).st_mode) == 0o660
    assert stat.S_ISSOCK(os.lstat(bench.path).st_mode)
    bench.close()


def test_the_mode_is_0660_from_the_first_moment(tmp_path: Path) -> None:
    """Seen from another thread all the while, it is never anything else."""
    path = tmp_path / "s.sock"
    seen: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                seen.add(stat.S_IMODE(os.lstat(path).st_mode))
            except FileNotFoundError:
                pass  # not made yet

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(300):
            Bench(path).close()
    finally:
        done.set()
        watcher.join()
    assert seen <= {0o660}


def test_nobody_connects_before_the_group_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mode and group stand before the socket listens."""
    path = tmp_path / "s.sock"
    refused: list[bool] = []

    def chown(name: str, _uid: int, gid: int) -> None:
        assert (name, gid) == (str(path), 1234)
        assert stat.S_IMODE(os.lstat(path).st_mode) == 0o660
        with socket.socket(socket.AF_UNIX) as early, pytest.raises(ConnectionRefusedError):
            early.connect(name)
        refused.append(True)

    monkeypatch.setattr(os, "chown", chown)
    listen(str(path), 1234).close()
    assert refused == [True]


def test_a_group_that_may_not_be_set_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is the caller's, and no dead socket stays behind."""
    path = tmp_path / "s.sock"

    def chown(name: str, _uid: int, _gid: int) -> None:
        raise PermissionError(1, "Operation not permitted", name)

    monkeypatch.setattr(os, "chown", chown)
    with pytest.raises(PermissionError):
        listen(str(path), 1234)
    assert not os.path.lexists(path)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    """The error is the caller's."""
    with pytest.raises(FileNotFoundError):
        listen(str(tmp_path / "nowhere" / "s.sock"), None)


def test_the_socket_goes_with_the_server(tmp_path: Path) -> None:
    """Closing takes the file away and ends every connection; a file gone before is no error."""
    bench = Bench(tmp_path / "s.sock")
    client = bench.client()
    bench.close()
    assert not bench.path.exists()
    assert client.fileno() == -1
    bench = Bench(tmp_path / "s.sock")
    bench.path.unlink()
    bench.close()


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Let nothing more be opened."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_without_descriptors_the_server_rests(bench: Bench) -> None:
    """Nobody can be let in or dropped: it waits a second at a time and does not spin."""
    client = bench.client(serve=False)
    client.sendall(b"status\n")
    with no_descriptors_left():
        assert bench.serve() == 1
        due = bench.pass_time(0)
        assert due == bench.now + 1
        assert bench.pass_time(0.9) == due
        assert bench.serve() == 0
        bench.pass_time(0.1)
        assert bench.serve() == 1
    assert bench.serve() == 0
    bench.pass_time(1)
    bench.serve()
    assert reply_of(client) == {"severity": "ok"}
    assert bench.pass_time(0) == math.inf


def test_without_descriptors_the_oldest_silent_client_makes_room(bench: Bench) -> None:
    """Whoever asks is answered, one silent client of many is closed, and none is spun on."""
    silent = [bench.client() for _ in range(MAX_CLIENTS - 1)]
    asking = bench.client(serve=False)
    asking.sendall(b"status\n")
    with no_descriptors_left():
        assert bench.serve() <= 3
        assert bench.serve() == 0
    assert reply_of(asking) == {"severity": "ok"}
    assert [is_closed(client) for client in silent] == [True] + [False] * (MAX_CLIENTS - 2)
    bench.pass_time(IDLE_SECONDS)
    assert all(is_closed(client) for client in silent)


def test_no_descriptor_is_lost(bench: Bench) -> None:
    """2,000 connections of every kind leave as many open descriptors as before."""

    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for number in range(2000):
        client = bench.client()
        client.sendall((b"status\n", b"nonsense\n", b"", b"x" * 5000, b"sta")[number % 5])
        bench.serve()
        if number % 3:
            client.recv(4096) if number % 5 in (0, 1, 3) else None
        client.close()
        bench.clients.clear()
        if number % 7 == 0:
            bench.pass_time(0.1)
    bench.serve()
    bench.pass_time(IDLE_SECONDS)
    assert count() == before


# --- Replies that come later, and those who watch ----------------------------------------------


def test_a_reply_that_comes_later(bench: Bench) -> None:
    """The connection waits for it, even half closed, longer than it may idle; others go on."""
    client = bench.client()
    client.sendall(b"compact\n")
    client.shutdown(socket.SHUT_WR)
    bench.serve()
    assert bench.pass_time(10 * IDLE_SECONDS) == 100 + LATE_SECONDS
    assert bench.serve() == 0, "half a close is no news"
    assert not is_closed(client)
    client.settimeout(5)
    assert bench.ask(b"status\n") == {"severity": "ok"}
    bench.server.reply(1, encode({"outcome": 1}), bench.now)
    assert reply_of(client) == {"outcome": 1}


def test_the_longest_remedy_is_waited_for() -> None:
    """It ends at last before it counts as stuck; how long it may settle is configured."""
    assert parse([("x", b"[poll]\nsettle_seconds = 600\n")]).poll.settle_seconds == 600
    with pytest.raises(ConfigError):
        parse([("x", b"[poll]\nsettle_seconds = 601\n")])
    assert LATE_SECONDS > STUCK_SECONDS + 600


def test_a_reply_that_never_comes(bench: Bench) -> None:
    """The connection ends some time."""
    client = bench.client()
    client.sendall(b"compact\n")
    bench.serve()
    assert bench.pass_time(LATE_SECONDS) == math.inf
    assert is_closed(client)
    bench.server.reply(1, encode({"outcome": 1}), bench.now)


def test_a_late_reply_is_for_the_one_who_asked(bench: Bench) -> None:
    """Numbers are not used again when the first has left; a large reply is taken bit by bit."""
    first = bench.client()
    first.sendall(b"compact\n")
    bench.serve()
    first.close()
    bench.serve()
    assert bench.pass_time(0) == math.inf
    second = bench.client()
    second.sendall(b"compact\n")
    bench.serve()
    bench.server.reply(1, encode({"outcome": 1}), bench.now)
    assert not is_closed(second)
    second.settimeout(5)
    bench.server.reply(2, LARGE, bench.now)
    data = b""
    while len(data) < len(LARGE):
        data += second.recv(200_000)
        bench.serve()
    assert data == LARGE


def test_who_watches_is_told_until_he_leaves(bench: Bench) -> None:
    """Every line, in order, for as long as it takes; half a close is not leaving."""
    client = bench.client()
    client.sendall(b"watch\n")
    client.shutdown(socket.SHUT_WR)
    bench.serve()
    assert bench.watchers() == 1
    expected = FIRST
    for number in range(100):
        line = encode({"line": number})
        bench.server.tell(line, bench.now)
        bench.serve()
        assert bench.pass_time(100.0) == math.inf
        expected += line
    data = b""
    while len(data) < len(expected):
        data += client.recv(65536)
    assert data == expected
    client.close()
    bench.serve()
    assert bench.watchers() == 0
    bench.server.tell(FIRST, bench.now)


def test_who_watches_and_does_not_read_is_left_behind(bench: Bench) -> None:
    """What he is owed is bounded; another one gets everything."""
    lazy, eager = bench.client(), bench.client()
    for client in (lazy, eager):
        client.sendall(b"watch\n")
    bench.serve()
    line = encode({"x": "y" * 4000})
    taken = 0
    for _ in range(500):
        bench.server.tell(line, bench.now)
        bench.serve()
        taken += len(eager.recv(1 << 20))
    assert taken == len(FIRST) + 500 * len(line)
    assert len(read_all(lazy)) < 500 * len(line)
    assert bench.watchers() == 1


def test_some_may_watch_and_status_still_answers(bench: Bench) -> None:
    """One more than the cap is refused as busy, and the silent do not push the others out."""
    watching = [bench.client() for _ in range(MAX_WATCHING)]
    for client in watching:
        client.sendall(b"watch\n")
        bench.serve()
    assert bench.ask(b"watch\n")["error"]["code"] == int(Exit.BUSY)
    for _ in range(2 * MAX_CLIENTS):
        bench.client()
    assert bench.ask(b"status\n") == {"severity": "ok"}
    bench.server.tell(FIRST, bench.now)
    for client in watching:
        assert client.recv(65536) == 2 * FIRST


# --- Rights ------------------------------------------------------------------------------------

CHANGES = [b"compact\n", b"drop-caches\n", b"inhibit 5\n", b"reload\n", b"test-alert\n"]


class _Pretended(NamedTuple):
    """Who the kernel says it is."""

    user_id: int
    group_ids: frozenset[int]


def _pretend(monkeypatch: pytest.MonkeyPatch, user_id: int, *group_ids: int) -> None:
    peer = _Pretended(user_id, frozenset(group_ids))
    monkeypatch.setattr(serving, "peer_of", lambda _: peer)


@pytest.mark.parametrize("request_", CHANGES)
def test_others_than_root_change_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, request_: bytes
) -> None:
    """Not permitted, in whatever form it is asked; reading is for all."""
    _pretend(monkeypatch, 1000, 1000, 0)
    assert bench.ask(request_)["error"]["code"] == int(Exit.NOT_PERMITTED)
    word, *rest = request_.decode().split()
    asked = {"method": word} | ({"seconds": 5} if rest else {})
    assert bench.ask(encode(asked))["error"]["code"] == int(Exit.NOT_PERMITTED)
    assert bench.ask(b"status\n") == {"severity": "ok"}


def test_root_and_the_control_group_may(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root with any group; others with one of theirs, be it their first or a further one."""
    _pretend(monkeypatch, 0, 5)
    assert "client" in bench.ask(b"reload\n")
    _pretend(monkeypatch, 1000, 1000, 77)
    assert "error" in bench.ask(b"reload\n")
    bench.server._control_group_id = 77  # noqa: SLF001 - as it were configured
    assert "client" in bench.ask(b"reload\n")
    _pretend(monkeypatch, 1000, 1000)
    assert "error" in bench.ask(b"reload\n")


def test_who_cannot_be_told_may_not(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel does not say who it is."""

    def nobody(_: socket.socket) -> None:
        raise OSError(0, "not told")

    monkeypatch.setattr(serving, "peer_of", nobody)
    assert bench.ask(b"reload\n")["error"]["code"] == int(Exit.NOT_PERMITTED)


# --- A socket that was handed over -------------------------------------------------------------

_TAKE_OVER = """
import os, sys
from oomwatchd.status.listener import handed_over
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = os.environ.get("LISTEN_PID") or str(os.getpid())
try:
    listener = handed_over(dict(os.environ))
except OSError as error:
    print("refused:", error.strerror)
else:
    print("none" if listener is None else f"{listener.fileno()} {os.get_inheritable(3)}")
    if listener is not None:
        listener.close()
"""


def _take_over(descriptor: int, **environment: str) -> str:
    """Hand a descriptor over as number 3, and say what becomes of it."""
    done = subprocess.run(
        [sys.executable, "-c", _TAKE_OVER, str(descriptor)],
        env={**os.environ, "LISTEN_FDS": "1", **environment},
        pass_fds=(descriptor,),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


def test_a_socket_of_the_service_manager_is_taken(tmp_path: Path) -> None:
    """It is used as it is, not handed on, and its file stays when we leave."""
    path = tmp_path / "handed.sock"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        made.listen()
        assert _take_over(made.fileno()) == "3 False"
    assert path.exists()


@pytest.mark.parametrize("kind", ["does not listen", "datagrams", "two", "a pipe", "internet"])
def test_what_is_no_listening_socket_is_refused(tmp_path: Path, kind: str) -> None:
    """With a word on why."""
    family = socket.AF_INET if kind == "internet" else socket.AF_UNIX
    type_ = socket.SOCK_DGRAM if kind == "datagrams" else socket.SOCK_STREAM
    read, write = os.pipe()
    with socket.socket(family, type_) as made:
        made.bind(("127.0.0.1", 0) if family is socket.AF_INET else str(tmp_path / "x.sock"))
        if kind in ("two", "internet"):
            made.listen()
        count = "2" if kind == "two" else "1"
        descriptor = read if kind == "a pipe" else made.fileno()
        assert _take_over(descriptor, LISTEN_FDS=count).startswith("refused: ")
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    "environment", [{"LISTEN_PID": "1"}, {"LISTEN_FDS": "0"}, {"LISTEN_FDS": ""}]
)
def test_what_is_for_another_process_is_left(tmp_path: Path, environment: dict[str, str]) -> None:
    """The variables are inherited by children they are not meant for."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "x.sock"))
        made.listen()
        assert _take_over(made.fileno(), **environment) == "none"
