"""oomwatchd: is memory still available in pieces that are large enough?"""

__version__ = "0.1.0"
