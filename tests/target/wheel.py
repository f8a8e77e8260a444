"""The project's wheel: what is tested is what is shipped."""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from target.debs import BuildError

TOP = Path(__file__).resolve().parents[2]


@cache
def project_wheel() -> Path:
    """Give the wheel to install: $OOMWATCHD_WHEEL, the newest in dist, or one made now."""
    named = os.environ.get("OOMWATCHD_WHEEL")
    if named:
        return Path(named)
    made = sorted((TOP / "dist").glob("oomwatchd-*.whl"), key=lambda file: file.stat().st_mtime)
    if made:
        return made[-1]
    folder = tempfile.mkdtemp(prefix="oomwatchd-wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, str(TOP)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"the wheel cannot be built: {done.stderr.strip()}")
    (wheel,) = Path(folder).glob("*.whl")
    return wheel
