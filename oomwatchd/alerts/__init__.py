"""Events: what is worth a line in a log, and the sinks that take it."""
