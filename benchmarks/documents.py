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


def _aliases(count: int, field: str) -> str:
    return "{" + " ".join(f"a{number}: {field}" for number in range(count)) + "}"


COSTLY = {
    "490 pages of a project": _aliases(490, "projects(first: 1) {id}"),
    "330 times the user": _aliases(330, "user {id email}"),
    "330 fragments in a chain": (
        "{...F0} "
        + " ".join(f"fragment F{n} on Query {{...F{n + 1}}}" for n in range(330))
        + " fragment F330 on Query {user {id}}"
    ),
    "a tree of fragments": (
        "{projects {...F}} fragment F on Project {"
        + " ".join(f"a{n}: labels {{id dataRow {{id}}}}" for n in range(90))
        + "}"
    ),
    "490 times the same field": "{" + "user {id} " * 490 + "}",
}
"""What held the event loop for 0.7 to 1.3 s each before documents were counted, measured and run beside it."""
