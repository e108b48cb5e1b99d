"""Labeling services of projects and their dashboards (SDK labeling_service.py, labeling_service_dashboard.py,
search_filters.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.dates import LACKS_ARE_MALFORMED, is_since
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.pages import Page, PageInfo
from mockserver.errors import BadInput, MalformedRequest, nearest, quote, shorten
from mockserver.world.clause import Clause
from mockserver.world.moments import parse_moment
from mockserver.world.queries.conditions import LIVE, match_subquery
from mockserver.world.queries.projects import count_rows_by_state
from mockserver.world.record import encode_json
from mockserver.world.records.labels import WorkflowStatus
from mockserver.world.records.projects import Project, ProjectTag, ProjectWorkforce, ResourceTag

MOST_LISTED, PAGE = 1_000, 100
MOST_FILTERS = 100
TAG_TYPE = "DEFAULT"
"""The type of every tag (inferred: no client shows one)."""


class Dashboard(msgspec.Struct, frozen=True):
    """A project with its labeling service; all counts are 0 without (SDK project.py get_labeling_service_dashboard).
    A task is a data row that somebody has begun to label (labeling_service_dashboard.py)."""

    project: Project
    service: ProjectWorkforce | None
    rows: Mapping[str, int] = {}
    """Data rows by workflow status."""
    tasks: int = 0

    @property
    def completed(self) -> int:
        return self.rows.get(WorkflowStatus.DONE, 0)

    @property
    def remaining(self) -> int:
        return self.tasks - self.completed


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "upsertProjectBoostWorkforce", start_service)
    fields.add("Mutation", "validateAndRequestProjectBoostWorkforce", request_service)
    fields.add("Query", "projectBoostWorkforce", find_service)
    attributes = "id projectId createdAt updatedAt status"
    fields.add_attributes("ProjectBoostWorkforce", ProjectWorkforce, attributes, createdById="created_by")
    fields.add("Query", "getProjectById", find_dashboard, long=True)
    fields.add("Query", "searchProjects", page_dashboards, long=True)
    for name, read in _FIELDS.items():
        fields.add("ProjectDashboard", name, partial(_read, read))
    fields.add("ProjectDashboard", "tags", list_tags)
    fields.add_attributes("DashboardTag", ResourceTag, "id text color")
    fields.add("DashboardTag", "type", lambda _source, _call: TAG_TYPE)
    fields.add_attributes("ProjectDashboards", Page, "nodes pageInfo")


_FIELDS: dict[str, Callable[[Dashboard], Any]] = {
    "id": lambda item: item.project.id,
    "name": lambda item: item.project.name,
    "boostRequestedAt": lambda item: item.service and item.service.created_at,
    "boostUpdatedAt": lambda item: item.service and item.service.updated_at,
    "boostRequestedBy": lambda item: item.service and item.service.requested_by,
    "boostStatus": lambda item: item.service and item.service.status,
    "dataRowsCount": lambda item: sum(item.rows.values()),
    "dataRowsDoneCount": lambda item: item.completed,
    "dataRowsInReviewCount": lambda item: item.rows.get(WorkflowStatus.IN_REVIEW, 0),
    "dataRowsInReworkCount": lambda item: item.rows.get(WorkflowStatus.IN_REWORK, 0),
    "tasksTotalCount": lambda item: item.tasks,
    "tasksCompletedCount": lambda item: item.completed,
    "tasksRemainingCount": lambda item: item.remaining,
    "mediaType": lambda item: item.project.allowed_media_type,
    "editorTaskType": lambda item: item.project.editor_task_type,
}


def _read(read: Callable[[Dashboard], Any], source: Dashboard, _call: Call) -> Any:
    return read(source)


def start_service(_source: Any, call: Call, data: Mapping[str, Any]) -> bool:
    call.workspace.workforces.start(data["projectId"])
    return True


def request_service(_source: Any, call: Call, data: Mapping[str, Any]) -> bool:
    """Raises NotFound, and MalformedRequest or BadInput for a project that lacks something."""
    try:
        call.workspace.workforces.request(data["projectId"])
    except MalformedRequest as error:
        if is_since(call.store, LACKS_ARE_MALFORMED):
            raise
        lacks = [{name: lack[name] for name in ("errorType", "errorMessage")} for lack in error.errors]
        raise BadInput(encode_json(lacks)) from None
    return True


def find_service(_source: Any, call: Call, data: Mapping[str, Any]) -> ProjectWorkforce | None:
    """Null for a project without a service. Raises NotFound when there is no such project."""
    project = call.get(Project, str(data.get("projectId")))
    services = call.select(ProjectWorkforce, Clause("project_id = :id", id=project.id))
    return services[0] if services else None


# Dashboards


def find_dashboard(_source: Any, call: Call, input: Mapping[str, Any]) -> Dashboard:
    """Raises NotFound."""
    project = call.get(Project, read_id(input, "getProjectById", "input.id"))
    return _build_dashboard(call, project)


def _build_dashboard(call: Call, project: Project) -> Dashboard:
    services = call.select(ProjectWorkforce, Clause("project_id = :id", id=project.id))
    if not services:
        return Dashboard(project, None)
    with call.read() as connection:
        groups = count_rows_by_state(connection, project.id, [])
    rows: dict[str, int] = {}
    tasks = 0
    for status, skipped, count in groups:
        rows[status] = rows.get(status, 0) + count
        if skipped is not None or status != WorkflowStatus.TO_LABEL:
            tasks += count
    return Dashboard(project, services[0], rows, tasks)


def list_tags(source: Dashboard, call: Call) -> list[ResourceTag]:
    mine = Clause("project_id = :project", project=source.project.id)
    return call.select(ResourceTag, match_subquery("id", ProjectTag, "tag_id", mine), order="text, id")


def page_dashboards(_source: Any, call: Call, input: Mapping[str, Any]) -> Page:
    """All projects that fit all filters, those without a service too, the oldest first (SDK client.py
    get_labeling_service_dashboards); the cursor is the id of the last one (inferred). Raises BadInput."""
    filters, size = input.get("searchQuery") or [], input.get("size")
    first = PAGE if size is None else size
    if not 0 < first <= MOST_LISTED or len(filters) > MOST_FILTERS:
        raise BadInput(f"size is {first}, with {len(filters)} filters; expected 1 to {MOST_LISTED}, and {MOST_FILTERS}")
    fitting = [_build_filter(call, item) for item in filters]
    nodes: list[Dashboard] = []
    for project in call.select(Project, LIVE & _match_after(call, input.get("after")), order="created_at, id"):
        dashboard = _build_dashboard(call, project)
        if all(fits(dashboard) for fits in fitting):
            nodes.append(dashboard)
            if len(nodes) > first:
                break
    cursor = nodes[first - 1].project.id if len(nodes) > first else None
    return Page(nodes[:first], PageInfo(None, cursor, cursor is not None))


def _match_after(call: Call, cursor: str | None) -> Clause:
    """The projects after the one that a cursor names, which may be deleted since. Raises BadInput."""
    if not cursor:
        return Clause("TRUE")
    last = call.find(Project, cursor)
    if last is None:
        raise BadInput(f"Unknown cursor {cursor!r}; pass an endCursor exactly as the server returned it, or omit it")
    after = "(created_at > :at OR (created_at = :at AND id > :last))"
    return Clause(after, at=last.created_at, last=last.id)


Fits = Callable[[Dashboard], bool]


def _build_filter(call: Call, item: Mapping[str, Any]) -> Fits:
    """Raises BadInput for a filter that no SDK sends."""
    kind = item["type"]
    build = _FILTERS.get(kind)
    if build is None:
        raise BadInput(f"searchQuery has the type {kind!r}; expected one of {quote(nearest(kind, _FILTERS))}")
    try:
        return build(call, item)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadInput(
            f"The filter {shorten(repr(dict(item)), 200)} is not as SDKs send it (search_filters.py); expected values,"
            " or a value with its operator"
        ) from None


def _match_organization(call: Call, item: Mapping[str, Any]) -> Fits:
    fits = call.store.workspace.organization_id in item["values"]
    return lambda _dashboard: fits


def _match_nothing(_call: Call, item: Mapping[str, Any]) -> Fits:
    """Projects of other organizations and of workspaces: there are none here."""
    assert_texts(item["values"])
    return lambda _dashboard: False


def assert_texts(values: Sequence[Any]) -> None:
    """Raises TypeError unless all values are texts."""
    if not all(isinstance(value, str) for value in values):
        raise TypeError


def _match_tags(call: Call, item: Mapping[str, Any]) -> Fits:
    assert_texts(item["values"])
    tags = Clause("tag_id IN :tags", tags=list(item["values"]))
    tagged = {tag.project_id for tag in call.select(ProjectTag, tags)}
    return lambda dashboard: dashboard.project.id in tagged


def _match_stage(_call: Call, item: Mapping[str, Any]) -> Fits:
    stages = {str(stage).upper() for stage in item["values"]}
    return lambda dashboard: dashboard.service is not None and dashboard.service.status in stages


def _match_moment(name: str, _call: Call, item: Mapping[str, Any]) -> Fits:
    compare = _build_comparison(item["value"], parse_moment)
    return lambda dashboard: dashboard.service is not None and compare(getattr(dashboard.service, name))


def _match_count(name: str, _call: Call, item: Mapping[str, Any]) -> Fits:
    compare = _build_comparison(item["value"], _check_number)
    return lambda dashboard: compare(getattr(dashboard, name))


def _check_number(value: Any) -> float:
    """Raises TypeError."""
    if type(value) not in (int, float):
        raise TypeError
    number: float = value
    return number


def _build_comparison(value: Mapping[str, Any], convert: Callable[[Any], float]) -> Callable[[float], bool]:
    operator = value["operator"]
    if operator == "BETWEEN":
        low, high = convert(value["value"]["min"]), convert(value["value"]["max"])
        return lambda known: low <= known <= high
    compare, bound = _OPERATORS[operator], convert(value["value"])
    return lambda known: compare(known, bound)


_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "EQUALS": lambda known, bound: known == bound,
    "GREATER_THAN_OR_EQUAL": lambda known, bound: known >= bound,
    "LESS_THAN_OR_EQUAL": lambda known, bound: known <= bound,
}
_FILTERS: dict[str, Callable[[Call, Mapping[str, Any]], Fits]] = {
    "organization_id": _match_organization,
    "shared_with_organizations": _match_nothing,
    "workspace": _match_nothing,
    "tag": _match_tags,
    "stage": _match_stage,
    "workforce_requested_at": partial(_match_moment, "created_at"),
    "workforce_stage_updated_at": partial(_match_moment, "updated_at"),
    "task_completed_count": partial(_match_count, "completed"),
    "task_remaining_count": partial(_match_count, "remaining"),
}
"""By the types of filters (SDK search_filters.py OperationTypeEnum)."""
