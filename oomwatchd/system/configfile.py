"""Finding and reading the configuration's files."""

import os

from oomwatchd import config
from oomwatchd.errors import ConfigError, NoInputError, escape
from oomwatchd.settings import Config
from oomwatchd.system.files import read_file, reason

DEFAULT_PATH = "/etc/oomwatchd/oomwatchd.conf"


def load(path: str | None) -> Config:
    """Read the named file, or the default one if it exists, and its sibling conf.d/*.conf.

    Raises:
        NoInputError: the named file does not exist.
        ConfigError: a file cannot be read, or its content is at fault.
    """
    main = path or DEFAULT_PATH
    files: list[tuple[str, bytes]] = []
    folder = os.path.dirname(main)
    for name in (os.path.basename(main), *_drop_ins(folder)):
        try:
            files.append((escape(name), read_file(os.path.join(folder, name))))
        except FileNotFoundError:
            if path is not None and name == os.path.basename(main):
                raise NoInputError(f"{escape(path)}: no such file") from None
            continue  # no file at all is a good configuration
        except OSError as error:
            raise ConfigError([f"{escape(name)}: {reason(error)}"]) from None
    return config.parse(files)


def _drop_ins(folder: str) -> list[str]:
    """List conf.d/*.conf by name, as seen from `folder`."""
    try:
        names = sorted(os.listdir(os.path.join(folder, "conf.d")))
    except OSError:
        return []
    return [
        os.path.join("conf.d", name)
        for name in names
        if name.endswith(".conf") and not name.startswith(".")
    ]
