"""Replies for people: what `status`, `events` and `processes` print."""

from oomwatchd.ctl import terminal
from oomwatchd.ctl.documents import listed, status_document
from oomwatchd.status.text import describe


def text_of(command: str, reply: bytes) -> str:
    """Write a reply as text, with its last line break.

    Raises:
        ReplyError: it is no answer to the command.
    """
    if command == "status":
        lines = [_status(reply)]
    elif command == "events":
        from oomwatchd.ctl.events import event_line  # noqa: PLC0415 - each has its own

        lines = [event_line(event) for event in listed(reply, "events")]
    else:
        from oomwatchd.ctl.processes import process_lines  # noqa: PLC0415 - see above

        lines = process_lines(reply, terminal.size()[0])
    return "".join(f"{line}\n" for line in lines)


def _status(reply: bytes) -> str:
    """Write the status document, in colours where the output can show them."""
    document = status_document(reply)
    width, _ = terminal.size()
    if terminal.has_colours():
        return describe(document, width, terminal.paint, watching=True)
    return describe(document, width, watching=True)
