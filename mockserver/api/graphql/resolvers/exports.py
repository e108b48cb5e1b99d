"""Tasks, and the exports that make them (SDK export_task.py, task.py)."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import condition, snake
from mockserver.api.graphql.matching import matches, mentioned
from mockserver.api.graphql.resolvers.people import organization
from mockserver.api.graphql.resolvers.projects import created_by
from mockserver.exports.chunks import Chunk, Stream
from mockserver.exports.request import parse_request
from mockserver.exports.results import ERRORS, RESULT
from mockserver.exports.tasks import get_streams, is_finished
from mockserver.links import RESULT_DAYS, good_until
from mockserver.world.database import EVERYTHING, Clause
from mockserver.world.people import Organization, Person
from mockserver.world.tasks import EXPORT, Task, TaskStatus

PATIENCE = 0.2
"""Seconds the mutation waits for its export: a first look that is not COMPLETE costs every SDK two seconds."""


SHOWN = frozenset({"status", "completionPercentage", "result", "errors", "updatedAt"})
"""What a task's pace decides, and no column holds."""


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
    fields.add("Query", "task", task)
    fields.add("User", "createdTasks", tasks)
    fields.add("Organization", "tasks", tasks)
    fields.add("Query", "cancelableTaskTypes", cancelable_task_types)
    fields.add("Task", "result", lambda source, call: file_of(call, source, RESULT))
    fields.add("Task", "errors", lambda source, call: errors_of(call, source))
    fields.add("Task", "metadata", lambda source, _call: {} if source.failure is None else {"failure": source.failure})
    fields.add("Task", "createdBy", created_by)
    fields.add("Task", "organization", organization)
    fields.add("Task", "exportMetadataHeader", header)
    fields.add("Task", "exportFileFromOffset", file_from_offset)
    fields.add("Task", "exportFileFromLine", file_from_line)
    fields.add("Mutation", "exportDataRowsInProject", export)
    fields.add("Mutation", "exportDataRowsInCatalog", export)
    fields.add("Mutation", "exportDataRowsInSlice", export)
    fields.add("Mutation", "exportDataRowsInModelRun", export)
    fields.add("Mutation", "cancelBulkOperationJob", cancel)
    fields.add("Success", "success", lambda source, _call: source)
    fields.add_attributes("ExportTaskReference", TaskReference, "taskId isStreamable")
    fields.add_attributes("ExportMetadataHeader", Stream, "", totalSize="total_size", totalLines="total_lines")
    fields.add_attributes("ExportFile", ExportFile, "offsets lines file")
    fields.add_attributes("UInt64Range", Range, "start end")


def task(_source: Any, call: Call, where: Any = None) -> Task:
    """SDKs ask so for the files of an export (export_task.py)."""
    task_id = (where or {}).get("id")
    exports = call.workspace.exports
    seen = exports.looked_at(call.one(Task, Clause("id = :id", id=task_id), f"Task {task_id!r}"))
    exports.glances.read(seen)
    return seen


def tasks(
    source: Person | Organization, call: Call, where: Any = None, skip: int = 0, first: int | None = None
) -> list[Task]:
    """Newest first. The SDK looks for exactly one by id (wire trap 15)."""
    asked = Clause("created_by = :id", id=source.id) if isinstance(source, Person) else EVERYTHING
    if not SHOWN.isdisjoint(mentioned(where)):
        shown = [
            task for record in call.select(Task, asked, order="no DESC") for task in _as_asked(call, record, where)
        ]
        return shown[skip : None if first is None else skip + first]
    found = call.select(Task, condition(Task, where) & asked, order="no DESC", skip=skip, first=first)
    if not (where or {}).get("id"):
        return [call.workspace.exports.shown(item) for item in found]
    return [_looked_at(call, item, alone=first == 1) for item in found]


def _looked_at(call: Call, record: Task, *, alone: bool) -> Task:
    """A look for one task by its id. `alone` is how client.get_task_by_id asks, and before it cancels a task
    client.cancel_task (SDK client.py 7.17.0:2832); a client that waits asks for a page of a hundred (task.py)."""
    exports = call.workspace.exports
    seen = exports.looked_at(record)
    if alone and exports.glances.is_fresh(record, call.store.clock.now()):
        return exports.glances.as_running(record)
    exports.glances.told(seen)
    return seen


def _as_asked(call: Call, record: Task, where: Any) -> list[Task]:
    """The task as it is shown, if so it fits a search by what is shown."""
    exports = call.workspace.exports
    if exports.glances.is_fresh(record, call.store.clock.now()):
        running = msgspec.structs.replace(record, status=TaskStatus.IN_PROGRESS, completion_percentage=0.0)
        if matches(where, lambda name: _field(call, running, name)):
            return [exports.glances.as_running(record)]
    seen = exports.shown(record)
    return [seen] if matches(where, lambda name: _field(call, seen, name)) else []


def _field(call: Call, task: Task, name: str) -> Any:
    if name in {"result", "errors"}:
        return file_of(call, task, RESULT) if name == "result" else errors_of(call, task)
    return getattr(task, snake(name))


def cancelable_task_types(_source: Any, _call: Call) -> list[str]:
    """In camelCase, which the SDK turns into a task's `type` (client.py 7.17.0:2874). Real list unknown (inferred)."""
    first, *rest = EXPORT.split("-")
    return [first + "".join(map(str.title, rest))]


async def export(_source: Any, call: Call, input: dict[str, Any]) -> TaskReference:  # noqa: A002  the wire's word
    """Answers at once when the export is small, as almost all are; else with a task IN_PROGRESS."""
    request = parse_request(input)
    made, future = call.workspace.exports.create(request, name=input.get("taskName"), base_url=call.base_url)
    await _short_wait(future)
    return TaskReference(made.id, request.streamable)


async def _short_wait(future: Future[None]) -> None:
    done, _ = await asyncio.wait([asyncio.wrap_future(future)], timeout=PATIENCE)
    del done


def cancel(_source: Any, call: Call, id: str) -> bool:  # noqa: A002  the wire's word
    call.workspace.exports.cancel(id)
    return True


def stream_of(source: Task, name: str) -> Stream:
    """One stream of a task as it is shown."""
    return get_streams(source).named(name)


def header(source: Task, _call: Call, streamType: str) -> Stream | None:  # noqa: N803  the wire's word
    stream = stream_of(source, streamType)
    return stream if stream.chunks else None


def file_from_offset(source: Task, call: Call, streamType: str, offset: int) -> ExportFile | None:  # noqa: N803  the wire's word
    return _file(call, source, streamType, stream_of(source, streamType).at_offset(offset))


def file_from_line(source: Task, call: Call, streamType: str, line: int) -> ExportFile | None:  # noqa: N803  the wire's word
    return _file(call, source, streamType, stream_of(source, streamType).at_line(line))


def _file(call: Call, source: Task, stream: str, chunk: Chunk | None) -> ExportFile | None:
    if chunk is None:
        return None
    url = _url(call, source, stream, chunk.file)
    return ExportFile(Range(chunk.start, chunk.end), Range(chunk.first_line, chunk.last_line), url)


def _url(call: Call, source: Task, stream: str, file: str) -> str:
    expires = good_until(source.created_at, RESULT_DAYS)
    return source.base_url + call.workspace.links.result(source.id, stream, file, expires=expires)


def file_of(call: Call, source: Task, stream: str) -> str | None:
    """The URL of a whole stream, empty or not; null before the task is COMPLETE."""
    return _url(call, source, stream, "all.ndjson") if is_finished(source) and source.type == EXPORT else None


def errors_of(call: Call, source: Task) -> str | None:
    """The URL of the errors of rows that failed, or of an export that failed as a whole; null without any."""
    return _url(call, source, ERRORS, "all.ndjson") if stream_of(source, ERRORS).chunks else None
