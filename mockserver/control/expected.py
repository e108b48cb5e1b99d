"""What a correct client must get, from the world itself. Its words are the SDK's: `data_row_details`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from mockserver.control import words
from mockserver.control.bodies import ExpectRows
from mockserver.errors import BadInput, NotFound, nearest, quoted
from mockserver.exports.request import ExportRequest
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_scope
from mockserver.workspaces.workspace import Workspace
from mockserver.world.data_rows import Dataset
from mockserver.world.database import Clause, Connection
from mockserver.world.models import ModelRun
from mockserver.world.people import Organization
from mockserver.world.projects import Project
from mockserver.world.queries.conditions import LIVE, match_live_model
from mockserver.world.slices import CatalogSlice
from mockserver.world.tasks import EXPORT, Task

N = TypeVar("N", Project, Dataset, CatalogSlice, ModelRun)


class Words(NamedTuple):
    """What one kind of export is asked for with."""

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
"""By the key of the body that names what is exported."""


def expected_rows(workspace: Workspace, asked: ExpectRows, host: str) -> bytes:
    """NDJSON. Before any export the organization stands for its task in the URLs of masks (api/masks.py).

    Raises NotFound, BadInput, MalformedRequest.
    """
    snapshot = workspace.store.snapshot()
    try:
        request = request_of(snapshot, asked, timezone=workspace.store.user().timezone)
        task = _task(snapshot, request, asked.task_id)
        now = workspace.store.clock.now() if task is None else task.created_at
        rows = ExportRows(
            snapshot,
            build_scope(snapshot, request),
            request.params,
            links=workspace.links,
            host=host if task is None else task.base_url,
            task_id=snapshot.select(Organization)[0].id if task is None else task.id,
            now=now,
        )
        return rows.text()
    finally:
        snapshot.close()


def request_of(connection: Connection, asked: ExpectRows, *, timezone: str) -> ExportRequest:
    """What the SDK would send. Raises NotFound, BadInput."""
    kind = _kind(asked)
    params = words.params(asked.params, KINDS[kind].params)
    terms = words.terms(asked.filters, KINDS[kind].filters, timezone=timezone)
    if asked.project is not None:
        return ExportRequest(project_named(connection, asked.project).id, terms, params)
    if asked.model_run is not None:
        runs = LIVE & match_live_model()
        return ExportRequest(params=params, model_run_id=_named(connection, ModelRun, asked.model_run, runs).id)
    if asked.slice is not None:
        return ExportRequest(params=params, slice_id=_named(connection, CatalogSlice, asked.slice).id)
    if asked.dataset is not None:
        terms.append(words.one_of("dataset", [_named(connection, Dataset, asked.dataset).id]))
    elif asked.data_rows is not None:
        terms.append(words.one_of("data_row_id", asked.data_rows))
    elif asked.global_keys is not None:
        terms.append(words.one_of("global_key", asked.global_keys))
    return ExportRequest(terms=terms, params=params)


def _kind(asked: ExpectRows) -> str:
    given = [name for name in KINDS if getattr(asked, name) is not None and getattr(asked, name) is not False]
    if len(given) != 1:
        came = " and ".join(given) or "none of them"
        raise BadInput(f"The body names what is exported by one of {', '.join(KINDS)}; it came with {came}")
    return given[0]


def project_named(connection: Connection, name_or_id: str) -> Project:
    """The newest live project of that name, or the one with that id. Raises NotFound."""
    return _named(connection, Project, name_or_id)


_CALLED = {Project: "project", Dataset: "dataset", CatalogSlice: "slice", ModelRun: "model run"}


def _named(connection: Connection, kind: type[N], name_or_id: str, live: Clause = LIVE) -> N:
    """The newest of that name, or the one with that id. Raises NotFound."""
    there = connection.select(kind, live, order="created_at DESC, id")
    for record in there:
        if name_or_id in {record.id, record.name}:
            return record
    near = quoted(nearest(name_or_id, [record.name for record in there])) or "none at all"
    raise NotFound(f"There is no {_CALLED[kind]} {name_or_id!r}; the nearest known are {near}")


def _task(connection: Connection, request: ExportRequest, task_id: str | None) -> Task | None:
    """The export whose mask URLs and links the rows carry: a named one, or the newest of the same."""
    if task_id is not None:
        return connection.one_by_id(Task, task_id)
    exports = connection.select(Task, Clause("type = :type", type=EXPORT), order="no DESC")
    wanted = _about(request)
    return next(
        (task for task in exports if _about(msgspec.json.decode(task.request, type=ExportRequest)) == wanted), None
    )


def _about(request: ExportRequest) -> tuple[Any, ...]:
    """What is exported, whichever of its rows: two exports of the catalog differ by their datasets."""
    datasets = [term.get("ids") for term in request.terms if term.get("type") == "dataset"]
    return request.project_id, request.slice_id, request.model_run_id, datasets
