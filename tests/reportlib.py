"""Reads tests/reports: logs of kernels, and what an explanation of them must find."""

from pathlib import Path

REPORTS = Path(__file__).parent / "reports"
NAMES = sorted(path.parent.name for path in REPORTS.glob("*/expected"))

Expected = dict[str, str]


def log_of(name: str) -> bytes:
    """Read a log."""
    return log_in(REPORTS / name)


def log_in(folder: Path) -> bytes:
    """Read the log of a folder that is made up as these are."""
    return (folder / "log").read_bytes()


def expected_of(name: str) -> list[Expected]:
    """Read what must be found: the facts of each report of a log."""
    found: list[Expected] = []
    for line in (REPORTS / name / "expected").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        key, _, value = line.partition(":")
        if key == "report":
            found.append({})
        value = value.strip()
        found[-1][key] = value.replace("|", " ") if key == "gfp" else value
    return found
