"""The daemon: command line, one look (`--once`), and the loop."""
