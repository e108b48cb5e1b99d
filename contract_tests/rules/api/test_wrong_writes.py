"""Every mutation with arguments of every wrong kind: what is refused changes nothing, and no answer is a bug."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from typing import Any, cast

import pytest

from contract_tests.rules.api.writes.populated import Populated, create_populated
from contract_tests.rules.api.writes.right import ALL, OF_FILES, OF_TASKS, REFUSED, RIGHT
from contract_tests.rules.api.writes.right_ontologies import REST
from contract_tests.rules.api.writes.sending import Answer, Writer, list_mutations
from contract_tests.rules.api.writes.tables import Rows
from contract_tests.rules.api.writes.wrong import LONG, NUL, Edit, list_edits, list_long_edits
from contract_tests.serving import ServedWorld
from mockserver.routes import build_other_routes
from mockserver.settings import Settings

MOST_SECONDS = 1.0
"""Of the server's processor time for one request."""
OF_A_TASK = frozenset({"task", "event", "workspace"})
"""Tables that a task changes that has failed: it is recorded itself."""
ELSEWHERE = ("foreign_row", "deleted_row", "gone", "other_project", "other_label", "role")
"""Things of another workspace, deleted ones, those of another project, and one of another kind."""
KEPT_WHOLE = {
    "rowData", "attachments", "value", "label", "config", "filter", "status", "errorMessage", "assignInputs", "ids",
}  # fmt: skip
"""Texts of any length: contents, parts of documents that are bounded as a whole, and the names in results of jobs."""
INTERNALS = re.compile(r"Traceback|object has no attribute|not subscriptable|KeyError|NoneType|<.* object at |<class ")


@pytest.fixture(scope="module")
def origin(server: ServedWorld) -> Iterator[Populated]:
    world = create_populated(server)
    yield world
    world.workspace.delete()


@pytest.fixture
def writer(server: ServedWorld, origin: Populated) -> Iterator[Writer]:
    writer = Writer(server, origin)
    yield writer
    writer.close()


def test_every_mutation_has_right_arguments() -> None:
    assert list_mutations() == set(RIGHT) | OF_FILES | OF_TASKS | REFUSED


def test_every_route_that_writes_has_right_arguments() -> None:
    routes = build_other_routes(Settings(), cast("Any", SimpleNamespace(off_loop=None)), cast("Any", Controls()))
    writing = {
        f"{method} {route.path}"
        for route in routes
        for method in (route.methods or set()) - {"GET", "HEAD"}
        if not route.path.startswith("/console/")
    }
    assert writing == set(REST)


class Controls:
    """No route of the control API."""

    def build_others(self) -> list[Any]:
        return []


@pytest.mark.parametrize("name", ALL)
def test_right_arguments_are_taken(writer: Writer, name: str) -> None:
    assert writer.send(name, ALL[name](writer.world)).messages == []
    assert "FAILED" not in str(writer.dump()["task"])


@pytest.mark.parametrize("name", ALL)
def test_wrong_arguments_change_nothing(writer: Writer, name: str) -> None:
    ids = [writer.world[key] for key in ELSEWHERE]
    right = ALL[name](writer.world)
    before, failures = writer.dump(), list[str]()
    for edit in list_edits(right, ids):
        answer = writer.send(name, edit.apply(right))
        after = writer.dump()
        failures += [f"{edit}: {problem}" for problem in find_problems(edit, answer, before, after)]
        if after != before:
            writer.reset()
            right = ALL[name](writer.world)
            before = writer.dump()
    assert failures == []


def find_problems(edit: Edit, answer: Answer, before: Rows, after: Rows) -> Iterator[str]:
    """Everything that is wrong with an answer."""
    changed = {table for table in after if after[table] != before[table]}
    if answer.messages and changed:
        yield f"refused, and yet changed: {changed}; {answer.messages}"
    failed = [row for row in after["task"] if row not in before["task"] and "FAILED" in row]
    if failed and changed - OF_A_TASK:
        yield f"its task has failed, and yet changed: {changed - OF_A_TASK}; {failed}"
    for message in answer.messages:
        if INTERNALS.search(message) or not message.strip():
            yield f"a message about the server itself: {message}"
    if answer.seconds > MOST_SECONDS:
        yield f"took {answer.seconds} s"
    if edit.value in (LONG, NUL) and not (edit.value == LONG and KEPT_WHOLE.intersection(edit.path)):
        new_rows = [row for table in changed for row in after[table] if row not in before[table]]
        if any(isinstance(value, str) and edit.value in value for row in new_rows for value in row):
            yield f"was kept: {changed}"


@pytest.mark.parametrize("name", ALL)
def test_lists_of_many_items_are_answered_soon(writer: Writer, name: str) -> None:
    """The items are the right ones, again and again."""
    right = ALL[name](writer.world)
    slow = []
    for edit in list_long_edits(right):
        answer = writer.send(name, edit.apply(right))
        slow += [f"{edit}: {answer.seconds} s"] if answer.seconds > MOST_SECONDS else []
        writer.dump()
        writer.reset()
        right = ALL[name](writer.world)
    assert slow == []


@pytest.mark.parametrize("name", ALL)
def test_two_clients_at_the_same_time_write_what_one_writes_in_turn(writer: Writer, name: str) -> None:
    """Each table has as many rows, whichever of them is first."""
    arguments = ALL[name](writer.world)
    answers = [writer.send(name, arguments) for _ in range(2)]
    expected = {table: len(rows) for table, rows in writer.dump().items()}
    refused = sum(bool(answer.messages) for answer in answers)
    writer.reset()
    arguments = ALL[name](writer.world)
    begin = Barrier(2)

    def write(_number: int) -> bool:
        begin.wait()
        return bool(writer.send(name, arguments).messages)

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(write, range(2))) == refused
    assert {table: len(rows) for table, rows in writer.dump().items()} == expected
