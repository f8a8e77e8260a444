"""`oomwatchctl`: ask the daemon and print its answer."""

import os
import sys

from oomwatchd import __version__
from oomwatchd.ctl.client import ask
from oomwatchd.errors import Exit, OomwatchdError, UsageError, quote

USAGE = """\
usage: oomwatchctl [--socket PATH] COMMAND
Asks the running oomwatchd.

  status [--json]  how every demand stands, and what was done
  check            one line and an exit code for a monitoring system
                   (0 ok, 1 warning, 2 critical, 3 unknown)

  --socket PATH    default: $OOMWATCHD_SOCKET, the user's own, the system's
  --version        print the version
  --help           print this

See oomwatchctl(1)."""


def main() -> int:
    """Run the client's command line; returns the exit code."""
    try:
        return run(sys.argv[1:])
    except OomwatchdError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has gone: say nothing more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.UNKNOWN
    except KeyboardInterrupt:
        return Exit.UNKNOWN


def run(arguments: list[str]) -> int:
    """Do what the arguments say."""
    words = list(arguments)
    path = None
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("--help", "-h", "--version"):
            _print(f"oomwatchctl {__version__}" if option == "--version" else USAGE)
            return Exit.OK
        name, equals, value = option.partition("=")
        if name != "--socket" or not (equals or words):
            raise _usage(f"unknown option {quote(option)}")
        path = value if equals else words.pop(0)
    command = words.pop(0) if words else ""
    if command == "status" and words in ([], ["--json"]):
        return _status(path, as_json=bool(words))
    if command == "check" and not words:
        return _check(path)
    if command in ("status", "check"):
        raise _usage(f"unexpected {quote(words[-1])}")
    raise _usage(f"unknown command {quote(command)}" if command else "no command")


def _status(path: str | None, *, as_json: bool) -> int:
    """Print the status document, as it came or for people."""
    reply = ask(path, b"status\n")
    if as_json:
        sys.stdout.write(reply.decode("ascii"))
        return Exit.OK
    import json  # noqa: PLC0415 - not needed to pass JSON through

    from oomwatchd.status.text import describe  # noqa: PLC0415 - likewise

    _print(describe(json.loads(reply)))
    return Exit.OK


def _check(path: str | None) -> int:
    """Print the line of a monitoring plugin."""
    import json  # noqa: PLC0415 - only here

    try:
        status = json.loads(ask(path, b"status\n"))
    except OomwatchdError as error:
        _print(f"OOMWATCHD UNKNOWN - {error}")
        return Exit.UNKNOWN
    low = [demand for demand in status["demands"] if demand["severity"] != "ok"]
    detail = ", ".join(
        f"{demand['name']} {demand['severity']}: headroom {demand['headroom']}, {demand['cause']}"
        for demand in low
    )
    figures = " ".join(
        f"{demand['name']}={demand['headroom']};{demand['warning']}:;{demand['critical']}:"
        for demand in status["demands"]
        if demand["headroom"] is not None
    )
    severity = status["severity"]
    _print(f"OOMWATCHD {severity.upper()} - {detail or 'all demands met'} | {figures}")
    codes = {"ok": Exit.OK, "warning": Exit.WARNING, "critical": Exit.CRITICAL}
    return codes.get(severity, Exit.UNKNOWN)


def _usage(what: str) -> UsageError:
    return UsageError(f"oomwatchctl: {what}; see oomwatchctl --help")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
