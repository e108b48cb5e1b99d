"""Changes of batches: data rows come into a project by them, and leave it with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from mockserver.conversion import decode
from mockserver.errors import Conflict, MalformedRequest
from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.file_rules import FileRule, find_rule
from mockserver.world.queries.conditions import match_live_row, match_subquery
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import EventKind
from mockserver.world.records.imports import PreLabel
from mockserver.world.records.labels import Label, ProjectRow, WorkflowStatus
from mockserver.world.records.projects import INITIAL_LABELING, Batch, Project, TaskQueue
from mockserver.world.records.workspace import Workspace
from mockserver.world.store import Store

MOST_ROWS = 100_000
"""Data rows of a batch (SDK project.py create_batch)."""
TOO_MANY = "Batch exceeds max size, break into smaller batches"
"""The SDK's words for more of them."""
NONE_VALID = "No valid data rows to add to project"
"""The service's words for data rows that are all in the project already (SDK tests test_batch.py)."""
PRIORITIES = range(1, 6)
DEFAULT_PRIORITY = 5
T = TypeVar("T")

NO_IMPORT = ""
"""The import of pre-labels that were labels."""
_NO_HISTORY = JsonText("[]")
_IDS_TOGETHER = 10_000


class Consensus(msgspec.Struct, frozen=True):
    """How many labels a share of the data rows of a batch gets."""

    number_of_labels: int = 1
    coverage_percentage: float = 0.0

    def count_labels(self, data_row_id: str) -> int:
        """The labels that a data row expects: which rows are covered is drawn by their ids (inferred)."""
        drawn = int.from_bytes(ids.digest("coverage", data_row_id, size=8), "big") / 2**64
        return self.number_of_labels if drawn < self.coverage_percentage else 1


class BatchChanges:
    """The changes of one store's batches."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create_batch(self, project_id: str, name: str, consensus: Consensus) -> Batch:
        """Creates an empty batch. Raises NotFound, and Conflict when the project has a batch of this name."""
        with self._store.change() as change:
            project = change.one(Project, project_id)
            same = Clause("project_id = :project AND name = :name", project=project.id, name=name)
            if change.connection.count(Batch, same):
                raise Conflict(
                    f"Project {project_id!r} has a batch with the name {name!r}; names of batches are unique"
                )
            batch = Batch(
                ids.time_uuid(change.now, change.new_id()), project.id, name, 0, consensus.number_of_labels,
                consensus.coverage_percentage, self._store.workspace.user_id, change.now, change.now,
            )  # fmt: skip
            change.connection.insert([batch])
            change.add_event(EventKind.PROJECT_UPDATED, project=project.id, batch=batch.id)
            return batch

    def create_batches(self, project_id: str, names: Sequence[str], consensus: Consensus) -> list[Batch]:
        """Creates empty batches, all of them or none. Raises NotFound, Conflict."""
        with self._store.change():
            return [self.create_batch(project_id, name, consensus) for name in names]

    def create_filled_batch(
        self, project_id: str, name: str, consensus: Consensus, rows: Sequence[RowRef], priority: int
    ) -> tuple[Batch, list[str]]:
        """Creates a batch with its data rows, all of it or nothing. Returns it with the ids of the rows that `add_rows`
        leaves out. Raises NotFound, Conflict, MalformedRequest."""
        with self._store.change() as change:
            batch = self.create_batch(project_id, name, consensus)
            left_out = self.add_rows(batch, rows, priority)
            if len(left_out) == len(rows):
                raise MalformedRequest(NONE_VALID)
            return change.one(Batch, batch.id), left_out

    def add_rows(self, batch: Batch, rows: Sequence[RowRef], priority: int) -> list[str]:
        """Adds data rows to a batch: they wait to be labelled. Returns the ids of those that are in the project
        already, were deleted in the meantime or could not be read, which stay as they are. Raises NotFound,
        MalformedRequest."""
        check_priority(priority)
        with self._store.change() as change:
            change.one(Project, batch.project_id)
            known = change.one(Batch, batch.id)
            fresh = _select_fresh(change.connection, batch.project_id, rows)
            if known.size + len(fresh) > MOST_ROWS:
                raise MalformedRequest(TOO_MANY)
            queue = _find_first_queue(change, batch.project_id)
            consensus = Consensus(known.number_of_labels, known.coverage_percentage)
            change.connection.insert(
                ProjectRow(
                    batch.project_id, row.no, batch.id, queue, WorkflowStatus.TO_LABEL, priority,
                    consensus.count_labels(row.id), None, _NO_HISTORY,
                )
                for row in fresh
            )  # fmt: skip
            for together in _divide([row.id for row in fresh]):
                change.connection.update(DataRow, Clause("id IN :ids", ids=together), last_activity_at=change.now)
            _update_size(change, batch.id)
            change.add_event(EventKind.PROJECT_UPDATED, project=batch.project_id, batch=batch.id)
            added = {row.no for row in fresh}
            return [row.id for row in rows if row.no not in added]

    def check_room(self, batch: Batch, rows: Sequence[RowRef]) -> None:
        """Raises MalformedRequest when a batch would have too many data rows with these."""
        with self._store.read_apart() as connection:
            known = connection.one_by_id(Batch, batch.id)
            if known.size + len(_select_fresh(connection, batch.project_id, rows)) > MOST_ROWS:
                raise MalformedRequest(TOO_MANY)

    def remove_queued_rows(self, project_id: str, batch_id: str) -> Batch:
        """Removes the data rows of a batch that have no label and wait for one. Raises NotFound."""
        with self._store.change() as change:
            batch = find_batch(change, project_id, batch_id)
            queued = Clause(
                "batch_id = :batch AND workflow_status = :status", batch=batch.id, status=WorkflowStatus.TO_LABEL
            )
            _remove_rows(change, queued & Clause(_HAS_NO_LABEL))
            _update_size(change, batch.id)
            change.add_event(EventKind.PROJECT_UPDATED, project=project_id, batch=batch.id)
            return change.one(Batch, batch.id)

    def delete_batch(self, project_id: str, batch_id: str) -> str:
        """Deletes a batch; its data rows leave the project. Raises NotFound, and MalformedRequest when some have labels
        (SDK batch.py delete)."""
        with self._store.change() as change:
            batch = find_batch(change, project_id, batch_id)
            if labels := change.connection.count(Label, _match_labels(batch)):
                raise MalformedRequest(
                    f"Batch {batch.name!r} has {labels:,} labels, and a batch with labels cannot be deleted; delete its"
                    " labels first"
                )
            _remove_rows(change, Clause("batch_id = :batch", batch=batch.id))
            change.connection.delete(Batch, Clause("id = :id", id=batch.id))
            change.add_event(EventKind.PROJECT_UPDATED, project=project_id, batch=batch.id)
            return batch.id

    def delete_labels(self, project_id: str, batch_id: str, *, as_templates: bool = False) -> list[str]:
        """Deletes the labels of a batch; its data rows wait to be labelled again. As templates the newest of each data
        row that is no skip is its pre-label (inferred). Raises NotFound."""
        with self._store.change() as change:
            batch = find_batch(change, project_id, batch_id)
            labels = change.connection.select(Label, _match_labels(batch), order="no")
            if as_templates:
                _keep_as_templates(change, labels)
            deleted = LabelChanges(self._store).delete_labels([label.id for label in labels])
            rows = Clause("batch_id = :batch AND workflow_status <> :status",
                          batch=batch.id, status=WorkflowStatus.TO_LABEL)  # fmt: skip
            change.connection.update(
                ProjectRow, rows, workflow_status=WorkflowStatus.TO_LABEL,
                task_queue_id=_find_first_queue(change, project_id), workflow_history=_NO_HISTORY,
            )  # fmt: skip
            return deleted


_HAS_NO_LABEL = (
    "NOT EXISTS (SELECT 1 FROM label l WHERE l.project_id = project_row.project_id"
    " AND l.data_row_no = project_row.data_row_no AND NOT l.deleted)"
)


def check_priority(priority: int) -> None:
    """Raises MalformedRequest."""
    if priority not in PRIORITIES:
        raise MalformedRequest(f"The priority of a batch is {priority}; expected 1, the highest, to 5")


def find_batch(change: Change, project_id: str, batch_id: str) -> Batch:
    """A batch of a project. Raises NotFound."""
    change.one(Project, project_id)
    place = Clause("id = :id AND project_id = :project", id=batch_id, project=project_id)
    return change.connection.one(Batch, place, f"Batch {batch_id!r} of project {project_id!r}")


def _keep_as_templates(change: Change, labels: Sequence[Label]) -> None:
    """`labels` are of one project, in the order of their creation."""
    newest = {label.data_row_no: label for label in labels if not label.skipped}
    for together in _divide(list(newest.values())):
        numbers = [label.data_row_no for label in together]
        place = Clause("project_id = :project AND data_row_no IN :rows", project=together[0].project_id, rows=numbers)
        change.connection.delete(PreLabel, place)
        change.connection.insert(
            PreLabel(label.project_id, label.data_row_no, label.body_id, NO_IMPORT, change.now) for label in together
        )


def _match_labels(batch: Batch) -> Clause:
    """The labels of a batch's data rows in its project."""
    rows = match_subquery("data_row_no", ProjectRow, "data_row_no", Clause("batch_id = :batch", batch=batch.id))
    return Clause("project_id = :project AND NOT deleted", project=batch.project_id) & rows


def _find_first_queue(change: Change, project_id: str) -> str:
    """The queue in which data rows wait for their first label. Every project has one, not always in the first place."""
    place = Clause("project_id = :id AND queue_type = :type", id=project_id, type=INITIAL_LABELING)
    return change.connection.select(TaskQueue, place, order="position", first=1)[0].id


def _select_fresh(connection: Connection, project_id: str, rows: Sequence[RowRef]) -> list[RowRef]:
    """The data rows that are not in the project, not deleted, and not of files that could not be read (SDK tests,
    test_batch.py `test_batch_creation_for_data_rows_with_issues`)."""
    fresh: list[RowRef] = []
    for together in _divide(list(rows)):
        live = Clause("id IN :ids AND NOT deleted", ids=[row.id for row in together])
        in_project = Clause("project_id = :project", project=project_id) & match_subquery(
            "data_row_no", DataRow, "no", live
        )
        taken = {no for (no,) in connection.select_columns(ProjectRow, "data_row_no", in_project)}
        alive = {no for (no,) in connection.select_columns(DataRow, "no", live)}
        alive -= _find_unreadable(connection, live)
        fresh += [row for row in together if row.no in alive and row.no not in taken]
    return fresh


def _find_unreadable(connection: Connection, live: Clause) -> set[int]:
    """The numbers of the data rows whose files the service could not read, by the rules of the scenario."""
    rules = decode(connection.select_columns(Workspace, "files")[0][0], list[FileRule])
    if all(rule.readable for rule in rules):
        return set()
    rows = connection.select_columns(DataRow, "no, row_data", live)
    chosen = {no: find_rule(rules, url or "") for no, url in rows}
    return {no for no, rule in chosen.items() if rule is not None and not rule.readable}


def _divide(items: list[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while together := list(islice(iterator, _IDS_TOGETHER)):
        yield together


def _remove_rows(change: Change, clause: Clause) -> None:
    """Removes data rows from their project, which is activity on them."""
    rows = match_subquery("no", ProjectRow, "data_row_no", clause)
    change.connection.update(DataRow, rows, last_activity_at=change.now)
    change.connection.delete(ProjectRow, clause)


def _update_size(change: Change, batch_id: str) -> None:
    size = change.connection.count(ProjectRow, Clause("batch_id = :batch", batch=batch_id) & match_live_row())
    change.connection.update(Batch, Clause("id = :id", id=batch_id), size=size, updated_at=change.now)
