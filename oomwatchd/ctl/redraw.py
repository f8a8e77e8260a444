"""Redrawing a terminal in place, and leaving it as it was.

The screen is the normal one, and outside of a write nothing is ever set that would have to be
taken back: each frame is one write, hides the cursor first and shows it last, and leaves it on
the line below. So whatever ends the program, the terminal is fit for use.
"""

# The bare module: `signal` draws in enum, which a client waits for.
from _signal import SIG_DFL, SIGHUP, SIGTERM, signal  # type: ignore[import-not-found] # without a stub

from oomwatchd import fault
from oomwatchd.ctl import terminal
from oomwatchd.ctl.reading import parse_object
from oomwatchd.ctl.screen import Screen
from oomwatchd.ctl.stream import Stream
from oomwatchd.system.stdio import write_output

_WAIT_SECONDS = 2.0
_CLEAR = "\x1b[H\x1b[2J"
_HOME, _END_OF_LINE, _END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_HIDE, _SHOW, _PLAIN = "\x1b[?25l", "\x1b[?25h", "\x1b[0m"
_SIGNALLED = 128


class _EndedError(Exception):
    """A signal asks the program to end."""


def redraw(stream: Stream) -> int:
    """Draw what the stream tells, until something ends it; returns the exit code."""
    screen = Screen(blocks=terminal.has_blocks(), colours=terminal.has_colours())
    start = _CLEAR
    try:
        _heed_signals(_end)
        while True:
            for line in stream.lines(_WAIT_SECONDS):
                screen.take(parse_object(line))
            columns, lines = terminal.size()
            silent = stream.silent_seconds()
            frame = screen.frame(columns, lines, silent if silent >= _WAIT_SECONDS else None)
            write_output(start + framed(frame))
            start = ""
    except KeyboardInterrupt:
        return fault.OK
    except _EndedError as ended:
        return _SIGNALLED + int(str(ended))
    finally:
        # In the middle of a frame, it may be; what was typed stands where the cursor is.
        write_output(f"{_PLAIN}{_SHOW}\r{_END_OF_LINE}")


def framed(lines: list[str]) -> str:
    """Write lines over what is on the screen; the cursor ends on the line below them."""
    body = "".join(f"{line}{_END_OF_LINE}\n" for line in lines)
    return f"{_HIDE}{_HOME}{body}{_END_OF_SCREEN}{_SHOW}"


def _end(number: int, _frame: object) -> None:
    # A terminal that is stopped takes no last words: the next signal ends us there.
    _heed_signals(SIG_DFL)
    raise _EndedError(number)


def _heed_signals(handler: object) -> None:
    """Have the signals that end a program handled so."""
    for number in (SIGTERM, SIGHUP):
        signal(number, handler)
