"""Renders the bodies of messages, with the state of the world inside the change of their events. Raw UTF-8.

A V1 body describes a label, whose annotations are a text of JSON within the JSON (a receiver in the wild reads `id`,
`label`, `dataRow.id` and `project.id`: Diffgram's labelbox_connector.py). A V2 body is the row of an export at the same
time. The further keys and sections are not documented; these are inferred.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.request import ExportParams
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import Scope
from mockserver.links import Links
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.sources import PROJECT_ROWS
from mockserver.world.records.events import Event
from mockserver.world.records.projects import Project

SECTIONS = ExportParams(include_label_details=True, include_project_details=True, include_performance_details=True)
"""The sections of a V2 body (inferred: the page shows the row and names no params)."""

BATCH = 1000
"""Data rows of one project that are read together."""


class Payloads:
    """Renders the bodies for the events of one change. A row of several events is rendered once."""

    def __init__(self, connection: Connection, *, links: Links, host: str, now: int) -> None:
        self._connection, self._links, self._host, self._now = connection, links, host, now
        self._rows: dict[tuple[str, str], bytes] = {}
        self._elements: dict[str, dict[str, Any]] = {}
        self._legacy: LabelElements | None = None

    def prepare(self, events: Iterable[Event]) -> None:
        """Reads the rows for V2 bodies of these events in batches."""
        row_ids: dict[str, dict[str, None]] = {}
        for event in events:
            if event.project_id is not None and event.data_row_id is not None:
                row_ids.setdefault(event.project_id, {})[event.data_row_id] = None
        for project_id, ids in row_ids.items():
            missing = [row for row in ids if (project_id, row) not in self._rows]
            for start in range(0, len(missing), BATCH):
                self._read(project_id, missing[start : start + BATCH])

    def body(self, event: Event, version: str) -> bytes | None:
        """The body in the form of `version`, or None if its label or data row is missing."""
        return self.v1(event) if version == "v1" else self.v2(event)

    def v1(self, event: Event) -> bytes | None:
        """The body about the event's label, even a deleted one; None if the event has no label."""
        if event.label_id is None:
            return None
        element = self._elements.get(event.label_id) or self._read_label(event.label_id)
        return encode_compactly(
            {
                "id": event.label_id,
                "label": orjson.dumps(element["Label"]).decode(),
                "dataRow": {"id": element["DataRow ID"]},
                "project": {"id": event.project_id},
                "createdBy": element["Created By"],
                "createdAt": element["Created At"],
                "updatedAt": element["Updated At"],
                "secondsToLabel": element["Seconds to Label"],
                "skipped": element["Skipped"],
                "reviews": element["Reviews"],
            }
        )

    def _read_label(self, label_id: str) -> dict[str, Any]:
        self._legacy = self._legacy or LabelElements(
            self._connection, links=self._links, host=self._host, now=self._now
        )
        self._elements[label_id] = element = self._legacy.one(label_id)
        return element

    def v2(self, event: Event) -> bytes | None:
        """An export's row in raw UTF-8, or None if the data row is no longer in any export."""
        self.prepare([event])
        return self._rows.get((event.project_id or "", event.data_row_id or ""))

    def _read(self, project_id: str, data_row_ids: list[str]) -> None:
        project = self._connection.find(Project, Clause("id = :id AND NOT deleted", id=project_id))
        if project is None:
            return
        rows_of_project = Clause("pr.project_id = :project AND NOT dr.deleted", project=project_id)
        scope = Scope(
            PROJECT_ROWS,
            rows_of_project & Clause("dr.id IN :ids", ids=data_row_ids),
            {project.id: project},
            project,
        )
        # A message belongs to no export task; the URL of a mask has the project's id in its place.
        rows = ExportRows(
            self._connection,
            scope,
            SECTIONS,
            links=self._links,
            host=self._host,
            task_id=project.id,
            now=self._now,
        )
        for batch in rows.render_batches():
            for line in batch.text.splitlines():
                row = orjson.loads(line)
                self._rows[project_id, row["data_row"]["id"]] = encode_compactly(row)


def encode_compactly(document: Any) -> bytes:
    """Encodes JSON, and copies it: the text that orjson writes keeps up to sixteen times the memory of a long value."""
    return bytes(memoryview(orjson.dumps(document)))
