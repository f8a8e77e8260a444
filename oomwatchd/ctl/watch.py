"""`oomwatchctl watch`: what happens, while it happens, until Ctrl-C."""

from oomwatchd import fault
from oomwatchd.ctl import terminal
from oomwatchd.ctl.reading import parse_object, passed_on
from oomwatchd.ctl.stream import Stream
from oomwatchd.system.stdio import write_output

_WAIT_SECONDS = 2.0


def watch(path: str | None, *, as_json: bool) -> int:
    """Show a stream of events and short statuses; returns the exit code.

    Raises:
        UnreachableError: no daemon answers, or it goes away.
        ReplyError: it refuses, or does not speak as one.
    """
    stream = Stream(path, b"watch\n")
    try:
        if as_json:
            _pass_on(stream)
        elif terminal.can_redraw():
            from oomwatchd.ctl.redraw import redraw  # noqa: PLC0415 - only on such a terminal

            return redraw(stream)
        else:
            _print(stream)
    except KeyboardInterrupt:
        pass  # as people end it
    finally:
        stream.close()
    return fault.OK


def _pass_on(stream: Stream) -> None:
    """Print what comes as it comes."""
    while True:
        for line in stream.lines(_WAIT_SECONDS):
            write_output(passed_on(line))


def _print(stream: Stream) -> None:
    """Print a line for each event, each look and each change of a severity."""
    from oomwatchd.ctl.ticker import Ticker  # noqa: PLC0415 - not for JSON, nor for redrawing

    ticker = Ticker()
    while True:
        for line in stream.lines(_WAIT_SECONDS):
            write_output("".join(f"{it}\n" for it in ticker.lines_for(parse_object(line))))
