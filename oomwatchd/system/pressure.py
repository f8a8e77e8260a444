"""Being woken by memory pressure: a PSI trigger (Documentation/accounting/psi.rst, 5.2 on)."""

import os

TRIGGER = b"some 200000 2000000\0"
"""Some task stalled for 200 ms in any 2 s.

Whole multiples of 2 s are what others than root may ask for (6.4 on). The kernel overwrites the
last byte that is written: hence the NUL.
"""


class PressureTrigger:
    """Wakes whoever polls it, at most once in a window: in 2 s of pressure.

    It must be registered for EPOLLPRI and for nothing else: it is always readable, so that with
    EPOLLIN the loop would spin. EPOLLERR, which always comes along, means that its source is
    gone for good: unregister and close it, or it spins as well.
    """

    def __init__(self, path: str = "/proc/pressure/memory", trigger: bytes = TRIGGER) -> None:
        """Open the file and set the trigger.

        Raises:
            OSError: no pressure is measured here, or this process may not set a trigger.
        """
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(self._descriptor, trigger)
        except OSError as error:
            self.close()
            error.filename = path
            raise

    def fileno(self) -> int:
        """Give the descriptor, to be polled for EPOLLPRI."""
        return self._descriptor

    def close(self) -> None:
        """Remove the trigger."""
        os.close(self._descriptor)
