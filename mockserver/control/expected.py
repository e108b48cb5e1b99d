"""The rows that a correct client must receive, from the world itself. Its words are the SDK's: `data_row_details`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from mockserver.control.bodies import ExpectRows
from mockserver.control.spooled import SpooledBody
from mockserver.conversion import decode
from mockserver.errors import BadInput, NotFound, nearest, quote
from mockserver.exports import words
from mockserver.exports.fair_lock import EXPORT_LOCK
from mockserver.exports.request import ExportRequest
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_scope
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import LIVE, match_live_model
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.models import ModelRun
from mockserver.world.records.people import Organization
from mockserver.world.records.projects import Project
from mockserver.world.records.slices import CatalogSlice
from mockserver.world.records.tasks import EXPORT, Task

N = TypeVar("N", Project, Dataset, CatalogSlice, ModelRun)


class Words(NamedTuple):
    """The params and filters that one kind of export accepts."""

    params: Mapping[str, str]
    filters: tuple[str, ...] = ()


KINDS = {
    "project": Words(words.PARAMS, words.FILTERS),
    "dataset": Words(words.CATALOG_PARAMS, words.CATALOG_FILTERS),
    "slice": Words(words.CATALOG_PARAMS),
    "model_run": Words(words.MODEL_RUN_PARAMS),
    "data_rows": Words(words.DATA_ROW_PARAMS),
    "global_keys": Words(words.DATA_ROW_PARAMS),
    "catalog": Words(words.CATALOG_PARAMS, words.CATALOG_FILTERS),
}
"""By the key of the body that names the exported thing."""


def render_expected_rows(workspace: Workspace, body: ExpectRows, host: str) -> SpooledBody:
    """Renders NDJSON, in turns with exports. Before any export, the URLs of masks name the organization in place of a
    task (api/masks.py).

    Raises NotFound, BadInput, MalformedRequest, ResourceFailed.
    """
    snapshot = workspace.store.snapshot()
    try:
        request = build_request(snapshot, body, timezone=workspace.store.user().timezone)
        task = _find_task(snapshot, request, body.task_id)
        now = workspace.store.clock.now() if task is None else task.created_at
        rows = ExportRows(
            snapshot,
            build_scope(snapshot, request),
            request.params,
            links=workspace.links,
            host=host if task is None else task.base_url,
            task_id=snapshot.select(Organization)[0].id if task is None else task.id,
            now=now,
            take_turns=EXPORT_LOCK.take_turns,
        )
        return SpooledBody(batch.text for batch in rows.render_batches())
    finally:
        snapshot.close()


def build_request(connection: Connection, body: ExpectRows, *, timezone: str) -> ExportRequest:
    """Builds the request that the SDK would send. Raises NotFound, BadInput."""
    kind = _find_kind(body)
    params = words.parse_params(body.params, KINDS[kind].params)
    terms = words.build_terms(body.filters, KINDS[kind].filters, timezone=timezone)
    if body.project is not None:
        return ExportRequest(find_project(connection, body.project).id, terms, params)
    if body.model_run is not None:
        runs = LIVE & match_live_model()
        return ExportRequest(params=params, model_run_id=_find_named(connection, ModelRun, body.model_run, runs).id)
    if body.slice is not None:
        return ExportRequest(params=params, slice_id=_find_named(connection, CatalogSlice, body.slice).id)
    if body.dataset is not None:
        terms.append(words.build_id_term("dataset", [_find_named(connection, Dataset, body.dataset).id]))
    elif body.data_rows is not None:
        terms.append(words.build_id_term("data_row_id", body.data_rows))
    elif body.global_keys is not None:
        terms.append(words.build_id_term("global_key", body.global_keys))
    return ExportRequest(terms=terms, params=params)


def _find_kind(body: ExpectRows) -> str:
    names = [name for name in KINDS if getattr(body, name) is not None and getattr(body, name) is not False]
    if len(names) != 1:
        received = " and ".join(names) or "none of them"
        raise BadInput(f"The body has {received}; expected exactly one of {', '.join(KINDS)}")
    return names[0]


def find_project(connection: Connection, name_or_id: str) -> Project:
    """Finds the newest live project of that name, or the one with that id. Raises NotFound."""
    return _find_named(connection, Project, name_or_id)


_NOUNS = {Project: "project", Dataset: "dataset", CatalogSlice: "slice", ModelRun: "model run"}


def _find_named(connection: Connection, kind: type[N], name_or_id: str, live: Clause = LIVE) -> N:
    """Finds the newest record of that name, or the one with that id. Raises NotFound."""
    records = connection.select(kind, live, order="created_at DESC, id")
    for record in records:
        if name_or_id in {record.id, record.name}:
            return record
    near = quote(nearest(name_or_id, [record.name for record in records])) or "none at all"
    raise NotFound(f"Unknown {_NOUNS[kind]} {name_or_id!r}; the nearest known are {near}")


def _find_task(connection: Connection, request: ExportRequest, task_id: str | None) -> Task | None:
    """Finds the export whose mask URLs and links the rows have: the named one, or the newest of the same thing."""
    if task_id is not None:
        return connection.one_by_id(Task, task_id)
    exports = connection.select(Task, Clause("type = :type", type=EXPORT), order="no DESC")
    subject = _subject(request)
    return next((task for task in exports if _subject(decode(task.request, ExportRequest)) == subject), None)


def _subject(request: ExportRequest) -> tuple[Any, ...]:
    """The exported thing, without its filters on rows: two exports of the catalog differ by their datasets."""
    datasets = [term.get("ids") for term in request.terms if term.get("type") == "dataset"]
    return request.project_id, request.slice_id, request.model_run_id, datasets
