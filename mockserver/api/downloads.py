"""Files fetched without a key: results of exports and the files of data rows, under `/_files/{workspace}/…`."""

from __future__ import annotations

import asyncio
import functools
import mimetypes
import re
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from mockserver.api.results import Result, find_legacy_result, find_result, may_be_redirected, open_result, redirect
from mockserver.errors import LinkRefused, NotFound
from mockserver.exports.dates import load_format
from mockserver.exports.legacy.issues import list_issues
from mockserver.generate.assets import build_asset, build_text_layer, build_tile, insert_tiles_url, is_document
from mockserver.generate.media.generator import Asset
from mockserver.http.ranged import RangedResponse
from mockserver.http.requests import base_url
from mockserver.http.responses import JSON, NDJSON, json_response, storage_error
from mockserver.http.sources import BytesSource, FilesSource, GeneratedSource
from mockserver.http.threads import call_off_loop
from mockserver.jobs.import_results import render_result
from mockserver.links import RESULT_DAYS, good_until, parse_bewit
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import Attachment, DataRow
from mockserver.world.records.tasks import Task, TaskStatus
from mockserver.world.records.uploads import Upload

ASSETS_KEPT = 64
_CONTENT_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?")
_COORDINATE = re.compile("[0-9]{1,8}")


class Downloads:
    """Checks a link's signature, then serves its file. An API key beside it is ignored."""

    def __init__(
        self, workspaces: Workspaces, public_url: str | None, *, compressed: bool, redirected: bool = False
    ) -> None:
        """`compressed` result files for clients that take gzip; `redirected` to URLs of the store that has them."""
        self._workspaces, self._public_url, self._compressed = workspaces, public_url, compressed
        self._redirected = redirected
        self._build_generated = functools.lru_cache(maxsize=ASSETS_KEPT)(_build)

    def _check_signature(self, request: Request, path: str | None = None) -> Workspace:
        return check_signature(self._workspaces, request, path)

    async def result(self, request: Request) -> ASGIApp:
        """One file of a stream, or `all.ndjson`: the whole stream. Refused in the words of the storage."""
        names = request.path_params
        try:
            workspace = self._check_signature(request)
            result = find_result(workspace, names["task"], names["stream"], names["file"])
            return await self._send(request, workspace, result)
        except (LinkRefused, NotFound) as error:
            return storage_error(error)

    async def legacy(self, request: Request) -> ASGIApp:
        """A file of Export V1, under the name that its link has. Refused in the words of the storage."""
        try:
            workspace = self._check_signature(request)
            return await self._send(request, workspace, find_legacy_result(workspace, request.path_params["file"]))
        except (LinkRefused, NotFound) as error:
            return storage_error(error)

    async def _send(self, request: Request, workspace: Workspace, result: Result) -> ASGIApp:
        """The bytes of a result, or the way to them. Raises NotFound when they were deleted, ResourceFailed."""
        remote = workspace.results.remote
        if self._redirected and len(result.names) == 1 and may_be_redirected(request):
            return await call_off_loop(remote, redirect, workspace, result)
        return await call_off_loop(remote, open_result, workspace, result, compressed=self._compressed)

    async def issues(self, request: Request) -> Response:
        """The issues of a project, as they are when the link is followed. Headers are ignored (tests of 2021-04).

        Raises LinkRefused, NotFound.
        """
        project_id, status = request.path_params["project"], request.query_params.get("status")
        bewit = parse_bewit(request.query_params.get("bewit", ""))
        workspace = self._workspaces.registry.find_by_slug(bewit.workspace)
        if workspace is None:
            raise NotFound("No workspace of this server made this link; request issueExportUrl again")
        workspace.links.check_bewit(bewit, project_id, status, now=workspace.store.clock.now())
        with workspace.store.reading() as connection:
            return json_response(list_issues(connection, project_id, status))

    async def asset(self, request: Request) -> RangedResponse:
        """The file of a data row, built on demand."""
        workspace = self._check_signature(request)
        row_id, recipe = self._recipe(workspace, DataRow, request.path_params["row"])
        asset = await asyncio.to_thread(self._build_asset, recipe, workspace.world.seed)
        content = asset.content
        if asset.tiled:
            with workspace.store.reading() as connection:
                expires = load_format(connection).asset_key.expires(workspace.store.clock.now(), 0)
            tiles = workspace.links.tiles(row_id, expires=expires)
            content = insert_tiles_url(content, base_url(request, self._public_url) + tiles)
        return RangedResponse(BytesSource(content), asset.content_type)

    def _build_asset(self, recipe: str, seed: int) -> Asset:
        """The file of a recipe. A document is not kept: it may be long, and is there already."""
        return _build(recipe, seed) if is_document(recipe) else self._build_generated(recipe, seed)

    async def upload(self, request: Request) -> ASGIApp:
        """A file that a client has uploaded. Refused in the words of the storage."""
        try:
            workspace = self._check_signature(request)
            upload = workspace.uploads.find(request.path_params["upload"])
            source = await call_off_loop(workspace.results.remote, open_upload, workspace, upload)
        except (LinkRefused, NotFound) as error:
            return storage_error(error)
        return RangedResponse(source, find_content_type(upload))

    async def import_result(self, request: Request) -> ASGIApp:
        """The created and refused data rows of an import task. Refused in the words of the storage."""
        try:
            workspace = self._check_signature(request)
            with workspace.store.reading() as connection:
                task = connection.one_by_id(Task, request.path_params["task"])
            check_finished(workspace.exports.view(task))
        except (LinkRefused, NotFound) as error:
            return storage_error(error)
        build_row_data = partial(_build_row_data, workspace, task.base_url)
        generate = partial(render_result, workspace.store, task, build_row_data)
        return RangedResponse(GeneratedSource(generate, f"{task.id}-result"), JSON)

    async def attachment(self, request: Request) -> RangedResponse:
        """The file of an attachment, built on demand."""
        workspace = self._check_signature(request)
        _, recipe = self._recipe(workspace, Attachment, request.path_params["attachment"])
        asset = await asyncio.to_thread(self._build_asset, recipe, workspace.world.seed)
        return RangedResponse(BytesSource(asset.content), asset.content_type)

    async def text_layer(self, request: Request) -> RangedResponse:
        """The words of a document and their positions, as JSON."""
        workspace = self._check_signature(request)
        row_id, recipe = self._recipe(workspace, DataRow, request.path_params["row"])
        asset = await asyncio.to_thread(build_text_layer, recipe, seed=workspace.world.seed)
        if asset is None:
            raise NotFound(f"Data row {row_id!r} is no document, so it has no text layer")
        return RangedResponse(BytesSource(asset.content), asset.content_type)

    async def tile(self, request: Request) -> RangedResponse:
        """One tile of a map. The link is signed up to the row's id, as clients fill in the rest."""
        names = request.path_params
        workspace = self._check_signature(request, f"/_files/{names['workspace']}/tiles/{names['row']}")
        _, recipe = self._recipe(workspace, DataRow, names["row"])
        place = [names["zoom"], names["column"], names["line"].removesuffix(".png")]
        asset = None
        if all(_COORDINATE.fullmatch(number) for number in place):
            zoom, column, line = map(int, place)
            asset = await asyncio.to_thread(build_tile, recipe, (zoom, column, line), seed=workspace.world.seed)
        if asset is None:
            raise NotFound(
                f"Data row {names['row']!r} has no tile {'/'.join(place)}; see its file for bounds and zooms"
            )
        return RangedResponse(BytesSource(asset.content), asset.content_type)

    def _recipe(self, workspace: Workspace, kind: type[DataRow | Attachment], record_id: str) -> tuple[str, str]:
        """The id and the recipe of a record whose file the server hosts. Raises NotFound."""
        with workspace.store.reading() as connection:
            record = connection.find(kind, Clause("id = :id", id=record_id))
        if record is None or record.asset is None:
            what = "Data row" if kind is DataRow else "Attachment"
            raise NotFound(f"{what} {record_id!r} has no file on this server")
        return record.id, record.asset


def check_signature(workspaces: Workspaces, request: Request, path: str | None = None) -> Workspace:
    """The workspace that signed the link: its whole path, or `path` if that was signed.

    Raises NotFound, LinkRefused.
    """
    workspace = workspaces.registry.find_by_slug(request.path_params["workspace"])
    if workspace is None:
        raise NotFound("No workspace of this server made this link; export again to get a fresh one")
    path = path or request.scope.get("raw_path", request.url.path.encode()).decode("ascii", "replace")
    query = request.query_params
    now = workspace.store.clock.now()
    workspace.links.check(
        path, query.get("Expires", ""), query.get("Signature", ""), now=now, key_name=query.get("KeyName", "")
    )
    return workspace


def check_finished(task: Task) -> None:
    """Raises NotFound when clients see the task running."""
    if task.status == TaskStatus.IN_PROGRESS:
        raise NotFound(f"Task {task.id!r} has no result yet; wait until it is COMPLETE")


def open_upload(workspace: Workspace, upload: Upload) -> FilesSource:
    """Raises NotFound when the file was deleted, ResourceFailed."""
    name, size = workspace.uploads.locate(upload)
    return FilesSource([name], size, workspace.results.open, remote=workspace.results.remote)


def find_content_type(upload: Upload) -> str:
    """The content type that was sent with a file if it is one, else that of its name. SDKs send a file's name in its
    place (wire trap 18)."""
    sent = upload.content_type or ""
    kind = sent if _CONTENT_TYPE.fullmatch(sent) else mimetypes.guess_type(upload.name)[0] or "application/octet-stream"
    return NDJSON if kind == "application/x-ndjson" else kind


def _build_row_data(workspace: Workspace, host: str, row: DataRow) -> str:
    """The content of a data row as a client sent it, or the link of the file that the server hosts."""
    if row.row_data is not None:
        return row.row_data
    expires = good_until(workspace.store.clock.now(), RESULT_DAYS)
    return host + workspace.links.asset(row.id, row.file_name, expires=expires)


def _build(recipe: str, seed: int) -> Asset:
    return build_asset(recipe, seed=seed)
