"""What the clients of the benchmarks send: the SDK's documents, and every section of a row."""

import json
from typing import Any

from contract_tests.clients import documents

GET_USER = json.dumps({"query": documents.GET_USER, "variables": None})
LIST_PROJECTS = json.dumps(
    {
        "query": "{projects(skip: 0, first: 100) {autoAuditNumberOfLabels autoAuditPercentage createdAt dataRowCount"
        " description editorTaskType isBenchmarkEnabled isConsensusEnabled lastActivityTime allowedMediaType"
        " modelSetupComplete name setupComplete id updatedAt uploadType}}"
    }
)


def get_project(project_id: str) -> str:
    return json.dumps({"query": documents.GET_PROJECT, "variables": {"param_0": project_id}})


def export_input(project_id: str, *, sections: bool, embeddings: bool = False) -> dict[str, Any]:
    """The mutation's input: a streamable export with no section or with every one."""
    params = dict.fromkeys(documents.PARAMS, sections) | {"embeddings": embeddings}
    asked = documents.export_project_input(project_id, params, {}, None)
    return {**asked, "isStreamableReady": True, "streamable": True}
