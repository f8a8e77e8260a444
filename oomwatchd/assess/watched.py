"""Which demands are watched: the built-in ones, and those of the configuration."""

from oomwatchd.assess.demands import builtin_specs
from oomwatchd.model import DemandSpec, Kernel
from oomwatchd.procfs.meminfo import Meminfo
from oomwatchd.settings import Config


def demands_of(config: Config, kernel: Kernel, meminfo: Meminfo | None) -> tuple[DemandSpec, ...]:
    """Put both together; a configured demand replaces a built-in one of the same name."""
    builtin = builtin_specs(kernel, meminfo) if config.builtin_demands else ()
    return tuple({spec.name: spec for spec in (*builtin, *config.demands)}.values())
