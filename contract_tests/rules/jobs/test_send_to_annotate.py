"""Sending many data rows to a project: in many transactions, each with whole data rows."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.worlds import build_database, many_boxes
from mockserver.exports.jobs import JobStopped
from mockserver.generate import history, scenario
from mockserver.jobs.send_to_annotate import ROWS_TOGETHER, SendRequest, SendToAnnotate, Source
from mockserver.world.change import Change
from mockserver.world.changes.projects import ProjectChanges
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText, Record
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import Label, ProjectRow, WorkflowStatus
from mockserver.world.records.projects import Project
from mockserver.world.records.workspace import Workspace
from mockserver.world.store import Hooks, Store

ROWS = 2 * ROWS_TOGETHER + 7


@functools.cache
def build_world() -> tuple[Workspace, list[list[Record]]]:
    """A project of ROWS data rows with a label each, generated once."""
    with TemporaryDirectory() as folder:
        many = scenario.load(many_boxes(Path(folder), labelled=ROWS))
    workspace, batches = history.build_world(many, name="many", seed=0)
    return workspace, list(batches)


@contextmanager
def open_world(hooks: Hooks = Hooks()) -> Iterator[Store]:  # noqa: B008  a frozen record
    with TemporaryDirectory() as folder:
        store = Store.create(build_database(Path(folder)), *build_world(), hooks=hooks)
        WorkspaceSettings(store).begin_life(name="rules")
        try:
            yield store
        finally:
            store.close()


class Sending:
    """Sends all data rows with their labels to a copy of their project, Done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.reading() as connection:
            [project], [dataset] = connection.select(Project), connection.select(Dataset)
        self._project_id = ProjectChanges(store).clone(project.id).id
        self._source = Source({}, project_id=project.id)
        self._terms = [{"type": "dataset", "operator": "is", "ids": [dataset.id]}]

    def run(self, batch: str, *, most_steps: int | None = None) -> None:
        """Runs the task, which is stopped before the transaction after so many."""
        request = SendRequest(
            self._project_id, batch, 5, None, self._terms, None, False, [self._source], overrides=False
        )  # fmt: skip
        steps = 0

        def check_running() -> None:
            nonlocal steps
            if steps == most_steps:
                raise JobStopped
            steps += 1

        task = TaskChanges(self._store).create_task(type="send", name=batch, request=JsonText("{}"), base_url="")
        SendToAnnotate(self._store, request).run(task, check_running)

    def list_sent(self) -> set[int]:
        """The data rows that are Done, each of which has a label."""
        inside = Clause("project_id = :id", id=self._project_id)
        with self._store.reading() as connection:
            rows = connection.select(ProjectRow, inside)
            labelled = [label.data_row_no for label in connection.select(Label, inside & Clause("NOT deleted"))]
        done = {row.data_row_no for row in rows if row.workflow_status == WorkflowStatus.DONE}
        assert sorted(labelled) == sorted(done), "each row has one label, or none and waits for one"
        return done


def test_no_transaction_has_more_than_a_group_of_rows() -> None:
    sizes: list[int] = []

    def count(change: Change) -> None:
        sizes.append(sum(event.kind == EventKind.LABEL_CREATED for event in change.events))

    with open_world(Hooks(before_commit=count)) as store:
        sending = Sending(store)
        sending.run("sent")
        assert len(sending.list_sent()) == ROWS
    assert max(sizes) == ROWS_TOGETHER
    assert sum(sizes) == ROWS


@settings(max_examples=12)
@given(most_steps=st.integers(0, 7))
def test_a_task_that_is_stopped_has_sent_whole_rows_and_another_sends_the_others(most_steps: int) -> None:
    with open_world() as store:
        sending = Sending(store)
        try:
            sending.run("first", most_steps=most_steps)
        except JobStopped:
            assert len(sending.list_sent()) in {0, ROWS_TOGETHER, 2 * ROWS_TOGETHER}
        sending.run("second")
        assert len(sending.list_sent()) == ROWS
