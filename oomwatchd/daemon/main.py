"""`oomwatchd`: the one place where the daemon's errors are caught."""

import os
import sys

from oomwatchd import __version__
from oomwatchd.daemon.options import USAGE, Options, parse
from oomwatchd.errors import Exit, NoInputError, OomwatchdError, escape
from oomwatchd.system import configfile
from oomwatchd.system.stdio import complain, open_missing_streams, write_output


def main() -> int:
    """Run the daemon's command line; returns the exit code."""
    open_missing_streams()
    try:
        return run(parse(sys.argv[1:]))
    except OomwatchdError as error:
        return complain(error)
    except KeyboardInterrupt:
        return Exit.OK
    except (OSError, RuntimeError, MemoryError, ImportError) as error:
        # Descriptors, threads or memory are short, or a library is not installed.
        return complain(OomwatchdError(f"oomwatchd: {type(error).__name__}: {escape(str(error))}"))


def run(options: Options) -> int:
    """Do what the options say."""
    if options.help or options.version:
        write_output(f"{USAGE}\n" if options.help else f"oomwatchd {__version__}\n")
        return Exit.OK
    if options.root is not None and not os.path.isdir(options.root):
        raise NoInputError(f"{escape(options.root)}: no such directory")
    config = configfile.load(options.config)
    if options.check_config:
        # What the daemon cannot start without is looked for too: its log.
        from oomwatchd.alerts.log import Log  # noqa: PLC0415 - the daemon alone needs it

        Log("stderr", config.alerts, None)
        return Exit.OK
    if options.once:
        # Only one of the two is ever needed, and the daemon stays resident.
        from oomwatchd.daemon.once import look_once  # noqa: PLC0415

        return look_once(config, options.root, as_json=options.json)
    from oomwatchd.daemon.loop import watch  # noqa: PLC0415

    return watch(config, options)
