"""The daemon's command line."""

import getopt
from typing import NamedTuple

from oomwatchd.errors import UsageError, escape, quote
from oomwatchd.settings import LOG_TO

USAGE = """\
usage: oomwatchd [OPTION]...
Watches whether memory is still available in pieces that are large enough.

  --config FILE   read FILE and its sibling conf.d/*.conf
                  (default: /etc/oomwatchd/oomwatchd.conf)
  --root DIR      read DIR/proc and DIR/sys, a copy of a device's files; never act
  --dry-run       decide and report, but never change anything
  --once          take one sample, print the assessment, exit with its severity
                  (0 ok, 1 warning, 2 critical, 3 unknown)
  --json          with --once: print the status document
  --check-config  check the configuration and exit
  --log-to WHERE  auto, stderr, syslog or journal
  --version       print the version
  --help          print this

See oomwatchd(8)."""


class Options(NamedTuple):
    """What the command line says."""

    config: str | None = None
    root: str | None = None
    dry_run: bool = False
    once: bool = False
    json: bool = False
    check_config: bool = False
    log_to: str | None = None
    version: bool = False
    help: bool = False


def parse(arguments: list[str]) -> Options:
    """Read the command line.

    Raises:
        UsageError: an unknown option, a missing or faulty value, or a word too many.
    """
    flags = [name.replace("_", "-") for name in Options._fields]
    valued = ("config", "root", "log-to")
    names = [f"{flag}=" if flag in valued else flag for flag in flags]
    try:
        pairs, rest = getopt.gnu_getopt(arguments, "h", names)
    except getopt.GetoptError as error:
        raise UsageError(f"oomwatchd: {escape(error.msg)}; see oomwatchd --help") from None
    if rest:
        raise UsageError(f"oomwatchd: unexpected {quote(rest[0])}; see oomwatchd --help")
    given: dict[str, str | bool] = {}
    for flag, value in pairs:
        name = flag.removeprefix("--").replace("-", "_") if flag != "-h" else "help"
        given[name] = value if name.replace("_", "-") in valued else True
    options = Options(**given)  # type: ignore[arg-type] # valued options get text, flags True
    if options.log_to is not None and options.log_to not in LOG_TO:
        raise UsageError(f"oomwatchd: --log-to must be one of {', '.join(LOG_TO)}")
    if options.json and not options.once:
        raise UsageError("oomwatchd: --json goes with --once")
    return options
