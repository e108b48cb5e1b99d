"""The queue of a project: moves, priorities and overrides (SDK project.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import snake
from mockserver.api.graphql.matching import matches
from mockserver.api.graphql.pages import Window, cut_window
from mockserver.api.graphql.resolvers.waiting import wait_for
from mockserver.errors import BadInput, MalformedRequest
from mockserver.world import ids
from mockserver.world.changes.queues import check_in_project
from mockserver.world.changes.row_lookup import RowRef, find_data_rows, map_data_rows
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.projects import Project, TaskQueue
from mockserver.world.records.tasks import SEND_TO_QUEUE, Task

UPDATE_PRIORITY = "update-queue-priority"
"""The type of the tasks of createQueuePriorityUpdateTask (inferred)."""
ROWS_TOGETHER = 50
MOST_ROWS = 1_000_000
"""Data rows of one request (SDK project.py update_data_row_labeling_priority)."""

Change = Callable[[Sequence[RowRef]], None]


class ParameterOverride(msgspec.Struct, frozen=True):
    """The priority and the number of labels of a data row in a project."""

    id: str
    data_row_no: int
    priority: int
    number_of_labels: int


def add_to(fields: Fields) -> None:
    fields.add("ProjectChanges", "createBulkAddRowsToQueueTask", move_rows)
    fields.add("ProjectChanges", "createQueuePriorityUpdateTask", update_priority)
    fields.add("ProjectChanges", "setLabelingParameterOverrides", set_overrides, long=True)
    fields.add("ProjectChanges", "unsetLabelingParameterOverrides", unset_overrides, long=True)
    fields.add("ProjectChanges", "showPredictionsToLabelers", show_predictions)
    fields.add("ShownPredictions", "id", lambda source, _call: source.id)
    fields.add("ShownPredictions", "showingPredictionsToLabelers", lambda source, _call: source.shows_predictions)
    fields.add("Project", "labelingParameterOverrides", list_overrides)
    fields.add_attributes("LabelingParameterOverride", ParameterOverride, "id priority numberOfLabels")
    fields.add("LabelingParameterOverride", "dataRow", find_data_row)


async def move_rows(source: Project, call: Call, data: Mapping[str, Any]) -> str:
    """Starts moving data rows to a queue; without one to Done. The task is FAILED when one is not in the project."""
    queue_id = data.get("queueId")
    if queue_id is not None:
        place = Clause("id = :id AND project_id = :project", id=queue_id, project=source.id)
        call.one(TaskQueue, place, f"Task queue {queue_id!r} of project {source.id!r}")
    queues = call.workspace.queues
    return await _start(source, call, data, SEND_TO_QUEUE, lambda rows: queues.move_rows(source.id, rows, queue_id))


async def update_priority(source: Project, call: Call, data: Mapping[str, Any]) -> str:
    """Starts giving data rows a priority. The task is FAILED when one is not in the project."""
    priority, queues = int(data["priority"]), call.workspace.queues
    return await _start(
        source, call, data, UPDATE_PRIORITY, lambda rows: queues.set_priority(source.id, rows, priority)
    )


async def _start(project: Project, call: Call, data: Mapping[str, Any], kind: str, change: Change) -> str:
    row_ids, keys = read_identifiers(data)
    work = partial(_change_rows, call, project.id, row_ids, keys, change)
    task, future = call.workspace.jobs.start(work, type=kind, name=project.name, base_url=call.base_url)
    await wait_for([future])
    return task.id


def _change_rows(
    call: Call,
    project_id: str,
    row_ids: list[str],
    keys: list[str],
    change: Change,
    _task: Task,
    check_running: Callable[[], None],
) -> None:
    """Changes data rows, some at a time. Raises MalformedRequest, before any is changed, when one is not in the
    project."""
    with call.store.read_apart() as connection:
        rows = find_data_rows(connection, row_ids, keys)
        check_in_project(connection, project_id, rows)
    for first in range(0, len(rows), ROWS_TOGETHER):
        check_running()
        change(rows[first : first + ROWS_TOGETHER])


def read_identifiers(data: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The ids and the global keys of data rows, of which one is empty: `dataRowIdentifiers` since SDK 3.57, before
    `dataRowIds`. Raises BadInput."""
    identifiers = data.get("dataRowIdentifiers") or {"ids": data.get("dataRowIds") or [], "idType": "ID"}
    names = list(identifiers.get("ids") or [])
    if not names:
        raise BadInput('No data row was sent; expected dataRowIdentifiers: {ids: ["…"], idType: ID}')
    if len(names) > MOST_ROWS:
        raise BadInput(f"{len(names):,} data rows were sent; at most {MOST_ROWS:,} are changed by one request")
    return ([], names) if identifiers.get("idType") == "GKEY" else (names, [])


def set_overrides(source: Project, call: Call, **arguments: Any) -> bool:
    """Overrides the priority of data rows; up to 3.56 SDKs send a number of labels too."""
    sent = (arguments.get("data") or []) + (arguments.get("dataWithDataRowIdentifiers") or [])
    if not sent:
        raise BadInput("No override was sent; expected a list of data rows and priorities")
    for entry in sent:
        if (labels := entry.get("numLabels")) is not None and labels < 1:
            raise MalformedRequest(f"numLabels of an override is {labels}; expected 1 or more")
    overrides = [
        (row, entry["priority"], entry.get("numLabels"))
        for row, entry in zip(_find_rows(call, sent), sent, strict=True)
    ]
    call.workspace.queues.override(source.id, overrides)
    return True


def unset_overrides(source: Project, call: Call, data: list[Mapping[str, Any]]) -> bool:
    call.workspace.queues.remove_overrides(source.id, _find_rows(call, data))
    return True


def _find_rows(call: Call, entries: Sequence[Mapping[str, Any]]) -> list[RowRef]:
    """The data row of each override. Raises MalformedRequest."""
    names = [_read_name(entry) for entry in entries]
    with call.read() as connection:
        known = {
            column: map_data_rows(connection, column, [name for other, name in names if other == column])
            for column in ("id", "global_key")
        }
    return [known[column][name] for column, name in names]


def _read_name(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The column that an override names its data row by, and the name."""
    identifier = entry.get("dataRowIdentifier") or {}
    name = (entry.get("dataRow") or {}).get("id") or entry.get("dataRowId") or identifier.get("id")
    return "global_key" if identifier.get("idType") == "GKEY" else "id", str(name)


def list_overrides(source: Project, call: Call, where: Any = None, **window: Unpack[Window]) -> list[ParameterOverride]:
    """One for each data row of the project, with the priority of its batch or the one given since (SDK tests
    test_labeling_parameter_overrides.py)."""
    within = Clause("project_id = :id", id=source.id)
    if not where:
        return [_build_override(row) for row in call.select(ProjectRow, within, order="data_row_no", **window)]
    every = map(_build_override, call.select(ProjectRow, within, order="data_row_no"))
    return cut_window([item for item in every if matches(where, partial(_get_field, item))], **window)


def _build_override(row: ProjectRow) -> ParameterOverride:
    override_id = ids.cuid(0, "override", row.project_id, row.data_row_no)
    return ParameterOverride(override_id, row.data_row_no, row.priority, row.expected_label_count)


def _get_field(item: ParameterOverride, name: str) -> Any:
    return getattr(item, snake(name))


def find_data_row(source: ParameterOverride, call: Call) -> DataRow:
    return call.one(DataRow, Clause("no = :no", no=source.data_row_no), f"The data row of {source.id!r}")


def show_predictions(source: Project, call: Call, show: bool) -> Project:
    return call.workspace.catalog.update_project(source.id, shows_predictions=show)
