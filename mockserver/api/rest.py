"""REST under `/api/v1`: with the API key, errors as JSON with `message`."""

from __future__ import annotations

import asyncio

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from mockserver.api.downloads import result_response
from mockserver.api.workspaces import Workspace, Workspaces
from mockserver.errors import NotFound
from mockserver.exports.frames import masks_at
from mockserver.exports.results import ERRORS, RESULT
from mockserver.generate.annotations import COMPOSITE_MASK
from mockserver.generate.media.image import draw_masks
from mockserver.world.data_rows import DataRow
from mockserver.world.database import where
from mockserver.world.ids import FEATURE_PREFIX
from mockserver.world.labels import Body, Label
from mockserver.world.tasks import Task


class Rest:
    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def _authenticated(self, request: Request) -> Workspace:
        return self._workspaces.authenticated(request.headers.get("authorization"))

    async def export_results(self, request: Request) -> ASGIApp:
        """The whole result as NDJSON. SDKs build this address and never fetch it (export_task.py:376)."""
        return self._stream(request, RESULT)

    async def export_errors(self, request: Request) -> ASGIApp:
        return self._stream(request, ERRORS)

    def _stream(self, request: Request, stream: str) -> ASGIApp:
        workspace = self._authenticated(request)
        organization = request.path_params["organization"]
        if organization != workspace.world.organization_id:
            raise NotFound(f"Organization {organization!r} is not yours; yours is {workspace.world.organization_id!r}")
        return result_response(workspace, request.path_params["task"], stream, "all.ndjson")

    async def composite_mask(self, request: Request) -> Response:
        """All masks of a label in one picture, each in its `color_rgb`. `index` is the frame; pictures have 1 only."""
        workspace = self._authenticated(request)
        names = request.path_params
        mask_id = names["mask"]
        prefix, suffix = mask_id[:FEATURE_PREFIX], mask_id[FEATURE_PREFIX:]
        with workspace.store.reading() as connection:
            task = connection.find(Task, where("id = :id", id=names["task"]))
            label = connection.find(Label, where("feature_prefix = :prefix", prefix=prefix))
            body = connection.find(Body, where("id = :id", id=label.body_id)) if label else None
            row = connection.find(DataRow, where("no = :no", no=label.data_row_no)) if label else None
        # A webhook's body belongs to no task: its masks are named by the project (webhooks/payloads.py).
        if task is None and (label is None or label.project_id != names["task"]):
            raise NotFound(f"Task {names['task']!r} does not exist in this workspace; export again to get fresh URLs")
        masks = orjson.loads(body.aside).get("masks", []) if body and body.aside else []
        shown = masks_at(masks, names["index"])
        if suffix != COMPOSITE_MASK or row is None or not shown:
            raise NotFound(f"Mask {mask_id!r} with index {names['index']} does not exist in this workspace")
        attributes = orjson.loads(row.media_attributes)
        picture = await asyncio.to_thread(draw_masks, attributes["width"], attributes["height"], shown)
        return Response(picture, media_type="image/png")
