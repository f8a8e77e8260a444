"""The status document and the socket that answers with it."""
