"""`python3 -m oomwatchd.ctl`: the client where its own starter cannot be had."""

from oomwatchd.ctl.main import main

if __name__ == "__main__":
    raise SystemExit(main())
