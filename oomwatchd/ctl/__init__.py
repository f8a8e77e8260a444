"""The client. It starts fast: nothing is imported that the command does not need."""
