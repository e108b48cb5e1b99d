"""The results of exports on their way to clients: sent by this server, or by the store that keeps them."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from mockserver.api.graphql.resolvers.exports import get_stream
from mockserver.errors import NotFound
from mockserver.exports.chunks import Chunk
from mockserver.exports.legacy.files import file_name as legacy_file_name
from mockserver.exports.legacy.files import is_array
from mockserver.exports.streams import ERRORS, RESULT, file_name
from mockserver.exports.tasks import render_failure_line
from mockserver.http.ranged import RangedResponse, RangedSource
from mockserver.http.responses import JSON, NDJSON
from mockserver.http.sources import OPENED_AHEAD, BytesSource, FilesSource
from mockserver.journal.notes import notes_of
from mockserver.links import RESULT_DAYS
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.records.legacy import LegacyFile
from mockserver.world.records.tasks import Task, TaskStatus

WHY_DELETED = f"they live {RESULT_DAYS} days of the world's clock, and give way to newer ones (--results-limit)"


class Result(NamedTuple):
    """One download of the result of an export: files in order, of `size` bytes together, or `content` in their place.

    `export` is its name in messages. `modified` in seconds since 1970.
    """

    export: str
    names: list[str]
    size: int
    content_type: str
    modified: float | None = None
    content: bytes | None = None

    def build_refusal(self) -> NotFound:
        """The refusal when files of the result were deleted."""
        return NotFound(f"The result files of {self.export} were deleted: {WHY_DELETED}; export again")


def find_result(workspace: Workspace, task_id: str, stream: str, file: str) -> Result:
    """One file of a task that has ended, or `all.ndjson`: all of them. Raises NotFound."""
    with workspace.store.reading() as connection:
        task = connection.one_by_id(Task, task_id)
    if stream not in {RESULT, ERRORS}:
        raise NotFound(f"Task {task_id!r} has no stream {stream!r}; a task has {RESULT} and {ERRORS}")
    task = workspace.exports.view(task)
    chunks = get_stream(task, stream).chunks
    wanted = [chunk for chunk in chunks if file in {chunk.file, "all.ndjson"}]
    if not wanted and file != "all.ndjson":
        raise NotFound(f"Task {task_id!r} has no file {file!r} in its stream {stream}; it has {len(chunks)}")
    export, modified = f"task {task_id!r}", task.updated_at / 1_000_000
    if task.status == TaskStatus.FAILED:
        line = render_failure_line(task) if wanted else b""
        return Result(export, [], len(line), NDJSON, modified, line)
    names = [file_name(task.id, stream, chunk.file) for chunk in wanted]
    return Result(export, names, _size(wanted), NDJSON, modified)


def find_legacy_result(workspace: Workspace, file_id: str) -> Result:
    """A file of Export V1 whose URL was given to a client. Its size is known when it is opened. Raises NotFound."""
    with workspace.store.reading() as connection:
        file = connection.find(LegacyFile, Clause("id = :id AND told", id=file_id))
    if file is None:
        raise NotFound(f"Export {file_id!r} does not exist in this workspace; export again")
    return Result(f"export {file_id!r}", [legacy_file_name(file)], -1, JSON if is_array(file) else NDJSON)


def open_result(workspace: Workspace, result: Result, *, compressed: bool) -> RangedResponse:
    """Sends a result. Raises NotFound when one of its files was deleted, ResourceFailed."""
    workspace.exports.sweep()
    source: RangedSource = BytesSource(result.content) if result.content is not None else _open_files(workspace, result)
    return RangedResponse(source, result.content_type, modified=result.modified, compressed=compressed)


def _open_files(workspace: Workspace, result: Result) -> FilesSource:
    """Raises NotFound when one of the files was deleted, ResourceFailed."""
    results, names = workspace.results, result.names
    if len(names) > 1:  # one list, where single questions would be thousands
        known = {file.name for file in results.list(names[0].rpartition("/")[0])}
        if not known.issuperset(names):
            raise result.build_refusal()
    try:
        size = results.size(names[0]) if result.size < 0 else result.size
        ahead = OPENED_AHEAD if results.keeps_open else 1
        return FilesSource(names, size, results.open, remote=results.remote, ahead=ahead)
    except FileNotFoundError:
        raise result.build_refusal() from None


def may_be_redirected(request: Request) -> bool:
    """Whether a request may be sent to the store: stores refuse a presigned URL with an Authorization header, which
    some clients keep on redirects, and a presigned URL is for GET. A fault hits bytes that this server sends."""
    return request.method == "GET" and "authorization" not in request.headers and notes_of(request.scope).fault is None


def redirect(workspace: Workspace, result: Result) -> Response:
    """Sends the client to the store. Raises NotFound when the file was deleted, ResourceFailed."""
    workspace.exports.sweep()
    try:
        url = workspace.results.sign_url(result.names[0])
    except FileNotFoundError:
        raise result.build_refusal() from None
    assert url is not None, "only served with a store that signs (settings)"
    return Response(status_code=302, headers={"Location": url, "Cache-Control": "no-store"})


def _size(chunks: list[Chunk]) -> int:
    return sum(chunk.end - chunk.start + 1 for chunk in chunks)
