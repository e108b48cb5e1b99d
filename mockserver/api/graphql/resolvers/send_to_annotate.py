"""Data rows that are sent to a project with annotations, from the catalog or from a model run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.resolvers.batches import check_name
from mockserver.api.graphql.resolvers.waiting import wait_for
from mockserver.errors import BadInput, MalformedRequest
from mockserver.jobs.send_to_annotate import SendRequest, SendToAnnotate, Source
from mockserver.world.changes.batches import DEFAULT_PRIORITY
from mockserver.world.records.tasks import SEND_TO_ANNOTATE

KEEP_EXISTING, OVERRIDE_WITH_PREDICTIONS = "KEEP_EXISTING", "OVERRIDE_WITH_PREDICTIONS"

Data = Mapping[str, Any]


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "sendToAnnotateFromCatalog", send_from_catalog)
    fields.add("Mutation", "sendToAnnotateFromMea", send_from_model_run)


async def send_from_catalog(_source: Any, call: Call, input: Data) -> str:
    """Starts sending data rows. The task is FAILED when the batch exists, or when no data row matches."""
    query = input["searchQuery"]
    return await _start(call, input, query.get("query") if isinstance(query, dict) else query)


async def send_from_model_run(_source: Any, call: Call, input: Data) -> str:
    """Starts sending data rows of a run. Its `searchQuery` is the list of terms (SDK model_run.py)."""
    return await _start(call, input, input["searchQuery"], within_run=input["sourceModelRunId"])


async def _start(call: Call, data: Data, terms: Any, within_run: str | None = None) -> str:
    request = read_request(data, terms, within_run)
    work = SendToAnnotate(call.store, request)
    with call.read() as connection:
        work.check(connection)
    task, future = call.workspace.jobs.start(
        work.run, type=SEND_TO_ANNOTATE, name=request.batch_name, base_url=call.base_url
    )
    await wait_for([future])
    return task.id


def read_request(data: Data, terms: Any, within_run: str | None) -> SendRequest:
    """Raises BadInput, MalformedRequest."""
    if not isinstance(terms, list) or not all(isinstance(term, dict) for term in terms):
        raise MalformedRequest(
            f"searchQuery is {str(terms)[:200]}; expected terms like"
            ' {"type": "data_row_id", "operator": "is", "ids": […]}'
        )
    queue, batch, limit = data["destinationTaskQueue"], data["batchInput"], data.get("limit")
    if queue["type"] not in {"id", "done"} or (queue["type"] == "id") != (queue.get("value") is not None):
        raise BadInput(
            f'destinationTaskQueue is {dict(queue)}; expected {{type: "id", value: "…"}} or {{type: "done"}}'
        )
    if limit is not None and limit < 1:
        raise BadInput(f"limit is {limit}; expected 1 or more, or null")
    strategy = data.get("conflictLabelsResolutionStrategy") or KEEP_EXISTING
    sources = [source for source in (_read_labels(data), _read_predictions(data)) if source is not None]
    return SendRequest(
        project_id=data["destinationProjectId"],
        batch_name=check_name(batch["batchName"]),
        priority=DEFAULT_PRIORITY if batch.get("batchPriority") is None else batch["batchPriority"],
        queue_id=queue.get("value"),
        terms=terms,
        limit=limit,
        excludes_known=bool(data.get("excludeDataRowsInProject")),
        sources=sources[::-1] if strategy == OVERRIDE_WITH_PREDICTIONS else sources,
        overrides=strategy != KEEP_EXISTING,
        within_run=within_run,
    )


def _read_labels(data: Data) -> Source | None:
    sent = data.get("annotationsInput")
    return None if sent is None else Source(_read_mapping(sent), project_id=sent["projectId"])


def _read_predictions(data: Data) -> Source | None:
    sent = data.get("predictionsInput")
    if sent is None:
        return None
    lowest = 0.0 if sent.get("minConfidence") is None else sent["minConfidence"]
    highest = 1.0 if sent.get("maxConfidence") is None else sent["maxConfidence"]
    return Source(_read_mapping(sent), model_run_id=sent["modelRunId"], confidence=(lowest, highest))


def _read_mapping(sent: Data) -> dict[str, str]:
    """Raises BadInput."""
    mapping = sent.get("featureSchemaIdsMapping") or {}
    if not isinstance(mapping, dict) or not all(isinstance(value, str) for value in mapping.values()):
        raise BadInput(f"featureSchemaIdsMapping is {str(mapping)[:200]}; expected an object of ids by ids")
    return mapping
