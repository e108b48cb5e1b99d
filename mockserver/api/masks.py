"""Masks as PNG files under every form of URL that exports have had (payloads.md §2 and §4).

`/api/v1/tasks/{task}/masks/{mask}/index/{n}`: all masks of a label, each in its `color_rgb` (since 2024-02)
`/api/v1/projects/{project}/annotations/{feature}/index/{n}/mask`: one object, two-dimensional (early 2024)
`/api/v1/projects/{project}/annotations/{feature}/mask`: one object, in colour (2023)
`/masks/feature/{feature}?token=…`: one object, in colour; Export V1
`/masks/{project}/{user}/{data row}/0?feature=…&token=…`: the same of labels made before 2020; Export V1

Each is opened by the API key or by the token of an Export V1; whichever comes must be right.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
from starlette.requests import Request

from mockserver.errors import LinkRefused, NotFound
from mockserver.exports.frames import find_masks, find_object
from mockserver.generate.annotations import COMPOSITE_MASK
from mockserver.generate.files.raster import Canvas
from mockserver.generate.masks import BLACK, draw_feature, find_feature
from mockserver.generate.masks import Masks as Drawn
from mockserver.generate.media.image import draw_masks
from mockserver.http.ranged import RangedResponse
from mockserver.http.sources import BytesSource
from mockserver.links import DAY
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause
from mockserver.world.ids import FEATURE_PREFIX
from mockserver.world.labels import FEATURES, Body, Label, parse_body
from mockserver.world.media import LEGACY_RELATIONSHIPS
from mockserver.world.models import Prediction
from mockserver.world.tasks import Task

PNG = "image/png"
FIRST = 1
"""The index of everything that is no clip."""
LABEL_INDEX = "0"
"""What the older URLs of Export V1 end in (observed 2020-02)."""
WORDS = frozenset({"location", "unidirectional_relationship"})
"""Entities of texts and what joins them have a mask URL in Export V1 too (sample). What the service shows there is not
known: a black pixel is inferred."""
Size = tuple[int, int]
"""Width and height."""
COMPOSITE_DAYS = 30
"""Composite masks can be fetched for 30 days after their export (labelbox-notebooks composite_mask_export)."""


class Annotated(msgspec.Struct, frozen=True, dict=True):
    """A label or a prediction with what is drawn on its data row. `owner` is its project or its model run, `made_by`
    the person who made the label."""

    owner: str
    made_by: str | None
    feature_prefix: str
    body: Body
    row: DataRow

    @functools.cached_property
    def aside(self) -> dict[str, Any]:
        aside: dict[str, Any] = orjson.loads(self.body.aside) if self.body.aside else {}
        return aside

    def shown(self, index: int, plane: str | None = None) -> Drawn:
        """The masks of a frame, or of a picture, whose only index is 1. Volumes have frames in each plane."""
        return find_masks([mask for mask in self.aside.get("masks", []) if mask.get("plane") == plane], index)

    @functools.cached_property
    def document(self) -> Any:
        """The body with its features' ids; its URLs are of no use here."""
        return parse_body(self.body.content.replace(FEATURES, self.feature_prefix.encode()))

    def picture(self, ordinal: str) -> tuple[str | None, Size | None]:
        """The plane, if any, and the size of what the composite mask of an id with this end shows. No size, no mask."""
        for plane, told in self.aside.get("planes", {}).items():
            if told.get("mask") == ordinal:
                return plane, tuple(told["size"])
        known = "planes" not in self.aside and ordinal == COMPOSITE_MASK
        return None, self.size({}, None) if known else None

    def plane_of(self, feature_id: str) -> str | None:
        """The plane in which a volume's feature stands; None in what has none."""
        groups = self.document.get("groups", {})
        return next((plane for plane in groups if feature_id in self.document["segments"].get(plane, {})), None)

    def size(self, feature: Mapping[str, Any], plane: str | None) -> Size | None:
        """Of what a feature is drawn on, in pixels: a picture, a plane's frames, or a page in points."""
        if plane is not None and (told := self.aside.get("planes", {}).get(plane)):
            return told["size"][0], told["size"][1]
        page = feature.get("page_dimensions") or orjson.loads(self.row.media_attributes)
        if "width" not in page or "height" not in page:
            return None
        return math.ceil(page["width"]), math.ceil(page["height"])


def _check_task(workspace: Workspace, task_id: str) -> None:
    """Raises NotFound for masks of no export, or of one that is too old."""
    with workspace.store.reading() as connection:
        task = connection.find(Task, Clause("id = :id", id=task_id))
    if task is None:
        raise NotFound(f"Task {task_id!r} does not exist in this workspace; export again to get fresh URLs")
    if task.created_at + COMPOSITE_DAYS * DAY <= workspace.store.clock.now():
        raise NotFound(f"Masks of an export are there for {COMPOSITE_DAYS} days; export again to get fresh URLs")


class Masks:
    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def _open(self, request: Request) -> Workspace:
        """The workspace whose key or token came; a wrong one is refused whatever the other says (client, 2020-06).

        Raises AuthenticationFailed, LinkRefused.
        """
        authorization, token = request.headers.get("authorization"), request.query_params.get("token")
        if token is None:
            return await self._workspaces.authenticate(authorization)
        workspace = self._workspaces.registry.of_token(token)
        if authorization and await self._workspaces.authenticate(authorization) is not workspace:
            raise LinkRefused("This mask's token is of another workspace than the API key; send one of the two alone")
        return workspace

    async def composite(self, request: Request) -> RangedResponse:
        """All masks of a label in one picture. `index` is the frame; pictures have 1 only."""
        workspace = await self._open(request)
        names = request.path_params
        mask_id, index = names["mask"], _number(names["index"])
        found = annotated(workspace, mask_id)
        # A webhook's body belongs to no task: its masks are named by the project (webhooks/payloads.py), and those of
        # rows that are expected before any export by the organization (control/expected.py).
        if found is None or names["task"] not in {found.owner, workspace.world.organization_id}:
            _check_task(workspace, names["task"])
        plane, size = found.picture(mask_id[FEATURE_PREFIX:]) if found else (None, None)
        shown = found.shown(index, plane) if found and size else []
        if size is None or not shown:
            raise NotFound(f"Mask {mask_id!r} with index {names['index']} does not exist in this workspace")
        drawn = await asyncio.to_thread(draw_masks, *size, shown)
        return RangedResponse(BytesSource(drawn), PNG)

    async def in_colour(self, request: Request) -> RangedResponse:
        """One object of a project's label, in red, green and blue."""
        return await self._of_project(request, FIRST, flat=False)

    async def flat(self, request: Request) -> RangedResponse:
        """The same with one channel: clients take what is behind `/index/` for two-dimensional (labelbase masks.py)."""
        return await self._of_project(request, _number(request.path_params["index"]), flat=True)

    async def _of_project(self, request: Request, index: int, *, flat: bool) -> RangedResponse:
        feature_id, project = request.path_params["feature"], request.path_params["project"]
        found = _found(await self._open(request), feature_id)
        if found.owner != project:
            raise NotFound(f"Annotation {feature_id!r} is not in project {project!r}")
        return await _answer(request, found, feature_id, index, flat=flat)

    async def of_feature(self, request: Request) -> RangedResponse:
        """One object, in colour. Raises AuthenticationFailed, LinkRefused, NotFound."""
        feature_id = request.path_params["feature"]
        found = _found(await self._open(request), feature_id)
        index = _number(request.query_params.get("frame", str(FIRST)))
        return await _answer(request, found, feature_id, index, flat=False)

    async def of_old_label(self, request: Request) -> RangedResponse:
        """One object, in colour, by its project, the person who made its label, and its data row.

        Raises AuthenticationFailed, LinkRefused, NotFound.
        """
        names, feature_id = request.path_params, request.query_params.get("feature", "")
        found = _found(await self._open(request), feature_id)
        told = names["project"], names["user"], names["row"], names["index"]
        if told != (found.owner, found.made_by, found.row.id, LABEL_INDEX):
            raise NotFound(
                f"Annotation {feature_id!r} is not at {request.url.path}; use the URL exactly as the export gave it"
            )
        return await _answer(request, found, feature_id, FIRST, flat=False)


def _found(workspace: Workspace, feature_id: str) -> Annotated:
    found = annotated(workspace, feature_id)
    if found is None:
        raise NotFound(f"Annotation {feature_id!r} does not exist in this workspace")
    return found


def annotated(workspace: Workspace, feature_id: str) -> Annotated | None:
    """What a feature's id, or a composite mask's, belongs to."""
    mine = Clause("feature_prefix = :prefix", prefix=feature_id[:FEATURE_PREFIX])
    with workspace.store.reading() as connection:
        found = connection.find(Label, mine) or connection.find(Prediction, mine)
        if found is None:
            return None
        body = connection.find(Body, Clause("id = :id", id=found.body_id))
        row = connection.find(DataRow, Clause("no = :no", no=found.data_row_no))
    assert body is not None, "neither labels nor predictions are without their body"
    assert row is not None, "nor without their data row"
    if isinstance(found, Label):
        return Annotated(found.project_id, found.created_by, found.feature_prefix, body, row)
    return Annotated(found.model_run_id, None, found.feature_prefix, body, row)


async def _answer(request: Request, found: Annotated, feature_id: str, index: int, *, flat: bool) -> RangedResponse:
    drawn = await asyncio.to_thread(_drawn, found, feature_id, index, flat)
    return RangedResponse(BytesSource(drawn), PNG)


def _drawn(found: Annotated, feature_id: str, index: int, flat: bool) -> bytes:
    canvas = _canvas(found, feature_id, index)
    if canvas is None:
        raise NotFound(f"Annotation {feature_id!r} has nothing to draw with index {index}")
    return canvas.png_grey() if flat else canvas.png_truecolour()


def _canvas(found: Annotated, feature_id: str, index: int) -> Canvas | None:
    plane = found.plane_of(feature_id)
    masks = found.shown(index, plane)
    feature = _shown(found.document, feature_id, index)
    if feature is not None and LEGACY_RELATIONSHIPS.get(found.row.media_type) == "text" and feature.keys() & WORDS:
        return Canvas(1, 1, BLACK)
    size = None if feature is None else found.size(feature, plane)
    if feature is None or size is None or ("composite_mask" in feature and not masks):
        return None
    return draw_feature(feature, masks, width=size[0], height=size[1])


def _shown(document: Any, feature_id: str, index: int) -> Mapping[str, Any] | None:
    """What a body says of a feature at an index: in a frame, or anywhere in what is no clip."""
    if "frames" in document or "groups" in document:
        return find_object(document, feature_id, index)
    return next(find_feature(document, feature_id), None) if index == FIRST else None


def _number(text: str) -> int:
    """An index; 0, which nothing has, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
