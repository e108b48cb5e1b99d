"""Imports of labels and predictions (SDK annotation_import.py). Labels of ours are generated, none was imported."""

from __future__ import annotations

from typing import Any

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.world.database import Clause
from mockserver.world.projects import Project

IMPORT = "id name state progress inputFileUrl errorFileUrl statusFileUrl createdBy project"


def add_to(fields: Fields) -> None:
    fields.add("Query", "labelImports", no_imports)
    fields.add("Query", "modelAssistedLabelingPredictionImports", no_imports)
    fields.add_nulls("AnnotationImport", IMPORT)


def no_imports(_source: Any, call: Call, where: Any = None, **_page: Any) -> list[Any]:
    """An empty list. Raises NotFound when the project that is named does not exist."""
    project_id = (where or {}).get("projectId")
    if project_id is not None:
        asked = Clause("id = :id AND NOT deleted", id=project_id)
        call.one(Project, asked, f"Project {project_id!r}")
    return []
