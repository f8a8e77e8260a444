"""What a kernel's report means: the request, the rule that refused it, the memory, what would help.

Pure: a report in, an explanation out. The kernel's own rules (`oomwatchd.mm`) are applied to the
report's own figures, and every step is kept with its numbers.
"""
