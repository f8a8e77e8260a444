"""`python3 -I -m oomwatchd`: the daemon, for init scripts that match by interpreter."""

from oomwatchd.daemon.main import main

if __name__ == "__main__":
    raise SystemExit(main())
