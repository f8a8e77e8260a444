"""`oomwatchctl`: ask the daemon and print its answer."""

import sys

from oomwatchd import __version__
from oomwatchd.ctl.client import ask
from oomwatchd.errors import Exit, OomwatchdError, UnreachableError, UsageError, quote
from oomwatchd.system.stdio import complain, open_missing_streams, write_output

USAGE = """\
usage: oomwatchctl [--socket PATH] COMMAND
Asks the running oomwatchd.

  status [--json]  how every demand stands, and what was done
  check            one line and an exit code for a monitoring system
                   (0 ok, 1 warning, 2 critical, 3 unknown)
  doctor [--json]  what this kernel and this configuration can and cannot do,
                   and what to change

  --socket PATH    default: $OOMWATCHD_SOCKET, the user's own, the system's
  --version        print the version
  --help           print this

See oomwatchctl(1)."""

_CHECK_CODES = {"ok": Exit.OK, "warning": Exit.WARNING, "critical": Exit.CRITICAL}


def main() -> int:
    """Run the client's command line; returns the exit code."""
    open_missing_streams()
    try:
        return run(sys.argv[1:])
    except OomwatchdError as error:
        return complain(error)
    except KeyboardInterrupt:
        return Exit.UNKNOWN


def run(arguments: list[str]) -> int:
    """Do what the arguments say."""
    words = list(arguments)
    path = None
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("--help", "-h", "--version"):
            write_output(f"oomwatchctl {__version__}\n" if option == "--version" else f"{USAGE}\n")
            return Exit.OK
        name, equals, value = option.partition("=")
        if name != "--socket":
            raise _usage(f"unknown option {quote(option)}")
        if not (equals or words):
            raise _usage("--socket needs a path")
        path = value if equals else words.pop(0)
    command = words.pop(0) if words else ""
    if command == "status" and words in ([], ["--json"]):
        return _status(path, as_json=bool(words))
    if command == "check" and not words:
        return _check(path)
    if command == "doctor" and words in ([], ["--json"]):
        return _doctor(path, as_json=bool(words))
    if command in ("status", "check", "doctor"):
        raise _usage(f"unexpected {quote(words[-1])}")
    raise _usage(f"unknown command {quote(command)}" if command else "no command")


def _status(path: str | None, *, as_json: bool) -> int:
    """Print the status document, as it came or for people."""
    reply = ask(path, b"status\n")
    if as_json:
        write_output(reply.decode("utf-8", "backslashreplace"))
        return Exit.OK
    from oomwatchd.ctl.summary import status_text  # noqa: PLC0415 - not for passing JSON through

    write_output(f"{status_text(reply)}\n")
    return Exit.OK


def _check(path: str | None) -> int:
    """Print the line of a monitoring plugin."""
    from oomwatchd.ctl.summary import plugin_line  # noqa: PLC0415 - only here

    try:
        severity, line = plugin_line(ask(path, b"status\n"))
    except OomwatchdError as error:
        severity, line = "unknown", f"OOMWATCHD UNKNOWN - {error}"
    write_output(f"{line}\n")
    return _CHECK_CODES.get(severity, Exit.UNKNOWN)


def _doctor(path: str | None, *, as_json: bool) -> int:
    """Print the audit: the daemon's, or one made here, which is as good as none for a script.

    Raises:
        UnreachableError: no daemon answers; the audit made here has been printed.
    """
    from oomwatchd.ctl.doctor import doctor_text, local_audit  # noqa: PLC0415 - slow, only here

    missing = None
    try:
        reply = ask(path, b"doctor\n")
    except UnreachableError as error:
        missing = error
        reply = local_audit()
    write_output(
        reply.decode("utf-8", "backslashreplace") if as_json else f"{doctor_text(reply)}\n"
    )
    if missing is not None:
        raise missing
    return Exit.OK


def _usage(what: str) -> UsageError:
    return UsageError(f"oomwatchctl: {what}; see oomwatchctl --help")
