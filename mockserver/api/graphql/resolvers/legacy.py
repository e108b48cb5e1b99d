"""Export V1: mutations that clients repeat until they are given a URL (wire.md §3.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import call_of
from mockserver.api.graphql.resolvers.exports import PATIENCE
from mockserver.api.graphql.resolvers.fields import Fields
from mockserver.errors import Conflict
from mockserver.exports.legacy.requests import (
    BatchRowsRequest,
    DatasetRowsRequest,
    LegacyRequest,
    ModelRunLabelsRequest,
    QueuedRowsRequest,
    parse_labels_request,
)
from mockserver.links import RESULT_DAYS, good_until
from mockserver.world.clock import SECOND
from mockserver.world.projects import Project
from mockserver.world.tasks import TaskStatus

Data = Mapping[str, Any]


class LegacyExport(msgspec.Struct, frozen=True):
    """`should_poll` says of labels what `status` says of data rows; the URL is null until it is COMPLETE. `created_at`
    is a whole second (observed 2020-07)."""

    download_url: str | None
    created_at: int
    should_poll: bool
    status: str


def add_to(fields: Fields) -> None:
    fields.attributes("LegacyExport", LegacyExport, "downloadUrl createdAt shouldPoll status")
    fields.add(
        Mutation_exportLabels=export_labels,
        Mutation_exportQueuedDataRows=export_queued_data_rows,
        Mutation_exportDatasetDataRows=export_dataset_data_rows,
        Mutation_exportBatchDataRows=export_batch_data_rows,
        Mutation_exportModelRunAnnotations=export_model_run_annotations,
        Project_issueExportUrl=issue_export_url,
    )


async def export_labels(_source: Any, info: Any, data: Data) -> LegacyExport:
    return await _asked(info, parse_labels_request(data))


async def export_queued_data_rows(_source: Any, info: Any, data: Data) -> LegacyExport:
    return await _asked(info, QueuedRowsRequest(data["projectId"], _metadata(data)))


async def export_dataset_data_rows(_source: Any, info: Any, data: Data) -> LegacyExport:
    return await _asked(info, DatasetRowsRequest(data["datasetId"], _metadata(data)))


async def export_batch_data_rows(_source: Any, info: Any, data: Data) -> LegacyExport:
    return await _asked(info, BatchRowsRequest(data["batchId"], _metadata(data)))


async def export_model_run_annotations(_source: Any, info: Any, data: Data) -> LegacyExport:
    return await _asked(info, ModelRunLabelsRequest(data["modelRunId"]))


def _metadata(data: Data) -> bool:
    """SDKs before 3.28 do not send it."""
    return bool(data.get("includeMetadataInput"))


async def _asked(info: Any, question: LegacyRequest) -> LegacyExport:
    """What is shown of the question's file. A small one is waited for: a poll costs two seconds.

    Raises Conflict with the reason when it failed: `status` FAILED, which data rows have, could not tell it, and the
    next question makes a new file.
    """
    call = call_of(info)
    legacy = call.workspace.legacy
    file, future = legacy.asked(question, base_url=call.base_url)
    if future is not None:
        await asyncio.wait([asyncio.wrap_future(future)], timeout=PATIENCE)
    file = legacy.looked_at(file.id)
    if file.status == TaskStatus.FAILED:
        raise Conflict(file.failure or "The export failed")
    done = file.status == TaskStatus.COMPLETE
    asked_at = file.created_at // SECOND * SECOND
    return LegacyExport(legacy.url(file) if done else None, asked_at, should_poll=not done, status=file.status)


def issue_export_url(source: Project, info: Any, where: Data | None = None) -> str:
    """Its query begins with the status, where the SDK's tests look for it. It lives 14 days (inferred)."""
    call = call_of(info)
    expires = good_until(call.store.clock.now(), RESULT_DAYS)
    return call.base_url + call.workspace.links.issues(source.id, (where or {}).get("status"), expires=expires)
