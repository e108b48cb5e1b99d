"""A resolver for every field of the schema, a module for each noun. A module is imported when a document first requests
a field of it."""

from __future__ import annotations

_NAMES = (
    "access",
    "api_keys",
    "batches",
    "changes",
    "data_rows",
    "exports",
    "feature_schemas",
    "foundry",
    "group_imports",
    "groups",
    "imports",
    "integrations",
    "issue_changes",
    "issues",
    "label_changes",
    "label_versions",
    "labels",
    "legacy",
    "metadata",
    "metadata_changes",
    "model_changes",
    "model_configs",
    "models",
    "ontologies",
    "people",
    "project_changes",
    "project_sync",
    "projects",
    "quality",
    "queues",
    "reservations",
    "row_changes",
    "row_imports",
    "send_to_annotate",
    "slices",
    "uploads",
    "webhooks",
    "workflows",
    "workforces",
)

MODULES = tuple(f"{__name__}.{name}" for name in _NAMES)
