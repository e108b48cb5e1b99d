"""A resolver for every field of the schema, a module for each noun. `all_resolvers` puts them together."""

from __future__ import annotations

from mockserver.api.graphql.fields import Fields, RegisteredField
from mockserver.api.graphql.resolvers import (
    access,
    batches,
    changes,
    data_rows,
    exports,
    feature_schemas,
    groups,
    imports,
    issue_changes,
    issues,
    label_changes,
    labels,
    legacy,
    metadata,
    metadata_changes,
    model_changes,
    model_configs,
    models,
    ontologies,
    people,
    project_changes,
    projects,
    quality,
    queues,
    row_changes,
    row_imports,
    slices,
    uploads,
    webhooks,
    workflows,
)


def all_resolvers() -> dict[str, dict[str, RegisteredField]]:
    """Type name -> field name -> registered field."""
    fields = Fields()
    for module in (
        people, projects, ontologies, data_rows, metadata, labels, feature_schemas, quality, models, slices, exports,
        legacy, changes, webhooks, issues, access, workflows, imports,
        uploads, row_imports, batches, queues, metadata_changes, row_changes, model_changes, project_changes,
        issue_changes, label_changes, groups,
        model_configs,
    ):  # fmt: skip
        module.add_to(fields)
    return fields.by_type
