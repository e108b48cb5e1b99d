"""Sends data rows from the catalog or a model run to a project: in a batch, to a queue, with labels or predictions.

A task that fails in the middle leaves what it has done, as other tasks do.

Annotations go as the lines of an import that would create them again, so they are checked against the ontology of the
project like any other; those whose feature it does not have are left out (inferred). In the queue for initial labeling
they are pre-labels, and labels behind it (inferred).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import orjson

from mockserver.errors import MalformedRequest
from mockserver.exports.import_form import render_import_lines
from mockserver.exports.import_frames import JsonObject, Reference
from mockserver.exports.request import ExportParams
from mockserver.exports.scope import build_catalog_scope
from mockserver.imports.bodies import Target, build_body
from mockserver.imports.contents import Contents
from mockserver.imports.line_decoding import decode_line
from mockserver.jobs.annotation_work import Parent, read_parent
from mockserver.world.change import Change
from mockserver.world.changes.annotation_imports import AnnotationImportChanges, NewAnnotations
from mockserver.world.changes.batches import MOST_ROWS, BatchChanges, Consensus, check_priority
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.changes.queues import QueueChanges
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.progression import AT_ONCE
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.imports import AnnotationImport, AnnotationKind, PreLabel
from mockserver.world.records.labels import Body, Label, ProjectRow, parse_body
from mockserver.world.records.models import ModelRun, ModelRunRow, Prediction
from mockserver.world.records.projects import INITIAL_LABELING, Project, TaskQueue
from mockserver.world.records.tasks import Task
from mockserver.world.store import Store

ROWS_TOGETHER = 50
"""Data rows of one transaction, some 20 ms, in which no other change can be made."""
T = TypeVar("T")


class Source(NamedTuple):
    """The source of annotations: a project, or a model run with the lowest and the highest confidence.

    `mapping` has the ids of features of the destination by those of the source; others keep their id.
    """

    mapping: Mapping[str, str]
    project_id: str | None = None
    model_run_id: str | None = None
    confidence: tuple[float, float] = (0, 1)


class SendRequest(NamedTuple):
    """`queue_id` None means Done. `sources` are in the order in which they count for a row; `overrides` says that they
    replace labels which the row has in the project. `within_run` leaves other data rows out."""

    project_id: str
    batch_name: str
    priority: int
    queue_id: str | None
    terms: list[dict[str, Any]]
    limit: int | None
    excludes_known: bool
    sources: Sequence[Source]
    overrides: bool
    within_run: str | None = None


class SendToAnnotate:
    """Does the work of one request, some data rows at a time."""

    def __init__(self, store: Store, request: SendRequest) -> None:
        self._store, self._request = store, request

    def check(self, connection: Connection) -> None:
        """Raises NotFound for what the request names and MalformedRequest for its search, before a task begins."""
        request = self._request
        connection.one_by_id(Project, request.project_id)
        check_priority(request.priority)
        if request.queue_id is not None:
            self._find_queue(connection)
        for source in request.sources:
            kind, source_id = (Project, source.project_id) if source.project_id else (ModelRun, source.model_run_id)
            connection.one_by_id(kind, str(source_id))
        build_catalog_scope(connection, request.terms, ExportParams())

    def _find_queue(self, connection: Connection) -> TaskQueue:
        request = self._request
        place = Clause("id = :id AND project_id = :project", id=request.queue_id, project=request.project_id)
        return connection.one(TaskQueue, place, f"Task queue {request.queue_id!r} of project {request.project_id!r}")

    def run(self, task: Task, check_running: Callable[[], None]) -> None:
        """Raises NotFound, Conflict, MalformedRequest."""
        request = self._request
        with self._store.read_apart() as connection:
            rows = self._select_rows(connection)
            known = self._select_known(connection, rows)
        self._fill_batches([row for row in rows if row.no not in known], check_running)
        for group in _divide([row for row in rows if not (request.excludes_known and row.no in known)], ROWS_TOGETHER):
            check_running()
            self._send_group(task, group)

    def _send_group(self, task: Task, rows: Sequence[RowRef]) -> None:
        """Gives data rows their annotations, and moves them, in one transaction. Those that were taken out of the
        project since the task began stay out."""
        request = self._request
        with self._store.change() as change:
            known = self._select_known(change.connection, rows)
            rows = [row for row in rows if row.no in known]
            if request.sources:
                self._add_annotations(change, task, rows)
            QueueChanges(self._store).move_rows(request.project_id, rows, request.queue_id)

    def _select_rows(self, connection: Connection) -> list[RowRef]:
        request = self._request
        scope = build_catalog_scope(connection, request.terms, ExportParams())
        condition = scope.condition
        if request.within_run is not None:
            run = Clause("model_run_id = :within_run", within_run=request.within_run)
            condition &= match_subquery("dr.no", ModelRunRow, "data_row_no", run)
        matches = connection.select_columns(scope.source, "dr.no, dr.id", condition, order="dr.no")
        if not matches:
            raise MalformedRequest("searchQuery matches no data row; expected ids or global keys of existing data rows")
        return [RowRef(no, row_id) for no, row_id in matches[: request.limit]]

    def _select_known(self, connection: Connection, rows: Sequence[RowRef]) -> set[int]:
        """The numbers of the rows that are in the project already."""
        known: set[int] = set()
        for group in _divide(rows, ROWS_TOGETHER):
            within = self._match_rows([row.no for row in group])
            known |= {number for (number,) in connection.select_columns(ProjectRow, "data_row_no", within)}
        return known

    def _match_rows(self, numbers: Sequence[int]) -> Clause:
        project = self._request.project_id
        return Clause("project_id = :project AND data_row_no IN :rows", project=project, rows=list(numbers))

    def _fill_batches(self, rows: Sequence[RowRef], check_running: Callable[[], None]) -> None:
        """Further batches have a number behind the name (SDK client.py send_to_annotate_from_catalog)."""
        request, changes, parts = self._request, BatchChanges(self._store), list(_divide(rows, MOST_ROWS))
        names = [f"{request.batch_name}_{number}" if number else request.batch_name for number in range(len(parts))]
        batches = changes.create_batches(request.project_id, names, Consensus())
        for batch, part in zip(batches, parts, strict=True):
            for group in _divide(part, ROWS_TOGETHER):
                check_running()
                changes.add_rows(batch, group, request.priority)

    def _add_annotations(self, change: Change, task: Task, rows: Sequence[RowRef]) -> None:
        connection, request = change.connection, self._request
        first = request.queue_id is not None and self._find_queue(connection).queue_type == INITIAL_LABELING
        record = AnnotationImport(
            id=task.id, kind=AnnotationKind.PRE_LABELS if first else AnnotationKind.LABELS,
            parent_id=request.project_id, name=request.batch_name, failed=False, pace=AT_ONCE,
            input_url=None, input_id=None, status_id="", error_id="", created_by=task.created_by,
            created_at=change.now,
        )  # fmt: skip
        annotations = self._build_group(change, read_parent(connection, record), [row.no for row in rows])
        AnnotationImportChanges(self._store).write(record, annotations)

    def _build_group(self, change: Change, parent: Parent, numbers: list[int]) -> list[NewAnnotations]:
        connection = change.connection
        rows = connection.select(DataRow, Clause("no IN :numbers", numbers=numbers), order="no")
        within = self._match_rows(numbers)
        labels = connection.select(Label, within & Clause("NOT deleted"), order="no")
        taken = {label.data_row_no for label in labels}
        if not self._request.overrides:
            taken |= {pre.data_row_no for pre in connection.select(PreLabel, within)}
            rows = [row for row in rows if row.no not in taken]
        built = [new for row in rows if (new := self._build_row(connection, parent, row)) is not None]
        replaced = {new.row.no for new in built}
        LabelChanges(self._store).delete_labels([label.id for label in labels if label.data_row_no in replaced])
        return built

    def _build_row(self, connection: Connection, parent: Parent, row: DataRow) -> NewAnnotations | None:
        """The annotations of the first source that has some for a row."""
        for source in self._request.sources:
            body = _find_body(connection, source, row.no)
            new = None if body is None else self._translate(source, body, parent, row)
            if new is not None:
                return new
        return None

    def _translate(self, source: Source, body: Body, parent: Parent, row: DataRow) -> NewAnnotations | None:
        annotations = parse_body(body.content)
        if source.model_run_id is not None:
            annotations |= {
                key: [item for item in annotations[key] if _is_confident(item, source.confidence)]
                for key in ("objects", "classifications")
                if key in annotations
            }
        reference = Reference({"id": row.id}, mapping=source.mapping)
        contents = Contents(row, self._store.workspace.seed)
        aside = None if body.aside is None else orjson.loads(body.aside)
        lines = render_import_lines(annotations, reference, aside=aside, size=_read_size(contents.attributes))
        if not lines:
            return None
        target = Target(parent.media or row.media_type, contents, parent.scope)
        built = build_body(target, [decode_line(orjson.dumps(line)) for line in lines])
        return None if built.content is None else NewAnnotations(row, built.content, built.aside)


def _find_body(connection: Connection, source: Source, row_no: int) -> Body | None:
    """The annotations of a row in a source: of several labels the newest, without skips (inferred). A run without
    predictions of a row has the label that it was given (SDK tests test_send_to_annotate_mea.py)."""
    records: Sequence[Label | Prediction]
    if source.project_id is not None:
        place = Clause("project_id = :source AND data_row_no = :row", source=source.project_id, row=row_no)
        labels = place & Clause("NOT deleted AND NOT skipped")
        records = connection.select(Label, labels, order="no DESC", first=1)
    else:
        place = Clause("model_run_id = :source AND data_row_no = :row", source=source.model_run_id, row=row_no)
        records = connection.select(Prediction, place, order="no DESC", first=1)
        if not records:
            labels = match_subquery("id", ModelRunRow, "label_id", place) & Clause("NOT deleted AND NOT skipped")
            records = connection.select(Label, labels)
    return connection.find(Body, Clause("id = :id", id=records[0].body_id)) if records else None


def _is_confident(item: JsonObject, confidence: tuple[float, float]) -> bool:
    lowest, highest = confidence
    value = item.get("confidence")
    return value is None or lowest <= value <= highest


def _read_size(attributes: Mapping[str, Any]) -> tuple[int, int] | None:
    return (attributes["width"], attributes["height"]) if {"width", "height"} <= attributes.keys() else None


def _divide(items: Sequence[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
