"""Uploads and imports of data rows, as clients send them."""

import json
from typing import Any

import requests

from contract_tests.rules.api.asking import LONG_PATIENCE, answer_in, ask_in
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockWorkspace

World = MockWorkspace | ServedWorld

UPLOAD = "mutation($file: Upload!, $contentLength: Int!) {uploadFile(file: $file, contentLength: $contentLength) {url}}"
UPSERT = (
    "mutation UpsertDataRowsPyApi($manifestUri: String!) {upsertDataRows(data: {manifestUri: $manifestUri})"
    " {id name status type result errors metadata completionPercentage createdAt updatedAt}}"
)
SUCCESSES = (
    "query($taskId: ID!, $first: Int, $from: String) {successesfulDataRowImports(data:"
    " {taskId: $taskId, first: $first, from: $from}) {nodes {id externalId globalKey rowData} after total}}"
)
FAILURES = (
    "query($taskId: ID!, $first: Int, $from: String) {failedDataRowImports(data:"
    " {taskId: $taskId, first: $first, from: $from}) {after total results {message spec {externalId globalKey rowData"
    " metadata {schemaId value name} attachments {type value name}}}}}"
)


def upload(workspace: World, content: bytes, name: str = "1") -> str:
    """The URL of an uploaded file."""
    operations = {"query": UPLOAD, "variables": {"file": None, "contentLength": len(content)}}
    files: dict[str, tuple[str | None, str | bytes]] = {
        "operations": (None, json.dumps(operations)),
        "map": (None, '{"1": ["variables.file"]}'),
        "1": (name, content),
    }
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    answer = requests.post(workspace.graphql_url, files=files, headers=headers, timeout=LONG_PATIENCE).json()
    assert "errors" not in answer, answer
    return str(answer["data"]["uploadFile"]["url"])


def create_dataset(workspace: World, name: str = "imported") -> str:
    document = "mutation($name: String!) {createDataset(data: {name: $name}) {id}}"
    return str(ask_in(workspace, document, name=name)["createDataset"]["id"])


def upload_manifest(workspace: World, *chunks: list[Any], **more: object) -> str:
    """The URL of a manifest of these chunks."""
    urls = [upload(workspace, json.dumps(chunk).encode(), "json_import.json") for chunk in chunks]
    manifest = {"source": "SDK", "item_count": sum(map(len, chunks)), "chunk_uris": urls} | more
    return upload(workspace, json.dumps(manifest).encode(), "manifest.json")


def upsert(workspace: World, *chunks: list[Any], **more: object) -> Any:
    """The task of an import of items."""
    manifest = upload_manifest(workspace, *chunks, **more)
    return ask_in(workspace, UPSERT, manifestUri=manifest)["upsertDataRows"]


def import_items(workspace: World, *chunks: list[Any], **more: object) -> Any:
    """The task of an import of items, once it has ended: the answer to its mutation waits for a moment only."""
    return wait_for_task(workspace, upsert(workspace, *chunks, **more)["id"])


def write_item(dataset: str, key: str = "AUTO", value: str = "", **payload: object) -> dict[str, Any]:
    return {"id": {"type": key, "value": value}, "payload": {"dataset_id": dataset} | payload}


def import_rows(workspace: World, dataset: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The data rows that an import of these has created, in their order."""
    task = import_items(workspace, [write_item(dataset, **row) for row in rows])
    assert task["status"] == "COMPLETE", task
    assert list_failures(workspace, task["id"]) == []
    return list_successes(workspace, task["id"])


def wait_for_task(workspace: World, task_id: str) -> Any:
    """The task, once it has ended."""
    document = "query($id: ID!) {task(where: {id: $id}) {id name status type result errors metadata}}"
    return wait_for(
        lambda: ask_in(workspace, document, id=task_id)["task"], lambda task: task["status"] != "IN_PROGRESS"
    )


def list_successes(workspace: World, task_id: str) -> list[dict[str, Any]]:
    return list(ask_in(workspace, SUCCESSES, taskId=task_id)["successesfulDataRowImports"]["nodes"])


def list_failures(workspace: World, task_id: str) -> list[dict[str, Any]]:
    return list(ask_in(workspace, FAILURES, taskId=task_id)["failedDataRowImports"]["results"])


def refuse(workspace: World, document: str, **variables: object) -> str:
    """The message of a request that is refused."""
    [error] = answer_in(workspace, document, **variables)["errors"]
    assert error["extensions"]["code"] != "MOCKSERVER_BUG"
    return str(error["message"])
