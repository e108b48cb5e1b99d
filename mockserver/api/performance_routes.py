"""Performance reports by REST: `/api/v1/performance/…` (SDK performance.py 7.17.0)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mockserver.api.performance import (
    INTERVALS,
    LABELER_COLUMNS,
    METRICS,
    REVIEWER_COLUMNS,
    JsonObject,
    list_labelers,
    list_reviewers,
    measure,
)
from mockserver.api.performance_request import MOST_IDS, Period, read_ids, read_page, read_period, read_word, read_work
from mockserver.errors import NotAllowed, NotFound, quote
from mockserver.http.responses import json_response
from mockserver.http.threads import call_off_loop
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.moments import format_zulu
from mockserver.world.records.people import Organization, Person
from mockserver.world.records.projects import Project

Query = Mapping[str, str]
List = Callable[[Connection, Clause, Period], list[JsonObject]]


class PerformanceRoutes:
    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def list_metrics(self, request: Request) -> Response:
        """The metrics that can be requested."""
        await self._workspaces.authenticate(request)
        return json_response({"data": [metric._asdict() for metric in METRICS.values()]})

    async def project_metric(self, request: Request) -> Response:
        return await self._answer(request, _measure_project)

    async def project_labelers(self, request: Request) -> Response:
        return await self._answer(request, _list_project_labelers)

    async def project_reviewers(self, request: Request) -> Response:
        return await self._answer(request, _list_project_reviewers)

    async def workspace_metric(self, request: Request) -> Response:
        return await self._answer(request, _measure_workspace)

    async def workspace_labelers(self, request: Request) -> Response:
        return await self._answer(request, _list_workspace_labelers)

    async def refuse(self, request: Request) -> Response:
        """Raises NotAllowed for reports of which nothing is known, or for which the world has no records."""
        await self._workspaces.authenticate(request)
        raise NotAllowed(
            f"{request.url.path} is not imitated: the form of the report's file is not known, and nobody signs in here;"
            " request the labelers, reviewers or metrics of a project"
        )

    async def _answer(
        self, request: Request, build: Callable[[Workspace, Request, Connection], JsonObject]
    ) -> Response:
        workspace = await self._workspaces.authenticate(request)

        def read() -> JsonObject:
            with closing(workspace.store.snapshot()) as connection:
                return build(workspace, request, connection)

        return json_response(await call_off_loop(True, read))


def _measure_project(workspace: Workspace, request: Request, connection: Connection) -> JsonObject:
    project = connection.one_by_id(Project, request.path_params["project"])
    mine = Clause("l.project_id = :project", project=project.id)
    return {"projectId": project.id} | _measure(workspace, request, connection, mine)


def _measure_workspace(workspace: Workspace, request: Request, connection: Connection) -> JsonObject:
    organization = connection.select(Organization)[0]
    return _describe_scope(organization.id, request.query_params) | _measure(
        workspace, request, connection, _match_owners(request.query_params, organization)
    )


def _measure(workspace: Workspace, request: Request, connection: Connection, within: Clause) -> JsonObject:
    name, query = request.path_params["metric"], request.query_params
    metric = METRICS.get(name)
    if metric is None:
        raise NotFound(f"There is no performance metric {name!r}; known are {quote(METRICS)}")
    interval, period = read_word(query, "interval", INTERVALS, "day"), read_period(query)
    buckets = measure(connection, metric, within & read_work(query, "l.created_by"), period, interval)
    series = {"metric": name, "unit": metric.unit, "bucketType": metric.buckets, "buckets": buckets}
    return series | {"interval": interval} | _describe_period(workspace, period)


def _list_project_labelers(workspace: Workspace, request: Request, connection: Connection) -> JsonObject:
    return _list_in_project(workspace, request, connection, list_labelers, LABELER_COLUMNS)


def _list_project_reviewers(workspace: Workspace, request: Request, connection: Connection) -> JsonObject:
    return _list_in_project(workspace, request, connection, list_reviewers, REVIEWER_COLUMNS)


def _list_in_project(
    workspace: Workspace, request: Request, connection: Connection, find: List, columns: list[str]
) -> JsonObject:
    project = connection.one_by_id(Project, request.path_params["project"])
    worker = "r.created_by" if find is list_reviewers else "l.created_by"
    within = Clause("l.project_id = :project", project=project.id) & read_work(request.query_params, worker)
    period = read_period(request.query_params)
    rows = _add_users(find(connection, within, period), connection)
    return {"projectId": project.id} | _cut_page(workspace, request, rows, columns, period)


def _list_workspace_labelers(workspace: Workspace, request: Request, connection: Connection) -> JsonObject:
    query, organization = request.query_params, connection.select(Organization)[0]
    within = _match_owners(query, organization) & read_work(query, "l.created_by")
    period = read_period(query)
    projects = {project.id: project for project in connection.select(Project)}
    rows = [
        row
        | {
            "projectName": projects[row["projectId"]].name, "projectOrganizationId": organization.id,
            "projectOrganizationName": organization.name, "isProjectDeleted": projects[row["projectId"]].deleted,
        }
        for row in _add_users(list_labelers(connection, within, period), connection)
    ]  # fmt: skip
    table = _cut_page(workspace, request, rows, LABELER_COLUMNS, period)
    return _describe_scope(organization.id, query) | table


def _add_users(rows: list[JsonObject], connection: Connection) -> list[JsonObject]:
    """The rows with what a report says of their users."""
    organization = connection.select(Organization)[0]
    users = {user.id: user for user in connection.select(Person)}
    own = {"memberOrganizationId": organization.id, "memberOrganizationName": organization.name}
    return [
        row
        | {"email": users[row["userId"]].email, "memberType": "internal", "isRemoved": users[row["userId"]].deleted}
        | own
        for row in rows
    ]


def _match_owners(query: Query, organization: Organization) -> Clause:
    """All projects and members are those of the one organization."""
    for name in ("ownerOrganizationIds", "memberOrganizationIds"):
        ids = read_ids(query, name, MOST_IDS)
        if ids is not None and organization.id not in ids:
            return Clause("FALSE")
    return Clause("TRUE")


def _describe_scope(organization_id: str, query: Query) -> JsonObject:
    names = ("projectIds", "ownerOrganizationIds", "memberOrganizationIds", "userGroupIds")
    scope: JsonObject = {name: read_ids(query, name, MOST_IDS) for name in names}
    return scope | {"organizationId": organization_id, "memberType": query.get("memberType"), "skippedProjectIds": []}


def _describe_period(workspace: Workspace, period: Period) -> JsonObject:
    generated = format_zulu(workspace.store.clock.now())
    return {"startDate": str(period.start), "endDate": str(period.end), "generatedAt": generated}


def _cut_page(
    workspace: Workspace, request: Request, rows: list[JsonObject], columns: list[str], period: Period
) -> JsonObject:
    """A page of a table, in a fixed order. Nothing is cached."""
    page = read_page(request.query_params, columns)
    rows.sort(key=lambda row: (row["email"], row["projectId"]))
    if page.column is not None:
        column = page.column
        rows.sort(key=lambda row: float(row[column]), reverse=page.descending)
    first = (page.number - 1) * page.size
    table: dict[str, Any] = {"data": rows[first : first + page.size], "page": page.number, "perPage": page.size}
    return table | {"total": len(rows), "cachedAt": None} | _describe_period(workspace, period)
