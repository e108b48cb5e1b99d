"""The checker of the nemesis finds each kind of loss in a made-up record."""

import json
from typing import Any

import pytest

from contract_tests.receiving import Received
from contract_tests.replicas import checking
from contract_tests.replicas.counting import Counted
from contract_tests.replicas.journal import Act, Export, Journal, Reading
from contract_tests.replicas.observing import Final
from contract_tests.replicas.replicas import find_traces

KEY = "own"


def act(kind: str, name: str, began: float, ended: float | None, answer: Any = None, key: str = KEY) -> Act:
    return Act(kind, key, name, began, ended, answer, acknowledged=ended is not None)


def write_rows(*names: str, labelled: bool = True) -> str:
    return "".join(
        json.dumps(
            {
                "data_row": {"global_key": name},
                "projects": {"p": {"labels": [{"id": f"label of {name}"}] if labelled else []}},
            }
        )
        + "\n"
        for name in names
    )


def export(*names: str, before: float = 10, after: float = 11, **fields: Any) -> Export:
    return Export(KEY, "task", before, after, **{"status": "COMPLETE", "content": write_rows(*names)} | fields)


def deliver(name: str, number: int, **fields: Any) -> dict[str, Any]:
    body = {"id": f"id-{name}", "event_no": number, "label_id": f"label of {name}", "body": name, "state": "DELIVERED"}
    return body | fields


def receive(name: str, body: str | None = None) -> Received:
    return Received(0, f"/{KEY}", {"X-Labelbox-Id": f"id-{name}"}, (body or name).encode(), 1)


def journal(*acts: Act) -> Journal:
    return Journal(acts=list(acts))


def label(name: str, began: float, ended: float | None) -> Act:
    return act("label", name, began, ended, {"events": [{}, {"label_id": f"label of {name}"}]})


GOOD = Final(KEY, ["image", "p1"], write_rows("a", "b"), write_rows("a", "b"), [deliver("a", 1), deliver("b", 2)])
RECORD = journal(act("project", "p1", 1, 2), label("a", 3, 4), label("b", 5, None))


def check_all(record: Journal, final: Final, received: list[Received]) -> list[str]:
    return checking.check_final(record, final) + checking.check_messages(record, final, received, ordered=True)


def test_a_record_without_a_loss_is_accepted() -> None:
    """A change without an answer may have happened, and a message may arrive twice."""
    assert check_all(RECORD, GOOD, [receive("a"), receive("a"), receive("b")]) == []


@pytest.mark.parametrize(
    ("record", "changed", "received", "words"),
    [
        (RECORD, {"projects": ["image"]}, "ab", "project p1 of own was acknowledged and is lost"),
        (RECORD, {"projects": ["p1", "p1"]}, "ab", "project p1 of own is there 2 times"),
        (RECORD, {"projects": ["p1", "p2"]}, "ab", "project p2 of own was never requested"),
        (RECORD, {"content": write_rows("b")}, "ab", "row a of own was acknowledged and is lost"),
        (RECORD, {"content": write_rows("a", "b", labelled=False)}, "ab", "is a half of a change"),
        (RECORD, {"expected": write_rows("a")}, "ab", "other bytes than POST /_mock/expected"),
        (RECORD, {}, "a", "delivery id-b of own never arrived"),
        (RECORD, {}, "ba", "arrived out of order"),
        (RECORD, {}, "abc", "delivery id-c of own was sent, and is not on record"),
        (RECORD, {"deliveries": [deliver("a", 1)]}, "a", "label label of b of own was not reported"),
        (RECORD, {"deliveries": [*GOOD.deliveries, deliver("c", 3)]}, "abc", "was reported and does not exist"),
        (RECORD, {"deliveries": [*GOOD.deliveries, deliver("b", 3, id="id-c")]}, "ab", "was reported 2 times"),
        (RECORD, {"deliveries": [deliver("a", 1), deliver("b", 2, state="FAILED")]}, "ab", "id-b of own is FAILED"),
    ],
)
def test_each_loss_is_found(record: Journal, changed: dict[str, Any], received: str, words: str) -> None:
    final = Final(**vars(GOOD) | changed)
    assert any(words in line for line in check_all(record, final, [receive(name) for name in received]))


def test_a_message_with_other_bytes_is_found() -> None:
    assert any("other bytes" in line for line in check_all(RECORD, GOOD, [receive("a", "z"), receive("b")]))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (export("a"), None),
        (export("a", "b"), None),
        (export("b"), "lacks a, which was acknowledged before"),
        (export("a", "late"), "has late, which was requested later or never"),
        (export("a", "a"), "has a 2 times"),
        (export(status="FAILED", reason=""), "FAILED without a reason"),
        (export(status="FAILED", reason="lost"), None),
    ],
)
def test_an_export_has_everything_acknowledged_before_it(seen: Export, words: str | None) -> None:
    record = journal(label("a", 3, 4), label("b", 5, None), label("late", 12, 13))
    violations = checking.check_export(record, seen)
    assert (violations == []) if words is None else (words in violations[0] and len(violations) == 1)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (("image", "a"), None),
        (("a", "b"), None),
        (("b",), "lacks a, which was acknowledged before"),
        (("a", "late"), "has late, which was requested later or never"),
    ],
)
def test_a_reading_has_everything_acknowledged_before_it(seen: tuple[str, ...], words: str | None) -> None:
    record = journal(act("project", "a", 3, 4), act("project", "b", 5, None), act("project", "late", 12, 13))
    record.readings.append(Reading(KEY, 10, 11, list(seen)))
    violations = checking.check_readings(record)
    assert (violations == []) if words is None else (words in violations[0] and len(violations) == 1)


def test_no_reading_goes_back_to_an_earlier_state() -> None:
    """A change without an answer may have happened; from then on everybody sees it."""
    record = journal(act("project", "a", 3, None))
    record.readings += [Reading(KEY, 4, 6, []), Reading(KEY, 5, 8, ["a"]), Reading(KEY, 7, 9, [])]
    assert checking.check_readings(record) == []
    record.readings.append(Reading(KEY, 8, 9, []))
    assert ["which an earlier one has shown" in words for words in checking.check_readings(record)] == [True]


def test_an_ended_export_must_stay_as_it_was() -> None:
    assert checking.check_same(export("a"), export("a")) == []
    assert checking.check_same(export("a"), export("b"))
    assert checking.check_same(export("a"), export(status="FAILED"))


def test_workspaces_are_there_and_deleted_ones_are_not() -> None:
    record = journal(*(act("create", key, 1, 2, key=key) for key in "abc"), act("delete", "b", 3, 4, key="b"))
    assert checking.check_workspaces(record, {"a", "c"}) == []
    assert len(checking.check_workspaces(record, {"a", "b", "d"})) == 3


def test_a_fork_has_the_changes_of_its_source() -> None:
    fork = act("create", KEY, 10, 11, key="fork")
    record = journal(act("project", "p1", 1, 2), act("project", "late", 12, 13))
    assert checking.check_fork(record, fork, ["image", "p1"]) == []
    assert len(checking.check_fork(record, fork, ["late"])) == 2


def test_a_clock_moves_as_far_as_requested() -> None:
    record = journal(act("clock", "10", 1, 2), act("clock", "5", 3, None))
    assert [len(checking.check_clock(record, KEY, moved)) for moved in (3, 10.2, 15.1, 20)] == [1, 0, 0, 1]


def test_tracebacks_are_shown_with_what_they_are_about() -> None:
    log = "ERROR a: failed\nTraceback (most recent call last):\n  File x\n    y()\nTypeError: z\nWARNING b: other\n"
    assert find_traces(log) == ["ERROR a: failed\nTraceback (most recent call last):\n  File x\n    y()\nTypeError: z"]
    assert find_traces("") == []


def test_a_request_that_was_read_keeps_its_number_until_newer_ones_take_its_place() -> None:
    recorded = {3: "later", 4: "last"}
    assert checking.check_requests(KEY, {1: "first", 3: "later"}, recorded) == []
    assert len(checking.check_requests(KEY, {3: "other", 5: "lost"}, recorded)) == 2


@pytest.mark.parametrize(
    ("hits", "unanswered", "is_wrong"), [(3, 0, False), (2, 1, False), (2, 0, True), (4, 0, True), (0, 9, False)]
)
def test_a_fault_hits_as_often_as_requested(hits: int, unanswered: int, is_wrong: bool) -> None:
    counted = Counted(KEY, "probe", 3, hits, unanswered, passed=True)
    assert (counted.describe_error() is not None) == is_wrong
