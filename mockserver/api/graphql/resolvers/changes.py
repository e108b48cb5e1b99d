"""Mutations of projects, datasets, data rows and labels: each is one method of the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.dates import EDITOR_FROM_THE_START, QUEUES_ARE_BATCHES, is_since
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id, snake
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, MalformedRequest
from mockserver.imports.media import build_content
from mockserver.imports.ontologies import complete_ontology, give_ids, parse_normalized
from mockserver.world.changes.projects import FirstRows
from mockserver.world.media import LIVE_CHAT
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.projects import LabelingFrontend, Ontology, Project

ONLY_READ = {"queueMode": ("CATALOG",), "allowedMediaType": ("UNKNOWN", "UNSUPPORTED")}
"""Values that SDKs know because projects may have them (queue_mode.py, media_type.py), and nobody can give."""

FIRST_ROWS = frozenset({"datasetNameOrId", "dataRowCount", "appendToExistingDataset"})
"""The data rows of a new model evaluation project (SDK client.py, create_model_evaluation_project)."""
MOST_FIRST_ROWS = 10_000
EMPTY_CHAT = {
    "type": "application/vnd.labelbox.conversational.model-chat-evaluation", "version": 2, "draft": True,
    "rootMessageIds": [], "actors": {}, "messages": {},
}  # fmt: skip
"""SDK data_row_payload_templates.py ModelEvaluationTemplate."""
NO_COLUMNS = FIRST_ROWS | {"labelingFrontend"}


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "createProject", create_project, long=True)
    fields.add("Mutation", "updateProject", update_project)
    fields.add("Mutation", "project", find_project_to_change)
    fields.add("ProjectChanges", "connectOntology", connect_ontology)
    fields.add("Mutation", "createLabelingFrontendOptions", create_frontend_options)
    fields.add("Mutation", "createDataset", create_dataset)
    fields.add("Mutation", "updateDataset", update_dataset, long=True)
    fields.add("Mutation", "deleteDataRows", delete_data_rows, long=True)
    fields.add("Mutation", "deleteLabels", delete_labels, long=True)
    fields.add("Deleted", "id", lambda source, _call: source)


def _build_columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by column, without nulls: an SDK that wants to clear a text sends an empty one.

    Raises BadInput for a text that is too long.
    """
    check_texts(data)
    return {snake(name): value for name, value in data.items() if value is not None and name not in NO_COLUMNS}


def _check_name(data: Mapping[str, Any], what: str) -> str:
    name = data.get("name")
    if not name or not str(name).strip():
        raise BadInput(f"A new {what} has the name {name!r}; expected a text that is not empty")
    return str(name)


def create_project(_source: Any, call: Call, data: Mapping[str, Any]) -> Project:
    if data.get("deleted"):
        raise BadInput("A new project was sent with deleted: true; leave it out")
    _check_modes(call, data)
    fields = (
        _build_columns(data)
        | {"name": _check_name(data, "project")}
        | _find_first_frontend(call, data)
        | _find_frontend(call, data)
    )
    fields.pop("deleted", None)  # false
    rows = _read_first_rows(data)
    if rows is not None:
        return call.workspace.projects.create_with_rows(rows, fields)
    return call.workspace.catalog.create_project(**fields)


def _read_first_rows(data: Mapping[str, Any]) -> FirstRows | None:
    """The data rows that a model evaluation project begins with: empty chats, whose turns are the labels. For a project
    without any, SDKs since 6.0 send `appendToExistingDataset: false`. Raises BadInput."""
    count, dataset = data.get("dataRowCount"), data.get("datasetNameOrId")
    if count is None and dataset is None:
        return None
    if count is None or not 1 <= count <= MOST_FIRST_ROWS or not dataset:
        raise BadInput(
            f"A new project was sent with dataRowCount {count} and datasetNameOrId {dataset!r}; expected 1 to "
            f"{MOST_FIRST_ROWS:,} data rows and a dataset, or neither"
        )
    return FirstRows(count, build_content(EMPTY_CHAT), dataset, appends=bool(data.get("appendToExistingDataset")))


def _check_modes(call: Call, data: Mapping[str, Any]) -> None:
    """Raises MalformedRequest for values that clients read and nobody may write."""
    if data.get("queueMode") == "DATA_SET" and is_since(call.store, QUEUES_ARE_BATCHES):
        raise MalformedRequest("DataSet queue mode is deprecated. Please prefer Batch queue mode.")
    for name, values in ONLY_READ.items():
        if (value := data.get(name)) in values:
            raise MalformedRequest(f"A project cannot have the {name} {value}, which is for reading only; give another")


def _find_first_frontend(call: Call, data: Mapping[str, Any]) -> dict[str, str | None]:
    """The editor that a project has from its start; one of chats always had it (SDK project.py setup_editor 3.72.2)."""
    if data.get("editorTaskType") != LIVE_CHAT and not is_since(call.store, EDITOR_FROM_THE_START):
        return {}
    frontends = call.select(LabelingFrontend, order="id", first=1)
    return {"labeling_frontend_id": frontends[0].id if frontends else None}


def _find_frontend(call: Call, data: Mapping[str, Any]) -> dict[str, str | None]:
    """Connected or disconnected, as the SDK's connect_ontology does. Raises NotFound."""
    connection = data.get("labelingFrontend") or {}
    if connection.get("disconnect"):
        return {"labeling_frontend_id": None}
    frontend = (connection.get("connect") or {}).get("id")
    if frontend is None:
        return {}
    call.get(LabelingFrontend, frontend, "Labeling frontend")
    return {"labeling_frontend_id": frontend}


def update_project(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> Project:
    """Also deletes (`deleted: true`) and connects the frontend, as the SDK's connect_ontology does."""
    _check_modes(call, data)
    if rows := sorted(FIRST_ROWS & data.keys()):
        raise BadInput(f"A project was updated with {', '.join(rows)}, which only a new project takes; leave them out")
    fields = _build_columns(data) | _find_frontend(call, data)
    return call.workspace.catalog.update_project(read_id(where, "updateProject"), **fields)


def find_project_to_change(_source: Any, call: Call, where: Mapping[str, Any]) -> Project:
    project_id = read_id(where, "project")
    return call.get(Project, project_id)


def connect_ontology(source: Project, call: Call, ontologyId: str) -> Project:
    call.get(Ontology, ontologyId)
    return call.workspace.catalog.update_project(source.id, ontology_id=ontologyId, frontend_options=None)


def create_frontend_options(_source: Any, call: Call, data: Mapping[str, Any]) -> Project:
    """The options of a project's editor, which are its ontology: they create one (project.py `setup`). Empty ones,
    which SDKs send before they connect an ontology (project.py connect_ontology), create an empty one for a project
    without (the SDK's tests, conftest.py `project_with_empty_ontology` 5.2.1). Raises MalformedRequest."""
    project = find_project_to_change(None, call, _get_connected(data, "project"))
    fields: dict[str, Any] = _find_frontend(call, {"labelingFrontend": data.get("labelingFrontend")})
    options = parse_normalized(data.get("customizationOptions") or "{}", "customizationOptions")
    with call.store.change():
        if any(options.values()) or project.ontology_id is None:
            document, media = complete_ontology(options), project.allowed_media_type
            ontology = call.workspace.ontologies.create_ontology(project.name, document, media, give_ids)
            fields |= {"ontology_id": ontology.id, "frontend_options": data.get("customizationOptions")}
        return call.workspace.catalog.update_project(project.id, **fields)


def _get_connected(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return (data.get(name) or {}).get("connect") or {}


def create_dataset(_source: Any, call: Call, data: Mapping[str, Any]) -> Dataset:
    check_texts(data)
    return call.workspace.catalog.create_dataset(name=_check_name(data, "dataset"), description=data.get("description"))


def update_dataset(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> Dataset:
    return call.workspace.catalog.update_dataset(read_id(where, "updateDataset"), **_build_columns(data))


def delete_data_rows(_source: Any, call: Call, where: Mapping[str, Any]) -> list[str]:
    return call.workspace.catalog.delete_data_rows(list(where["dataRowIds"]))


def delete_labels(_source: Any, call: Call, labelIds: list[str]) -> list[str]:
    return call.workspace.labels.delete_labels(list(labelIds))
