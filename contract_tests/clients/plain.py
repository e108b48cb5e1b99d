"""Exports by a client without the SDK: the SDK's documents, over any way to POST and GET."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from contract_tests.clients import documents
from contract_tests.clients.conversation import Answer, ServiceError

DONE_WITHIN_SECONDS = 60.0


class Transport(Protocol):
    def post_json(self, url: str, body: object, headers: dict[str, str]) -> Any:
        """The answer's JSON, whatever its status: GraphQL's errors are in the body."""

    def download(self, url: str, headers: dict[str, str]) -> bytes:
        """The body, redirects followed; a status of 400 or more raises."""


@dataclass(frozen=True)
class Service:
    """The service as one API key sees it."""

    transport: Transport
    graphql_url: str
    rest_url: str
    api_key: str

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}

    def ask(self, document: str, variables: object = None) -> Any:
        """An answer's `data`. Data beside errors is thrown away, as the SDK does."""
        body = {"query": document, "variables": variables}
        answer = self.transport.post_json(self.graphql_url, body, self.authorization)
        for error in answer.get("errors", []):
            raise ServiceError(error["extensions"]["code"], error["message"])
        return answer["data"]


def operations(transport: Transport) -> dict[str, Callable[..., Answer]]:
    """The operations that a client on this transport offers."""

    def bind(operation: Callable[..., Answer]) -> Callable[..., Answer]:
        def call(*, graphql_url: str, rest_url: str, api_key: str, **arguments: Any) -> Answer:
            return operation(Service(transport, graphql_url, rest_url, api_key), **arguments)

        return call

    return {
        "export_project": bind(export_project),
        "export_catalog": bind(export_catalog),
        "export_slice": bind(export_slice),
        "export_model_run": bind(export_model_run),
    }


@dataclass(frozen=True)
class Mutations:
    """A document for each scope."""

    project: str
    catalog: str
    slice: str
    model_run: str


@dataclass(frozen=True)
class Way:
    """How the export is requested, and how one of its two streams is read."""

    mutations: Mutations
    streams: dict[str, bool]
    read: Callable[[Service, Answer, str], bytes]


def export_project(
    service: Service, *, way: str, project_id: str, params: Answer, filters: Answer, task_name: str | None
) -> Answer:
    if service.ask(documents.GET_PROJECT, {"param_0": project_id})["project"] is None:
        raise ServiceError("RESOURCE_NOT_FOUND", f"There is no project {project_id}")
    chosen = WAYS[way]
    export = documents.export_project_input(project_id, params, filters, task_name) | chosen.streams
    return read_export(
        service, chosen, service.ask(chosen.mutations.project, {"input": export})["exportDataRowsInProject"]
    )


def export_catalog(
    service: Service,
    *,
    way: str,
    dataset_id: str | None,
    data_row_ids: list[str] | None,
    params: Answer,
    filters: Answer,
) -> Answer:
    chosen = WAYS[way]
    export = documents.export_catalog_input(dataset_id, data_row_ids, params, filters) | chosen.streams
    return read_export(
        service, chosen, service.ask(chosen.mutations.catalog, {"input": export})["exportDataRowsInCatalog"]
    )


def export_slice(service: Service, *, way: str, slice_id: str, params: Answer) -> Answer:
    chosen = WAYS[way]
    export = documents.export_slice_input(slice_id, params) | chosen.streams
    return read_export(service, chosen, service.ask(chosen.mutations.slice, {"input": export})["exportDataRowsInSlice"])


def export_model_run(service: Service, *, way: str, model_run_id: str, params: Answer) -> Answer:
    chosen = WAYS[way]
    export = documents.export_model_run_input(model_run_id, params) | chosen.streams
    created = service.ask(chosen.mutations.model_run, {"input": export})["exportDataRowsInModelRun"]
    return read_export(service, chosen, created)


def read_export(service: Service, chosen: Way, created: Answer) -> Answer:
    task = wait_for_task(service, created["taskId"])
    rows = lines_of(chosen.read(service, task, "RESULT"))
    errors = lines_of(chosen.read(service, task, "ERRORS")) or None
    return {"rows": rows, "errors": errors, "task_id": task["id"], "task": facts_of(task)}


def wait_for_task(service: Service, task_id: str) -> Answer:
    deadline = time.monotonic() + DONE_WITHIN_SECONDS
    user = service.ask(documents.GET_USER, {})["user"]
    while True:
        variables = {"param_0": task_id, "param_1": user["id"]}
        [task] = service.ask(documents.GET_TASK, variables)["user"]["createdTasks"]
        if task["status"] == "COMPLETE":
            return dict(task)
        if task["status"] != "IN_PROGRESS" or time.monotonic() > deadline:
            raise ServiceError("TASK_NOT_COMPLETE", f"Task {task_id} is {task['status']}")
        time.sleep(0.05)


def lines_of(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.split(b"\n") if line]


def facts_of(task: Answer) -> Answer:
    return {
        "id": task["id"],
        "name": task["name"],
        "status": task["status"],
        "type": task["type"],
        "completion_percentage": task["completionPercentage"],
        "created_at": task["createdAt"],
    }


def read_by_offset(service: Service, task: Answer, stream: str) -> bytes:
    def chunks() -> Iterator[bytes]:
        offset = 0
        while offset < size:
            variables = stream_of(task, stream) | {"offset": str(offset)}
            file = service.ask(documents.GET_FILE_AT_OFFSET, variables)["task"]["exportFileFromOffset"]
            yield chunk_of(service, file)
            offset = int(file["offsets"]["end"]) + 1

    size = stream_header(service, task, stream)["totalSize"]
    return b"".join(chunks())


def read_by_line(service: Service, task: Answer, stream: str) -> bytes:
    def chunks() -> Iterator[bytes]:
        line = 0
        while line < count:
            variables = stream_of(task, stream) | {"line": line}
            file = service.ask(documents.GET_FILE_AT_LINE, variables)["task"]["exportFileFromLine"]
            yield chunk_of(service, file)
            line = int(file["lines"]["end"]) + 1

    count = stream_header(service, task, stream)["totalLines"]
    return b"".join(chunks())


def stream_of(task: Answer, stream: str) -> Answer:
    return {"where": {"id": task["id"]}, "streamType": stream}


def stream_header(service: Service, task: Answer, stream: str) -> dict[str, int]:
    """No header means that nothing was written to that stream."""
    answer = service.ask(documents.GET_STREAM_HEADER, stream_of(task, stream))
    header = answer["task"]["exportMetadataHeader"] or {"totalSize": 0, "totalLines": 0}
    return {name: int(value) for name, value in header.items()}


def chunk_of(service: Service, file: Answer) -> bytes:
    body = service.transport.download(file["file"], {})
    expected = int(file["offsets"]["end"]) - int(file["offsets"]["start"]) + 1
    assert len(body) == expected, f"expected {expected} bytes, got {len(body)} bytes"
    return body


def read_task_urls(service: Service, task: Answer, stream: str) -> bytes:
    url = task["result"] if stream == "RESULT" else task["errors"]
    return service.transport.download(url, {}) if url else b""


def read_rest(service: Service, task: Answer, stream: str) -> bytes:
    """The links that `export_v2` tasks carry. There is one to errors only where there are errors."""
    if stream == "ERRORS" and not stream_header(service, task, stream)["totalSize"]:
        return b""
    route = "export-results" if stream == "RESULT" else "export-errors"
    organization = service.ask(documents.GET_ORGANIZATION, {})["organization"]
    url = f"{service.rest_url}/{route}/{task['id']}/{organization['id']}"
    return service.transport.download(url, service.authorization)


STREAMED = {"isStreamableReady": True, "streamable": True}
LISTED = {"isStreamableReady": True, "streamable": False}

NOW = Mutations(documents.EXPORT_PROJECT, documents.EXPORT_CATALOG, documents.EXPORT_SLICE, documents.EXPORT_MODEL_RUN)
BEFORE_STREAMS = Mutations(
    documents.EXPORT_PROJECT_BEFORE_STREAMS,
    documents.EXPORT_CATALOG_BEFORE_STREAMS,
    documents.EXPORT_SLICE_BEFORE_STREAMS,
    documents.EXPORT_MODEL_RUN_BEFORE_STREAMS,
)

WAYS = {
    "streamable": Way(NOW, STREAMED, read_by_offset),
    "by_line": Way(NOW, STREAMED, read_by_line),
    "result_url": Way(BEFORE_STREAMS, {}, read_task_urls),
    "rest": Way(NOW, LISTED, read_rest),
}
