"""What the daemon can do about a low demand; `Means` is what there is, `Worker` uses it.

Everything is opened once, at start, by `open_means`. Nothing is opened, imported or forked
between a low demand and its remedy.
"""

from oomwatchd.system.remedies.means import Means, open_means
from oomwatchd.system.remedies.worker import Worker

__all__ = ["Means", "Worker", "open_means"]
