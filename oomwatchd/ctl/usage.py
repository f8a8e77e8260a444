"""The help: of the client as a whole, and of each command."""

_ALL = """\
usage: oomwatchctl [--socket PATH] COMMAND
Asks the running oomwatchd.

  status [--json]     how every demand stands, and what was done
  check               one line and an exit code for a monitoring system
                      (0 ok, 1 warning, 2 critical, 3 unknown)
  watch [--json]      the same as it changes, until Ctrl-C
  events [--json]     the last events
  processes [--json]  the largest processes, and what else has memory
  doctor [--json]     what this kernel and this configuration can and cannot do,
                      and what to change
  explain [--json] [FILE...]
                      what the OOM kills and failed allocations in a kernel's
                      log mean; needs no daemon

Only root, or who is in the control group:

  compact [--node N] [--json]
                      compact memory now
  drop-caches [pagecache|slab|all] [--json]
                      drop clean caches now
  inhibit SECONDS     let no remedy run for a while; 10m, 2h; 0 ends it
  reload              read the configuration again
  test-alert          send an alert that says that it is a test

  --socket PATH       default: $OOMWATCHD_SOCKET, the user's own, the system's
  --version           print the version
  --help              print this; after a COMMAND more on it

See oomwatchctl(1)."""

_EACH = {
    "status": """\
usage: oomwatchctl [--socket PATH] status [--json]
Prints a table of the demands: how many blocks could be had now (HEADROOM), the
levels, the cause where one is low, and how long it LASTS if it goes on falling.
Below it advice, memory, the last remedies, and what could not be had.

  --json  print the status document instead""",
    "check": """\
usage: oomwatchctl [--socket PATH] check
Prints one line for a monitoring system, with every headroom as performance
data. Exits with 0 ok, 1 warning, 2 critical, 3 unknown or daemon unreachable.""",
    "watch": """\
usage: oomwatchctl [--socket PATH] watch [--json]
Shows the demands and the last events as they change, until Ctrl-C. Where the
output is no terminal, or a dumb one: a line for each look and for each event.

  --json  print the lines of JSON that come, as they come""",
    "events": """\
usage: oomwatchctl [--socket PATH] events [--json]
Prints the last 64 events, a line each: local time, syslog's word for how urgent
it is, the event, its facts.

  --json  print the events as one JSON object instead""",
    "processes": """\
usage: oomwatchctl [--socket PATH] processes [--json]
Prints the largest processes by resident memory, and what else has memory.

  --json  print one JSON object instead""",
    "doctor": """\
usage: oomwatchctl [--socket PATH] doctor [--json]
Prints what this kernel and this configuration can and cannot do, and what to
change. Where no daemon answers the audit is made here, and the exit code is 69.

  --json  print the audit as one JSON object instead""",
    "explain": """\
usage: oomwatchctl explain [--json] [FILE...]
Reads kernel logs of any kernel since 2.6.18 (dmesg, syslog, journalctl -k, a
serial console, a mail), or standard input, and explains each report of the OOM
killer and each failed allocation: what was asked, why it was refused although
memory was free, what the kernel did, and what would help. Needs no daemon.
Exits with 0 if there was a report, 1 if none, 65 if a file is no text, 66 if it
cannot be read; of one that is damaged, what can be read is explained.

  --json  print one JSON object instead""",
    "compact": """\
usage: oomwatchctl [--socket PATH] compact [--node N] [--json]
Compacts memory now, waits until it has settled, and prints what it changed.
Exits with 0 if the demand was helped, 1 if not, 75 if a remedy may not run now,
77 if you may not do it.

  --node N  of one NUMA node only
  --json    print the outcome as one JSON object instead""",
    "drop-caches": """\
usage: oomwatchctl [--socket PATH] drop-caches [pagecache|slab|all] [--json]
Drops clean caches now (all of them by default), waits until memory has settled,
and prints what it changed. Exits with 0 if the demand was helped, 1 if not,
75 if a remedy may not run now, 77 if you may not do it.

  --json    print the outcome as one JSON object instead""",
    "inhibit": """\
usage: oomwatchctl [--socket PATH] inhibit SECONDS
Lets no remedy run for a while, at most a day: 600, 10m, 2h. 0 ends it.""",
    "reload": """\
usage: oomwatchctl [--socket PATH] reload
Reads the configuration again and says what takes effect with the next start
only. A faulty one is refused whole: every fault is printed, and the exit code
is 78.""",
    "test-alert": """\
usage: oomwatchctl [--socket PATH] test-alert
Sends an alert that says that it is a test, and prints where it went. Exits with
1 if there was trouble.""",
}


def usage(command: str) -> str:
    """Give the help of a command, or of all ("")."""
    return f"{_EACH.get(command, _ALL)}\n"
