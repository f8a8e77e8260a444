"""/proc/sys/vm/compaction_proactiveness: raised for a few seconds, and put back.

Source: mm/compaction.c. Since 5.15 writing a value above 0 wakes kcompactd at once, which then
compacts in the background, at half the latency for others. The old value is put back

- after ASYNC_SECONDS by the worker;
- at once by `put_back`, from the thread that stops the daemon, whether or not the worker
  comes back;
- by the next daemon, from the note, if this one was killed meanwhile;

each time only if the present value is still the raised one: else somebody else has set it, and
it is theirs. Putting back twice does no harm, so that it needs no lock.
"""

import os
import threading

from oomwatchd.system.remedies.control import Control
from oomwatchd.system.remedies.note import Note, Raised, parse_value

ASYNC_SECONDS = 3.0
_RAISED = 100
_VALUE_BYTES = 16
_PATIENCE_SECONDS = 0.1
"""How long stopping waits for a worker that is just raising the value; that takes no time."""


class Proactive:
    """The setting and the note of its old value, both open from the start."""

    def __init__(self, path: str, restore_path: str, boot_id_path: str) -> None:
        """Open both, and put back what a daemon that was killed has left.

        Raises:
            OSError: one cannot be had, or the setting is not a number from 0 to 100.
            ValueError: there is a null byte in a path.
        """
        self._old: int | None = None
        self._raising = threading.Lock()
        self._setting = Control(path, os.O_RDWR)
        try:
            self._note = Note(restore_path, boot_id_path)
        except BaseException:
            self._setting.close()
            raise
        try:
            self._put_back_left()
        except BaseException:
            self.close()
            raise

    def run(self, stopping: threading.Event) -> None:
        """Raise the setting, wait for ASYNC_SECONDS or until stopping, and put it back.

        Raises:
            OSError: the setting or the note cannot be read or written.
        """
        try:
            # The lock is for stopping: nothing is raised once it has looked.
            with self._raising:
                if stopping.is_set():
                    return
                self._raise()
            stopping.wait(ASYNC_SECONDS)
        finally:
            self._restore()

    def put_back(self) -> None:
        """Put the old value back at once; nothing may be raised any more when this is called.

        Raises:
            OSError: the setting or the note cannot be read or written; the note stays.
        """
        idle = self._raising.acquire(timeout=_PATIENCE_SECONDS)
        try:
            # A worker stuck in raising it may still do so: then the note must stay.
            self._restore(keep=not idle)
        finally:
            if idle:
                self._raising.release()

    def close(self) -> None:
        """Close both files."""
        self._setting.close()
        self._note.close()

    def _raise(self) -> None:
        """Raise the setting; the note comes first, for whoever has to put it back."""
        present = self._read()
        if present != _RAISED:
            self._note.write(Raised(present, _RAISED))
            self._old = present
        # Where it was as high already, the write itself wakes kcompactd; and what could not
        # be put back the last time is still ours to put back.
        self._setting.write(b"%d" % _RAISED)

    def _restore(self, *, keep: bool = False) -> None:
        """Put the old value back if there is one; with `keep` as if it had not been."""
        old = self._old
        if old is None:
            return
        if self._read() == _RAISED:
            self._setting.write(b"%d" % old)
        if not keep:
            self._old = None
            self._note.clear()

    def _put_back_left(self) -> None:
        """Put back what was left, if it is still the present value."""
        present = self._read()
        left = self._note.read()
        if left is not None and left.raised == present:
            self._setting.write(b"%d" % left.old)
        self._note.clear()

    def _read(self) -> int:
        """Read the setting."""
        value = parse_value(self._setting.read(_VALUE_BYTES))
        if value is None:
            raise OSError(0, "not a number from 0 to 100", self._setting.path)
        return value
