"""One module per kernel file: bytes in, record out.

Formats of 2.6.18 to 6.18. A record's field is None where the kernel does not print it.
Lines that no module asks for are passed over, since every kernel adds some; a line that
is asked for and does not read raises ParseError with file, line and text.
"""
