"""Changes of imports of annotations: labels, pre-labels and predictions, a group of data rows in each transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from mockserver.errors import Conflict
from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.moves import Mover, move_if_enough
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.moments import round_to_second
from mockserver.world.queries.labels import count_by_row
from mockserver.world.record import JsonText, Record
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import EventKind
from mockserver.world.records.imports import AnnotationImport, AnnotationKind, PreLabel
from mockserver.world.records.labels import Body, Label, ProjectRow, WorkflowStatus
from mockserver.world.records.models import ModelRun, ModelRunRow, Prediction, RunMetric
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

KEYS_TOGETHER = 500
"""SQLite compares each name of a parameter with all names before it, so that a list of 5,000 takes 0.1 s."""


class NewMetric(NamedTuple):
    """A metric of one data row in a model run. `value` is JSON."""

    name: str | None
    feature_name: str | None
    subclass_name: str | None
    aggregation: str
    value: JsonText


class NewAnnotations(NamedTuple):
    """The annotations of one data row, as a body (world/records/labels.py), and the metrics of predictions."""

    row: DataRow
    content: bytes | None
    """None: there are metrics alone."""
    aside: JsonText | None
    is_benchmark: bool = False
    metrics: Sequence[NewMetric] = ()


class AnnotationImportChanges:
    """The changes of one store's imports of annotations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def new_ids(self, count: int) -> list[str]:
        """Ids for an import and its files."""
        with self._store.change() as change:
            return change.new_ids(count)

    def add(self, record: AnnotationImport) -> None:
        """Records an import that begins. Raises Conflict if its parent has one of this name already: SDKs find an
        import by its name (annotation_import.py `from_name`)."""
        with self._store.change() as change:
            change.one(ModelRun if record.kind == AnnotationKind.PREDICTIONS else Project, record.parent_id)
            same = Clause("parent_id = :parent AND name = :name AND kind = :kind",
                          parent=record.parent_id, name=record.name, kind=record.kind)  # fmt: skip
            if change.connection.find(AnnotationImport, same) is not None:
                raise Conflict(f"An import named {record.name!r} exists already; choose another name")
            change.connection.insert([record])

    def write(self, record: AnnotationImport, group: Sequence[NewAnnotations]) -> None:
        """Writes the annotations of some data rows, each row once, in one transaction."""
        with self._store.change() as change:
            _Writer(change, record).add(group)

    def write_group(self, record: AnnotationImport, group: Sequence[NewAnnotations], rows_done: int) -> set[int]:
        """Writes the annotations of some data rows, and how far the import has come. Returns the numbers of the data
        rows that are gone, which are left out. Raises Conflict if the import was deleted, NotFound if its
        project or its model run was."""
        with self._store.change() as change:
            self._update(change, record, rows_done=rows_done)
            change.one(ModelRun if record.kind == AnnotationKind.PREDICTIONS else Project, record.parent_id)
            numbers = [new.row.no for new in group]
            present = find_members(change.connection, record, numbers)
            deleted = Clause("no IN :numbers AND deleted", numbers=numbers)
            present -= {number for (number,) in change.connection.select_columns(DataRow, "no", deleted)}
            _Writer(change, record).add([new for new in group if new.row.no in present])
            return set(numbers) - present

    def finish(self, record: AnnotationImport, *, failed: bool) -> AnnotationImport:
        """Records how an import ended. Raises Conflict if it was deleted."""
        with self._store.change() as change:
            self._update(change, record, failed=failed, ended=True)
            return msgspec.structs.replace(record, failed=failed, ended=True)

    def _update(self, change: Change, record: AnnotationImport, **values: Any) -> None:
        if not change.connection.update(AnnotationImport, Clause("id = :id", id=record.id), **values):
            raise Conflict(f"The import {record.name!r} was deleted while it ran; what it had imported stays")

    def copy_run(self, record: AnnotationImport, run_id: str, row_ids: Sequence[str]) -> set[str]:
        """Makes predictions of a model run pre-labels of a project. Returns the ids of the data rows that are in the
        project and have predictions. Raises NotFound."""
        with self._store.change() as change:
            change.one(ModelRun, run_id)
            rows = change.connection.select(DataRow, Clause("id IN :ids AND NOT deleted", ids=list(row_ids)))
            members = find_members(change.connection, record, [row.no for row in rows])
            copied: set[str] = set()
            for row in rows:
                mine = Clause("model_run_id = :run AND data_row_no = :row", run=run_id, row=row.no)
                predictions = change.connection.select(Prediction, mine, order="no DESC", first=1)
                if predictions and row.no in members:
                    place = Clause("project_id = :project AND data_row_no = :row", project=record.parent_id, row=row.no)
                    change.connection.delete(PreLabel, place)
                    body = predictions[0].body_id
                    change.connection.insert([PreLabel(record.parent_id, row.no, body, record.id, change.now)])
                    copied.add(row.id)
            return copied

    def delete(self, import_id: str) -> AnnotationImport:
        """Deletes an import with its pre-labels (SDK annotation_import.py, `delete`). Raises NotFound."""
        with self._store.change() as change:
            record = change.one(AnnotationImport, import_id)
            change.connection.delete(PreLabel, Clause("import_id = :id", id=import_id))
            change.connection.delete(AnnotationImport, Clause("id = :id", id=import_id))
            return record


class _Writer:
    """Writes the annotations of one import, a group of data rows at a time."""

    def __init__(self, change: Change, record: AnnotationImport) -> None:
        self._change, self._connection, self._record = change, change.connection, record
        self._body = change.body_id()
        self._mover = Mover(change, record.parent_id)
        self._numbers: dict[type[Record], int] = {kind: change.number(kind) for kind in (Label, Prediction, RunMetric)}

    def add(self, group: Sequence[NewAnnotations]) -> None:
        """Adds the annotations of some data rows, each row once."""
        match self._record.kind:
            case AnnotationKind.LABELS:
                self._add_labels(group)
            case AnnotationKind.PREDICTIONS:
                self._add_predictions(group)
            case _:
                self._add_pre_labels(group)

    def _add_bodies(self, group: Sequence[NewAnnotations]) -> list[int]:
        numbers = list(range(self._body, self._body + len(group)))
        self._body += len(group)
        bodies = zip(numbers, group, strict=True)
        self._connection.insert(
            [Body(number, new.content, new.aside) for number, new in bodies if new.content is not None]
        )
        return numbers

    def _take_numbers(self, kind: type[Record], count: int) -> range:
        first = self._numbers[kind]
        self._numbers[kind] += count
        return range(first, first + count)

    def _add_labels(self, group: Sequence[NewAnnotations]) -> None:
        """Labels like any other: a row that has all it expects goes on to review."""
        change, project_id, by = self._change, self._record.parent_id, self._record.created_by
        bodies, label_ids = self._add_bodies(group), change.new_ids(len(group))
        numbers = self._take_numbers(Label, len(group))
        self._connection.insert(
            Label(
                no=number, id=label_id, project_id=project_id, data_row_no=new.row.no,
                feature_prefix=ids.feature_prefix(label_id), body_id=body, skipped=False, seconds_to_create=0,
                seconds_to_review=0, seconds_to_rework=0, is_benchmark=new.is_benchmark, consensus_score=None,
                benchmark_score=None, created_by=by, created_at=round_to_second(change.now), updated_at=change.now,
                content_updated_at=change.now, deleted=False,
            )
            for number, label_id, body, new in zip(numbers, label_ids, bodies, group, strict=True)
        )  # fmt: skip
        places = [new.row.no for new in group]
        within = Clause("project_id = :project AND data_row_no IN :rows", project=project_id, rows=places)
        project_rows = {row.data_row_no: row for row in self._connection.select(ProjectRow, within)}
        counts = dict[int, int](count_by_row(self._connection, project_id, places))
        self._select_labels(project_rows.values(), dict(zip(places, label_ids, strict=True)))
        for label_id, new in zip(label_ids, group, strict=True):
            project_row = project_rows[new.row.no]
            if project_row.workflow_status == WorkflowStatus.TO_LABEL:
                move_if_enough(change, self._mover, project_row, new.row.id, by, labels=counts[new.row.no])
            change.add_event(EventKind.LABEL_CREATED, project=project_id, data_row=new.row.id, label=label_id)
        self._connection.update(DataRow, Clause("no IN :rows", rows=places), last_activity_at=change.now)

    def _select_labels(self, project_rows: Iterable[ProjectRow], label_ids: Mapping[int, str]) -> None:
        """The first label of a row is the selected one."""
        self._connection.run_many(
            "UPDATE project_row SET selected_label_id = :label WHERE project_id = :project AND data_row_no = :row",
            [
                {"label": label_ids[row.data_row_no], "project": row.project_id, "row": row.data_row_no}
                for row in project_rows
                if row.selected_label_id is None
            ],
        )

    def _add_metrics(self, group: Sequence[NewAnnotations]) -> None:
        """Adds the metrics of data rows, each in the place of one of the same name, feature and subclass (inferred)."""
        new_ids, run_id = iter(self._change.new_ids(sum(len(new.metrics) for new in group))), self._record.parent_id
        for new in group:
            places = {metric[:3]: metric for metric in new.metrics}
            for name, feature, subclass in places:
                same = Clause(
                    "model_run_id = :run AND data_row_no = :row AND COALESCE(name, '') = :name"
                    " AND COALESCE(feature_name, '') = :feature AND COALESCE(subclass_name, '') = :subclass",
                    run=run_id, row=new.row.no, name=name or "", feature=feature or "", subclass=subclass or "",
                )  # fmt: skip
                self._connection.delete(RunMetric, same)
            numbers = self._take_numbers(RunMetric, len(places))
            self._connection.insert(
                RunMetric(number, next(new_ids), run_id, new.row.no, *metric, self._change.now)
                for number, metric in zip(numbers, places.values(), strict=True)
            )

    def _add_predictions(self, group: Sequence[NewAnnotations]) -> None:
        self._add_metrics(group)
        group = [new for new in group if new.content is not None]
        bodies, prediction_ids = self._add_bodies(group), self._change.new_ids(len(group))
        numbers, now = self._take_numbers(Prediction, len(group)), self._change.now
        self._connection.insert(
            Prediction(
                number, prediction_id, self._record.parent_id, new.row.no, ids.feature_prefix(prediction_id), body,
                self._record.created_by, now, now,
            )
            for number, prediction_id, body, new in zip(numbers, prediction_ids, bodies, group, strict=True)
        )  # fmt: skip

    def _add_pre_labels(self, group: Sequence[NewAnnotations]) -> None:
        """The newest annotations of a row are those that a labeler finds (inferred)."""
        bodies, project_id = self._add_bodies(group), self._record.parent_id
        places = [new.row.no for new in group]
        within = Clause("project_id = :project AND data_row_no IN :rows", project=project_id, rows=places)
        self._connection.delete(PreLabel, within)
        self._connection.insert(
            PreLabel(project_id, new.row.no, body, self._record.id, self._change.now)
            for body, new in zip(bodies, group, strict=True)
        )


def find_members(connection: Connection, record: AnnotationImport, rows: Sequence[int]) -> set[int]:
    """The numbers of those data rows that are in the project, or in the model run, of an import."""
    kind, column = (
        (ModelRunRow, "model_run_id") if record.kind == AnnotationKind.PREDICTIONS else (ProjectRow, "project_id")
    )
    members: set[int] = set()
    for start in range(0, len(rows), KEYS_TOGETHER):
        within = Clause(
            f"{column} = :parent AND data_row_no IN :rows",
            parent=record.parent_id, rows=list(rows[start : start + KEYS_TOGETHER]),
        )  # fmt: skip
        members |= {number for (number,) in connection.select_columns(kind, "data_row_no", within)}
    return members
