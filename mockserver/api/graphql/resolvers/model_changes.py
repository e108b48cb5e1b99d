"""Creating, changing and deleting models and their runs (SDK model.py, model_run.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.resolvers.models import find_run
from mockserver.api.graphql.resolvers.waiting import wait_for
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput
from mockserver.imports.names import camelize_keys
from mockserver.world.changes.models import check_in_run, find_rows_of_labels
from mockserver.world.changes.row_lookup import find_data_rows
from mockserver.world.clause import Clause
from mockserver.world.records.labels import Label
from mockserver.world.records.models import DataSplit, Model, ModelRun
from mockserver.world.records.projects import Project
from mockserver.world.records.tasks import Task

ADD_ROWS, ADD_LABELS, ASSIGN_SPLITS = "mea-register-data-rows", "mea-register-labels", "mea-assign-data-splits"
"""The types of the tasks (inferred)."""
TOGETHER = 500
"""Data rows or labels of one transaction."""

Apply = Callable[[Sequence[Any]], None]


class RegistrationStatus(msgspec.Struct, frozen=True):
    status: str
    error_message: str | None


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "createModel", create_model)
    fields.add("Mutation", "deleteModels", delete_models)
    fields.add("Mutation", "createModelRun", create_run)
    fields.add("Mutation", "deleteModelRuns", delete_runs)
    fields.add("Mutation", "createMEAModelRunDataRowRegistrationTask", register_rows)
    fields.add("Mutation", "createMEAModelRunLabelRegistrationTask", register_labels)
    fields.add("Mutation", "createMEAModelRunProjectLabelRegistrationTask", register_project_labels)
    fields.add("Mutation", "deleteModelRunDataRows", remove_rows, long=True)
    fields.add("Mutation", "createAssignDataRowsToDataSplitTask", assign_splits)
    fields.add("Mutation", "updateModelRunConfig", update_config)
    fields.add("Mutation", "resetModelRunConfig", reset_config)
    fields.add("Mutation", "updateTrainingPipeline", update_pipeline)
    fields.add("Query", "MEADataRowRegistrationTaskStatus", partial(get_status, ADD_ROWS))
    fields.add("Query", "MEALabelRegistrationTaskStatus", partial(get_status, ADD_LABELS))
    fields.add("Query", "assignDataRowsToDataSplitTaskStatus", partial(get_status, ASSIGN_SPLITS))
    fields.add_attributes("RegistrationStatus", RegistrationStatus, "status errorMessage")


def create_model(_source: Any, call: Call, data: Mapping[str, Any]) -> Model:
    check_texts(data)
    if not data["name"].strip():
        raise BadInput(f"A new model has the name {data['name']!r}; expected a text that is not empty")
    return call.workspace.models.create_model(data["name"], data.get("ontologyId"))


def create_run(_source: Any, call: Call, data: Mapping[str, Any]) -> ModelRun:
    """Creates a run; the keys of its configuration become camel case (SDK tests test_model_run.py, test_model_run;
    those of nested objects are inferred). Raises NotFound, BadInput."""
    check_texts(data)
    if not data["name"].strip():
        raise BadInput(f"A new model run has the name {data['name']!r}; expected a text that is not empty")
    return call.workspace.models.create_run(data["modelId"], data["name"], camelize_keys(data.get("trainingMetadata")))


def delete_models(_source: Any, call: Call, where: Mapping[str, Any]) -> bool:
    call.workspace.models.delete_models(where["ids"])
    return True


def delete_runs(_source: Any, call: Call, where: Mapping[str, Any]) -> bool:
    call.workspace.models.delete_runs(where["ids"])
    return True


def update_config(_source: Any, call: Call, modelRun: Mapping[str, Any], data: Mapping[str, Any]) -> ModelRun:
    """Adds to the configuration of a run. Raises NotFound, BadInput."""
    if not isinstance(data["config"], dict):
        raise BadInput(f"The config of a model run is {str(data['config'])[:100]!r}; expected an object")
    return call.workspace.models.set_config(read_id(modelRun, "updateModelRunConfig", "modelRun.id"), data["config"])


def reset_config(_source: Any, call: Call, modelRun: Mapping[str, Any]) -> ModelRun:
    return call.workspace.models.set_config(read_id(modelRun, "resetModelRunConfig", "modelRun.id"), None)


def update_pipeline(_source: Any, call: Call, modelRun: Mapping[str, Any], data: Mapping[str, Any]) -> ModelRun:
    return call.workspace.models.set_pipeline(read_id(modelRun, "updateTrainingPipeline", "modelRun.id"), dict(data))


# Data rows and labels of a run


async def register_rows(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Starts adding data rows to a run. The task is FAILED when one does not exist, and then adds none."""
    run = find_run(None, call, where)
    row_ids, keys = data.get("dataRowIds") or [], data.get("globalKeys") or []

    def find() -> Sequence[Any]:
        with call.store.read_apart() as connection:
            return find_data_rows(connection, row_ids, keys)

    return await _start(call, ADD_ROWS, find, partial(call.workspace.models.add_rows, run.id))


async def register_labels(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Starts adding labels with their data rows to a run."""
    run, label_ids = find_run(None, call, where), list(dict.fromkeys(data["labelIds"]))

    def find() -> Sequence[Any]:
        with call.store.read_apart() as connection:
            find_rows_of_labels(connection, label_ids)
        return label_ids

    return await _start(call, ADD_LABELS, find, partial(call.workspace.models.add_labels, run.id))


async def register_project_labels(_source: Any, call: Call, where: Mapping[str, Any]) -> str:
    """Starts adding all labels of a project to a run."""
    run, project = find_run(None, call, {"id": where["modelRunId"]}), call.get(Project, where["projectId"])

    def find() -> Sequence[Any]:
        live = Clause("project_id = :id AND NOT deleted", id=project.id)
        with call.store.read_apart() as connection:
            return [label_id for (label_id,) in connection.select_columns(Label, "id", live, order="no")]

    return await _start(call, ADD_LABELS, find, partial(call.workspace.models.add_labels, run.id))


async def assign_splits(_source: Any, call: Call, modelRun: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Starts assigning data rows of a run to splits."""
    run, assignments = find_run(None, call, modelRun), data["assignments"]

    def find() -> Sequence[Any]:
        with call.store.read_apart() as connection:
            items = [
                (DataSplit(entry["split"]), row)
                for entry in assignments
                for row in find_data_rows(connection, entry.get("dataRowIds") or [], entry.get("globalKeys") or [])
            ]
            check_in_run(connection, run.id, [row for _, row in items])
            return items

    def apply(together: Sequence[Any]) -> None:
        for split in DataSplit:
            rows = [row for chosen, row in together if chosen == split]
            if rows:
                call.workspace.models.assign_split(run.id, split, rows)

    return await _start(call, ASSIGN_SPLITS, find, apply)


async def _start(call: Call, kind: str, find: Callable[[], Sequence[Any]], apply: Apply) -> str:
    """The id of a task that applies a change to what `find` returns, some at a time."""

    def work(_task: Task, check_running: Callable[[], None]) -> None:
        items = find()
        for first in range(0, len(items), TOGETHER):
            check_running()
            apply(items[first : first + TOGETHER])

    task, future = call.workspace.jobs.start(work, type=kind, name=None, base_url=call.base_url)
    await wait_for([future])
    return task.id


def remove_rows(_source: Any, call: Call, where: Mapping[str, Any]) -> bool:
    """Removes data rows from a run. Raises NotFound, MalformedRequest."""
    with call.read() as connection:
        rows = find_data_rows(connection, where["dataRowIds"])
    call.workspace.models.remove_rows(where["modelRunId"], rows)
    return True


def get_status(kind: str, _source: Any, call: Call, where: Mapping[str, Any]) -> RegistrationStatus:
    """The state of a task, which counts as a poll. Raises NotFound."""
    task_id = read_id(where, f"The status of {kind}")
    place = Clause("id = :id AND type = :type", id=task_id, type=kind)
    task = call.poll_task(call.one(Task, place, f"Task {task_id!r} of the type {kind}"))
    return RegistrationStatus(task.status, task.failure)
