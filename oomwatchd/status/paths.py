"""Where the socket is, for the daemon that makes it and the client that looks for it."""

import os

SYSTEM_PATH = "/run/oomwatchd/oomwatchd.sock"


def default_path() -> str | None:
    """Give this user's default path; None where there is no place for one."""
    if os.geteuid() == 0:
        return SYSTEM_PATH
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return f"{runtime}/oomwatchd/oomwatchd.sock" if runtime.startswith("/") else None
