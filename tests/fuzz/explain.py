"""Feeds bytes that a coverage-guided fuzzer makes up to `explain`, from log to JSON and text.

    make fuzz ARGS='-max_total_time=600'

The arguments are libFuzzer's. It begins with the reports of tests/reports and with made-up ones of
every age, keeps what it finds in .fuzz/corpus, and leaves what fails as .fuzz/crash-*; such a file
as an argument is tried again. A finding is an exception, JSON that does not fit its schema, a text
that does not fit its window, or a log whose cost grows faster than its size.
"""

import importlib
import sys
import time
import zlib
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "tests"))

atheris: Any = importlib.import_module("atheris")

# What is imported here is watched for the paths that it takes.
with atheris.instrument_imports(include=["oomwatchd.report", "oomwatchd.explain", "oomwatchd.mm"]):
    import explaining

from hypothesis import given, seed, settings  # noqa: E402 - none of it is watched
from hypothesis import strategies as st  # noqa: E402
from reportforms import ERAS, name_of, prefixed, print_report, reports  # noqa: E402
from reportlib import NAMES, log_of  # noqa: E402

WORK = TOP / ".fuzz"
LONGEST_SEED = 8 * 1024
SUSPICIOUS_SECONDS = 0.02
SUSPICIOUS_SECONDS_A_BYTE = 40e-6
"""What takes longer is measured again, against four times as much of it."""
MOST_RATIO = 8.0
TRIES = 5


def seeds(folder: Path) -> None:
    """Write the reports that it begins with, without the boot before them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        lines = log_of(name).splitlines(keepends=True)
        for number, it in enumerate(explaining.explanations(log_of(name))):
            log = b"".join(lines[it.report.line - 1 :])[:LONGEST_SEED]
            (folder / f"{name}-{number}").write_bytes(log)

    for era in ERAS:

        @seed(1)
        @settings(max_examples=4, database=None)
        @given(st.data())
        def write(data: st.DataObject) -> None:
            report = data.draw(reports(era))  # noqa: B023 - run right below
            prefix = data.draw(st.sampled_from(["none", "dmesg", "syslog", "kmsg", "a mail"]))
            log = prefixed(print_report(report, era), prefix)  # noqa: B023
            name = f"{name_of(era)}-{report.kind.value}-{prefix}"  # noqa: B023
            (folder / name).write_bytes(log)

        write()


def one(log: bytes) -> None:
    """Explain what the fuzzer has made up."""
    start = time.process_time()
    found = explaining.collected([log])
    seconds = time.process_time() - start
    if seconds > SUSPICIOUS_SECONDS + len(log) * SUSPICIOUS_SECONDS_A_BYTE:
        for repeated in (log + b"\n", log.replace(b"\n", b" ").replace(b"\r", b" ")):
            assert ratio(repeated) < MOST_RATIO, "the cost grows faster than the log"
    # The schema takes longer than all the rest: it is asked now and then, by the log itself.
    explaining.assert_written(found, (40, 80), by_schema=zlib.crc32(log) % 8 == 0)


def ratio(log: bytes) -> float:
    """Compare the cost of a log with that of four of it, side by side; the least of some tries."""
    return min(_seconds(log * 8) / _seconds(log * 2) for _ in range(TRIES))


def _seconds(log: bytes) -> float:
    start = time.process_time()
    explaining.collected([log])
    return max(time.process_time() - start, 1e-3)


def main() -> None:
    """Run the fuzzer with libFuzzer's arguments."""
    WORK.mkdir(exist_ok=True)
    seeds(WORK / "seeds")
    (WORK / "corpus").mkdir(exist_ok=True)
    fixed = [f"-artifact_prefix={WORK}/", "-max_len=12000", "-timeout=30", "-rss_limit_mb=2048"]
    given_files = [word for word in sys.argv[1:] if not word.startswith("-")]
    folders = [] if given_files else [str(WORK / "corpus"), str(WORK / "seeds")]
    atheris.Setup([sys.argv[0], *fixed, *sys.argv[1:], *folders], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
