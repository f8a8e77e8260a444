"""The table of tasks, and the slabs that cannot be reclaimed.

Source: dump_tasks() in mm/oom_kill.c (since 2.6.25), dump_unreclaimable_slab() in mm/slab_common.c
(since 4.15). The table's own header names its columns. A row whose header was lost says what its
number of columns allows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import repeat, takewhile
from typing import overload

from oomwatchd.report.draft import MAX_SLABS, MAX_TASKS, Draft, Row, Stage
from oomwatchd.report.record import Slab, Task

FIGURES = (
    *("uid", "tgid", "total_vm", "rss", "swapents", "pgtables_bytes", "nr_ptes", "nr_pmds"),
    "oom_score_adj",
)
"""The columns that are read (oom_adj in place of the last, where it is the only one)."""
_MOST_COLUMNS = 16
_LONG = 256
_NAME = 63
"""More than any name has: what is longer is another line that was put to the end of a row."""
_DIGITS = 20

_BY_COLUMNS: dict[int, tuple[str, ...]] = {
    6: ("uid", "tgid", "total_vm", "rss", "cpu", "oom_adj"),
    7: ("uid", "tgid", "total_vm", "rss", "", "", "oom_score_adj"),
    8: ("uid", "tgid", "total_vm", "rss", "nr_ptes", "nr_pmds", "swapents", "oom_score_adj"),
    10: (
        *("uid", "tgid", "total_vm", "rss", "rss_anon", "rss_file", "rss_shmem"),
        *("pgtables_bytes", "swapents", "oom_score_adj"),
    ),
}
"""What the columns of a row are whose header was lost. Seven are ambiguous in the middle."""
_SIGNS = (
    ("rss_anon", "tasks: rss_anon"),
    ("pgtables_bytes", "tasks: pgtables_bytes"),
    ("nr_pmds", "tasks: nr_ptes nr_pmds"),
    ("nr_ptes", "tasks: nr_ptes swapents"),
    ("oom_score_adj", "tasks: cpu oom_adj oom_score_adj"),
    ("oom_adj", "tasks: cpu oom_adj"),
)


def is_header(text: str) -> bool:
    """Whether a line is the table's header."""
    return text.startswith("[") and "pid" in text[:6] and " uid" in text


def take_header(draft: Draft, text: str) -> bool:
    """Take the table's header, which names the columns."""
    if draft.table_seen or not draft.reach(Stage.TASKS):
        return False
    columns = tuple(text.partition("]")[2].split())
    if any(column.isdigit() for column in columns):
        return False  # a row that was put to its end, where it was cut and not wrapped
    if not columns or columns[-1] != "name":
        draft.torn = text + " "
        return True  # where it is cut and not wrapped, each row tells by itself
    draft.table_seen = True
    draft.columns = columns[:-1][:_MOST_COLUMNS]
    for column, sign in _SIGNS:
        if column in draft.columns:
            draft.signs.add(sign)
            break
    if text.startswith("[  pid  ]"):
        draft.signs.add("tasks: wide [  pid  ]")
    return True


def take_state(draft: Draft, text: str) -> bool:
    """Take "Tasks state (memory values in pages):"."""
    if not text.startswith("Tasks state") or draft.stage > Stage.TASKS:
        return False
    draft.signs.add("Tasks state:")
    return True


def take_row(draft: Draft, text: str) -> bool:
    """Take a row: one that has no number where one must be is left out."""
    if draft.stage > Stage.TASKS:
        return False
    columns = draft.columns
    if columns is None:
        return len(text) <= _LONG and _take_unnamed(draft, text)
    if not _row_of(len(columns)).match(text):
        words = text.partition("]")[2].split(None, len(columns))
        if len(text) > _LONG or len(words) > len(columns):
            return False
        draft.torn = text + " "
        return draft.stage is Stage.TASKS
    draft.stage = Stage.TASKS
    draft.torn = None  # a row whose name was blank, and no torn one
    _keep(draft, columns, [text])
    return True


def take_rows(draft: Draft, texts: Iterable[str]) -> int:
    """Take the rows that follow one, as far as they are whole; returns how many."""
    columns = draft.columns
    if columns is None or draft.stage is not Stage.TASKS:
        return 0
    rows = [*takewhile(_row_of(len(columns)).match, texts)]
    _keep(draft, columns, rows)
    return len(rows)


def _keep(draft: Draft, columns: tuple[str, ...], rows: Sequence[str]) -> None:
    """Keep rows; of those beyond what is kept the number alone."""
    kept = rows[: MAX_TASKS - len(draft.rows)]
    draft.rows += zip(repeat(columns), kept, strict=False)
    draft.rows_left_out += len(rows) - len(kept)


@cache
def _row_of(columns: int) -> re.Pattern[str]:
    """Make the pattern of a row with so many figures, and a name."""
    figure = rf" {{0,{_DIGITS}}}-?\d{{1,{_DIGITS}}}(?= )"
    number = r"\[ {0,20}\d{1,10} {0,20}\](?= {1,20}-?\d)"
    return re.compile(rf"{number}(?:{figure}){{{columns}}} {{1,20}}\S[^\n]{{0,{_NAME}}}\Z")


def _take_unnamed(draft: Draft, text: str) -> bool:
    """Take a row whose header is not there."""
    printed, _, rest = text[1:].partition("]")
    words = rest.split(None, _MOST_COLUMNS)
    count = 0
    for word in words:
        if not word.removeprefix("-").isdecimal() or len(word) > _DIGITS:
            break
        count += 1
    columns = _BY_COLUMNS.get(min(count, len(words) - 1))
    pid = printed.strip()
    if columns is None or not pid.isdecimal() or len(pid) > _DIGITS:
        draft.torn = f"[{printed}]{rest} "
        return draft.stage is Stage.TASKS
    draft.stage = Stage.TASKS
    draft.torn = None
    _keep(draft, columns, [text])
    return True


class TaskTable(Sequence[Task]):
    """A table of tasks, read when somebody asks: most reports of a long log are only counted."""

    __slots__ = ("_page_kib", "_read", "_rows")

    def __init__(self, rows: Sequence[Row], page_kib: int) -> None:
        """Keep the rows as printed; before 4.15 page tables are counted in pages of that size."""
        self._rows, self._page_kib = rows, page_kib
        self._read: tuple[Task, ...] | None = None

    def _tasks(self) -> tuple[Task, ...]:
        if self._read is None:
            self._read = tuple(_task(*row, self._page_kib) for row in self._rows)
        return self._read

    def __iter__(self) -> Iterator[Task]:
        """Read all rows."""
        return iter(self._tasks())

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Task: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Task]: ...
    def __getitem__(self, at: int | slice) -> Task | Sequence[Task]:
        """Read one row, or some."""
        return self._tasks()[at]

    def __eq__(self, other: object) -> bool:
        """Compare what the rows say."""
        if isinstance(other, TaskTable):
            other = other._tasks()
        return self._tasks() == other

    def __hash__(self) -> int:
        """As a tuple of the same."""
        return hash(self._tasks())

    def __repr__(self) -> str:
        """As a tuple of the same."""
        return repr(self._tasks())


def _task(columns: tuple[str, ...], text: str, page_kib: int) -> Task:
    """Read a row."""
    printed, _, rest = text[1:].partition("]")
    *words, name = rest.split(None, len(columns))
    figures = [*map(int, words), None]
    uid, tgid, total_vm, rss, swap, tables_bytes, ptes, pmds, adjustment = (
        figures[place] for place in _places(columns)
    )
    if tables_bytes is not None:
        tables: int | None = tables_bytes // 1024
    else:
        tables = None if ptes is None else (ptes + (pmds or 0)) * page_kib
    return Task(int(printed), name, uid, tgid, total_vm, rss, swap, tables, adjustment)


@lru_cache(maxsize=_MOST_COLUMNS)
def _places(columns: tuple[str, ...]) -> tuple[int, ...]:
    """Tell where the figures stand; what is not there stands behind the last column."""
    absent = len(columns)
    places = [columns.index(name) if name in columns else absent for name in FIGURES]
    if places[-1] == absent and "oom_adj" in columns:
        places[-1] = columns.index("oom_adj")
    return tuple(places)


def take_slab_title(draft: Draft, text: str) -> bool:
    """Take "Unreclaimable slab info:"."""
    if not text.startswith("Unreclaimable slab info") or not draft.reach(Stage.SLABS):
        return False
    draft.signs.add("Unreclaimable slab info:")
    return True


def take_slab(draft: Draft, text: str) -> bool:
    """Take a slab: its name, what is used of it, and all of it."""
    if draft.stage is not Stage.SLABS:
        return False
    words = text.split()
    if words == ["Name", "Used", "Total"]:
        return True
    if len(words) < 3 or len(draft.slabs) >= MAX_SLABS:  # noqa: PLR2004
        return False
    used, total = words[-2].removesuffix("KB"), words[-1].removesuffix("KB")
    if not (used.isdecimal() and total.isdecimal() and len(used) < _DIGITS > len(total)):
        return False
    draft.slabs.append(Slab(" ".join(words[:-2]), int(used), int(total)))
    return True
