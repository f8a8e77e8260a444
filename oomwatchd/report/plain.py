"""Lines in plain form, many at once: one pattern takes the stamps off a whole part of a log.

Most logs are as one program wrote them, and every line begins alike. Where a part of a log is so,
one search takes its lines apart; what is not is left to `prefix`, which takes any line. Both find
the same.
"""

import re

from oomwatchd.report.prefix import CALLER, OUTER, ROW, SECONDS, SYSLOG_DATE, VENDOR
from oomwatchd.report.stamp import of_microseconds

MAX_TEXT = 4096
"""Of one message: no kernel prints so much in one line."""

Plain = tuple[str, str, str]
"""The stamp, the caller and the text; all of them empty where the line is not in that form."""

_TRIED_LINES = 3
_TEXT = rf" *+(?:{{}})([!-~](?:[ -~]{{{{0,{MAX_TEXT - 2}}}}}[!-~])?)(?<!=) *$|^.*$"
"""A text without the blanks around it; what ends in "=" may go on in a mail's next line."""
_ONCE = _TEXT.format(rf"(?![<>|]|{VENDOR})")
"""The text where `prefix.strip` takes off one thing alone; what begins so may have more."""
_WHOLLY = _TEXT.format(rf"(?!{OUTER}|(?!{ROW})\[)")
"""The same where it goes on until nothing is left to take off."""
_STAMP = rf"\[ *({SECONDS})\] ?+(?:{CALLER})?+"
_HOST = r"[!-~]{1,80}"
_FACILITY = r"[a-z]{1,8}\.[a-z]{1,8}"
_UNKEPT_STAMP = rf"kernel: (?:\[ *{SECONDS}\] ?+(?:{CALLER})?+)?+"

_DMESG, _SYSLOG, _BUSYBOX, _LEVELS, _RECORDS, _BARE = _FORMS = tuple(
    re.compile(f"^{form}", re.MULTILINE)
    for form in (
        _STAMP + _ONCE,
        rf"{SYSLOG_DATE} {_HOST} {_UNKEPT_STAMP}{_ONCE}",
        rf"{SYSLOG_DATE} (?!kernel|vmunix){_HOST} {_FACILITY} {_UNKEPT_STAMP}{_WHOLLY}",
        rf"<\d{{1,3}}>{_STAMP}{_WHOLLY}",
        r"\d{1,4},\d{1,20},(\d{1,20})(),-;" + _TEXT.format(r"(?![^\n]*\\)"),
        f"()(){_WHOLLY}",
    )
)


def lines_of(part: bytes) -> list[Plain] | None:
    """Take apart a part of a log that ends with a line's end; None where it is in no plain form."""
    if b"=3D" in part or (b"#" in part and b"#01" in part):
        return None  # mails and syslog daemons write so what is something else
    try:
        text = part[:-1].decode("ascii")
    except UnicodeDecodeError:
        return None
    if "\r\n" in text or text.endswith("\r"):
        text = text.replace("\r\n", "\n").removesuffix("\r")
    form = _form_of(text)
    if form is None or (form is _DMESG and " kernel: " in text):
        return None
    if form is not _RECORDS:
        return form.findall(text)
    return [
        (of_microseconds(at) if at else "", caller, message)
        for at, caller, message in form.findall(text)
    ]


def _form_of(text: str) -> re.Pattern[str] | None:
    """Tell how the first lines are written; last of all, that nothing stands before them."""
    lines = text.split("\n", _TRIED_LINES)[:_TRIED_LINES]
    for form in _FORMS:
        for line in lines:
            match = form.match(line)
            if match is not None and match[3]:
                return form
    return None
