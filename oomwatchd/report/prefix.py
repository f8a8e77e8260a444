"""What stands before a kernel's message: stamps, callers, hosts, priorities, quotation marks.

A log is a copy of a copy: dmesg, syslog, the journal, Android's logcat, a serial console and a mail
each add their own, one before the other. All of it is taken off, from the outside inwards, until
the kernel's own text is left. /dev/kmsg gives records: one may be several lines.
"""

import json
import re

from oomwatchd.report.stamp import of_microseconds

MAX_LINE_BYTES = 64 * 1024

_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r") + b"\x7f"
_BLANKS = bytes.maketrans(b"\t", b" ")
_ANSI = re.compile(rb"\x1b(?:\[[0-9;?]{0,16}[A-Za-z]|[()][A-Z0-9]|[=>A-Z])")
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")

SECONDS = r"\d{1,12}\.\d{1,9}"
SYSLOG_DATE = r"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"
"""As syslog daemons have written it for ever."""
CALLER = r"\[ *([TC]\d{1,10})\] ?"
_KERNEL_STAMP = rf"\[ *({SECONDS})[^\]\[]{{0,24}}\] ?"
_WEEKDAY = r"(?:[A-Z]\w{1,4}[.,]? )?"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_DATE = _WEEKDAY + r"[A-Z]\w{2,3}\.? {1,2}\d{1,2} (?:\d{4} )?" + _CLOCK + r"(?: \d{4}(?=[ \]]))?"
_ISO_DATE = _WEEKDAY + r"\d{4}-\d\d-\d\d[T ]" + _CLOCK + r"(?:Z| ?[+-]\d\d:?\d\d| [A-Z]{2,5}(?= ))?"
_PROGRAM = r"(?:kernel|vmunix)(?:\[\d{1,10}\])?: ?"
_RFC_5424 = r"\S{1,80} (?:kernel|-) \S{1,40} \S{1,40} (?:-|\[[^\]]{0,200}\]) ?"

_MARKS = re.compile(r"[>| ]+|:(?=\D)")
_KERNEL = re.compile(_KERNEL_STAMP + "(?:" + CALLER + ")?")
_LONE_CALLER = re.compile(CALLER)
_PRIORITY = re.compile(r"<\d{1,3}>(?:\d{1,2} (?=\d{4}-))?")
_PLAIN_SYSLOG = re.compile(
    rf"{SYSLOG_DATE} [^ ]{{1,80}} kernel: (?:\[ *{SECONDS}\] ?(?:{CALLER})?)?"
)
_DATE_IN_BRACKETS = re.compile(rf"\[({_DATE}|{_ISO_DATE}|{_CLOCK})\] ?")
_SYSLOG = re.compile(rf"({_DATE}):?(?: |$)(?:(?:[^ ]{{1,80}} +){{0,3}}?{_PROGRAM})?")
_ISO = re.compile(rf"({_ISO_DATE}):?(?: |$)(?:(?:[^ ]{{1,80}} +){{0,3}}?{_PROGRAM}|{_RFC_5424})?")
_LOGCAT = re.compile(
    rf"((?:\d{{4}}-)?\d\d-\d\d {_CLOCK}) +(?:\d{{1,7}} +\d{{1,7}} +)?[VDIWEFS]"
    r"(?:/[^(:]{0,40}\( *\d{1,7}\)| [^:]{0,40}?): ?"
)
_LOGCAT_BRIEF = re.compile(r"[VDIWEFS]/[^(:]{1,40}(?:\( *\d{1,7}\))?: ?")
_UNIX_TIME = re.compile(rf"(\d{{9,11}}\.\d{{1,9}}) (?:[^ ]{{1,80}} +){{0,2}}?{_PROGRAM}")
_RELEASE = r"\d{1,2}\.\d[\w.+~-]{0,60},"
"""Before a record, from netconsole."""
_RECORD = re.compile(
    rf"(?:{_RELEASE})?\d{{1,4}},\d{{1,20}},(\d{{1,20}})(?:,[^;,]{{0,8}})?((?:,[^;,]{{0,40}}){{0,4}});"
)
_RECORD_CALLER = re.compile(r",caller=([TC]\d{1,10})")
_FACILITY = re.compile(r"(?:kern|user|daemon|syslog) {0,6}[:.][a-z]{1,8} {0,6}: ?")
_HOST = re.compile(rf"(?:[^ \[\]:]{{1,80}} )?(?:[a-z0-9]{{1,8}}\.[a-z]{{1,8}} )?{_PROGRAM}")
_FIELD = re.compile(r"MESSAGE=")
_EVENT = re.compile(r"data: (?=\{)")
_DELTA = re.compile(r"\[ *(?:\+\d{1,12}\.\d{1,9}|< *\d{1,12}\.\d{1,9}>)\] ?")
"""Of `dmesg --human`: what has passed since the line before."""
_MINUTE = re.compile(r"\[([A-Z][a-z]{2} ?\d{1,2} \d\d:\d\d)\] ?")
_JSON = re.compile(r'(?:\{.*?)?"(?:MESSAGE|msg|log)" ?: ?("(?:[^"\\]|\\.)*")')
"""Of journalctl, dmesg and Docker, an object in one line or a member a line."""
_JSON_MICROSECONDS = re.compile(r'"_SOURCE_MONOTONIC_TIMESTAMP" ?: ?"(\d{1,20})"')
VENDOR = r"(?:<\d>)?-?\(\d{1,3}\)\[\d{1,7}:[^\]]{1,32}\]|\[\d{1,3}: *[^\]:]{1,16}: *\d{1,7}\] ?"
"""Some boards' kernels add the processor and the task."""
ROW = r"\[ *(?:\d{1,10} *\] |<(?! *\d{1,12}\.\d))"
"""What begins with a bracket and is the kernel's own text."""
OUTER = (
    rf"[<>|: ({{\"-]|\d{{1,4}}[-,]|{_RELEASE}\d|\d{{9,11}}\."
    r"|[A-Z]\w{1,4}[.,]? {1,2}(?:[A-Z0-9]\w{0,3}\.?[ -])"
    r"|[VDIWEFS]/|MESSAGE=|data: \{|kern|user|daemon|syslog|vmunix"
    r"|[^ \[\]]{1,80} (?:[^ ]{1,20} )?(?:kernel|vmunix)"
)
"""What the text of a line that has something before it begins with."""
_VENDOR, _ROW, _OUTER = map(re.compile, (VENDOR, ROW, OUTER))


Line = tuple[str, str | None, str | None]
"""The text, the stamp as printed (the outermost of several), and the caller: T and a task's number,
or C and a processor's (since 5.1, where configured). A record's text may have several lines."""


def strip(raw: bytes) -> Line:
    """Take off what stands before the message of a line, and what no message has in it."""
    if b"\x1b" in raw:
        raw = _ANSI.sub(b"", raw)
    text = raw.translate(_BLANKS, _CONTROL).decode("utf-8", "replace")
    if not text.isascii():
        text = text.replace("\xa0", " ")  # mail programs keep blanks so
    text = text.strip()
    if "#01" in text:  # rsyslog's line breaks and tabs
        text = text.replace("#012", "\n").replace("#011", " ")
    if not text:
        return "", None, None
    first = text[0]
    if first == "[":
        match = _KERNEL.match(text)
        if match is None:
            return (text, None, None) if _ROW.match(text) else _peel(text)
        rest = text[match.end() :].lstrip()
        if rest[:1] not in _AGAIN and " kernel: " not in rest and not _VENDOR.match(rest):
            return rest, match[1], match[2]
        return _peel(text)
    match = _PLAIN_SYSLOG.match(text)
    if match is not None:
        rest = text[match.end() :].lstrip()
        if rest[:1] not in _AGAIN and not _VENDOR.match(rest):
            return rest, match[1], match[2]
    return _peel(text) if _OUTER.match(text) else (text, None, None)


def _peel(text: str) -> Line:
    """Take one thing after the other off a line that begins in no plain way."""
    stamp: str | None = None
    caller: str | None = None
    for _ in range(_MOST):
        for form in _FORMS.get(text[:1], _LETTER_FORMS):
            match = form.match(text)
            if match is not None:
                break
        else:
            break
        text = text[match.end() :]
        if form is _RECORD:
            stamp = stamp or of_microseconds(match[1])
            given = _RECORD_CALLER.search(match[2])
            caller = caller or (given[1] if given else None)
            return _ESCAPE.sub(_unescaped, text).strip(), stamp, caller
        if form is _JSON:
            given = _JSON_MICROSECONDS.search(match.string)
            stamp = stamp or (of_microseconds(given[1]) if given else None)
            text = _json_text(match[1])
            continue
        if form is _LONE_CALLER:
            caller = caller or match[1]
        elif match.re.groups:
            stamp = stamp or match[1]
            if form is _KERNEL:
                caller = caller or match[2]
    return text.strip(), stamp, caller


def _json_text(quoted: str) -> str:
    """Read a text of JSON; one that is none stays as it is."""
    try:
        text = json.loads(quoted, strict=False)
    except ValueError:
        return quoted[1:-1]
    return "".join(map(_printable, text)).strip()


def _unescaped(match: re.Match[str]) -> str:
    """Give back what a record escapes; what is no text stays out."""
    return _printable(chr(int(match[1], 16)))


def _printable(character: str) -> str:
    return character if character == "\n" or character.isprintable() else " "


_MOST = 8
_AGAIN = frozenset("<>|")
_LETTER_FORMS = (_SYSLOG, _ISO, _HOST, _FACILITY, _LOGCAT_BRIEF, _FIELD, _EVENT)
_DIGIT_FORMS = (_RECORD, _ISO, _LOGCAT, _UNIX_TIME, _HOST)
_FORMS: dict[str, tuple[re.Pattern[str], ...]] = {
    "": (),
    "[": (_KERNEL, _LONE_CALLER, _DATE_IN_BRACKETS, _VENDOR, _DELTA, _MINUTE),
    **dict.fromkeys('{"', (_JSON,)),
    "<": (_PRIORITY, _VENDOR),
    "(": (_VENDOR,),
    "-": (_VENDOR,),
    **dict.fromkeys(">|: ", (_MARKS,)),
    **dict.fromkeys("0123456789", _DIGIT_FORMS),
}
