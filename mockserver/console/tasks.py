"""The tasks of a workspace: exports of both versions, newest first, as clients see them."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from mockserver.console.calls import ShownCall, build_export_call, build_legacy_call
from mockserver.console.subjects import Subject, name_subject
from mockserver.console.view import View
from mockserver.conversion import decode
from mockserver.exports.legacy.requests import (
    DatasetRowsRequest,
    LabelsRequest,
    LegacyRequest,
    ModelRunLabelsRequest,
    decode_request,
)
from mockserver.exports.request import ExportRequest
from mockserver.exports.streams import ERRORS, RESULT
from mockserver.exports.tasks import get_streams, is_finished
from mockserver.exports.words import describe_params, describe_terms
from mockserver.links import RESULT_DAYS, good_until
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.legacy import LegacyFile
from mockserver.world.records.tasks import EXPORT, Task, TaskStatus

MOST_LISTED = 100
"""Tasks of each version."""
NEWEST = 6
"""Tasks under the bell."""
PARTS = {"list": "task_list.html", "newest": "newest_tasks.html"}
"""Part of the page -> its template."""
EXPORTS = Clause("type = :type", type=EXPORT)
WORDS = {"IN_PROGRESS": "warn", "COMPLETE": "good", "FAILED": "bad", "CANCELED": ""}
"""Status -> how its word is coloured."""


class ListedTask(NamedTuple):
    """A task as a line of the list. `rows` and `size` are None where they are not known."""

    id: str
    version: str
    subject: Subject
    status: str
    percentage: float
    rows: int | None
    size: int | None
    created_at: int
    expires_at: int
    failure: str | None
    download: str | None
    errors: str | None
    call: ShownCall | None

    @property
    def is_running(self) -> bool:
        return self.status == TaskStatus.IN_PROGRESS

    @property
    def file_name(self) -> str:
        name = "".join(char if char.isalnum() else "-" for char in self.subject.name)[:60]
        return f"export-{self.version}-{name}.{'ndjson' if self.version == 'v2' else 'json'}"


def show_tasks(view: View) -> Response:
    """Shows all tasks, or the part of the page that the script requests again and again."""
    part = view.query.get("part")
    if part == "bell":
        states = list_states(view.workspace)
        return view.render("bell.html", running=sum(state.status == TaskStatus.IN_PROGRESS for state in states))
    with view.snapshot() as connection:
        tasks = [*list_exports(view, connection), *list_legacy_files(view, connection)]
    tasks.sort(key=lambda task: task.created_at, reverse=True)
    chosen = view.query.get("id")
    if chosen is not None:
        tasks = [task for task in tasks if chosen in {task.id, task.version}][:1]
    template = PARTS.get(part or "", "tasks.html")
    return view.render(template, tasks=tasks, words=WORDS, alone=chosen, newest=NEWEST)


class TaskState(NamedTuple):
    """A task as clients see it now."""

    id: str
    status: str
    percentage: float


def list_states(workspace: Workspace) -> list[TaskState]:
    """Lists the states of the newest tasks. Raises Conflict when the workspace was closed."""
    with workspace.store.reading() as connection:
        tasks = connection.select(Task, EXPORTS, order="no DESC", first=MOST_LISTED)
        files = connection.select(LegacyFile, order="no DESC", first=MOST_LISTED)
    seen = [workspace.exports.view(task) for task in tasks]
    return [
        *(TaskState(task.id, task.status, task.completion_percentage) for task in seen),
        *(TaskState(file.id, get_legacy_status(file), 0.0) for file in files),
    ]


def list_exports(view: View, connection: Connection) -> list[ListedTask]:
    """Lists the tasks of Export V2. Looking at them here is no poll of a client."""
    tasks = connection.select(Task, EXPORTS, order="no DESC", first=MOST_LISTED)
    return [list_export(view, connection, view.workspace.exports.view(task)) for task in tasks]


def list_export(view: View, connection: Connection, task: Task) -> ListedTask:
    request = decode(task.request, ExportRequest)
    subject, streams, links = name_subject(connection, request), get_streams(task), view.workspace.links
    expires = good_until(task.created_at, RESULT_DAYS)
    result = streams.stream(RESULT)
    return ListedTask(
        task.id, "v2", subject, task.status, task.completion_percentage,
        result.total_lines if is_finished(task) else None, result.total_size if is_finished(task) else None,
        task.created_at, expires, task.failure,
        links.result(task.id, RESULT, "all.ndjson", expires=expires) if is_finished(task) else None,
        links.result(task.id, ERRORS, "all.ndjson", expires=expires) if streams.stream(ERRORS).chunks else None,
        describe_export(view, subject, request),
    )  # fmt: skip


def describe_export(view: View, subject: Subject, request: ExportRequest) -> ShownCall | None:
    """Describes the call that started an export; None if no SDK sends such a one."""
    terms = [term for term in request.terms if term.get("type") != "dataset"]
    filters = describe_terms(terms)
    params = describe_params(request.params, subject.kind.params)
    return None if filters is None else build_export_call(view, subject, terms, filters, params)


def list_legacy_files(view: View, connection: Connection) -> list[ListedTask]:
    """Lists the files of Export V1."""
    files = connection.select(LegacyFile, order="no DESC", first=MOST_LISTED)
    return [list_legacy_file(view, connection, file) for file in files]


def list_legacy_file(view: View, connection: Connection, file: LegacyFile) -> ListedTask:
    request = decode_request(file.question)
    subject = name_subject(connection, _as_export(request))
    status = get_legacy_status(file)
    url = view.workspace.legacy.url(file)
    return ListedTask(
        file.id, "v1", subject, status, 100.0 if status == TaskStatus.COMPLETE else 0.0, None, None, file.created_at,
        good_until(file.created_at, RESULT_DAYS), file.failure,
        url.removeprefix(file.base_url) if status == TaskStatus.COMPLETE else None, None,
        describe_legacy(view, subject, request),
    )  # fmt: skip


def get_legacy_status(file: LegacyFile) -> str:
    """The status as clients see it: a progression delays it, until one has the URL."""
    waits = file.status == TaskStatus.COMPLETE and not file.told and file.pace != '"at_once"'
    return TaskStatus.IN_PROGRESS if waits else file.status


def _as_export(request: LegacyRequest) -> ExportRequest:
    """The request of Export V2 that has the same subject."""
    if isinstance(request, ModelRunLabelsRequest):
        return ExportRequest(model_run_id=request.model_run)
    if isinstance(request, DatasetRowsRequest):
        return ExportRequest(terms=[{"type": "dataset", "ids": [request.dataset]}])
    return ExportRequest(project_id=getattr(request, "project", None))


def describe_legacy(view: View, subject: Subject, request: LegacyRequest) -> ShownCall | None:
    """Describes the call of an Export V1 that the page can send, too."""
    if isinstance(request, LabelsRequest):
        created = [request.created.start, request.created.end]
        return build_legacy_call(view, subject, created, [request.active.start, request.active.end])
    if isinstance(request, ModelRunLabelsRequest | DatasetRowsRequest):
        return build_legacy_call(view, subject, [None, None], [None, None])
    return None
