"""The scope of an export: the data rows, and the projects and model runs whose labels and predictions they carry."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from mockserver.errors import MalformedRequest
from mockserver.exports.request import ExportParams, ExportRequest
from mockserver.exports.selection import build_catalog_condition, build_project_condition
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection, Source
from mockserver.world.queries.sources import DATA_ROWS, MODEL_RUN_ROWS, PROJECT_ROWS
from mockserver.world.record import R
from mockserver.world.records.models import Model, ModelRun
from mockserver.world.records.projects import Project
from mockserver.world.records.slices import CatalogSlice

MOST_PROJECTS = 30
"""In `project_ids` and in `model_run_ids` (SDK export_params.py 7.17.0:5, which checks both too)."""


class Runs(msgspec.Struct, frozen=True):
    """The model runs whose labels and predictions are exported, and their models, both by id."""

    runs: dict[str, ModelRun]
    models: dict[str, Model]


class Scope(msgspec.Struct, frozen=True):
    """`source` and `condition` select data rows as `dr`; in a project `pr` is the row's membership in it.

    `projects`: whose labels are exported; None omits the `projects` section. `runs` and the `experiments` section in
    the same way. `sole` is the only project of all rows, if there is one; `order` is the column by whose index the rows
    are read.
    """

    source: Source
    condition: Clause
    projects: dict[str, Project] | None
    sole: Project | None = None
    runs: Runs | None = None
    order: str = "dr.no"


def build_scope(connection: Connection, request: ExportRequest) -> Scope:
    """Builds the scope of a request. Raises MalformedRequest."""
    if request.project_id is not None:
        return build_project_scope(connection, request.project_id, request.terms)
    if request.model_run_id is not None:
        return build_model_run_scope(connection, request.model_run_id)
    if request.slice_id is not None:
        return build_slice_scope(connection, request.slice_id, request.params)
    return build_catalog_scope(connection, request.terms, request.params)


def build_project_scope(connection: Connection, project_id: str, terms: list[dict[str, Any]]) -> Scope:
    """The rows of a project that meet all terms. Raises MalformedRequest."""
    project = _get(connection, Project, project_id, "projectIds")
    mine = Clause("pr.project_id = :project AND NOT dr.deleted", project=project.id)
    condition = mine & build_project_condition(terms, project.id)
    return Scope(PROJECT_ROWS, condition, {project.id: project}, project, order="pr.data_row_no")


def build_catalog_scope(connection: Connection, terms: list[dict[str, Any]], params: ExportParams) -> Scope:
    """Rows of the organization; labels only of the requested projects and runs (payloads.md §1.1). Only the rows of a
    project name it (inferred)."""
    for name, wanted in (("projectIds", params.project_ids), ("modelRunIds", params.model_run_ids)):
        if len(wanted) > MOST_PROJECTS:
            raise MalformedRequest(f"params.{name} has {len(wanted)} ids; at most {MOST_PROJECTS} fit")
    projects = runs = None
    if params.all_projects or params.project_ids:
        projects = _select_live(connection, Project, params.project_ids, every=params.all_projects)
    if params.all_model_runs or params.model_run_ids:
        runs = _load_runs(
            connection, _select_live(connection, ModelRun, params.model_run_ids, every=params.all_model_runs)
        )
    condition = Clause("NOT dr.deleted") & build_catalog_condition(terms)
    return Scope(DATA_ROWS, condition, projects, runs=runs)


def build_slice_scope(connection: Connection, slice_id: str, params: ExportParams) -> Scope:
    """The rows of the catalog that the slice's search matches now. No further filter applies."""
    search = _get(connection, CatalogSlice, slice_id, "sliceIds")
    return build_catalog_scope(connection, orjson.loads(search.query), params)


def build_model_run_scope(connection: Connection, model_run_id: str) -> Scope:
    """The rows of a run, with `experiments` and without `projects` (payloads.md §1.1)."""
    run = _get(connection, ModelRun, model_run_id, "modelRunIds")
    mine = Clause("mr.model_run_id = :run AND NOT dr.deleted", run=run.id)
    return Scope(MODEL_RUN_ROWS, mine, None, runs=_load_runs(connection, {run.id: run}), order="mr.data_row_no")


def _select_live(connection: Connection, kind: type[R], ids: list[str], *, every: bool) -> dict[str, R]:
    """Records that are not deleted, in order of creation. Ids that do not exist are ignored."""
    wanted = EVERYTHING if every else Clause("id IN :ids", ids=list(ids))
    live = connection.select(kind, wanted & Clause("NOT deleted"), order="created_at, id")
    return {str(getattr(record, "id")): record for record in live}  # noqa: B009  R is any record


def _load_runs(connection: Connection, runs: dict[str, ModelRun]) -> Runs:
    """The runs with their models. Runs of deleted models are left out."""
    ids = sorted({run.model_id for run in runs.values()})
    live = connection.select(Model, Clause("id IN :ids AND NOT deleted", ids=ids), order="created_at, id")
    models = {model.id: model for model in live}
    return Runs({run.id: run for run in runs.values() if run.model_id in models}, models)


def _get(connection: Connection, kind: type[R], record_id: str, key: str) -> R:
    """The record with this id. Raises MalformedRequest and not NotFound, which SDKs turn into None and a TypeError
    (wire trap 6)."""

    def error(message: str) -> MalformedRequest:
        return MalformedRequest(message, errors=[{"error": message, key: [record_id]}])

    return connection.one_by_id(kind, record_id, error=error)
