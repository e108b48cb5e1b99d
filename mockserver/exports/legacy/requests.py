"""The requests of Export V1, and the labels and data rows that they select (wire.md §3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from mockserver.conversion import convert, decode
from mockserver.errors import MalformedRequest
from mockserver.exports.selection import parse_date_term
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import match_rows_with_status, match_subquery
from mockserver.world.record import JsonText, Record
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.labels import ProjectRow, WorkflowStatus
from mockserver.world.records.models import ModelRun, ModelRunRow
from mockserver.world.records.projects import Batch, Project

LIVE = Clause("NOT dr.deleted")


class DateRange(msgspec.Struct, frozen=True, omit_defaults=True):
    """Two dates as text: `YYYY-MM-DD`, `YYYY-MM-DD hh:mm:ss` or ISO 8601, in UTC unless it says otherwise (inferred). A
    day lasts until its end. An empty date sets no limit."""

    start: str | None = None
    end: str | None = None

    def condition(self, column: str, name: str) -> Clause:
        """Raises MalformedRequest."""
        condition = EVERYTHING
        if self.start:
            low, _ = _parse_bound(name, "GREATER_THAN_OR_EQUAL", self.start)
            condition &= Clause(f"{column} >= :low", low=low)
        if self.end:
            _, high = _parse_bound(name, "LESS_THAN_OR_EQUAL", self.end)
            condition &= Clause(f"{column} < :high", high=high)
        return condition


def _parse_bound(name: str, operator: str, text: str) -> tuple[int, int]:
    return parse_date_term({"type": name, "value": {"operator": operator, "value": text}})


class LabelsRequest(msgspec.Struct, frozen=True, tag="labels", omit_defaults=True):
    """The labels of a project, skipped ones too."""

    IS_ARRAY: ClassVar[bool] = True
    project: str
    created: DateRange = DateRange()
    active: DateRange = DateRange()

    def condition(self, connection: Connection) -> Clause:
        """On labels `l` and their data rows `dr`. Raises MalformedRequest."""
        _check(connection, Project, self.project)
        own = Clause("l.project_id = :id AND NOT l.deleted", id=self.project) & LIVE
        created = self.created.condition("l.created_at", "labelCreatedAt")
        return own & created & self.active.condition("dr.last_activity_at", "lastActivityAt")


class QueuedRowsRequest(msgspec.Struct, frozen=True, tag="queued", omit_defaults=True):
    """The data rows of a project that wait to be labelled (inferred from the SDK's words: enqueued)."""

    IS_ARRAY: ClassVar[bool] = False
    project: str
    metadata: bool = False

    def condition(self, connection: Connection) -> Clause:
        """On data rows `dr`. Raises MalformedRequest."""
        _check(connection, Project, self.project)
        return LIVE & match_rows_with_status(self.project, WorkflowStatus.TO_LABEL)


class DatasetRowsRequest(msgspec.Struct, frozen=True, tag="dataset", omit_defaults=True):
    IS_ARRAY: ClassVar[bool] = False
    dataset: str
    metadata: bool = False

    def condition(self, connection: Connection) -> Clause:
        """On data rows `dr`. Raises MalformedRequest."""
        _check(connection, Dataset, self.dataset)
        return LIVE & Clause("dr.dataset_id = :id", id=self.dataset)


class BatchRowsRequest(msgspec.Struct, frozen=True, tag="batch", omit_defaults=True):
    IS_ARRAY: ClassVar[bool] = False
    batch: str
    metadata: bool = False

    def condition(self, connection: Connection) -> Clause:
        """On data rows `dr`. Raises MalformedRequest."""
        _check(connection, Batch, self.batch)
        return LIVE & match_subquery("dr.no", ProjectRow, "data_row_no", Clause("batch_id = :id", id=self.batch))


class ModelRunLabelsRequest(msgspec.Struct, frozen=True, tag="model_run", omit_defaults=True):
    """The labels that are in a model run, skipped ones too."""

    IS_ARRAY: ClassVar[bool] = False
    model_run: str

    def condition(self, connection: Connection) -> Clause:
        """On labels `l` and their data rows `dr`. Raises MalformedRequest."""
        _check(connection, ModelRun, self.model_run)
        of_run = Clause("model_run_id = :id", id=self.model_run)
        return match_subquery("l.id", ModelRunRow, "label_id", of_run) & Clause("NOT l.deleted") & LIVE


RowsRequest = QueuedRowsRequest | DatasetRowsRequest | BatchRowsRequest
LegacyRequest = LabelsRequest | ModelRunLabelsRequest | RowsRequest
"""A request for a file: one JSON array where `IS_ARRAY`, else NDJSON (SDK project.py 3.52.0:403, model_run.py,
dataset.py)."""


def _check(connection: Connection, kind: type[Record], record_id: str) -> None:
    """Raises MalformedRequest and not NotFound: SDKs make None of that and die with a TypeError (wire trap 6)."""
    connection.one_by_id(kind, record_id, error=MalformedRequest)


def parse_labels_request(data: Mapping[str, Any]) -> LabelsRequest:
    """The input of `exportLabels`, already checked against the schema. SDKs may send `labelCreatedAt: {}`."""
    filters = data.get("filters") or {}
    created, active = filters.get("labelCreatedAt") or {}, filters.get("lastActivityAt") or {}
    return LabelsRequest(data["projectId"], convert(created, DateRange), convert(active, DateRange))


def encode_request(request: LegacyRequest, *, characters: str) -> JsonText:
    """Encodes equal requests for files in the same characters as equal texts."""
    return JsonText(msgspec.json.encode(msgspec.to_builtins(request) | {"characters": characters}).decode())


def decode_request(text: str) -> LegacyRequest:
    """Decodes the text that `encode_request` returned."""
    request: LegacyRequest = decode(text, LegacyRequest)
    return request
