"""Batches: creating, filling, emptying and deleting them (SDK project.py create_batch, batch.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.resolvers.waiting import wait_for
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, MalformedRequest
from mockserver.world.changes.batches import MOST_ROWS, TOO_MANY, Consensus, check_priority
from mockserver.world.changes.row_lookup import RowRef, find_data_rows
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import match_rows_outside
from mockserver.world.records.data_rows import DataRow, Dataset
from mockserver.world.records.projects import Batch, Project
from mockserver.world.records.tasks import ADD_TO_BATCH, Task

ROWS_TOGETHER = 500
"""Data rows that a task adds in one transaction, some 10 ms, in which no other change can be made."""
MOST_LABELS = 1_000
EMPTY = "You need at least one data row in a batch"
"""The SDK's words (project.py create_batch)."""


class CreatedBatch(msgspec.Struct, frozen=True):
    batch: Batch
    failed_data_row_ids: list[str]


class BatchTask(msgspec.Struct, frozen=True):
    batch_uuid: str
    task_id: str


def add_to(fields: Fields) -> None:
    fields.add("ProjectChanges", "createBatchV2", create_batch, long=True)
    fields.add("ProjectChanges", "createEmptyBatch", create_empty_batch)
    fields.add("ProjectChanges", "addDataRowsToBatchAsync", add_data_rows)
    fields.add("ProjectChanges", "createBatches", create_batches, long=True)
    fields.add("ProjectChanges", "createBatchesFromDataset", create_batches_from_dataset, long=True)
    fields.add("ProjectChanges", "removeQueuedDataRowsFromBatch", remove_queued_rows, long=True)
    fields.add("ProjectChanges", "deleteBatch", delete_batch, long=True)
    fields.add("ProjectChanges", "deleteBatchLabels", delete_batch_labels, long=True)
    fields.add_attributes("CreatedBatch", CreatedBatch, "batch failedDataRowIds")
    fields.add_attributes("BatchTask", BatchTask, "batchUuid taskId")
    fields.add("BatchTasks", "tasks", lambda source, _call: source)
    fields.add("TaskId", "taskId", lambda source, _call: source)
    fields.add("DeletedBatch", "deletedBatchId", lambda source, _call: source)
    fields.add("DeletedBatchLabels", "deletedLabelIds", lambda source, _call: source)


def create_batch(source: Project, call: Call, input: Mapping[str, Any]) -> CreatedBatch:
    """Creates a batch with its data rows, all in one transaction. Data rows that are in the project already are listed
    as failed (inferred). Raises MalformedRequest when all are (SDK tests test_batch.py)."""
    name, consensus, priority = check_name(input["name"]), _read_consensus(input), input["priority"]
    row_ids, keys = input.get("dataRowIds") or [], input.get("globalKeys") or []
    if max(len(set(row_ids)), len(set(keys))) > MOST_ROWS:  # both may name the same rows
        raise MalformedRequest(TOO_MANY)
    with call.read() as connection:
        rows = find_data_rows(connection, row_ids, keys)
    if not rows:
        raise MalformedRequest(EMPTY)
    if len(rows) > MOST_ROWS:
        raise MalformedRequest(TOO_MANY)
    return CreatedBatch(*call.workspace.batches.create_filled_batch(source.id, name, consensus, rows, priority))


def create_empty_batch(source: Project, call: Call, input: Mapping[str, Any]) -> Batch:
    return call.workspace.batches.create_batch(source.id, check_name(input["name"]), _read_consensus(input))


async def add_data_rows(source: Project, call: Call, input: Mapping[str, Any]) -> str:
    """Starts adding data rows to a batch. If some do not exist, or they are too many, the task is FAILED, and none is
    added."""
    check_priority(input["priority"])
    place = Clause("id = :id AND project_id = :project", id=input["batchId"], project=source.id)
    batch = call.one(Batch, place, f"Batch {input['batchId']!r} of project {source.id!r}")
    row_ids, keys = input.get("dataRowIds") or [], input.get("globalKeys") or []
    if len(row_ids) + len(keys) > MOST_ROWS:
        raise MalformedRequest(TOO_MANY)

    def find() -> list[RowRef]:
        with call.store.read_apart() as connection:
            return find_data_rows(connection, row_ids, keys)

    task, future = _start(call, batch, find, input["priority"])
    await wait_for([future])
    return task.id


def _start(call: Call, batch: Batch, find: Callable[[], Sequence[RowRef]], priority: int) -> tuple[Task, Future[None]]:
    work = partial(_fill, call, batch, find, priority)
    return call.workspace.jobs.start(work, type=ADD_TO_BATCH, name=batch.name, base_url=call.base_url)


def _fill(
    call: Call,
    batch: Batch,
    find: Callable[[], Sequence[RowRef]],
    priority: int,
    _task: Task,
    check_running: Callable[[], None],
) -> None:
    """Adds data rows to a batch, some at a time."""
    rows = find()
    call.workspace.batches.check_room(batch, rows)
    for first in range(0, len(rows), ROWS_TOGETHER):
        check_running()
        call.workspace.batches.add_rows(batch, rows[first : first + ROWS_TOGETHER], priority)


async def create_batches(source: Project, call: Call, input: Mapping[str, Any]) -> list[BatchTask]:
    """Creates as many batches as the data rows need."""
    with call.read() as connection:
        rows = find_data_rows(connection, input.get("dataRowIds") or [], input.get("globalKeys") or [])
    return await _create_batches(source, call, input, rows)


async def create_batches_from_dataset(source: Project, call: Call, input: Mapping[str, Any]) -> list[BatchTask]:
    """Creates batches of the data rows of a dataset that are not in the project."""
    dataset = call.get(Dataset, input["datasetId"])
    within = Clause("dataset_id = :id AND NOT deleted", id=dataset.id) & match_rows_outside(source.id)
    with call.read() as connection:
        rows = [RowRef(*row) for row in connection.select_columns(DataRow, "no, id", within, order="no")]
    return await _create_batches(source, call, input, rows)


async def _create_batches(
    project: Project, call: Call, settings: Mapping[str, Any], rows: list[RowRef]
) -> list[BatchTask]:
    """Names are the prefix and a number of four digits, from 0000 (SDK project.py create_batches)."""
    if not rows:
        raise MalformedRequest(EMPTY)
    prefix, consensus = check_name(settings["batchNamePrefix"]), _read_consensus(settings)
    priority = settings["priority"]
    check_priority(priority)
    parts = [rows[first : first + MOST_ROWS] for first in range(0, len(rows), MOST_ROWS)]
    names = [f"{prefix}{number:04}" for number in range(len(parts))]
    batches = call.workspace.batches.create_batches(project.id, names, consensus)
    started = [_start(call, batch, partial(list, part), priority) for batch, part in zip(batches, parts, strict=True)]
    await wait_for([future for _, future in started])
    return [BatchTask(batch.id, task.id) for batch, (task, _) in zip(batches, started, strict=True)]


def remove_queued_rows(source: Project, call: Call, batchId: str) -> Batch:
    return call.workspace.batches.remove_queued_rows(source.id, batchId)


def delete_batch(source: Project, call: Call, batchId: str) -> str:
    return call.workspace.batches.delete_batch(source.id, batchId)


def delete_batch_labels(source: Project, call: Call, batchId: str, data: Mapping[str, Any]) -> list[str]:
    """Deletes the labels of a batch; as templates they become pre-labels (SDK batch.py delete_labels)."""
    as_templates = data["type"] == "RequeueDataWithLabelAsTemplate"
    return call.workspace.batches.delete_labels(source.id, batchId, as_templates=as_templates)


def check_name(name: str) -> str:
    check_texts({"name": name})
    if not name.strip():
        raise BadInput(f"A new batch has the name {name!r}; expected a text that is not empty")
    return name


def _read_consensus(settings: Mapping[str, Any]) -> Consensus:
    """Raises MalformedRequest."""
    sent = settings.get("consensusSettings") or {}
    labels, coverage = sent.get("numberOfLabels"), sent.get("coveragePercentage")
    consensus = Consensus(1 if labels is None else labels, 0.0 if coverage is None else coverage)
    if not 1 <= consensus.number_of_labels <= MOST_LABELS or not 0 <= consensus.coverage_percentage <= 1:
        raise MalformedRequest(
            f"The consensus settings of a batch are {dict(sent)!r}; expected numberOfLabels of 1 or more and a "
            "coveragePercentage of 0 to 1"
        )
    return consensus
