"""Where the socket is, for the daemon that makes it and the client that looks for it."""

# The bare module: `os` draws in more, which a client waits for.
import posix

SYSTEM_PATH = "/run/oomwatchd/oomwatchd.sock"


def variable(name: str) -> str:
    """Give a variable of the environment that the process was started with; "" if not set."""
    return posix.environ.get(name.encode(), b"").decode("utf-8", "surrogateescape")


def default_path() -> str | None:
    """Give this user's default path; None where there is no place for one."""
    if posix.geteuid() == 0:
        return SYSTEM_PATH
    runtime = variable("XDG_RUNTIME_DIR")
    return f"{runtime}/oomwatchd/oomwatchd.sock" if runtime.startswith("/") else None
