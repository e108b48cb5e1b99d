"""Tasks, and the exports that make them (SDK export_task.py, task.py)."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, Unpack

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, json_text
from mockserver.api.graphql.filters import read_id, snake
from mockserver.api.graphql.matching import list_compared, matches
from mockserver.api.graphql.pages import Window, cut_window
from mockserver.api.graphql.resolvers.people import get_organization
from mockserver.api.graphql.resolvers.projects import find_creator
from mockserver.exports.chunks import Chunk, Stream
from mockserver.exports.request import parse_request
from mockserver.exports.streams import ERRORS, RESULT
from mockserver.exports.tasks import get_streams, is_finished
from mockserver.http.threads import call_off_loop
from mockserver.links import RESULT_DAYS, good_until
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.records.people import Organization, Person
from mockserver.world.records.tasks import EXPORT, IMPORTS, RUN_APP, Task, TaskStatus

PATIENCE = 0.2
"""Seconds that the mutation waits for its export: a first poll that is not COMPLETE costs every SDK two seconds."""


SHOWN = frozenset({"status", "completionPercentage", "result", "errors", "updatedAt"})
"""Fields that the progression of a task decides, and no column holds."""


class TaskReference(msgspec.Struct, frozen=True):
    task_id: str
    is_streamable: bool


class Range(msgspec.Struct, frozen=True):
    start: int
    end: int


class ExportFile(msgspec.Struct, frozen=True):
    offsets: Range
    lines: Range
    file: str


def add_to(fields: Fields) -> None:
    fields.add_attributes("Task", Task, "id name status type completionPercentage createdAt updatedAt")
    fields.add("Query", "task", find_task)
    fields.add("User", "createdTasks", list_tasks)
    fields.add("Organization", "tasks", list_tasks)
    fields.add("Query", "cancelableTaskTypes", list_cancelable_types)
    fields.add("Task", "result", lambda source, call: build_result_url(call, source, RESULT))
    fields.add("Task", "errors", lambda source, call: build_errors_url(call, source))
    fields.add("Task", "metadata", build_metadata)
    fields.add("Task", "createdBy", find_creator)
    fields.add("Task", "organization", get_organization)
    fields.add("Task", "exportMetadataHeader", get_header)
    fields.add("Task", "exportFileFromOffset", find_file_at_offset)
    fields.add("Task", "exportFileFromLine", find_file_at_line)
    fields.add("Mutation", "exportDataRowsInProject", start_export)
    fields.add("Mutation", "exportDataRowsInCatalog", start_export)
    fields.add("Mutation", "exportDataRowsInSlice", start_export)
    fields.add("Mutation", "exportDataRowsInModelRun", start_export)
    fields.add("Mutation", "cancelBulkOperationJob", cancel_task)
    fields.add("Success", "success", lambda source, _call: source)
    fields.add_attributes("ExportTaskReference", TaskReference, "taskId isStreamable")
    fields.add_attributes("ExportMetadataHeader", Stream, "", totalSize="total_size", totalLines="total_lines")
    fields.add_attributes("ExportFile", ExportFile, "offsets lines file")
    fields.add_attributes("UInt64Range", Range, "start end")


def find_task(_source: Any, call: Call, where: Any = None) -> Task:
    """The task with this id. SDKs read the files of an export from it (export_task.py)."""
    task = call.poll_task(call.get(Task, read_id(where, "task")))
    call.workspace.exports.fresh.mark_read(task)
    return task


def build_metadata(source: Task, _call: Call) -> dict[str, Any]:
    """The failure of a task, and the model run that an app fills (SDK tests test_foundry.py)."""
    metadata: dict[str, Any] = {} if source.failure is None else {"failure": source.failure}
    return metadata | orjson.loads(source.request) if source.type == RUN_APP else metadata


def list_tasks(source: Person | Organization, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Task]:
    """The tasks of a user or of the organization, newest first. SDKs search for exactly one by id (wire trap 15)."""
    within = Clause("created_by = :id", id=source.id) if isinstance(source, Person) else EVERYTHING
    if not SHOWN.isdisjoint(list_compared(where)):
        records = call.select(Task, within, order="no DESC")
        matching = [task for record in records for task in _match_shown(call, record, where)]
        return cut_window(matching, **window)
    records = call.search(Task, where, within, order="no DESC", **window)
    if not (where or {}).get("id"):
        return [call.workspace.exports.view(record) for record in records]
    return [_poll(call, record, alone=window.get("first") == 1) for record in records]


def _poll(call: Call, record: Task, *, alone: bool) -> Task:
    """The task of a search by its id, which counts as a poll. client.get_task_by_id searches for it `alone`, as does
    client.cancel_task in front of cancelling it (SDK client.py 7.17.0:2832); a client that waits reads a page of a
    hundred tasks (task.py)."""
    exports = call.workspace.exports
    seen = call.poll_task(record)
    if alone and exports.fresh.is_fresh(record, call.store.clock.now()):
        return exports.fresh.show_running(record)
    exports.fresh.mark_seen(seen)
    return seen


def _match_shown(call: Call, record: Task, where: Any) -> list[Task]:
    """The task as clients see it, if it fits a search by the fields that its progression decides."""
    exports = call.workspace.exports
    if exports.fresh.is_fresh(record, call.store.clock.now()):
        running = msgspec.structs.replace(record, status=TaskStatus.IN_PROGRESS, completion_percentage=0.0)
        if matches(where, lambda name: _get_field(call, running, name)):
            return [exports.fresh.show_running(record)]
    seen = exports.view(record)
    return [seen] if matches(where, lambda name: _get_field(call, seen, name)) else []


def _get_field(call: Call, task: Task, name: str) -> Any:
    if name in {"result", "errors"}:
        return build_result_url(call, task, RESULT) if name == "result" else build_errors_url(call, task)
    return getattr(task, snake(name))


def list_cancelable_types(_source: Any, _call: Call) -> list[str]:
    """Types in camelCase, from which the SDK makes the `type` of a task (client.py 7.17.0:2874). The service's own list
    is unknown (inferred)."""
    first, *rest = EXPORT.split("-")
    return [first + "".join(map(str.title, rest))]


async def start_export(_source: Any, call: Call, input: dict[str, Any]) -> TaskReference:
    """Starts an export. Small ones, which almost all are, have ended before the answer; others are IN_PROGRESS."""
    request = parse_request(input)
    workspace, name = call.workspace, input.get("taskName")
    create = workspace.exports.create
    task, future = await call_off_loop(workspace.results.remote, create, request, name=name, base_url=call.base_url)
    await _wait_briefly(future)
    return TaskReference(task.id, request.streamable)


async def _wait_briefly(future: Future[None]) -> None:
    done, _ = await asyncio.wait([asyncio.wrap_future(future)], timeout=PATIENCE)
    del done


async def cancel_task(_source: Any, call: Call, id: str) -> bool:
    workspace = call.workspace
    await call_off_loop(workspace.results.remote, workspace.exports.cancel, id)
    return True


def get_stream(source: Task, name: str) -> Stream:
    """One stream of a task as it is shown."""
    return get_streams(source).stream(name)


def get_header(source: Task, _call: Call, streamType: str) -> Stream | None:
    stream = get_stream(source, streamType)
    return stream if stream.chunks else None


def find_file_at_offset(source: Task, call: Call, streamType: str, offset: int) -> ExportFile | None:
    return _build_file(call, source, streamType, get_stream(source, streamType).find_by_offset(offset))


def find_file_at_line(source: Task, call: Call, streamType: str, line: int) -> ExportFile | None:
    return _build_file(call, source, streamType, get_stream(source, streamType).find_by_line(line))


def _build_file(call: Call, source: Task, stream: str, chunk: Chunk | None) -> ExportFile | None:
    if chunk is None:
        return None
    url = _build_url(call, source, stream, chunk.file)
    return ExportFile(Range(chunk.start, chunk.end), Range(chunk.first_line, chunk.last_line), url)


def _build_url(call: Call, source: Task, stream: str, file: str) -> str:
    expires = good_until(source.created_at, RESULT_DAYS)
    return source.base_url + call.workspace.links.result(source.id, stream, file, expires=expires)


def build_result_url(call: Call, source: Task, stream: str) -> str | None:
    """The URL of a whole stream, empty or not, or of the result of an import; null before the task is COMPLETE. The
    result of other tasks is null or, if they failed, JSON that says why (SDK task.py)."""
    if source.type in IMPORTS and source.status != TaskStatus.IN_PROGRESS:
        expires = good_until(source.created_at, RESULT_DAYS)
        return source.base_url + call.workspace.links.import_result(source.id, expires=expires)
    if source.type == EXPORT:
        return _build_url(call, source, stream, "all.ndjson") if is_finished(source) else None
    return json_text({"error": source.failure}) if source.status == TaskStatus.FAILED else None


def build_errors_url(call: Call, source: Task) -> str | None:
    """The URL of the errors of rows that failed, or of an export that failed as a whole; null without any."""
    has_errors = source.type == EXPORT and get_stream(source, ERRORS).chunks
    return _build_url(call, source, ERRORS, "all.ndjson") if has_errors else None
