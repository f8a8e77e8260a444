"""The JSON Schema of the status document, and that every document keeps to it."""

import copy
import functools
import json
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from commands import Result, look
from jsonschema import Draft202012Validator, ValidationError
from rootlib import ROOTS, all_roots, assessment_of

from oomwatchd.model import (
    Capabilities,
    Cause,
    DemandSpec,
    Outcome,
    Problem,
    Process,
    Remedy,
    Request,
)
from oomwatchd.policy import budget_left, initial
from oomwatchd.settings import Remedies
from oomwatchd.status.document import Facts, RemedyFacts, Standing, document

EXIT_CODES = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
RANKS = ["ok", "unknown", "warning", "critical"]

SCHEMA = json.loads(resources.files("oomwatchd").joinpath("status/schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)

Json = dict[str, Any]
Where = tuple[str | int, ...]


@functools.cache
def _looked(root: Path) -> Result:
    """Look at a root once for all tests."""
    return look(root)


def _full_document() -> Json:
    """Make a document in which every list has an entry and every fact that can be is known."""
    root = ROOTS / "armv7l-virt-linux6.1-cma-boost"
    specs = [
        DemandSpec("camera", 9, None, Request.KERNEL, 5000, 4000),
        DemandSpec("process", 2, None, Request.KERNEL),
    ]
    outcome = Outcome(
        remedy=Remedy.COMPACT,
        node=0,
        demand="camera",
        cause=Cause.FRAGMENTATION,
        headroom_before=1,
        headroom_after=9,
        pages_freed=-3,
        cma_pages_taken=40,
        duration_seconds=0.25,
        effective=True,
        finished_at=90.0,
        error="/proc/sys/vm/compact_memory: invalid argument",
    )
    facts = Facts(
        pid=17,
        uptime_seconds=100.5,
        boot_id="4d1c0b2e-0000-4000-8000-000000000000",
        now=100.0,
        capabilities=Capabilities(*[True] * len(Capabilities._fields)),
        problems=(Problem("socket", "no place"),),
        standings={"camera": Standing(5.0, (3, None, 2), 12.5)},
        remedies=RemedyFacts(
            running=Remedy.RECLAIM,
            inhibited_until_seconds=5.0,
            backoff_remaining_seconds=6.0,
            counts={Remedy.COMPACT: 4},
            budget_left=budget_left(initial(), Remedies(), now=100.0),
            outcomes=(outcome,),
        ),
        processes=(Process(1, "init", 900, 100, -1000),),
    )
    made: Json = json.loads(json.dumps(document(assessment_of(root, *specs), facts)))
    return made


FULL = _full_document()


def _walk(value: Any, where: Where = ()) -> Iterator[tuple[Where, Any]]:  # noqa: ANN401 - JSON
    """Give every value with its place, the document itself first; of lists the first item."""
    yield where, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*where, key))
    elif isinstance(value, list) and value:
        yield from _walk(value[0], (*where, 0))


def _at(value: Any, where: Where) -> Any:  # noqa: ANN401 - JSON
    """Follow a place."""
    for step in where:
        value = value[step]
    return value


def _changed(where: Where, change: Callable[[Any, str | int], None]) -> Json:
    """Copy the full document and change it at a place."""
    changed = copy.deepcopy(FULL)
    change(_at(changed, where[:-1]), where[-1])
    return changed


NESTED: list[Any] = [{"unknown": 1}, [{"unknown": 1}]]
WRONG_VALUES: dict[type, list[Any]] = {
    bool: [*NESTED, None, 1, "true"],
    int: [*NESTED, True, "1", 1.5],
    float: [*NESTED, True, "1.5"],
    str: [*NESTED, True, 1],
    dict: [None, [], "text", 1],
    list: [None, {}, "text", 1, [{"unknown": 1}]],
    type(None): [*NESTED, True],
}
"""Values of other types than the one that stands there."""


PLACES = [where for where, _ in _walk(FULL) if where]
OBJECTS = [where for where, value in _walk(FULL) if isinstance(value, dict)]
KEYS = [where for where in PLACES if isinstance(where[-1], str)]


def _name(where: Where) -> str:
    """Name a place for the report."""
    return ".".join(map(str, where)) or "document"


def _is_number_kept_exact(where: Where) -> bool:
    """Whether JSON's only number type for the key is "number": an integer is one too."""
    return _name(where).endswith(("_seconds", "_index"))


def test_the_schema_is_one() -> None:
    """It is a valid JSON Schema itself."""
    Draft202012Validator.check_schema(SCHEMA)


def test_every_object_of_the_schema_is_closed() -> None:
    """All keys required and no others allowed, wherever an object is described."""

    def objects(node: Any) -> Iterator[Json]:  # noqa: ANN401 - JSON
        if isinstance(node, dict):
            if "properties" in node and "type" in node:
                yield node
            for item in node.values():
                yield from objects(item)

    found = list(objects(SCHEMA))
    assert len(found) > 10
    for described in found:
        assert described["additionalProperties"] is False
        assert sorted(described["required"]) == sorted(described["properties"])


def test_the_full_document_is_valid() -> None:
    """What the mutations below start from has no fault, and leaves no list empty."""
    VALIDATOR.validate(FULL)
    empty = [_name(where) for where, value in _walk(FULL) if value == []]
    assert empty == []


@pytest.mark.parametrize("where", KEYS, ids=_name)
def test_a_missing_key_is_refused(where: Where) -> None:
    """Every key is always there."""

    def remove(holder: Any, key: str | int) -> None:  # noqa: ANN401 - JSON
        del holder[key]

    with pytest.raises(ValidationError):
        VALIDATOR.validate(_changed(where, remove))


@pytest.mark.parametrize("where", KEYS, ids=_name)
def test_a_renamed_key_is_refused(where: Where) -> None:
    """None is renamed."""

    def rename(holder: Any, key: str | int) -> None:  # noqa: ANN401 - JSON
        holder[f"{key}s"] = holder.pop(key)

    with pytest.raises(ValidationError):
        VALIDATOR.validate(_changed(where, rename))


@pytest.mark.parametrize("where", OBJECTS, ids=_name)
def test_an_unknown_key_is_refused(where: Where) -> None:
    """A key that the schema does not know is one that nobody described."""
    changed = copy.deepcopy(FULL)
    _at(changed, where)["unknown"] = None
    with pytest.raises(ValidationError):
        VALIDATOR.validate(changed)


@pytest.mark.parametrize("where", PLACES, ids=_name)
def test_a_wrong_type_is_refused(where: Where) -> None:
    """Every value has the type that its key promises."""
    for wrong in WRONG_VALUES[type(_at(FULL, where))]:
        if isinstance(wrong, float) and _is_number_kept_exact(where):
            continue

        def put(holder: Any, key: str | int, wrong: Any = wrong) -> None:  # noqa: ANN401 - JSON
            holder[key] = wrong

        with pytest.raises(ValidationError):
            VALIDATOR.validate(_changed(where, put))


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        (("schema",), 2),
        (("pid",), 0),
        (("severity",), "fine"),
        (("uptime_seconds",), -1),
        (("kernel", "page_size"), 0),
        (("memory", "free_kib"), -1),
        (("zones", 0, "orders", 0, "free_blocks"), -1),
        (("zones", 0, "orders", 0, "headroom", "kernel"), -1),
        (("zones", 0, "orders", 0, "fragmentation_index"), -2),
        (("zones", 0, "orders", 0, "unusable_index"), 1.001),
        (("demands", 0, "name"), "Camera"),
        (("demands", 0, "request"), "GFP_KERNEL"),
        (("demands", 0, "cause"), "bad luck"),
        (("demands", 0, "headroom"), -1),
        (("remedies", "last", 0, "remedy"), "reboot"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused(where: Where, wrong: object) -> None:
    """Counts are not negative, words are the project's, indices the kernel's."""

    def put(holder: Any, key: str | int) -> None:  # noqa: ANN401 - JSON
        holder[key] = wrong

    with pytest.raises(ValidationError):
        VALIDATOR.validate(_changed(where, put))


@pytest.mark.parametrize("root", all_roots(), ids=lambda root: root.name)
def test_a_root_is_described_by_a_valid_document(root: Path) -> None:
    """One line of JSON on stdout, nothing on stderr, and the schema holds."""
    result = _looked(root)
    VALIDATOR.validate(result.document)
    assert result.out.count("\n") == 1
    assert result.err == ""


@pytest.mark.parametrize("root", all_roots(), ids=lambda root: root.name)
def test_the_exit_code_is_the_severity(root: Path) -> None:
    """0 ok, 1 warning, 2 critical, 3 unknown; and the severity is the worst demand's."""
    result = _looked(root)
    status = result.document
    assert result.code == EXIT_CODES[status["severity"]]
    severities = [demand["severity"] for demand in status["demands"]]
    assert status["severity"] == max(severities, key=RANKS.index)


@pytest.mark.parametrize("root", all_roots(), ids=lambda root: root.name)
def test_a_roots_document_agrees_with_itself(root: Path) -> None:
    """Demand and zone tell the same tale, and every zone with blocks has all orders."""
    status = _looked(root).document
    assert status["demands"]
    for demand in status["demands"]:
        assert demand["warning"] >= demand["critical"]
        assert (demand["cause"] is not None) == (demand["severity"] in ("warning", "critical"))
        assert demand["history"] == [demand["headroom"]]
    for zone in status["zones"]:
        orders = [order["order"] for order in zone["orders"]]
        assert orders in ([], list(range(status["kernel"]["orders"])))


def test_a_copied_root_is_never_acted_on() -> None:
    """Nothing of this machine is in the document of another: no processes, no boot."""
    status = _looked(all_roots()[0]).document
    assert status["processes"] == []
    assert status["boot_id"] is None
    assert not status["capabilities"]["kmsg"]
