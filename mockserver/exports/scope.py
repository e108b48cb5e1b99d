"""Whose rows are exported, and whose labels are told on them."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver.errors import MalformedRequest
from mockserver.exports.request import ExportRequest
from mockserver.exports.selection import catalog_condition, project_condition
from mockserver.world.database import EVERYTHING, Clause, Connection, where
from mockserver.world.projects import Project

MOST_PROJECTS = 30
"""In `project_ids` (SDK export_params.py 7.17.0:5, which checks it too)."""


class Scope(msgspec.Struct, frozen=True):
    """`tables` and `condition` select data rows as `dr`; in a project `pr` is their standing in it.

    `projects` are those whose labels are told; None means that rows have no `projects` section at all.
    `sole` is the project all rows stand in.
    """

    tables: str
    condition: Clause
    projects: dict[str, Project] | None
    sole: Project | None = None


def scope_of(connection: Connection, request: ExportRequest) -> Scope:
    """Raises MalformedRequest."""
    if request.project_id is not None:
        return project_scope(connection, request.project_id, request.terms)
    return catalog_scope(connection, request)


def project_scope(connection: Connection, project_id: str, terms: list[dict[str, Any]]) -> Scope:
    project = connection.find(Project, where("id = :id AND NOT deleted", id=project_id))
    if project is None:
        # Not RESOURCE_NOT_FOUND: SDKs make None of it and die with a TypeError in export() (wire trap 6).
        message = f"Project {project_id!r} does not exist"
        raise MalformedRequest(message, errors=[{"error": message, "projectIds": [project_id]}])
    mine = where("pr.project_id = :project AND NOT dr.deleted", project=project.id)
    tables = "project_row pr JOIN data_row dr ON dr.no = pr.data_row_no"
    return Scope(tables, mine & project_condition(terms), {project.id: project}, project)


def catalog_scope(connection: Connection, request: ExportRequest) -> Scope:
    """Rows of the organization; labels only of the projects that are asked for (payloads.md §1.1)."""
    params = request.params
    if len(params.project_ids) > MOST_PROJECTS:
        raise MalformedRequest(f"params.projectIds has {len(params.project_ids)} ids; at most {MOST_PROJECTS} fit")
    if params.model_run_ids:
        raise MalformedRequest("params.modelRunIds: model runs are not served yet; leave it out")
    wanted = EVERYTHING if params.all_projects else where("id IN :ids", ids=list(params.project_ids))
    projects = None
    if params.all_projects or params.project_ids:
        live = connection.select(Project, wanted & where("NOT deleted"), order="created_at, id")
        projects = {project.id: project for project in live}
    condition = where("NOT dr.deleted") & catalog_condition(request.terms)
    return Scope("data_row dr", condition, projects)
