"""What changes the system: `compact`, `drop-caches`, `inhibit`, `reload`, `test-alert`."""

import time

from oomwatchd import fault
from oomwatchd.ctl.call import Call, usage_error
from oomwatchd.ctl.client import ask
from oomwatchd.ctl.events import local_time
from oomwatchd.ctl.reading import ReplyError, parse_object, passed_on
from oomwatchd.fault import quote, shown
from oomwatchd.status.fields import flag, items, number, text
from oomwatchd.status.layout import span
from oomwatchd.status.remedies import outcome_text
from oomwatchd.system.stdio import write_output

REMEDY_SECONDS = 120.0 + 600.0 + 30.0
"""A remedy counts as stuck after the first; the second is the longest settling time that can be
configured; then the daemon has to come to it."""
_CACHES = ("all", "pagecache", "slab")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_MOST_SECONDS = 86400
_MOST_DIGITS = 9


def do(call: Call) -> int:
    """Have the daemon do something and say what came of it; returns the exit code."""
    if call.command == "inhibit":
        return _inhibit(call)
    if call.command == "reload":
        return _reload(call)
    if call.command == "test-alert":
        return _test_alert(call)
    return _run_remedy(call)


def _run_remedy(call: Call) -> int:
    """Run a remedy, wait until its effect is known, and print it."""
    reply = ask(call.path, _remedy_request(call), REMEDY_SECONDS)
    outcome = parse_object(reply).get("outcome")
    if not isinstance(outcome, dict):
        raise ReplyError("the answer has no outcome")
    if call.as_json:
        write_output(passed_on(reply))
    else:
        write_output(f"{outcome_text(outcome, [], 0, full=True)}\n")
    return fault.OK if flag(outcome, "effective") else fault.WARNING


def _remedy_request(call: Call) -> bytes:
    """Write the request for a remedy.

    Raises:
        UsageError: there is no such node or cache.
    """
    if call.command == "compact":
        if call.node is None:
            return b"compact\n"
        if not _is_number(call.node):
            raise usage_error(f"--node must be a whole number, not {quote(call.node)}")
        return f"compact {call.node}\n".encode()
    what = call.arguments[0] if call.arguments else "all"
    if what not in _CACHES:
        raise usage_error(f"drop-caches knows pagecache, slab and all, not {quote(what)}")
    return f"drop-caches {what}\n".encode()


def _inhibit(call: Call) -> int:
    """Keep remedies from running for a while."""
    seconds = parse_seconds(call.arguments[0])
    reply = parse_object(ask(call.path, f"inhibit {seconds}\n".encode()))
    if "inhibited_until_seconds" not in reply:
        raise ReplyError("the answer does not say until when")
    left = number(reply, "inhibited_until_seconds")
    if left is None:
        write_output("remedies may run\n")
    else:
        until = local_time(time.time() + left)
        write_output(f"no remedy runs for {span(left)}, until {until}\n")
    return fault.OK


def parse_seconds(word: str) -> int:
    """Read a time span: seconds, or 90s, 10m, 2h.

    Raises:
        UsageError: it is none, or longer than a day.
    """
    unit = _UNITS.get(word[-1:])
    digits = word if unit is None else word[:-1]
    if _is_number(digits):
        seconds = int(digits) * (unit or 1)
        if seconds <= _MOST_SECONDS:
            return seconds
    raise usage_error(
        f"inhibit needs seconds from 0 to {_MOST_SECONDS}, or as in 10m or 2h, not {quote(word)}"
    )


def _reload(call: Call) -> int:
    """Have the configuration read again."""
    reply = parse_object(ask(call.path, b"reload\n"))
    if not flag(reply, "reloaded"):
        raise ReplyError("the answer does not say that it was reloaded")
    later = [shown(item) for item in items(reply, "needs_restart") if isinstance(item, str)]
    write_output("reloaded\n")
    if later:
        write_output(f"with the next start only: {', '.join(later)}\n")
    return fault.OK


def _test_alert(call: Call) -> int:
    """Send an alert that says that it is a test."""
    reply = parse_object(ask(call.path, b"test-alert\n"))
    sink, trouble = text(reply, "sink"), text(reply, "trouble")
    if not sink:
        raise ReplyError("the answer does not say where it was sent")
    sent = flag(reply, "sent")
    said = f"sent to {sink}" if sent else f"not sent to {sink}"
    if trouble:
        said += f", but: {trouble}" if sent else f": {trouble}"
    write_output(f"{said}\n")
    return fault.OK if sent and not trouble else fault.WARNING


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= _MOST_DIGITS
