"""The GraphQL documents and inputs that the clients of the benchmarks send."""

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
    """The mutation's input: a streamable export with no section or with all sections."""
    params = dict.fromkeys(documents.PARAMS, sections) | {"embeddings": embeddings}
    export = documents.export_project_input(project_id, params, {}, None)
    return {**export, "isStreamableReady": True, "streamable": True}


def _repeat(count: int, field: str) -> str:
    return "{" + " ".join(f"a{number}: {field}" for number in range(count)) + "}"


COSTLY = {
    "490 pages of a project": _repeat(490, "projects(first: 1) {id}"),
    "330 times the user": _repeat(330, "user {id email}"),
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
"""Documents that blocked the event loop for 0.7 to 1.3 s each before their size was bounded and threads ran them."""
