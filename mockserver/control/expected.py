"""What a correct client must get, from the world itself. Its words are the SDK's: `data_row_details`."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver.api.workspaces import Workspace
from mockserver.control.bodies import ExpectRows
from mockserver.errors import BadInput, NotFound, nearest, quoted
from mockserver.exports.request import ExportParams, ExportRequest
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import project_scope
from mockserver.world.database import Connection, where
from mockserver.world.projects import Project
from mockserver.world.tasks import EXPORT, Task

PARAMS = {
    "attachments": "include_attachments",
    "metadata_fields": "include_metadata",
    "embeddings": "include_embeddings",
    "data_row_details": "include_data_row_details",
    "project_details": "include_project_details",
    "label_details": "include_label_details",
    "performance_details": "include_performance_details",
    "interpolated_frames": "include_interpolated_frames",
}
"""`project.export(params=…)` -> our params (SDK project.py 7.17.0:650)."""

_IDS = {"data_row_ids": "data_row_id", "global_keys": "global_key", "batch_ids": "batch"}
_DATES = {"last_activity_at": "data_row_last_activity_at", "label_created_at": "labeled_at"}
FILTERS = (*_DATES, *_IDS, "workflow_status")


def expected_rows(workspace: Workspace, asked: ExpectRows, host: str) -> bytes:
    """NDJSON. Raises NotFound, BadInput, MalformedRequest."""
    snapshot = workspace.store.snapshot()
    try:
        project = project_named(snapshot, asked.project)
        scope = project_scope(snapshot, project.id, terms(asked.filters))
        task = _task(snapshot, project, asked.task_id)
        now = workspace.store.clock.now() if task is None else task.created_at
        rows = ExportRows(
            snapshot,
            scope,
            params(asked.params),
            links=workspace.links,
            host=host if task is None else task.base_url,
            task_id="" if task is None else task.id,
            now=now,
        )
        return rows.text()
    finally:
        snapshot.close()


def project_named(connection: Connection, name_or_id: str) -> Project:
    """The newest live project of that name, or the one with that id. Raises NotFound."""
    live = connection.select(Project, where("NOT deleted"), order="created_at DESC, id")
    for project in live:
        if name_or_id in {project.id, project.name}:
            return project
    near = quoted(nearest(name_or_id, [project.name for project in live]))
    raise NotFound(f"There is no project {name_or_id!r}; the nearest known are {near}")


def _task(connection: Connection, project: Project, task_id: str | None) -> Task | None:
    """The export whose mask URLs and links the rows carry: a named one, or the project's newest."""
    if task_id is not None:
        task = connection.find(Task, where("id = :id", id=task_id))
        if task is None:
            raise NotFound(f"Task {task_id!r} does not exist in this workspace")
        return task
    exports = connection.select(Task, where("type = :type", type=EXPORT), order="no DESC")
    mine = (task for task in exports if msgspec.json.decode(task.request, type=ExportRequest).project_id == project.id)
    return next(mine, None)


def params(given: dict[str, bool]) -> ExportParams:
    """The SDK drops keys it does not know in silence; a test that misspells one wants to hear of it."""
    for name in given:
        if name not in PARAMS:
            raise BadInput(f"params has no {name!r}; the nearest known are {quoted(nearest(name, PARAMS))}")
    return msgspec.structs.replace(ExportParams(), **{PARAMS[name]: value for name, value in given.items()})


def terms(filters: dict[str, Any]) -> list[dict[str, Any]]:
    """The search terms that the SDK makes of its filters (export_filters.py 7.17.0:106)."""
    made = []
    for name, value in filters.items():
        if name in _IDS:
            made.append({"type": _IDS[name], "operator": "is", "ids": value})
        elif name in _DATES:
            made.append({"type": _DATES[name], "value": _range(name, value)})
        elif name == "workflow_status":
            made.append(_status(value))
        else:
            raise BadInput(f"filters has no {name!r}; the nearest known are {quoted(nearest(name, FILTERS))}")
    return made


def _range(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadInput(
            f'{name} is {value!r}; expected [from, to] with a moment or null each, like ["2024-12-01", null]'
        )
    low, high = value
    if high is None:
        return {"operator": "GREATER_THAN_OR_EQUAL", "timezone": "UTC", "value": low}
    if low is None:
        return {"operator": "LESS_THAN_OR_EQUAL", "timezone": "UTC", "value": high}
    return {"operator": "BETWEEN", "timezone": "UTC", "value": {"min": low, "max": high}}


def _status(value: Any) -> dict[str, Any]:
    return {"type": "task_queue_not_exist"} if value == "ToLabel" else {"type": "task_queue_status", "status": value}
