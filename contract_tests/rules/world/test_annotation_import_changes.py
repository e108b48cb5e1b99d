"""Imports of annotations as changes of a world, on both engines."""

import pytest

from contract_tests.rules.world.test_label_changes import BODY, project_of, row_of
from mockserver.errors import Conflict, NotFound
from mockserver.world.changes.annotation_imports import AnnotationImportChanges, NewAnnotations, find_members
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import Event, EventKind
from mockserver.world.records.imports import AnnotationImport, AnnotationKind, PreLabel
from mockserver.world.records.labels import Label, ProjectRow, WorkflowStatus
from mockserver.world.records.models import ModelRun, Prediction
from mockserver.world.store import Store


def build_record(store: Store, kind: AnnotationKind, parent_id: str) -> AnnotationImport:
    return AnnotationImport(
        f"{kind}-id", kind, parent_id, "name", False, JsonText('"at_once"'), None, None, "status", "errors",
        store.workspace.user_id, store.clock.now(),
    )  # fmt: skip


def run(store: Store, record: AnnotationImport, rows: list[DataRow]) -> None:
    changes = AnnotationImportChanges(store)
    with store.change():
        changes.add(record)
        changes.write(record, [NewAnnotations(row, BODY, None) for row in rows])


def test_imported_labels_move_rows_and_append_events(store: Store) -> None:
    row, project = row_of(store, WorkflowStatus.TO_LABEL), project_of(store)
    run(store, build_record(store, AnnotationKind.LABELS, project), [row])
    with store.reading() as connection:
        place = Clause("project_id = :project AND data_row_no = :row", project=project, row=row.no)
        [label] = connection.select(Label, place & Clause("NOT deleted"))
        project_row = connection.select(ProjectRow, place)[0]
        [event] = connection.select(Event, Clause("kind = :kind", kind=EventKind.LABEL_CREATED))
        touched = connection.select(DataRow, Clause("no = :no", no=row.no))[0].last_activity_at
    assert (project_row.selected_label_id, event.label_id) == (label.id, label.id)
    assert (project_row.workflow_status, label.seconds_to_create) == (WorkflowStatus.IN_REVIEW, 0)
    assert touched == label.content_updated_at > row.last_activity_at


def test_pre_labels_of_a_row_are_the_newest_and_go_with_their_import(store: Store) -> None:
    row, project = row_of(store, WorkflowStatus.TO_LABEL), project_of(store)
    for kind in (AnnotationKind.PRE_LABELS, AnnotationKind.BULK):
        run(store, build_record(store, kind, project), [row])
    with store.reading() as connection:
        [pre_label] = connection.select(PreLabel)
    assert pre_label.import_id == "bulk-id"
    AnnotationImportChanges(store).delete("bulk-id")
    with store.reading() as connection:
        assert connection.select(PreLabel) == []
    with pytest.raises(NotFound):
        AnnotationImportChanges(store).delete("bulk-id")


def test_predictions_are_those_of_their_run_and_can_become_pre_labels(store: Store) -> None:
    row, project = row_of(store, WorkflowStatus.DONE), project_of(store)
    with store.reading() as connection:
        run_id = connection.select(ModelRun)[0].id
    run(store, build_record(store, AnnotationKind.PREDICTIONS, run_id), [row])
    copy = build_record(store, AnnotationKind.RUN_TO_PROJECT, project)
    with store.change():
        AnnotationImportChanges(store).add(copy)
        assert AnnotationImportChanges(store).copy_run(copy, run_id, [row.id, "nobody"]) == {row.id}
    with store.reading() as connection:
        newest = connection.select(Prediction, Clause("model_run_id = :id", id=run_id), order="no DESC", first=1)[0]
        assert [one.body_id for one in connection.select(PreLabel)] == [newest.body_id]
        assert find_members(connection, copy, [row.no, 10**9]) == {row.no}


def test_a_name_is_given_once_and_a_parent_must_exist(store: Store) -> None:
    record = build_record(store, AnnotationKind.LABELS, project_of(store))
    run(store, record, [])
    with pytest.raises(Conflict, match="'name'"):
        run(store, record, [])
    with pytest.raises(NotFound):
        run(store, build_record(store, AnnotationKind.LABELS, "nobody"), [])
