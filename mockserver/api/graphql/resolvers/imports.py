"""Imports of labels and predictions (SDK annotation_import.py). Labels are generated here, none is imported."""

from __future__ import annotations

from typing import Any

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.world.projects import Project

IMPORT = "id name state progress inputFileUrl errorFileUrl statusFileUrl createdBy project"


def add_to(fields: Fields) -> None:
    fields.add("Query", "labelImports", list_no_imports)
    fields.add("Query", "modelAssistedLabelingPredictionImports", list_no_imports)
    fields.add_nulls("AnnotationImport", IMPORT)


def list_no_imports(_source: Any, call: Call, where: Any = None, **_page: Any) -> list[Any]:
    """An empty list. Raises NotFound when the project that is named does not exist."""
    project_id = (where or {}).get("projectId")
    if project_id is not None:
        call.get(Project, project_id)
    return []
