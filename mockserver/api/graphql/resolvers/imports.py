"""Imports of labels, pre-labels and predictions (SDK annotation_import.py, bulk_import_request.py)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.resolvers.projects import find_creator
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput
from mockserver.world.clause import Clause
from mockserver.world.records.imports import AnnotationImport, AnnotationKind
from mockserver.world.records.projects import Project

QUERIES = {
    "labelImport": AnnotationKind.LABELS,
    "modelAssistedLabelingPredictionImport": AnnotationKind.PRE_LABELS,
    "modelErrorAnalysisPredictionImport": AnnotationKind.PREDICTIONS,
    "meaToMalPredictionImport": AnnotationKind.RUN_TO_PROJECT,
    "bulkImportRequest": AnnotationKind.BULK,
}
LISTS = {
    "labelImports": AnnotationKind.LABELS,
    "modelAssistedLabelingPredictionImports": AnnotationKind.PRE_LABELS,
    "bulkImportRequests": AnnotationKind.BULK,
}
MUTATIONS = {
    "createLabelImport": AnnotationKind.LABELS,
    "createModelAssistedLabelingPredictionImport": AnnotationKind.PRE_LABELS,
    "createModelErrorAnalysisPredictionImport": AnnotationKind.PREDICTIONS,
    "createBulkImportRequest": AnnotationKind.BULK,
}
DELETIONS = {
    "deleteModelAssistedLabelingPredictionImport": AnnotationKind.PRE_LABELS,
    "deleteBulkImportRequest": AnnotationKind.BULK,
}
IN_PROJECT = frozenset(AnnotationKind) - {AnnotationKind.PREDICTIONS}


def add_to(fields: Fields) -> None:
    for name, kind in QUERIES.items():
        fields.add("Query", name, partial(find_import, kind))
    for name, kind in LISTS.items():
        fields.add("Query", name, partial(list_imports, kind))
    for name, kind in MUTATIONS.items():
        fields.add("Mutation", name, partial(create_import, kind), long=True)
    fields.add("Mutation", "createMalPredictionImportForModelRunDataRows", copy_run, long=True)
    for name, kind in DELETIONS.items():
        fields.add("Mutation", name, partial(delete_import, kind))
    fields.add_attributes("AnnotationImport", AnnotationImport, "id name createdAt")
    fields.add("AnnotationImport", "state", find_state)
    fields.add("AnnotationImport", "progress", format_progress)
    fields.add("AnnotationImport", "inputFileUrl", build_input_url)
    fields.add("AnnotationImport", "statusFileUrl", lambda record, call: build_url(record, call, record.status_id))
    fields.add("AnnotationImport", "errorFileUrl", lambda record, call: build_url(record, call, record.error_id))
    fields.add("AnnotationImport", "createdBy", find_creator)
    fields.add("AnnotationImport", "project", find_project)
    fields.add("AnnotationImport", "modelRunId", find_model_run_id)


def find_import(kind: AnnotationKind, _source: Any, call: Call, where: Mapping[str, Any]) -> AnnotationImport:
    """The import of this id, or of this name in a project or model run. Raises NotFound, BadInput."""
    parent_id, name = where.get("projectId") or where.get("modelRunId"), where.get("name")
    if where.get("id"):
        condition = Clause("id = :id AND kind = :kind", id=where["id"], kind=kind)
    elif parent_id and name:
        same = "parent_id = :parent AND name = :name AND kind = :kind"
        condition = Clause(same, parent=parent_id, name=name, kind=kind)
    else:
        raise BadInput(f"where is {dict(where)!r:.200}; expected id, or projectId or modelRunId with name")
    record = call.one(AnnotationImport, condition, f"Import {where.get('id') or name!r}")
    return poll_imports(call, [record])[0]


def list_imports(
    kind: AnnotationKind, _source: Any, call: Call, where: Any = None, skip: int = 0, first: int | None = None
) -> list[AnnotationImport]:
    """The imports of a project, the oldest first. Raises NotFound when the project does not exist."""
    project_id = (where or {}).get("projectId")
    condition = Clause("kind = :kind", kind=kind)
    if project_id is not None:
        call.get(Project, project_id)
        condition &= Clause("parent_id = :parent", parent=project_id)
    if name := (where or {}).get("name"):
        condition &= Clause("name = :name", name=name)
    records = call.select(AnnotationImport, condition, order="created_at, id", skip=skip, first=first)
    return poll_imports(call, records)


def poll_imports(call: Call, records: list[AnnotationImport]) -> list[AnnotationImport]:
    """The imports as clients see them after this request."""
    imports = call.workspace.annotation_imports
    if all(imports.find_share(record) >= 1 for record in records):
        return records
    return call.poll(" ".join(record.id for record in records), lambda: imports.poll(records))


def create_import(kind: AnnotationKind, _source: Any, call: Call, data: Mapping[str, Any]) -> AnnotationImport:
    """Raises NotFound, Conflict, BadInput."""
    check_texts(data)
    name, payload, url = data["name"], data.get("filePayload"), data.get("fileUrl")
    if not name.strip():
        raise BadInput(f"A new import has the name {name!r}; expected a text that is not empty")
    if (payload is None) == (url is None):
        raise BadInput("An import was sent with both filePayload and fileUrl, or with none; expected one of them")
    imports, parent_id = call.workspace.annotation_imports, data.get("projectId") or data.get("modelRunId") or ""
    if payload is not None:
        return imports.run_file(kind, parent_id, name, payload["file"])
    return imports.run_url(kind, parent_id, name, url or "")


def copy_run(_source: Any, call: Call, data: Mapping[str, Any]) -> AnnotationImport:
    check_texts(data)
    imports = call.workspace.annotation_imports
    return imports.copy_run(data["projectId"], data["modelRunId"], data["name"], list(data["dataRowIds"]))


def delete_import(kind: AnnotationKind, _source: Any, call: Call, where: Mapping[str, Any]) -> AnnotationImport:
    """Raises NotFound, also for an import of another kind."""
    import_id = read_id(where, "The deletion of an import")
    call.one(AnnotationImport, Clause("id = :id AND kind = :kind", id=import_id, kind=kind), f"Import {import_id!r}")
    return call.workspace.annotation_imports.delete(import_id)


def find_state(source: AnnotationImport, call: Call) -> str:
    imports = call.workspace.annotation_imports
    if imports.find_share(source) < 1:
        return "RUNNING"
    return "FAILED" if imports.has_failed(source) else "FINISHED"


def format_progress(source: AnnotationImport, call: Call) -> str:
    """In percent (SDK annotation_import.py wait_till_done)."""
    return f"{int(100 * call.workspace.annotation_imports.find_share(source))}%"


def build_input_url(source: AnnotationImport, call: Call) -> str | None:
    """The URL that was sent, or that of the file."""
    if source.input_url is not None:
        return source.input_url
    path = call.workspace.annotation_imports.build_path(source.input_id)
    return None if path is None else call.base_url + path


def build_url(source: AnnotationImport, call: Call, upload_id: str) -> str | None:
    """The URL of a file that is there when the import has ended."""
    imports = call.workspace.annotation_imports
    path = imports.build_path(upload_id) if imports.find_share(source) >= 1 else None
    return None if path is None else call.base_url + path


def find_project(source: AnnotationImport, call: Call) -> Project | None:
    return call.find(Project, source.parent_id) if source.kind in IN_PROJECT else None


def find_model_run_id(source: AnnotationImport, _call: Call) -> str | None:
    return None if source.kind in IN_PROJECT else source.parent_id
