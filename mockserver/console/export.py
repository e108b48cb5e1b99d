"""The view from which an export is generated: Export V2 with its fields and filters, or Export V1 with its dates."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import Response

from mockserver.console.calls import ShownCall, build_export_call, build_legacy_call
from mockserver.console.filters import DATES, read_filters
from mockserver.console.rows import MOST_COUNTED, list_batches, narrow
from mockserver.console.run_filters import list_matching_ids, read_run_filters
from mockserver.console.subjects import Subject, find_subject
from mockserver.console.view import View
from mockserver.exports.scope import MOST_PROJECTS, Scope, build_scope
from mockserver.exports.selection import MOST_IDS
from mockserver.exports.words import build_terms
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import LIVE, match_live_model
from mockserver.world.queries.projects import count_up_to
from mockserver.world.records.models import DataSplit, ModelRun
from mockserver.world.records.projects import Project

DEFAULTS = {
    "project": ("data_row_details", "project_details", "label_details"),
    "model_run": ("data_row_details", "predictions"),
}
"""The fields that are checked when the view is opened."""
LISTS = ("project_ids", "model_run_ids")
MOST_CHOICES = 200


class Choices(NamedTuple):
    """The projects and model runs whose labels and predictions an export of the catalog may carry."""

    project_ids: list[tuple[str, str]]
    model_run_ids: list[tuple[str, str]]


def show_export(view: View) -> Response:
    """Shows the form and the call that it sends. Raises NotFound, BadInput."""
    with view.snapshot() as connection:
        subject = find_subject(view, connection)
        version = "v1" if view.query.get("version") == "v1" and subject.kind.has_v1 else "v2"
        filters = read_filters(view, subject)
        params = read_params(view, subject)
        run = read_run_filters(view, subject)
        ids = None
        count = None
        if version == "v2":
            scope = narrow(build_scope(connection, subject.build_request(filters.terms)), run.condition)
            ids = list_matching_ids(connection, scope, run, MOST_IDS) if run.are_set else None
            count = count_rows(connection, scope) if ids is None else len(ids)
        choices, batches = list_choices(connection, subject), list_batches(connection, subject)
    call: ShownCall | None
    if ids is None:
        call = build_call(view, subject, version, filters.filters, filters.terms, params)
    else:
        call = build_matching_call(view, subject, ids, params)
    return view.render(
        "call.html" if view.query.get("part") == "call" else "export.html",
        subject=subject, version=version, filters=filters, given=view.request.query_params, params=params, call=call,
        count=count, most_counted=MOST_COUNTED if ids is None else MOST_IDS,
        splits=list(DataSplit), choices=choices, batches=batches, most_projects=MOST_PROJECTS,
        flags=[name for name in subject.kind.params if not name.endswith("_ids")],
    )  # fmt: skip


def build_call(
    view: View, subject: Subject, version: str, filters: dict[str, Any], terms: list[Any], params: dict[str, object]
) -> ShownCall:
    """Builds the call of either version. Raises BadInput."""
    if version == "v2":
        return build_export_call(view, subject, terms, filters, params)
    created, active = (filters.get(name, [None, None]) for name in DATES)
    return build_legacy_call(view, subject, created, active)


def build_matching_call(view: View, subject: Subject, ids: list[str], params: dict[str, object]) -> ShownCall | None:
    """Builds the export of the catalog that has these data rows of a model run, with its predictions; None if there
    are no rows, or more than an export takes ids."""
    if not 0 < len(ids) <= MOST_IDS:
        return None
    filters, catalog = {"data_row_ids": ids}, Subject("catalog", "", "")
    terms = build_terms(filters, catalog.kind.filters)
    return build_export_call(view, catalog, terms, filters, params | {"model_run_ids": [subject.id]})


def count_rows(connection: Connection, scope: Scope) -> int:
    """Counts the rows of a scope, up to one more than are shown."""
    return count_up_to(connection, scope.source, scope.condition, MOST_COUNTED + 1)


def read_params(view: View, subject: Subject) -> dict[str, object]:
    """Reads the fields to include: those of the address, or the defaults when the form was not sent yet."""
    query = view.request.query_params
    chosen = query.getlist("param")
    if "version" not in query:
        chosen = list(DEFAULTS.get(subject.kind_name, ("data_row_details",)))
    params: dict[str, object] = {name: True for name in subject.kind.params if name in chosen}
    for name in LISTS:
        ids = query.getlist(name)
        if ids and name in subject.kind.params:
            params[name] = ids
    return params


def list_choices(connection: Connection, subject: Subject) -> Choices:
    """Lists projects and model runs, if the export takes them."""
    if "project_ids" not in subject.kind.params:
        return Choices([], [])
    order = "created_at, id"
    projects = connection.select(Project, LIVE, order=order, first=MOST_CHOICES)
    runs = connection.select(ModelRun, LIVE & match_live_model(), order=order, first=MOST_CHOICES)
    return Choices([(item.id, item.name) for item in projects], [(item.id, item.name) for item in runs])
