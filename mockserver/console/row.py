"""One data row: its file with a label drawn over it, both exports of it, its history, and everything beside it."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from starlette.responses import Response

from mockserver.console.calls import build_control_curl, build_row_call
from mockserver.console.drawing import draw
from mockserver.console.drawn import Drawing, Source
from mockserver.console.events import EVENTS
from mockserver.console.features import Feature, find_masks, list_features, mark_ids, name_parts
from mockserver.console.view import View
from mockserver.exports.dates import load_format
from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.request import ExportParams
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import MOST_PROJECTS, build_catalog_scope
from mockserver.exports.words import build_id_term
from mockserver.links import FIRST_KEY
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import match_live_project
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.people import Organization

Json = dict[str, Any]
SECTIONS = ExportParams(
    include_attachments=True,
    include_metadata=True,
    include_data_row_details=True,
    include_project_details=True,
    include_label_details=True,
    include_performance_details=True,
    include_predictions=True,
    all_model_runs=True,
)
"""The sections of the row's JSON: all but embeddings, which are hundreds of numbers."""


class ShownRow(NamedTuple):
    """Everything that the template shows of a data row."""

    row: DataRow
    v2: Json
    projects: Json
    project_id: str | None
    labels: list[Json]
    label: Json | None
    drawing: Drawing
    features: list[Feature]
    parts: dict[str, tuple[str, str]]
    v1: str
    file: str | None

    @property
    def project(self) -> Json:
        project: Json = self.projects.get(self.project_id or "", {})
        return project

    @property
    def name(self) -> str:
        return self.row.global_key or self.row.external_id or self.row.id


def show_row(view: View) -> Response:
    """Shows a data row. Raises NotFound."""
    with view.snapshot() as connection:
        row = connection.one_by_id(DataRow, view.request.path_params["row"])
        loaded = load_row(view, connection, row)
    ids = [feature.id for feature in loaded.features]
    return view.render(
        "row.html",
        shown=loaded,
        drawing=loaded.drawing,
        colours={part: colour for part, (_, colour) in loaded.parts.items()},
        names={part: name for part, (name, _) in loaded.parts.items()},
        events=EVENTS,
        call=build_row_call(view, loaded.project_id, row.id),
        event_call=build_control_curl(
            view, "/_mock/events", {"event": next(iter(EVENTS)), "project": loaded.project_id, "data_row": row.id}
        ),
        v2=mark_ids(orjson.dumps(loaded.v2, option=orjson.OPT_INDENT_2).decode(), ids),
        v1=mark_ids(loaded.v1, ids),
    )


def load_row(view: View, connection: Connection, row: DataRow) -> ShownRow:
    """Loads a data row as exports have it, in the project and with the label that the address names, or the first."""
    v2 = render_v2(view, connection, row, SECTIONS)
    projects = v2.get("projects") or {}
    requested = view.query.get("project")
    project_id = requested if requested in projects else next(iter(projects), None)
    labels = projects.get(project_id, {}).get("labels") or []
    label = next((item for item in labels if item["id"] == view.query.get("label")), labels[0] if labels else None)
    annotations = (label or {}).get("annotations") or {}
    if "frames" in annotations and project_id is not None and label is not None:
        annotations = interpolate(view, connection, row, project_id, label["id"]) or annotations
    key = load_format(connection).asset_key
    source = Source(
        row, view.workspace.world.seed, orjson.loads(row.media_attributes), annotations,
        find_masks(connection, label["id"]) if label else {},
        lambda: view.workspace.links.tiles(row.id, expires=key.expires(view.workspace.store.clock.now(), 0)),
    )  # fmt: skip
    features = list_features(annotations)
    return ShownRow(
        row, v2, projects, project_id, labels, label, draw(source), features, name_parts(annotations, features),
        render_v1(view, connection, label), find_file(view, row),
    )  # fmt: skip


def render_v2(view: View, connection: Connection, row: DataRow, params: ExportParams) -> Json:
    """Renders the line of an Export V2 with all projects of the row."""
    mine = Clause("data_row_no = :no", no=row.no) & match_live_project()
    project_ids = [item[0] for item in connection.select_columns(ProjectRow, "project_id", mine)][:MOST_PROJECTS]
    wanted = _with_projects(params, project_ids)
    scope = build_catalog_scope(connection, [build_id_term("data_row_id", [row.id])], wanted)
    rows = ExportRows(
        connection, scope, wanted, links=view.workspace.links, host=view.url,
        task_id=connection.select(Organization)[0].id, now=view.workspace.store.clock.now(),
    )  # fmt: skip
    line: Json = orjson.loads(rows.render())
    return line


def _with_projects(params: ExportParams, project_ids: list[str]) -> ExportParams:
    return ExportParams(
        **{name: getattr(params, name) for name in params.__struct_fields__} | {"project_ids": project_ids}
    )


def interpolate(view: View, connection: Connection, row: DataRow, project_id: str, label_id: str) -> Json | None:
    """The annotations of a label with all frames between the key frames."""
    v2 = render_v2(view, connection, row, ExportParams(include_interpolated_frames=True))
    labels = v2.get("projects", {}).get(project_id, {}).get("labels") or []
    return next((label["annotations"] for label in labels if label["id"] == label_id), None)


def render_v1(view: View, connection: Connection, label: Json | None) -> str:
    """Renders the element of an Export V1 for a label; empty without one."""
    if label is None:
        return ""
    now = view.workspace.store.clock.now()
    elements = LabelElements(connection, links=view.workspace.links, host=view.url, now=now)
    return orjson.dumps(elements.one(label["id"]), option=orjson.OPT_INDENT_2).decode()


def find_file(view: View, row: DataRow) -> str | None:
    """The address of the row's file on this server; None if it is the row's text, or on another server."""
    if row.row_data is not None or row.asset is None:
        return None
    sign = view.workspace.links.signer("assets", FIRST_KEY, view.workspace.store.clock.now())
    return sign(row.id, row.file_name, row.no)
