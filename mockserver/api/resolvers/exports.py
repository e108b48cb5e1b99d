"""Tasks, and the exports that make them (SDK export_task.py, task.py)."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import msgspec

from mockserver.api.call import Call, call_of
from mockserver.api.filters import condition
from mockserver.api.resolvers.fields import Fields
from mockserver.api.resolvers.people import organization
from mockserver.api.resolvers.projects import created_by
from mockserver.exports.chunks import Chunk, Stream
from mockserver.exports.request import decode
from mockserver.exports.results import ERRORS, RESULT
from mockserver.exports.tasks import finished, streams
from mockserver.links import RESULT_DAYS, good_until
from mockserver.world.database import where as clause
from mockserver.world.people import Organization, Person
from mockserver.world.tasks import EXPORT, Task

PATIENCE = 0.2
"""Seconds the mutation waits for its export: a first look that is not COMPLETE costs every SDK two seconds."""


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
    fields.attributes("Task", Task, "id name status type completionPercentage createdAt updatedAt")
    fields.add(
        Query_task=task,
        User_createdTasks=tasks,
        Organization_tasks=tasks,
        Query_cancelableTaskTypes=cancelable_task_types,
        Task_result=lambda source, info: file_of(call_of(info), source, RESULT),
        Task_errors=task_errors,
        Task_metadata=lambda source, _: {} if source.failure is None else {"failure": source.failure},
        Task_createdBy=created_by,
        Task_organization=organization,
        Task_exportMetadataHeader=header,
        Task_exportFileFromOffset=file_from_offset,
        Task_exportFileFromLine=file_from_line,
        Mutation_exportDataRowsInProject=export,
        Mutation_exportDataRowsInCatalog=export,
        Mutation_exportDataRowsInSlice=export,
        Mutation_exportDataRowsInModelRun=export,
        Mutation_cancelBulkOperationJob=cancel,
        Success_success=lambda source, _: source,
    )
    fields.attributes("ExportTaskReference", TaskReference, "taskId isStreamable")
    fields.attributes("ExportMetadataHeader", Stream, "", totalSize="total_size", totalLines="total_lines")
    fields.attributes("ExportFile", ExportFile, "offsets lines file")
    fields.attributes("UInt64Range", Range, "start end")


def task(_source: Any, info: Any, where: Any = None) -> Task:
    task_id = (where or {}).get("id")
    call = call_of(info)
    return call.workspace.exports.looked_at(call.one(Task, clause("id = :id", id=task_id), f"Task {task_id!r}"))


def tasks(
    source: Person | Organization, info: Any, where: Any = None, skip: int = 0, first: int | None = None
) -> list[Task]:
    """The SDK looks for exactly one by id (wire trap 15). Newest first."""
    asked = condition(Task, where)
    if isinstance(source, Person):
        asked &= clause("created_by = :id", id=source.id)
    call = call_of(info)
    found = call.select(Task, asked, order="no DESC", skip=skip, first=first)
    see = call.workspace.exports.looked_at if (where or {}).get("id") else call.workspace.exports.shown
    return [see(item) for item in found]


def cancelable_task_types(_source: Any, _info: Any) -> list[str]:
    """In camelCase, which the SDK turns into a task's `type` (client.py 7.17.0:2874). Real list unknown (inferred)."""
    first, *rest = EXPORT.split("-")
    return [first + "".join(map(str.title, rest))]


async def export(_source: Any, info: Any, input: dict[str, Any]) -> TaskReference:  # noqa: A002  the wire's word
    """Answers at once when the export is small, as almost all are; else with a task IN_PROGRESS."""
    call = call_of(info)
    request = decode(input)
    made, future = call.workspace.exports.create(request, name=input.get("taskName"), base_url=call.base_url)
    await _short_wait(future)
    return TaskReference(made.id, request.streamable)


async def _short_wait(future: Future[None]) -> None:
    done, _ = await asyncio.wait([asyncio.wrap_future(future)], timeout=PATIENCE)
    del done


def cancel(_source: Any, info: Any, id: str) -> bool:  # noqa: A002  the wire's word
    call_of(info).workspace.exports.cancel(id)
    return True


def stream_of(source: Task, name: str) -> Stream:
    """One stream of a task as it is shown."""
    return streams(source).named(name)


def header(source: Task, _info: Any, streamType: str) -> Stream | None:  # noqa: N803  the wire's word
    stream = stream_of(source, streamType)
    return stream if stream.chunks else None


def file_from_offset(source: Task, info: Any, streamType: str, offset: int) -> ExportFile | None:  # noqa: N803  the wire's word
    return _file(call_of(info), source, streamType, stream_of(source, streamType).at_offset(offset))


def file_from_line(source: Task, info: Any, streamType: str, line: int) -> ExportFile | None:  # noqa: N803  the wire's word
    return _file(call_of(info), source, streamType, stream_of(source, streamType).at_line(line))


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
    return _url(call, source, stream, "all.ndjson") if finished(source) and source.type == EXPORT else None


def task_errors(source: Task, info: Any) -> str | None:
    """Of rows that failed, or of an export that failed as a whole; null without any."""
    return _url(call_of(info), source, ERRORS, "all.ndjson") if stream_of(source, ERRORS).chunks else None
