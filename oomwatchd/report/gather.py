"""A log becomes reports: lines are given to the reports that are open, as they lack them.

Several may be open at once: two processors print into one log, and before 4.9 even a line may be
torn. A line goes to the first report that lacks it (see `overlap`); where the log names the
callers, to that of the caller. A report is over when its end was seen and some other lines have
passed, or when the next begins that can be none of its own parts.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from operator import attrgetter

from oomwatchd.report import plain, prefix
from oomwatchd.report.chunks import whole_lines
from oomwatchd.report.draft import Draft, Stage
from oomwatchd.report.finish import report, worth
from oomwatchd.report.forms import WHOSE, Reader, may_open, reader
from oomwatchd.report.header import OPENINGS, Opening, opening
from oomwatchd.report.mail import Unfolder
from oomwatchd.report.overlap import goes_on, in_order, is_begun_by, is_over
from oomwatchd.report.plain import MAX_TEXT, Plain
from oomwatchd.report.record import Banner, Report
from oomwatchd.report.tasks import take_rows
from oomwatchd.report.triggers import Triggers

MAX_OPEN = 4
MAX_DONE = 4
"""Reports that are over and wait for one that began before them."""
MAX_LINES = 100_000
"""Of one report."""
RECENT_LINES = 16
_FOLDED = (b"=\n", b"=\r\n")
_STRIDE_BYTES = 4096
"""How much of a log is split into lines at once, while a report is open."""
_BANNER = "Linux version "
_MAX_BANNER = 400
_AFTER_BRACKETS = re.compile(r"invoked oom-killer:|page allocation failure")
"""What a program wrote to the same console may stand before a header, without a line's end."""


def reports(chunks: Iterable[bytes]) -> Iterator[Report]:
    """Find the reports of a log that comes in pieces of any size, in the order in which they begin.

    Each is given as soon as it is over, and those are that began before it.
    """
    gatherer = _Gatherer()
    for block in whole_lines(chunks):
        yield from gatherer.read(block)
    yield from gatherer.end()


class _Gatherer:
    """The reports that are open, and the place in the log."""

    def __init__(self) -> None:
        self._drafts: list[Draft] = []
        self._done: list[Draft] = []
        self._banner: Banner | None = None
        self._line = 1
        self._mail = Unfolder()
        self._recent: deque[tuple[str, str]] = deque(maxlen=RECENT_LINES)
        """What reports took last: a terminal that was scrolled has it twice in its copy."""
        self._now = 0
        """Counts the texts that were looked at."""
        # A log may begin in the middle of a report.
        draft = Draft(1, None, None, None)
        draft.tentative = True
        self._drafts.append(draft)

    def read(self, block: bytes) -> Iterator[Report]:
        """Read whole lines."""
        triggers = Triggers(block)
        at = 0
        while at < len(block):
            if not self._drafts and not self._mail.held:
                self._mail.forget()
                place = triggers.after(at)
                if place < 0:
                    self._line += block.count(b"\n", at)
                    return
                start = max(at, block.rfind(b"\n", at, place) + 1)
                if block.endswith(_FOLDED, at, start):
                    # In a mail the line may begin one above.
                    start = block.rfind(b"\n", at, start - 1) + 1 or at
                self._line += block.count(b"\n", at, start)
                at = start
            end = block.find(b"\n", at + _STRIDE_BYTES if self._drafts else at)
            part = block[at : end + 1 if end >= 0 else len(block)]
            at += self._take_plain(part) or self._take_lines(part.split(b"\n"))
            if self._done:
                yield from self._finished()

    def _take_plain(self, part: bytes) -> int:
        """Take lines that are written alike, while one report alone is open.

        Returns how many bytes that were; none where they are not plain.
        """
        part = part[: part.rfind(b"\n") + 1]
        if len(self._drafts) != 1 or not self._mail.is_idle or not part:
            return 0
        lines = plain.lines_of(part)
        if lines is None:
            return 0
        openings, raws, begin, at = _openings(part), list[bytes](), self._line, 0
        while at < len(lines) and len(self._drafts) == 1 and not self._mail.held:
            (draft,) = self._drafts
            stamp, caller, text = lines[at]
            self._line = begin + at
            taken = 1
            if not text:
                raws = raws or part.split(b"\n")
                self._take_line(raws[at])
            elif at in openings or draft.torn is not None:
                self._take(text, stamp or None, caller or None)
            elif draft.stage is Stage.TASKS and (
                rows := self._take_rows(draft, lines, at, openings)
            ):
                taken = rows
            else:
                self._now += 1
                self._take_part(text, stamp or None, caller or None)
            at += taken
        self._line = begin + at
        return len(part) if at == len(lines) else _size_of(part, at)

    def _take_rows(self, draft: Draft, lines: list[Plain], first: int, openings: list[int]) -> int:
        """Take the rows that begin there; returns how many."""
        if draft.caller is not None:
            return 0  # whose each of them is has to be looked at
        end = min((line for line in openings if line > first), default=len(lines))
        rows = lines[first : first + take_rows(draft, [text for _, _, text in lines[first:end]])]
        if rows:
            self._now += len(rows)
            draft.at = draft.at or rows[0][0] or None
            self._touch(draft, rows[-1][0] or None)
            self._recent += [(stamp, text) for stamp, _, text in rows[-RECENT_LINES:] if stamp]
        return len(rows)

    def _take_lines(self, lines: list[bytes]) -> int:
        """Take lines until no report is open any more; returns how many bytes that were.

        The last has no end yet.
        """
        unended = lines.pop()
        size = 0
        for raw in lines:
            size += len(raw) + 1
            self._take_line(raw)
            self._line += 1
            if not self._drafts:
                return size
        if unended:
            self._take_line(unended)
        return size + len(unended)

    def _take_line(self, line: bytes) -> None:
        """Take a line, or several that a terminal ended with CR alone."""
        if b"\r" not in line:
            self._take_raw(line)
            return
        for piece in filter(None, line.split(b"\r")):
            self._take_raw(piece)

    def end(self) -> Iterator[Report]:
        """Close what is open."""
        if self._mail.held:
            self._take_raw(b" ")
        self._close(self._drafts)
        yield from self._finished()

    def _finished(self) -> Iterator[Report]:
        """Give the reports that are over, but for those that began after one that is still open."""
        done = sorted(filter(worth, self._done), key=attrgetter("opened"))
        first = min((draft.opened for draft in self._drafts), default=self._now + 1)
        ready = max(sum(draft.opened < first for draft in done), len(done) - MAX_DONE)
        self._done = done[ready:]
        yield from map(report, done[:ready])

    def _take_raw(self, raw: bytes) -> None:
        """Take a line as it stands in the log."""
        if len(raw) > prefix.MAX_LINE_BYTES:
            raw = raw[: prefix.MAX_LINE_BYTES]
        unfolded = self._mail.unfold(raw)
        if unfolded is None:
            return
        text, stamp, caller = prefix.strip(unfolded)
        if "\n" in text:
            for part in text.split("\n"):
                if stripped := part[:MAX_TEXT].strip():
                    self._take(stripped, stamp, caller)
        elif text:
            self._take(text if len(text) <= MAX_TEXT else text[:MAX_TEXT], stamp, caller)

    def _take(self, text: str, stamp: str | None, caller: str | None) -> None:
        """Take a text: it opens a report, or is a part of one, or of none."""
        self._now += 1
        first = text[0]
        if first != "[" or _AFTER_BRACKETS.search(text):
            opened = opening(text)
            if opened is not None:
                self._open(opened, stamp, caller)
                return
            if first == "L" and text.startswith(_BANNER):
                self._close(self._drafts)
                release = text[len(_BANNER) :].partition(" ")[0]
                self._banner = Banner(release, text[:_MAX_BANNER])
                return
            for draft in self._drafts:
                if draft.torn is None or draft.is_anothers(caller):
                    continue
                if self._mend(draft, text, stamp):
                    return
        self._take_part(text, stamp, caller)

    def _take_part(self, text: str, stamp: str | None, caller: str | None) -> None:
        """Take a text that opens no report by itself."""
        found = reader(text)
        if found is not None and self._give(found, text, stamp, caller):
            return
        if found is not None and may_open(found) and (stamp, text) not in self._recent:
            fresh = Draft(self._line, stamp, caller, self._banner)
            if found(fresh, text):
                self._add(fresh)
                return
        self._lose_patience()

    def _give(self, found: Reader, text: str, stamp: str | None, caller: str | None) -> bool:
        """Give a line to the first report that takes it."""
        drafts = self._drafts
        for draft in in_order(drafts, found, self._now) if len(drafts) > 1 else drafts:
            if not draft.is_anothers(caller) and found(draft, text):
                self._touch(draft, stamp)
                if stamp is not None:
                    self._recent.append((stamp, text))
                if found in WHOSE and len(self._drafts) > 1:
                    # It says who asked: what follows is the same report's.
                    self._drafts.remove(draft)
                    self._drafts.insert(0, draft)
                return True
        return False

    def _mend(self, draft: Draft, text: str, stamp: str | None) -> bool:
        """Put a line to the end of the one before it, where that was torn."""
        whole = (draft.torn or "") + text
        draft.torn = None
        if draft.touched != self._now - 1 or len(whole) > MAX_TEXT:
            return False
        found = reader(whole)
        if found is None or not found(draft, whole):
            return False
        self._touch(draft, stamp)
        return True

    def _touch(self, draft: Draft, stamp: str | None) -> None:
        """Remember that a report has taken a line."""
        draft.touched = self._now
        draft.stamp = stamp
        if draft.at is None:
            draft.at = stamp
        if self._now - draft.opened > MAX_LINES:
            self._close([draft])

    def _open(self, opened: Opening, stamp: str | None, caller: str | None) -> None:
        """Open the report of a header, after closing those that cannot go on."""
        last = max(self._drafts, key=attrgetter("opened"), default=None)
        now = self._now
        if last is not None and is_begun_by(last, opened, stamp, caller, now):
            last.header = opened.header
            if opened.vmalloc_got_bytes is not None:
                last.vmalloc_got_bytes = opened.vmalloc_got_bytes
            last.signs |= opened.signs
            last.touched = now
            return
        self._close([it for it in self._drafts if not goes_on(it, opened, stamp, caller, now)])
        draft = Draft(self._line, stamp, caller, self._banner)
        draft.kind = opened.kind
        draft.unwanted = opened.kind is None
        draft.header = opened.header
        draft.vmalloc_bytes = opened.vmalloc_bytes
        draft.vmalloc_got_bytes = opened.vmalloc_got_bytes
        draft.signs |= opened.signs
        self._add(draft)

    def _add(self, draft: Draft) -> None:
        """Add a report to those that are open; the oldest gives way."""
        draft.opened = draft.touched = self._now
        self._close([d for d in self._drafts if d.tentative])
        if len(self._drafts) >= MAX_OPEN:
            self._close([min(self._drafts, key=attrgetter("opened"))])
        if any(other.stage <= Stage.STACK for other in self._drafts):
            self._drafts.insert(0, draft)  # what follows is rather its own
        else:
            self._drafts.append(draft)

    def _close(self, drafts: list[Draft]) -> None:
        """End reports."""
        if drafts:
            self._done += drafts
            self._drafts = [draft for draft in self._drafts if draft not in drafts]

    def _lose_patience(self) -> None:
        """End the reports that have been passed over too often."""
        over = [draft for draft in self._drafts if is_over(draft, self._now)]
        if over:
            self._close(over)


def _openings(part: bytes) -> list[int]:
    """Give the numbers of the lines that may open a report, counted from 0."""
    found = []
    for word in OPENINGS:
        at = part.find(word)
        while at >= 0:
            found.append(part.count(b"\n", 0, at))
            at = part.find(word, part.find(b"\n", at))
    return found


def _size_of(part: bytes, lines: int) -> int:
    """Give the size of the first lines."""
    at = 0
    for _ in range(lines):
        at = part.find(b"\n", at) + 1
    return at
