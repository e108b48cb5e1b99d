"""Imports of annotations, as clients send them."""

import json
from typing import Any

import requests

from contract_tests.rules.api.asking import LONG_PATIENCE, answer_in
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

Lines = list[dict[str, Any]]
SHOWN = "id name state progress inputFileUrl errorFileUrl statusFileUrl"
MUTATIONS = {
    "labels": ("createLabelImport", "AnnotationImportInput", "projectId"),
    "pre-labels": ("createModelAssistedLabelingPredictionImport", "AnnotationImportInput", "projectId"),
    "bulk": ("createBulkImportRequest", "AnnotationImportInput", "projectId"),
    "predictions": ("createModelErrorAnalysisPredictionImport", "PredictionImportInput", "modelRunId"),
}


def encode_lines(lines: Lines) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def send_file(workspace: MockWorkspace | ServedWorld, kind: str, parent_id: str, name: str, content: bytes) -> Any:
    """The whole answer to an import of a file."""
    mutation, _, parent = MUTATIONS[kind]
    query = (
        f"mutation createImportByFilePyApi($parent: ID!, $name: String!, $file: Upload!, $contentLength: Int!) {{"
        f"{mutation}(data: {{{parent}: $parent name: $name"
        f" filePayload: {{file: $file, contentLength: $contentLength}}}}) {{{SHOWN}}}}}"
    )
    # SDKs count three bytes too many (wire trap 18).
    variables = {"parent": parent_id, "name": name, "file": None, "contentLength": len(content) + 3}
    files: dict[str, Any] = {
        "operations": (None, json.dumps({"variables": variables, "query": query})),
        "map": (None, json.dumps({"1": ["variables.file"]})),
        "1": (f"{parent_id}__{name}.ndjson", content, "application/x-ndjson"),
    }
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    return requests.post(workspace.graphql_url, files=files, headers=headers, timeout=LONG_PATIENCE).json()


def import_lines(workspace: MockWorkspace, kind: str, parent_id: str, name: str, lines: Lines) -> Any:
    """The import of annotations, as the mutation answers it."""
    answer = send_file(workspace, kind, parent_id, name, encode_lines(lines))
    assert "errors" not in answer, answer
    return answer["data"][MUTATIONS[kind][0]]


def import_url(workspace: MockWorkspace, kind: str, parent_id: str, name: str, url: str) -> Any:
    mutation, _, parent = MUTATIONS[kind]
    query = (
        f"mutation($parent: ID!, $name: String!, $url: String!)"
        f" {{{mutation}(data: {{{parent}: $parent name: $name fileUrl: $url}}) {{{SHOWN}}}}}"
    )
    return answer_in(workspace, query, parent=parent_id, name=name, url=url)["data"][mutation]


def read_lines(url: str) -> Lines:
    """The lines of a file of an import, which opens without a key."""
    response = requests.get(url, timeout=LONG_PATIENCE)
    response.raise_for_status()
    assert response.text.isascii()
    return [json.loads(line) for line in response.text.splitlines()]


def list_statuses(record: Any) -> list[tuple[str, str]]:
    """The status of each line, and the words of its error."""
    statuses = read_lines(record["statusFileUrl"])
    failures = [status for status in statuses if status["status"] == "FAILURE"]
    assert read_lines(record["errorFileUrl"]) == failures
    return [(status["status"], "".join(error["message"] for error in status["errors"])) for status in statuses]
