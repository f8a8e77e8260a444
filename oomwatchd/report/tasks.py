"""The table of tasks, and the slabs that cannot be reclaimed.

Source: dump_tasks() in mm/oom_kill.c (since 2.6.25), dump_unreclaimable_slab() in mm/slab_common.c
(since 4.15). The table's own header names its columns. A row whose header was lost says what its
number of columns allows.
"""

from oomwatchd.report.draft import MAX_SLABS, MAX_TASKS, Draft, Row, Stage
from oomwatchd.report.record import Slab, Task

FIGURES = (
    *("uid", "tgid", "total_vm", "rss", "swapents", "pgtables_bytes", "nr_ptes", "nr_pmds"),
    "oom_score_adj",
)
"""The columns that are kept (oom_adj in place of the last, where it is the only one)."""
_MOST_COLUMNS = 16
_LONG = 256
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
    if not columns or columns[-1] != "name":
        draft.torn = text + " "
        return True  # where it is cut and not wrapped, each row tells by itself
    draft.table_seen = True
    draft.columns = columns[:-1][:_MOST_COLUMNS]
    draft.column_of = _places(draft.columns)
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
    if draft.stage > Stage.TASKS or len(draft.rows) >= MAX_TASKS or len(text) > _LONG:
        return False
    printed, _, rest = text[1:].partition("]")
    if draft.columns is None:
        return _take_unnamed(draft, printed, rest)
    count = len(draft.columns)
    words = rest.split(None, count)
    if len(words) <= count:
        draft.torn = text + " "
        return draft.stage is Stage.TASKS
    name = words.pop()
    try:
        figures: list[int | None] = [*map(int, words)]
        pid = int(printed)
    except ValueError:
        return False
    figures.append(None)
    draft.stage = Stage.TASKS
    draft.rows.append((pid, name, tuple([figures[column] for column in draft.column_of])))
    return True


def _take_unnamed(draft: Draft, printed: str, rest: str) -> bool:
    """Take a row whose header is not there."""
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
    name = rest.split(None, len(columns))[-1]
    figures = [*map(int, words[: len(columns)]), None]
    draft.stage = Stage.TASKS
    draft.rows.append((int(pid), name, tuple(figures[column] for column in _places(columns))))
    return True


def _places(columns: tuple[str, ...]) -> tuple[int, ...]:
    """Tell where the figures stand; what is not there stands behind the last column."""
    absent = len(columns)
    places = [columns.index(name) if name in columns else absent for name in FIGURES]
    if places[-1] == absent and "oom_adj" in columns:
        places[-1] = columns.index("oom_adj")
    return tuple(places)


def tasks(rows: list[Row], page_kib: int) -> tuple[Task, ...]:
    """Make the records of rows; before 4.15 page tables are counted in pages."""
    made = []
    for pid, name, (uid, tgid, total_vm, rss, swap, tables_bytes, ptes, pmds, adjustment) in rows:
        if tables_bytes is not None:
            tables: int | None = tables_bytes // 1024
        else:
            tables = None if ptes is None else (ptes + (pmds or 0)) * page_kib
        made.append(Task(pid, name, uid, tgid, total_vm, rss, swap, tables, adjustment))
    return tuple(made)


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
