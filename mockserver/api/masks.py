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

from mockserver.digits import parse_digits
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
from mockserver.world.clause import Clause
from mockserver.world.ids import FEATURE_PREFIX
from mockserver.world.media import LEGACY_RELATIONSHIPS
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import DIRECTIONS, FEATURES, Body, Label, parse_body
from mockserver.world.records.models import Prediction
from mockserver.world.records.tasks import Task

PNG = "image/png"
FIRST = 1
"""The index of all media without frames."""
LABEL_INDEX = "0"
"""The end of the older URLs of Export V1 (observed 2020-02)."""
WORDS = frozenset({"location", *(f"{direction}_relationship" for direction in DIRECTIONS)})
"""Entities of texts and their relationships have a mask URL in Export V1 too (sample). What it shows is not known: a
black pixel is inferred."""
Size = tuple[int, int]
"""Width and height."""
COMPOSITE_DAYS = 30
"""Composite masks can be fetched for 30 days after their export (labelbox-notebooks composite_mask_export)."""


class Annotated(msgspec.Struct, frozen=True, dict=True):
    """A label or a prediction with what is drawn on its data row. `owner` is its project or its model run, `made_by`
    the user who created the label."""

    owner: str
    made_by: str | None
    feature_prefix: str
    body: Body
    row: DataRow

    @functools.cached_property
    def aside(self) -> dict[str, Any]:
        aside: dict[str, Any] = orjson.loads(self.body.aside) if self.body.aside else {}
        return aside

    def find_masks(self, index: int, plane: str | None = None) -> Drawn:
        """The masks of a frame, or of a picture, whose only index is 1. Volumes have frames in each plane."""
        return find_masks([mask for mask in self.aside.get("masks", []) if mask.get("plane") == plane], index)

    @functools.cached_property
    def document(self) -> Any:
        """The body with its features' ids; its URLs are of no use here."""
        return parse_body(self.body.content.replace(FEATURES, self.feature_prefix.encode()))

    def picture(self, ordinal: str) -> tuple[str | None, Size | None]:
        """The plane, if any, and the size of the composite mask whose id has this end. No size: no mask."""
        for plane, facts in self.aside.get("planes", {}).items():
            if facts.get("mask") == ordinal:
                return plane, tuple(facts["size"])
        known = "planes" not in self.aside and ordinal == COMPOSITE_MASK
        return None, self.size({}, None) if known else None

    def plane_of(self, feature_id: str) -> str | None:
        """The plane of a volume that a feature is in; None in media without planes."""
        groups = self.document.get("groups", {})
        return next((plane for plane in groups if feature_id in self.document["segments"].get(plane, {})), None)

    def size(self, feature: Mapping[str, Any], plane: str | None) -> Size | None:
        """The size of the picture, frame or page on which a feature is drawn, in pixels; of a page in points."""
        if plane is not None and (facts := self.aside.get("planes", {}).get(plane)):
            return facts["size"][0], facts["size"][1]
        page = feature.get("page_dimensions") or orjson.loads(self.row.media_attributes)
        if "width" not in page or "height" not in page:
            size = self.aside.get("size")  # of an imported mask
            return None if size is None else (size[0], size[1])
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
        """The workspace of the key or token that was sent. A wrong one is refused beside a right one (client, 2020-06).

        Raises AuthenticationFailed, LinkRefused.
        """
        authorization, token = request.headers.get("authorization"), request.query_params.get("token")
        if token is None:
            return await self._workspaces.authenticate(request)
        workspace = self._workspaces.registry.get_by_mask_token(token)
        if authorization and await self._workspaces.authenticate(request) is not workspace:
            raise LinkRefused("This mask's token is of another workspace than the API key; send one of the two alone")
        return workspace

    async def draw_composite(self, request: Request) -> RangedResponse:
        """All masks of a label in one picture. `index` is the frame; pictures have 1 only."""
        workspace = await self._open(request)
        names = request.path_params
        mask_id, index = names["mask"], _number(names["index"])
        owner = find_annotated(workspace, mask_id)
        # A webhook's body belongs to no task: its masks are named by the project (webhooks/payloads.py), and those of
        # rows that are expected before any export by the organization (control/expected.py).
        if owner is None or names["task"] not in {owner.owner, workspace.world.organization_id}:
            _check_task(workspace, names["task"])
        plane, size = owner.picture(mask_id[FEATURE_PREFIX:]) if owner else (None, None)
        masks = owner.find_masks(index, plane) if owner and size else []
        if size is None or not masks:
            raise NotFound(f"Mask {mask_id!r} with index {names['index']} does not exist in this workspace")
        drawn = await asyncio.to_thread(draw_masks, *size, masks)
        return RangedResponse(BytesSource(drawn), PNG)

    async def draw_in_colour(self, request: Request) -> RangedResponse:
        """One object of a project's label, in red, green and blue."""
        return await self._answer_for_project(request, FIRST, flat=False)

    async def draw_flat(self, request: Request) -> RangedResponse:
        """The same with one channel: clients take what is behind `/index/` for two-dimensional (labelbase masks.py)."""
        return await self._answer_for_project(request, _number(request.path_params["index"]), flat=True)

    async def _answer_for_project(self, request: Request, index: int, *, flat: bool) -> RangedResponse:
        feature_id, project = request.path_params["feature"], request.path_params["project"]
        annotated = _get_annotated(await self._open(request), feature_id)
        if annotated.owner != project:
            raise NotFound(f"Annotation {feature_id!r} is not in project {project!r}")
        return await _answer(request, annotated, feature_id, index, flat=flat)

    async def draw_one(self, request: Request) -> RangedResponse:
        """One object, in colour. Raises AuthenticationFailed, LinkRefused, NotFound."""
        feature_id = request.path_params["feature"]
        annotated = _get_annotated(await self._open(request), feature_id)
        index = _number(request.query_params.get("frame", str(FIRST)))
        return await _answer(request, annotated, feature_id, index, flat=False)

    async def draw_of_old_label(self, request: Request) -> RangedResponse:
        """One object, in colour, by its project, the user who created its label, and its data row.

        Raises AuthenticationFailed, LinkRefused, NotFound.
        """
        names, feature_id = request.path_params, request.query_params.get("feature", "")
        annotated = _get_annotated(await self._open(request), feature_id)
        place = names["project"], names["user"], names["row"], names["index"]
        if place != (annotated.owner, annotated.made_by, annotated.row.id, LABEL_INDEX):
            raise NotFound(
                f"Annotation {feature_id!r} is not at {request.url.path}; use the URL exactly as the export contains it"
            )
        return await _answer(request, annotated, feature_id, FIRST, flat=False)


def _get_annotated(workspace: Workspace, feature_id: str) -> Annotated:
    annotated = find_annotated(workspace, feature_id)
    if annotated is None:
        raise NotFound(f"Annotation {feature_id!r} does not exist in this workspace")
    return annotated


def find_annotated(workspace: Workspace, feature_id: str) -> Annotated | None:
    """The label or prediction to which the id of a feature or composite mask belongs; None if there is none."""
    mine = Clause("feature_prefix = :prefix", prefix=feature_id[:FEATURE_PREFIX])
    with workspace.store.reading() as connection:
        owner = connection.find(Label, mine) or connection.find(Prediction, mine)
        if owner is None:
            return None
        body = connection.find(Body, Clause("id = :id", id=owner.body_id))
        row = connection.find(DataRow, Clause("no = :no", no=owner.data_row_no))
    assert body is not None, "neither labels nor predictions are without their body"
    assert row is not None, "nor without their data row"
    if isinstance(owner, Label):
        return Annotated(owner.project_id, owner.created_by, owner.feature_prefix, body, row)
    return Annotated(owner.model_run_id, None, owner.feature_prefix, body, row)


async def _answer(request: Request, annotated: Annotated, feature_id: str, index: int, *, flat: bool) -> RangedResponse:
    drawn = await asyncio.to_thread(_draw, annotated, feature_id, index, flat)
    return RangedResponse(BytesSource(drawn), PNG)


def _draw(annotated: Annotated, feature_id: str, index: int, flat: bool) -> bytes:
    canvas = _build_canvas(annotated, feature_id, index)
    if canvas is None:
        raise NotFound(f"Annotation {feature_id!r} has nothing to draw with index {index}")
    return canvas.png_grey() if flat else canvas.png_truecolour()


def _build_canvas(annotated: Annotated, feature_id: str, index: int) -> Canvas | None:
    plane = annotated.plane_of(feature_id)
    masks = annotated.find_masks(index, plane)
    feature = _find_at_index(annotated.document, feature_id, index)
    if feature is not None and LEGACY_RELATIONSHIPS.get(annotated.row.media_type) == "text" and feature.keys() & WORDS:
        return Canvas(1, 1, BLACK)
    size = None if feature is None else annotated.size(feature, plane)
    if feature is None or size is None or ("composite_mask" in feature and not masks):
        return None
    return draw_feature(feature, masks, width=size[0], height=size[1])


def _find_at_index(document: Any, feature_id: str, index: int) -> Mapping[str, Any] | None:
    """The feature in a body at an index: in a frame, or anywhere in media without frames."""
    if "frames" in document or "groups" in document:
        return find_object(document, feature_id, index)
    return next(find_feature(document, feature_id), None) if index == FIRST else None


def _number(text: str) -> int:
    """An index; 0, which nothing has, for what is none."""
    return parse_digits(text, 9) or 0
