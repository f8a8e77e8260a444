"""Which demands are watched: the built-in ones, and those of the configuration."""

from oomwatchd.assess.watched import demands_of

__all__ = ["demands_of"]
