"""Boots a guest once, keeps it as it stands, and plays many runs from there.

Theory of operation. A boot takes as long as a whole run, and several runs from the same moment
can be compared to the instruction. So the job in the guest prepares everything, reports the event
`ready`, and waits until its first disk, a page of zeros, holds an order: a line of text. The
host stops the guest when it sees the event, and has QEMU write its state to a file (a migration to
nowhere). Each run is another QEMU that begins with that state, and with the run's order on that
disk. In the guest `Orders` of inside/orders.py waits for it.
"""

import json
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from target.guest import (
    Guests,
    Options,
    Result,
    carried_out,
    ended,
    events_in,
    hardware,
    started,
)
from target.machines import Machine

ORDER_BYTES = 4096
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0
_UNLIMITED = 1 << 40


class Staged:
    """A guest that stands ready; runs of it may be played at the same time by several threads."""

    def __init__(
        self,
        guests: Guests,
        machine: Machine,
        script: str,
        options: Options,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        """Describe the guest; it is booted when the stage is entered."""
        self._guests, self._machine, self._script, self._files = guests, machine, script, files
        self._folder = tempfile.TemporaryDirectory(prefix="oomwatchd-staged")
        self._place = Path(self._folder.name)
        self._state = self._place / "state"
        self._blank = self._place / "orders"
        self._blank.write_bytes(bytes(ORDER_BYTES))
        self._options = options._replace(
            disks=(self._blank, *options.disks), modules=("virtio_blk", *options.modules)
        )

    def __enter__(self) -> Self:
        """Boot until the job is ready, and keep the state."""
        try:
            self._boot()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def _boot(self) -> None:
        options = self._options
        words = self._guests.command(
            self._machine, self._script, options, self._place, files=self._files
        )
        process = started([*words, *_monitor(self._place)], self._place)
        try:
            end = time.monotonic() + options.timeout_seconds
            while not any("ready" in event for event in events_in(self._place)):
                if process.poll() is not None or time.monotonic() >= end:
                    console = (self._place / "console").read_text(errors="replace")
                    raise AssertionError(f"the guest did not get ready\n{console}")
                time.sleep(_LOOK_SECONDS)
            with Monitor(self._place / "monitor") as monitor:
                monitor("stop")
                monitor("migrate-set-parameters", **{"max-bandwidth": _UNLIMITED})
                monitor("migrate", uri=f"exec:cat >{self._state}")
                monitor.wait("query-migrate", "completed")
        finally:
            ended(process)

    def __exit__(self, *_: object) -> None:
        """Remove what was kept."""
        self._folder.cleanup()

    def play(self, order: str, timeout_seconds: float = 120.0) -> Result:
        """Go on from the stage with an order, until the guest has ended."""
        with tempfile.TemporaryDirectory(prefix="oomwatchd-run") as folder:
            place = Path(folder)
            disk = place / "order"
            disk.write_bytes(order.encode().ljust(ORDER_BYTES, b"\0"))
            options = self._options._replace(disks=(disk, *self._options.disks[1:]))
            words = hardware(self._machine, options, place)
            words += [*_monitor(place), "-incoming", f"exec:cat {self._state}"]

            def go_on() -> None:
                with Monitor(place / "monitor") as monitor:
                    monitor.wait("query-status", "paused")
                    monitor("cont")

            return carried_out(words, place, timeout_seconds, awake=go_on)


class Monitor:
    """QEMU's monitor (QMP): one command at a time."""

    def __init__(self, path: Path) -> None:
        """Connect, as soon as QEMU listens."""
        self._socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                self._socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() >= end:
                    raise
                time.sleep(_LOOK_SECONDS)
        self._lines = self._socket.makefile("rw")
        self._lines.readline()
        self("qmp_capabilities")

    def __enter__(self) -> Self:
        """Use it for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave QEMU to itself."""
        self._lines.close()
        self._socket.close()

    def __call__(self, command: str, **arguments: object) -> dict[str, Any]:
        """Carry out a command, and give what it returns."""
        self._lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._lines.flush()
        while line := self._lines.readline():
            answer: dict[str, Any] = json.loads(line)
            if "error" in answer:
                raise AssertionError(f"{command}: {answer['error']}")
            if "return" in answer:
                returned: dict[str, Any] = answer["return"]
                return returned
        raise AssertionError(f"{command}: QEMU has ended")

    def wait(self, query: str, status: str) -> None:
        """Wait until a query answers with a status."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while (answer := self(query)).get("status") != status:
            if answer.get("status") == "failed" or time.monotonic() >= end:
                raise AssertionError(f"{query}: {answer}")
            time.sleep(_LOOK_SECONDS)


def _monitor(place: Path) -> list[str]:
    return ["-qmp", f"unix:{place}/monitor,server=on,wait=off"]
