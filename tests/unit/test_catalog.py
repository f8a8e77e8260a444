"""The journal's catalog explains every event, with facts that the event has."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from target.inside.every_event import FACTS

from oomwatchd import daemon
from oomwatchd.alerts.vocabulary import EVENTS

CATALOG = Path(__file__).parents[2] / "init" / "oomwatchd.catalog"
ON_DEMANDS = ("headroom_low", "headroom_warning", "headroom_critical", "headroom_recovered")


def entries() -> dict[str, tuple[dict[str, str], str]]:
    """Read headers and text by message id."""
    found: dict[str, tuple[dict[str, str], str]] = {}
    lines = [line for line in CATALOG.read_text().splitlines() if not line.startswith("#")]
    for part in "\n".join(lines).split("\n-- ")[1:]:
        head, _, text = part.partition("\n\n")
        message_id, *headers = head.splitlines()
        assert message_id not in found
        found[message_id] = (dict(line.split(": ", 1) for line in headers), text.strip())
    return found


def emitted() -> dict[str, set[str]]:
    """Collect the facts of each event from where the daemon emits it."""
    found: dict[str, set[str]] = {}
    for file in Path(str(daemon.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr != "emit" or not node.args:
                continue
            name = node.args[0]
            names = (name.value,) if isinstance(name, ast.Constant) else ON_DEMANDS
            for one in names:
                facts = {keyword.arg for keyword in node.keywords if keyword.arg}
                found.setdefault(str(one), set()).update(facts)
    return found


def test_message_ids_are_128_bits_and_differ() -> None:
    """In the form that journald takes."""
    ids = [event.message_id for event in EVENTS.values()]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
    assert len(set(ids)) == len(ids)


def test_every_event_is_explained_and_nothing_else() -> None:
    """The vocabulary and the catalog are in step."""
    assert list(entries()) == [event.message_id for event in EVENTS.values()]


@pytest.mark.parametrize("name", list(EVENTS))
def test_an_explanation_says_what_it_is_and_what_to_do(name: str) -> None:
    """A subject, where to read on, and two paragraphs that fit a terminal."""
    headers, text = entries()[EVENTS[name].message_id]
    assert list(headers) == ["Subject", "Defined-By", "Documentation"]
    assert headers["Documentation"] == "man:oomwatchd(8)"
    meaning, *advice = text.split("\n\n")
    assert len(meaning) >= 50
    assert advice
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("name", list(EVENTS))
def test_an_explanation_uses_facts_that_its_event_always_has(name: str) -> None:
    """What is missing would be shown by its field's name."""
    headers, text = entries()[EVENTS[name].message_id]
    used = {
        field.removeprefix("OOMWATCHD_").lower()
        for field in re.findall("@([A-Z_]+)@", headers["Subject"] + text)
    }
    assert used <= emitted().get(name, set())
    assert not [key for key in used if FACTS[name][key] is None]


def test_no_event_has_another_name() -> None:
    """What the daemon emits is in the vocabulary; all of its facts have names for the journal."""
    assert set(emitted()) <= set(EVENTS)
    assert set(emitted()) >= {"started", "stopped", "oom_kill", *ON_DEMANDS}
    for facts in emitted().values():
        assert all(re.fullmatch("[a-z][a-z_]{0,50}", fact) for fact in facts)


@pytest.mark.skipif(not shutil.which("journalctl"), reason="needs systemd's journalctl")
def test_systemd_takes_the_catalog(tmp_path: Path) -> None:
    """It compiles, and every entry is found by its id."""
    source, database = tmp_path / "usr/lib/systemd/catalog", tmp_path / "var/lib/systemd/catalog"
    source.mkdir(parents=True)
    database.mkdir(parents=True)
    shutil.copy(CATALOG, source)
    root = f"--root={tmp_path}"
    done = subprocess.run(
        ["journalctl", root, "--update-catalog"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    shown = subprocess.run(
        ["journalctl", root, "--list-catalog"], capture_output=True, text=True, check=True
    ).stdout
    for name, event in EVENTS.items():
        subject = entries()[event.message_id][0]["Subject"]
        assert f"{event.message_id} oomwatchd: {subject}" in shown, name
