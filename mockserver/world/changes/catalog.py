"""Changes of the catalog: projects and their tags, datasets, data rows and their metadata."""

from __future__ import annotations

from typing import Any

from mockserver.world.change import Change
from mockserver.world.changes.deleting import mark_deleted
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import match_missing_tags
from mockserver.world.record import R
from mockserver.world.records.data_rows import DataRow, Dataset, MetadataValue, encode_metadata
from mockserver.world.records.events import EventKind
from mockserver.world.records.projects import Project, ProjectTag, ResourceTag, queues_of_new_project
from mockserver.world.store import Store

NEW_TAG = "8AC4F0"
"""The colour of tags that are created by events."""


class CatalogChanges:
    """The changes of one store's catalog."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Projects

    def create_project(self, *, name: str, **fields: Any) -> Project:
        """Creates a project with its three task queues. `fields` are those of Project that a client may choose."""
        with self._store.change() as change:
            user = self._store.workspace.user_id
            project = Project(
                **{
                    "description": None, "allowed_media_type": None, "queue_mode": "BATCH", "editor_task_type": None,
                    "ontology_id": None, "labeling_frontend_id": None, "is_benchmark_enabled": False,
                    "is_consensus_enabled": False, "auto_audit_percentage": 1.0, "auto_audit_number_of_labels": 1,
                    "setup_complete": None, "shows_predictions": False,
                    "model_setup_complete": None,
                }
                | fields,
                id=change.new_id(), name=name, created_by=user, created_at=change.now, updated_at=change.now,
                deleted=False,
            )  # fmt: skip
            change.connection.insert([project, *queues_of_new_project(project.id, project.id)])
            change.add_event(EventKind.PROJECT_CREATED, project=project.id)
            return project

    def update_project(self, project_id: str, **fields: Any) -> Project:
        """Sets fields of a project; `deleted=True` deletes it. Raises NotFound."""
        with self._store.change() as change:
            project = _update(change, Project, project_id, fields)
            kind = EventKind.PROJECT_DELETED if fields.get("deleted") else EventKind.PROJECT_UPDATED
            change.add_event(kind, project=project_id, id=project_id)
            return project

    def tag_project(self, project_id: str, *, text: str) -> ResourceTag:
        """Gives a project the oldest tag of the organization that it does not have, or a new one with this text."""
        with self._store.change() as change:
            missing = match_missing_tags(project_id)
            oldest = change.connection.select(ResourceTag, missing, order="created_at, id", first=1)
            tag = oldest[0] if oldest else self._create_tag(change, text)
            change.connection.insert([ProjectTag(project_id, tag.id)])
            change.add_event(EventKind.PROJECT_UPDATED, project=project_id, tag=tag.id)
            return tag

    def _create_tag(self, change: Change, text: str) -> ResourceTag:
        owner = self._store.workspace.user_id
        tag = ResourceTag(change.new_id(), text, NEW_TAG, owner, change.now, change.now)
        change.connection.insert([tag])
        return tag

    # Datasets

    def create_dataset(self, *, name: str, description: str | None = None) -> Dataset:
        with self._store.change() as change:
            user = self._store.workspace.user_id
            dataset = Dataset(change.new_id(), name, description, user, change.now, change.now, deleted=False)
            change.connection.insert([dataset])
            change.add_event(EventKind.DATASET_CREATED, id=dataset.id)
            return dataset

    def update_dataset(self, dataset_id: str, **fields: Any) -> Dataset:
        """Sets fields of a dataset; `deleted=True` deletes it and its data rows. Raises NotFound."""
        with self._store.change() as change:
            dataset = _update(change, Dataset, dataset_id, fields)
            kind = EventKind.DATASET_DELETED if fields.get("deleted") else EventKind.DATASET_UPDATED
            change.add_event(kind, id=dataset_id)
            if dataset.deleted:
                rows = change.connection.select(DataRow, Clause("dataset_id = :id AND NOT deleted", id=dataset_id))
                self.delete_data_rows([row.id for row in rows])
            return dataset

    # Data rows

    def delete_data_rows(self, data_row_ids: list[str]) -> list[str]:
        """Marks data rows deleted; they leave every project and export. Raises NotFound if one does not exist."""
        with self._store.change() as change:
            rows = mark_deleted(change, DataRow, data_row_ids)
            for row in rows:
                change.add_event(EventKind.DATA_ROW_DELETED, data_row=row.id)
            return [row.id for row in rows]

    def set_metadata(
        self, data_row_id: str, schema_id: str, value: MetadataValue, *, project_id: str | None = None
    ) -> None:
        """Sets one field of a data row, whatever its value was. Raises NotFound."""
        with self._store.change() as change:
            row = change.one(DataRow, data_row_id)
            metadata = encode_metadata(row.metadata_values | {schema_id: value})
            change.connection.update(DataRow, Clause("no = :no", no=row.no), metadata=metadata)
            change.touch(row.no)
            change.add_event(EventKind.METADATA_UPDATED, project=project_id, data_row=row.id, schema=schema_id)


def _update(change: Change, kind: type[R], record_id: str, fields: dict[str, Any]) -> R:
    """Sets fields of a record that is not deleted, and returns it. Raises NotFound."""
    change.one(kind, record_id)
    row = Clause("id = :id", id=record_id)
    change.connection.update(kind, row, updated_at=change.now, **fields)
    return change.connection.select(kind, row)[0]
