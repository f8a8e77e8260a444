"""`oomwatchctl`: ask the daemon and print its answer."""

import sys

from oomwatchd import __version__, fault
from oomwatchd.ctl.call import DOERS, Call, parse
from oomwatchd.fault import OomwatchdError
from oomwatchd.system.stdio import complain, open_missing_streams, write_output


def main() -> int:
    """Run the client's command line; returns the exit code."""
    open_missing_streams()
    try:
        return run(sys.argv[1:])
    except OomwatchdError as error:
        return complain(error)
    except KeyboardInterrupt:
        return fault.UNKNOWN


# Each command loads what it needs, and no other: a client is waited for.
# ruff: noqa: PLC0415


def run(words: list[str]) -> int:
    """Do what the words say."""
    call = parse(words)
    if call.wants_version:
        write_output(f"oomwatchctl {__version__}\n")
        return fault.OK
    if call.wants_help:
        from oomwatchd.ctl.usage import usage

        write_output(usage(call.command))
        return fault.OK
    return _do(call)


def _do(call: Call) -> int:
    """Do what a command says."""
    if call.command == "watch":
        from oomwatchd.ctl.watch import watch

        return watch(call.path, as_json=call.as_json)
    if call.command == "check":
        from oomwatchd.ctl.check import check

        return check(call.path)
    if call.command == "doctor":
        from oomwatchd.ctl.doctor import doctor

        return doctor(call.path, as_json=call.as_json)
    if call.command == "explain":
        from oomwatchd.ctl.explain import explain

        return explain(call.arguments, as_json=call.as_json)
    if call.command in DOERS:
        from oomwatchd.ctl.doing import do

        return do(call)
    return _show(call)


def _show(call: Call) -> int:
    """Print a reply, as it came or for people."""
    from oomwatchd.ctl.client import ask

    reply = ask(call.path, f"{call.command}\n".encode())
    if call.as_json:
        from oomwatchd.ctl.reading import passed_on

        write_output(passed_on(reply))
    else:
        from oomwatchd.ctl.showing import text_of

        write_output(text_of(call.command, reply))
    return fault.OK
