"""The configuration: every key, every fault with its place, and the shipped file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.config import parse
from oomwatchd.errors import ConfigError
from oomwatchd.model import DemandSpec, Request
from oomwatchd.settings import Config, Hours, SocketSettings
from oomwatchd.status.paths import SYSTEM_PATH

SHIPPED = Path(__file__).parents[2] / "config" / "oomwatchd.conf"
NAME = "oomwatchd.conf"

# Section and key, values as written, and what they mean.
GOOD: list[tuple[str, str, dict[str, object]]] = [
    ("demands", "builtin", {"yes": True, "no": False}),
    ("poll", "interval_min_seconds", {"0.05": 0.05, "0.5": 0.5, "10": 10.0}),
    ("poll", "interval_max_seconds", {"0.5": 0.5, "3600": 3600.0}),
    ("poll", "hold_seconds", {"0": 0.0, "86400": 86400.0, "86400.000": 86400.0}),
    ("poll", "clear_seconds", {"0": 0.0, "60": 60.0}),
    ("poll", "settle_seconds", {"0": 0.0, "600": 600.0}),
    ("poll", "psi", {"yes": True, "no": False}),
    ("remedies", "compact", {"yes": True, "no": False}),
    ("remedies", "compact_spacing_seconds", {"1": 1.0, "86400": 86400.0}),
    ("remedies", "compact_per_hour", {"0": 0, "3600": 3600}),
    ("remedies", "compact_per_day", {"0": 0, "2000": 2000}),
    ("remedies", "compact_async", {"yes": True, "no": False}),
    ("remedies", "reclaim", {"yes": True, "no": False}),
    ("remedies", "reclaim_spacing_seconds", {"1": 1.0, "86400": 86400.0}),
    ("remedies", "reclaim_per_hour", {"0": 0, "3600": 3600}),
    ("remedies", "reclaim_per_day", {"0": 0, "2000": 2000}),
    ("remedies", "drop_caches", {"yes": True, "no": False}),
    ("remedies", "drop_spacing_seconds", {"1": 1.0, "86400": 86400.0}),
    ("remedies", "drop_per_hour", {"0": 0, "3600": 3600}),
    ("remedies", "drop_per_day", {"0": 0, "2000": 2000}),
    ("remedies", "backoff_min_seconds", {"1": 1.0, "3600": 3600.0}),
    ("remedies", "backoff_max_seconds", {"60": 60.0, "86400": 86400.0}),
    ("remedies", "realtime", {"yes": True, "no": False}),
    (
        "remedies",
        "quiet_hours",
        {
            "": (),
            "22:00-06:00": (Hours(1320, 360),),
            "00:00-24:00": (Hours(0, 1440),),
            "23:59-00:00": (Hours(1439, 0),),
            "12:00 - 13:30 ,22:00-06:05": (Hours(720, 810), Hours(1320, 365)),
            ",".join(["01:00-02:00"] * 8): (Hours(60, 120),) * 8,
        },
    ),
    ("daemon", "lock_memory", {"yes": True, "no": False}),
    ("daemon", "oom_score_adj", {"auto": None, "0": 0, "-1": -1, "-1000": -1000}),
    ("daemon", "kmsg", {"yes": True, "no": False}),
    (
        "hook",
        "command",
        {
            "": (),
            "/bin/true": ("/bin/true",),
            "/a  b\t c ": ("/a", "b", "c"),
            "/a 'b c' $HOME *": ("/a", "'b", "c'", "$HOME", "*"),
            "/é #;=": ("/é", "#;="),
            "/" + "x" * 1023: ("/" + "x" * 1023,),
        },
    ),
    ("hook", "timeout_seconds", {"1": 1.0, "2.5": 2.5, "600": 600.0}),
    ("hook", "floor_blocks", {"0": 0, "16": 16, "1099511627776": 1 << 40}),
    ("alerts", "log_to", {word: word for word in ("auto", "stderr", "syslog", "journal")}),
    ("alerts", "lines_per_hour", {"10": 10, "1000": 1000}),
    ("alerts", "repeat_seconds", {"0": 0.0, "86400": 86400.0}),
    ("socket", "path", {"/run/x.sock": "/run/x.sock", "/" + "x" * 106: "/" + "x" * 106}),
    ("socket", "group", {"adm": "adm", "0": "0"}),
    ("socket", "control_group", {"adm": "adm", "4": "4"}),
]
GOOD_DEMAND: dict[str, dict[str, object]] = {
    "order": {"0": 0, "13": 13, "4": 4},
    "size": {"64K": 65536, "1M": 1 << 20, "32 KiB": 32768, "4G": 4 << 30},
    "request": {request.value: request for request in Request},
    "warning": {"0": 0, "16": 16, "1099511627776": 1 << 40},
    "critical": {"0": 0, "3": 3},
}
FIELDS = {"size": "size_bytes"}
PARTS = {"daemon": "survival"}

BAD: dict[str, dict[str, list[str]]] = {
    "demands": {"builtin": ["", "true", "1", "Yes", "yes no"]},
    "poll": {
        "interval_min_seconds": ["", "0", "0.01", "3601", "-1", "1e3", "nan", "inf", "1,5", "1s"],
        "interval_max_seconds": ["", "0", "0.01", "3601", "1.2.3", ".", "1 0", "٣"],
        "hold_seconds": ["", "-1", "86401", "1_0", "+1"],
        "clear_seconds": ["", "86400.001", "x"],
        "settle_seconds": ["", "601", "0x1"],
        "psi": ["", "auto"],
    },
    "remedies": {
        "compact": ["", "on", "2"],
        "compact_spacing_seconds": ["", "0", "0.5", "86401"],
        "compact_per_hour": ["", "-1", "3601", "1.0", "9" * 30],
        "compact_per_day": ["", "-1", "2001", "many"],
        "compact_async": ["", "auto"],
        "reclaim": ["", "64M"],
        "reclaim_spacing_seconds": ["", "0", "86401"],
        "reclaim_per_hour": ["", "-1", "3601"],
        "reclaim_per_day": ["", "-1", "2001"],
        "drop_caches": ["", "3", "pagecache"],
        "drop_spacing_seconds": ["", "0", "86401"],
        "drop_per_hour": ["", "-1", "3601"],
        "drop_per_day": ["", "-1", "2001"],
        "backoff_min_seconds": ["", "0", "0.9", "86401"],
        "backoff_max_seconds": ["", "0", "86401", "1 hour"],
        "realtime": ["", "fifo"],
        "quiet_hours": [
            *("night", "22:00", "22-06", "22:00-6:00", "22:00-06:00-07:00", "-22:00-06:00"),
            *("24:00-06:00", "22:00-24:01", "22:60-23:00", "25:00-06:00", "٢٢:00-06:00"),
            *("22:00-22:00", "01:00-02:00,03:00-03:00", "00:00-00:00"),
            *("22:00-06:00,", ",", "22:00-06:00;12:00-13:00", "22:00-06:00 12:00-13:00"),
            ",".join(["01:00-02:00"] * 9),
        ],
    },
    "daemon": {
        "lock_memory": ["", "1"],
        "oom_score_adj": ["", "1", "-1001", "--1", "-", "-0", "+0", "- 5", "Auto", "-9" * 30],
        "kmsg": ["", "true"],
    },
    "hook": {
        "command": [
            *("hook", "./hook", "~/hook", "$HOME/hook", "'/a b'", "sh -c x", "-"),
            *("/a\0", "/a\x1b", "/a\u00a0b", "/a\u2028b", "/a b\x7f", "/a\rb"),
            *("/" + "x" * 1024, "/" + "é" * 512, "/a " + "b " * 600 + "b"),
        ],
        "timeout_seconds": ["", "0", "0.9", "601", "10s", "-1", "nan"],
        "floor_blocks": ["", "-1", "1.5", "1099511627777", "few"],
    },
    "alerts": {
        "log_to": ["", "file", "stderr,syslog", "AUTO"],
        "lines_per_hour": ["", "0", "9", "1001", "60/h", "-1", "1e2"],
        "repeat_seconds": ["", "-1", "86401", "1h", "no"],
    },
    "socket": {
        "path": ["", "run/x", "~/x", "/" + "x" * 107, "/" + "é" * 54, "/a\0b"],
        "group": ["", "a b", "é", "a\x07"],
        "control_group": ["", "a b"],
    },
    "demand camera": {
        "order": ["", "-1", "14", "21", "big", "1.5", "+2", "0x2", "1_0", "٣", "9" * 30],
        "size": ["", "0", "64 apples", "-1", "5G", "1.5M", "K"],
        "request": ["", "Kernel", "gfp", "kernel atomic"],
        "warning": ["", "-1", "1.5", "many", "1099511627777"],
        "critical": ["", "-1", "few"],
    },
}


def _config(text: str) -> Config:
    """Read one file."""
    return parse([(NAME, text.encode())])


def _faults(*files: str) -> list[str]:
    """Read files and give the faults."""
    with pytest.raises(ConfigError) as caught:
        parse([(f"{at}.conf", text.encode()) for at, text in enumerate(files)])
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def _good() -> Iterator[tuple[str, str, str, object]]:
    """List section, key, text and value."""
    for section, key, values in GOOD:
        for text, value in values.items():
            yield section, key, text, value


def _bad() -> Iterator[tuple[str, str, str]]:
    """List section, key and text."""
    for section, keys in BAD.items():
        for key, texts in keys.items():
            for text in texts:
                yield section, key, text


def test_no_file_is_a_good_configuration() -> None:
    """So are an empty one and one of comments."""
    assert parse([]) == Config()
    assert _config("") == Config()
    assert _config("# nothing\n; here\n\n[poll]\n") == Config()


@pytest.mark.parametrize(("section", "key", "text", "value"), list(_good()))
def test_a_key_is_read(section: str, key: str, text: str, value: object) -> None:
    """The value is read, and all else keeps its default."""
    if section == "demands":
        config = _config(f"[demands]\nbuiltin = {text}\n[demand a]\norder = 1\n")
        assert config.builtin_demands is value
        return
    config = _config(f"[{section}]\n{key} = {text}\n")
    field = PARTS.get(section, section)
    part = getattr(Config(), field)
    assert config == Config()._replace(**{field: part._replace(**{key: value})})


def test_a_configuration_that_watches_nothing_is_a_fault() -> None:
    """It would look like a healthy device for ever."""
    assert _faults("[demands]\nbuiltin = no\n") == [
        "0.conf:2: [demands]: builtin = no and no [demand NAME]: nothing is watched"
    ]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [(key, text, value) for key, values in GOOD_DEMAND.items() for text, value in values.items()],
)
def test_a_demands_key_is_read(key: str, text: str, value: object) -> None:
    """The value is read, and what is not said is left open."""
    text = f"{key} = {text}\n" + ("" if key in ("order", "size") else "order = 1\n")
    (spec,) = _config(f"[demand camera]\n{text}").demands
    bare = DemandSpec("camera", None, None, Request.KERNEL)._asdict()
    if key not in ("order", "size"):
        bare["order"] = 1
    assert spec._asdict() == {**bare, FIELDS.get(key, key): value}


@pytest.mark.parametrize(("section", "key", "text"), list(_bad()))
def test_a_bad_value_is_named_with_its_place(section: str, key: str, text: str) -> None:
    """One fault: file, line, section, key, what it must be, and what it is."""
    other = "" if not section.startswith("demand ") or key in ("order", "size") else "order = 1\n"
    (fault,) = _faults(f"# a line\n[{section}]\n{other}{key} = {text}\n")
    label = f'demand "{section[7:]}"' if section.startswith("demand ") else f"[{section}]"
    assert fault.startswith(f"0.conf:{4 if other else 3}: {label}: {key} must be ")
    assert ', not "' in fault
    assert fault.isprintable()


def test_the_message_of_the_contract() -> None:
    """Word for word."""
    text = "\n" * 12 + "[demand camera]\norder = big\n"
    with pytest.raises(ConfigError) as caught:
        parse([("oomwatchd.conf", text.encode())])
    assert str(caught.value) == (
        'oomwatchd.conf:14: demand "camera": order must be a whole number from 0 to 13, not "big"'
    )


STATEMENTS = {
    "an unknown section": ("[pool]\n", '0.conf:1: unknown section "pool"'),
    "an unknown key": ("[poll]\nhold = 1\n", '0.conf:2: [poll] has no key "hold"'),
    "an unknown key of a demand": (
        "[demand a]\norder = 1\nsise = 2\n",
        '0.conf:3: [demand a] has no key "sise"',
    ),
    "a key before any section": (
        "hold_seconds = 1\n",
        '0.conf:1: "hold_seconds" stands before any section',
    ),
    "neither": ("[poll]\nhello\n", '0.conf:2: neither a section nor key = value: "hello"'),
    "no key": ("[poll]\n= 1\n", '0.conf:2: neither a section nor key = value: "= 1"'),
    "an open section": ("[poll\n", '0.conf:1: not a section: "[poll"'),
    "an empty section": ("[]\n", '0.conf:1: not a section: "[]"'),
    "a key twice": (
        "[poll]\nhold_seconds = 1\nhold_seconds = 1\n",
        '0.conf:3: "hold_seconds" stands twice in this file',
    ),
    "a section twice": ("[poll]\n\n[poll]\n", '0.conf:3: section "poll" stands twice in this file'),
    "neither order nor size": (
        "[demand a]\nrequest = atomic\n",
        '0.conf:2: demand "a": needs either order or size',
    ),
    "nothing in a demand": (
        "\n[demand a]\n",
        '0.conf:2: demand "a": needs either order or size',
    ),
    "both order and size": (
        "[demand a]\norder = 1\nsize = 8K\n",
        '0.conf:2: demand "a": give either order or size, not both',
    ),
    "warning below critical": (
        "[demand a]\norder = 1\nwarning = 2\ncritical = 3\n",
        '0.conf:3: demand "a": warning must be at least critical (3), not "2"',
    ),
    "an order for cma alone": (
        "[demand a]\nrequest = kernel\norder = 14\n",
        '0.conf:3: demand "a": order must be a whole number from 0 to 13, not "14"',
    ),
    "intervals the wrong way round": (
        "[poll]\ninterval_min_seconds = 20\n",
        "0.conf:2: [poll]: interval_min_seconds (20) must be at most interval_max_seconds (10)",
    ),
    "intervals the other way round": (
        "[poll]\ninterval_max_seconds = 0.1\n",
        "0.conf:2: [poll]: interval_min_seconds (0.5) must be at most interval_max_seconds (0.1)",
    ),
    "a back-off that begins beyond its end": (
        "[remedies]\nreclaim = no\nbackoff_max_seconds = 300\nbackoff_min_seconds = 600\n",
        "0.conf:4: [remedies]: backoff_min_seconds (600) must be at most backoff_max_seconds (300)",
    ),
    "a back-off that ends before its default begins": (
        "[remedies]\nbackoff_max_seconds = 59\n",
        "0.conf:2: [remedies]: backoff_min_seconds (60) must be at most backoff_max_seconds (59)",
    ),
    "hours without length": (
        "[remedies]\nquiet_hours = 22:00-06:00, 08:00-08:00\n",
        (
            "0.conf:2: [remedies]: quiet_hours must be parts of the day that do not end where "
            'they begin, not "22:00-06:00, 08:00-08:00"'
        ),
    ),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_fault_is_told_once_and_with_its_place(name: str) -> None:
    """File, line and what is wrong."""
    text, fault = STATEMENTS[name]
    assert _faults(text) == [fault]


@pytest.mark.parametrize("name", ["", "Camera", "1st", "-x", "a b", "é", "a.b", "x" * 33])
def test_a_demands_name_is_plain(name: str) -> None:
    """It stands in events, plugin lines and shell variables."""
    (fault,) = _faults(f"[demand {name}]\norder = 1\n")
    assert fault.startswith("0.conf:1: a demand's name is a letter and up to 31 of a-z 0-9 _ -")


@pytest.mark.parametrize("name", ["a", "camera", "x" * 32, "a-1_b"])
def test_a_demands_name_is_kept(name: str) -> None:
    """A letter, then letters, digits, _ and -."""
    assert [spec.name for spec in _config(f"[demand {name}]\norder = 1\n").demands] == [name]


def test_a_large_order_is_for_cma() -> None:
    """A contiguous allocation may be larger than the buddy's largest block."""
    (spec,) = _config("[demand a]\norder = 20\nrequest = cma\n").demands
    assert (spec.order, spec.request) == (20, Request.CMA)
    (fault,) = _faults("[demand a]\norder = 21\nrequest = cma\n")
    assert fault.startswith('0.conf:2: demand "a": order must be a whole number from 0 to ')


def test_all_faults_of_all_files_are_told_at_once() -> None:
    """Whoever mends them needs to see them all."""
    faults = _faults(
        "[poll]\nhold_seconds = x\nwhat = 1\n[pool]\n[demand a]\norder = big\nwarning = -1\n",
        "nothing\n[socket]\npath = x\n[demand b]\n",
    )
    places = sorted(fault.split(": ")[0] for fault in faults)
    assert places == [
        *("0.conf:2", "0.conf:3", "0.conf:4", "0.conf:6", "0.conf:7"),
        *("1.conf:1", "1.conf:3", "1.conf:4"),
    ]


def test_a_bad_value_makes_no_second_fault() -> None:
    """What depends on a value that could not be read is not judged."""
    assert len(_faults("[poll]\ninterval_min_seconds = 20\ninterval_max_seconds = x\n")) == 1
    assert len(_faults("[poll]\ninterval_min_seconds = x\ninterval_max_seconds = 0.1\n")) == 1
    assert len(_faults("[remedies]\nbackoff_min_seconds = x\nbackoff_max_seconds = 9\n")) == 1
    assert len(_faults("[demand a]\norder = 1\nwarning = x\ncritical = 9\n")) == 1


def test_a_bad_value_beside_them_does_not_hide_bounds_that_are_wrong() -> None:
    """Both are told."""
    text = "[poll]\nhold_seconds = x\ninterval_min_seconds = 20\n"
    assert [fault.split(": ")[0] for fault in _faults(text)] == ["0.conf:2", "0.conf:3"]


def test_bytes_that_are_no_text_have_their_line() -> None:
    """The line of the first such byte."""
    with pytest.raises(ConfigError) as caught:
        parse([(NAME, b"[poll]\nhold_seconds = 1\n# caf\xe9\n")])
    assert caught.value.problems == ["oomwatchd.conf:3: not UTF-8 text"]


def test_files_merge_key_by_key_and_the_later_wins() -> None:
    """A drop-in overrides one key and leaves the others."""
    main = "[poll]\nhold_seconds = 1\nclear_seconds = 2\n[demand a]\norder = 3\nwarning = 9\n"
    config = parse(
        [
            ("main", main.encode()),
            ("10", b"[poll]\nclear_seconds = 3\n[demand a]\nwarning = 7\n[demand b]\norder = 1\n"),
            ("20", b"[poll]\nclear_seconds = 4\n"),
        ]
    )
    assert (config.poll.hold_seconds, config.poll.clear_seconds) == (1.0, 4.0)
    assert config.demands == (
        DemandSpec("a", 3, None, Request.KERNEL, warning=7),
        DemandSpec("b", 1, None, Request.KERNEL),
    )


def test_a_fault_of_merged_files_names_the_file_that_made_it() -> None:
    """The value that a later file put there has that file's place."""
    assert _faults(
        "[demand a]\norder = 3\nwarning = 9\ncritical = 5\n", "[demand a]\nwarning = 4\n"
    ) == ['1.conf:2: demand "a": warning must be at least critical (5), not "4"']


@pytest.mark.parametrize("text", ["[poll]\r\nhold_seconds = 1\r\n", "[ poll ]\n hold_seconds=1"])
def test_blanks_and_carriage_returns_do_not_matter(text: str) -> None:
    """Nor does a missing last line break."""
    assert _config(text).poll.hold_seconds == 1.0


def test_a_comment_sign_within_a_value_is_the_values() -> None:
    """Comments begin a line: a path may hold the sign."""
    assert _config("[socket]\npath = /run/a#b;c\n").socket.path == "/run/a#b;c"


PIECES = [
    *("[", "]", "demand ", "demand a", "poll", "socket", "=", " = ", "\n", "\r", "#", ";", " "),
    *("order", "size", "warning", "critical", "hold_seconds", "path", "1", "64K", "/x", "big"),
    *("[remedies]\n", "quiet_hours", "backoff_min_seconds", "-", ",", "22:00-06:00", "[daemon]\n"),
    *("oom_score_adj", "auto", "[hook]\n", "command", "/bin/sh -c", "\t", "\u00a0"),
    *("\0", "é", "\u2028", "\x1b", "\x85", "\ufeff", "\x0b", "[demand a]\n", "[poll]\n"),
]


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from(PIECES), max_size=30).map(lambda p: "".join(p).encode()),
    )
)
def test_any_bytes_are_a_configuration_or_refused(data: bytes) -> None:
    """Nothing else is raised; every fault is one line with file and line."""
    try:
        parse([(NAME, data)])
    except ConfigError as error:
        problems = error.problems
    else:
        problems = ["oomwatchd.conf:1: none"]
    assert problems
    for problem in problems:
        assert re.match(r"oomwatchd\.conf:\d+: ", problem)
        assert problem.isprintable()


def _shipped_settings() -> list[tuple[str, str, str]]:
    """List section, key and value of every commented setting of the shipped file."""
    found = []
    section = ""
    for line in SHIPPED.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"#?\[(.+)\]", line):
            section = match[1]
        elif match := re.fullmatch(r"#([a-z_]+) =(?: (.+))?", line):
            found.append((section, match[1], match[2] or ""))
    return found


def _as_by_default(config: Config) -> Config:
    """Take out what the shipped file spells out of defaults that depend on the user."""
    own = config.socket
    assert own.path in (None, SYSTEM_PATH)
    assert own.group in (None, "root")
    assert own.control_group in (None, "root")
    return config._replace(socket=SocketSettings())


def test_the_shipped_file_changes_nothing() -> None:
    """As it is, it is all comments."""
    assert parse([(NAME, SHIPPED.read_bytes())]) == Config()


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [setting for setting in _shipped_settings() if not setting[0].startswith("demand ")],
)
def test_each_comment_of_the_shipped_file_is_the_default(
    section: str, key: str, value: str
) -> None:
    """Taking a comment sign away changes nothing, so the comments say the truth."""
    assert _as_by_default(_config(f"[{section}]\n{key} = {value}\n")) == Config()


def test_the_shipped_file_without_its_comment_signs_is_good() -> None:
    """Uncommented as a whole it still reads, with its example demand."""
    text = re.sub(r"(?m)^#(?=\[|[a-z_]+ =)", "", SHIPPED.read_text(encoding="utf-8"))
    config = _as_by_default(_config(text))
    assert [spec.name for spec in config.demands] == ["camera"]
    assert config._replace(demands=()) == Config()


@pytest.mark.parametrize(("section", "key"), [(section, key) for section, key, _ in GOOD])
def test_the_shipped_file_shows_every_key(section: str, key: str) -> None:
    """Every default stands there as a comment."""
    assert (section, key) in {(section, key) for section, key, _ in _shipped_settings()}
