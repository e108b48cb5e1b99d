"""The things that can be exported: a project, a dataset, a slice, a model run, or the whole catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mockserver.console.view import View
from mockserver.exports import words
from mockserver.exports.request import ExportRequest
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.models import ModelRun
from mockserver.world.records.projects import Project
from mockserver.world.records.slices import CatalogSlice


class Kind(NamedTuple):
    """A kind of subject, and how clients export it: by which mutation, with which params and filters (SDK 7.17.0)."""

    noun: str
    path: str
    mutation: str
    sdk: str
    """The expression of the SDK for the object that has `export`; `{id}` is its id as a literal."""
    params: Mapping[str, str]
    filters: tuple[str, ...]
    has_v1: bool = False


KINDS = {
    "project": Kind(
        "project", "/console/projects/{id}", "exportDataRowsInProject", "client.get_project({id})",
        words.PARAMS, words.FILTERS, has_v1=True,
    ),
    "dataset": Kind(
        "dataset", "/console/datasets/{id}", "exportDataRowsInCatalog", "client.get_dataset({id})",
        words.CATALOG_PARAMS, words.CATALOG_FILTERS, has_v1=True,
    ),
    "slice": Kind(
        "slice", "/console/slices/{id}", "exportDataRowsInSlice", "client.get_catalog_slice({id})",
        words.CATALOG_PARAMS, (),
    ),
    "model_run": Kind(
        "model run", "/console/model-runs/{id}", "exportDataRowsInModelRun", "client.get_model_run({id})",
        words.MODEL_RUN_PARAMS, (), has_v1=True,
    ),
    "catalog": Kind(
        "catalog", "/console/catalog", "exportDataRowsInCatalog", "client.get_catalog()",
        words.CATALOG_PARAMS, words.CATALOG_FILTERS,
    ),
}  # fmt: skip
"""By the name of the path's parameter."""
_RECORDS: dict[str, type[Project | Dataset | CatalogSlice | ModelRun]] = {
    "project": Project,
    "dataset": Dataset,
    "slice": CatalogSlice,
    "model_run": ModelRun,
}


class Subject(NamedTuple):
    """One thing to show and export. The catalog has no id."""

    kind_name: str
    id: str
    name: str

    @property
    def kind(self) -> Kind:
        return KINDS[self.kind_name]

    @property
    def path(self) -> str:
        return self.kind.path.format(id=self.id)

    def build_request(self, terms: list[words.Term], params: dict[str, object] | None = None) -> ExportRequest:
        """Builds the request that clients send to export it. Raises BadInput."""
        parsed = words.parse_params(params or {}, self.kind.params)
        if self.kind_name == "project":
            return ExportRequest(self.id, terms, parsed, streamable=True)
        if self.kind_name == "slice":
            return ExportRequest(params=parsed, slice_id=self.id, streamable=True)
        if self.kind_name == "model_run":
            return ExportRequest(params=parsed, model_run_id=self.id, streamable=True)
        own = [words.build_id_term("dataset", [self.id])] if self.kind_name == "dataset" else []
        return ExportRequest(terms=[*terms, *own], params=parsed, streamable=True)


def find_subject(view: View, connection: Connection) -> Subject:
    """Finds the subject that the path names. Raises NotFound."""
    parameters = view.request.path_params
    for name, kind in _RECORDS.items():
        if name in parameters:
            record = connection.one_by_id(kind, parameters[name])
            return Subject(name, record.id, record.name)
    return Subject("catalog", "", "Catalog")


def name_subject(connection: Connection, request: ExportRequest) -> Subject:
    """Names the subject of a request that was sent earlier; it may be deleted by now."""
    datasets = [id_ for term in request.terms if term.get("type") == "dataset" for id_ in term.get("ids") or ()]
    ids = {
        "project": request.project_id,
        "slice": request.slice_id,
        "model_run": request.model_run_id,
        "dataset": datasets[0] if len(datasets) == 1 else None,
    }
    for name, id_ in ids.items():
        if id_ is not None:
            records = connection.select_columns(_RECORDS[name], "name", Clause("id = :id", id=id_), first=1)
            return Subject(name, id_, records[0][0] if records else id_)
    return Subject("catalog", "", "Catalog")
