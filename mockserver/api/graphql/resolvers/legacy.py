"""Export V1: mutations that clients repeat until they are given a URL (wire.md §3.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.resolvers.exports import PATIENCE
from mockserver.errors import Conflict
from mockserver.exports.legacy.requests import (
    BatchRowsRequest,
    DatasetRowsRequest,
    LegacyRequest,
    ModelRunLabelsRequest,
    QueuedRowsRequest,
    parse_labels_request,
)
from mockserver.http.threads import call_off_loop
from mockserver.links import RESULT_DAYS, good_until
from mockserver.world.clock import SECOND
from mockserver.world.records.projects import Project
from mockserver.world.records.tasks import TaskStatus

Data = Mapping[str, Any]


class LegacyExport(msgspec.Struct, frozen=True):
    """`should_poll` says of labels what `status` says of data rows; the URL is null until it is COMPLETE. `created_at`
    is a whole second (observed 2020-07)."""

    download_url: str | None
    created_at: int
    should_poll: bool
    status: str


def add_to(fields: Fields) -> None:
    fields.add_attributes("LegacyExport", LegacyExport, "downloadUrl createdAt shouldPoll status")
    fields.add("Mutation", "exportLabels", export_labels)
    fields.add("Mutation", "exportQueuedDataRows", export_queued_data_rows)
    fields.add("Mutation", "exportDatasetDataRows", export_dataset_data_rows)
    fields.add("Mutation", "exportBatchDataRows", export_batch_data_rows)
    fields.add("Mutation", "exportModelRunAnnotations", export_model_run_annotations)
    fields.add("Project", "issueExportUrl", build_issue_export_url)


async def export_labels(_source: Any, call: Call, data: Data) -> LegacyExport:
    return await _poll(call, parse_labels_request(data))


async def export_queued_data_rows(_source: Any, call: Call, data: Data) -> LegacyExport:
    return await _poll(call, QueuedRowsRequest(data["projectId"], _wants_metadata(data)))


async def export_dataset_data_rows(_source: Any, call: Call, data: Data) -> LegacyExport:
    return await _poll(call, DatasetRowsRequest(data["datasetId"], _wants_metadata(data)))


async def export_batch_data_rows(_source: Any, call: Call, data: Data) -> LegacyExport:
    return await _poll(call, BatchRowsRequest(data["batchId"], _wants_metadata(data)))


async def export_model_run_annotations(_source: Any, call: Call, data: Data) -> LegacyExport:
    return await _poll(call, ModelRunLabelsRequest(data["modelRunId"]))


def _wants_metadata(data: Data) -> bool:
    """SDKs before 3.28 do not send it."""
    return bool(data.get("includeMetadataInput"))


async def _poll(call: Call, question: LegacyRequest) -> LegacyExport:
    """Polls the file of a request. The answer waits for a small file, because another poll costs two seconds.

    Raises Conflict with the reason when it failed: `status` FAILED, which data rows have, could not tell it, and the
    next question makes a new file.
    """
    legacy, remote = call.workspace.legacy, call.workspace.results.remote
    file, future = await call_off_loop(remote, legacy.find_or_start, question, base_url=call.base_url)
    if future is not None:
        await asyncio.wait([asyncio.wrap_future(future)], timeout=PATIENCE)
    file = legacy.poll(file.id)
    if file.status == TaskStatus.FAILED:
        raise Conflict(file.failure or "The export failed")
    done = file.status == TaskStatus.COMPLETE
    asked_at = file.created_at // SECOND * SECOND
    return LegacyExport(legacy.url(file) if done else None, asked_at, should_poll=not done, status=file.status)


def build_issue_export_url(source: Project, call: Call, where: Data | None = None) -> str:
    """Its query begins with the status, where the SDK's tests look for it. It lives 14 days (inferred)."""
    expires = good_until(call.store.clock.now(), RESULT_DAYS)
    return call.base_url + call.workspace.links.issues(source.id, (where or {}).get("status"), expires=expires)
