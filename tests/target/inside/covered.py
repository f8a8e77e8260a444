"""A file of /proc that says what we want it to: another file is mounted over it."""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self


class Covered:
    """The cover is a copy of the file, or empty; it is empty at first."""

    def __init__(self, name: str) -> None:
        """Take a copy of /proc/NAME."""
        self._file = Path("/proc") / name
        self._text = self._file.read_bytes()
        self._cover = Path("/run") / f"cover-{name}"

    def __enter__(self) -> Self:
        """Cover the file."""
        self._cover.write_bytes(b"")
        subprocess.run(["mount", "-o", "bind", self._cover, self._file], check=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Uncover it."""
        self.uncover()

    def show(self) -> None:
        """Let the cover say what the file said."""
        self._cover.write_bytes(self._text)

    def hide(self) -> None:
        """Empty the cover."""
        self._cover.write_bytes(b"")

    def uncover(self) -> None:
        """Take the cover off, even if somebody has it open; once is enough."""
        subprocess.run(["umount", "-l", self._file], check=False, stderr=subprocess.DEVNULL)
