"""What holds for all tests: none is judged by the time it takes, nor by how it was started."""

import os
import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=(HealthCheck.too_slow,)
)
settings.load_profile("any machine")

# How wide a text is goes by it where no terminal tells.
os.environ.pop("COLUMNS", None)

# A shell starts what runs in the background with this ignored, and programs under test inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
