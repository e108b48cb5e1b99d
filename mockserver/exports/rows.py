"""Export V2 rows of a project, piece by piece (shapes: payloads.md §1; what does not apply is absent, never null)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mockserver.exports.names import Names
from mockserver.exports.request import ExportParams
from mockserver.exports.sections import Bodies, Sections
from mockserver.exports.text import ascii_json, moment
from mockserver.links import Links
from mockserver.world.database import Clause, Connection, Row, where
from mockserver.world.labels import HOST, TASK, WorkflowStatus
from mockserver.world.projects import Project

PIECE = 128
"""Rows read and written at a time, some 400 kB: enough to share the cost of a query, too few to hold memory."""

SPELLED = {
    WorkflowStatus.TO_LABEL: "TO_LABEL",
    WorkflowStatus.IN_REVIEW: "IN_REVIEW",
    WorkflowStatus.IN_REWORK: "IN_REWORK",
    WorkflowStatus.DONE: "DONE",
}
"""Rows spell a status other than filters do (IN_REVIEW: SDK test; DONE: sample; the rest inferred)."""

_COLUMNS = (
    "dr.no, dr.id, dr.global_key, dr.external_id, dr.row_data, dr.media_attributes, dr.dataset_id, dr.created_at,"
    " dr.updated_at, dr.last_activity_at, dr.created_by, pr.batch_id, pr.task_queue_id, pr.workflow_status,"
    " pr.priority, pr.expected_label_count, pr.selected_label_id"
)
_TABLES = "project_row pr JOIN data_row dr ON dr.no = pr.data_row_no"


class ProjectRows:
    """The rows of one project that meet a condition, as one snapshot shows them."""

    def __init__(
        self,
        connection: Connection,
        project: Project,
        condition: Clause,
        params: ExportParams,
        *,
        links: Links,
        host: str,
        task_id: str,
        now: int,
    ) -> None:
        self._connection, self._params = connection, params
        self._links, self._now = links, now
        self._host, self._task_id = host.encode(), task_id.encode()
        self._condition = where("pr.project_id = :project AND NOT dr.deleted", project=project.id) & condition
        self._names = Names(connection, project)
        self._bodies = Bodies(connection)

    def count(self) -> int:
        """How many rows there will be."""
        sql = f"SELECT count(*) FROM {_TABLES} WHERE {self._condition.sql}"
        return int(self._connection.value(sql, self._condition.params))

    def pieces(self) -> Iterator[bytes]:
        """NDJSON in whole lines, ASCII only, PIECE rows at a time, in the order in which rows were created."""
        sql = f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {self._condition.sql} ORDER BY pr.data_row_no"
        for rows in self._connection.pieces(sql, self._condition.params, PIECE):
            yield self._written(rows)

    def _written(self, rows: list[Row]) -> bytes:
        """Host and task id are filled in once for the whole piece."""
        numbers = [row[0] for row in rows]
        sections = Sections(self._connection, self._names, self._bodies, self._params, numbers)
        lines = [orjson.dumps(self._row(row, sections), option=orjson.OPT_APPEND_NEWLINE) for row in rows]
        piece = b"".join(lines).replace(HOST, self._host).replace(TASK, self._task_id)
        return ascii_json(piece)

    def _row(self, row: Row, sections: Sections) -> dict[str, Any]:
        number, params = row[0], self._params
        document: dict[str, Any] = {"data_row": self._data_row(row), "media_attributes": orjson.Fragment(row[5])}
        if params.include_attachments:
            document["attachments"] = sections.attachments[number]
        if params.include_metadata:
            document["metadata_fields"] = sections.metadata[number]
        if params.include_embeddings:
            document["embeddings"] = sections.embeddings[number]
        project = self._names.project
        block: dict[str, Any] = {"name": project.name, "labels": sections.labels[number], "project_tags": []}
        if params.include_project_details:
            block["project_details"] = self._project_details(row, sections)
        document["projects"] = {project.id: block}
        return document

    def _data_row(self, row: Row) -> dict[str, Any]:
        _, row_id, global_key, external_id, row_data, _, dataset_id, created, updated, active, person = row[:11]
        document: dict[str, Any] = {"id": row_id}
        if global_key is not None:
            document["global_key"] = global_key
        if external_id is not None:
            document["external_id"] = external_id
        document["row_data"] = self._asset_url(row_id, external_id or row_id) if row_data is None else row_data
        if self._params.include_data_row_details:
            document["details"] = {
                "dataset_id": dataset_id,
                "dataset_name": self._names.datasets[dataset_id],
                "created_at": moment(created),
                "updated_at": moment(updated),
                "last_activity_at": moment(active),
                "created_by": self._names.emails[person],
            }
        return document

    def _asset_url(self, row_id: str, file_name: str) -> orjson.Fragment:
        path = self._links.asset(row_id, file_name, now=self._now)
        return orjson.Fragment(b'"' + HOST + path.encode() + b'"')

    def _project_details(self, row: Row, sections: Sections) -> dict[str, Any]:
        """Keys in the order of the sample; `task_id` only while the row waits in a queue (inferred)."""
        batch_id, queue_id, status, priority, expected, selected = row[11:]
        details: dict[str, Any] = {}
        if self._names.project.ontology_id is not None:
            details["ontology_id"] = self._names.project.ontology_id
        if queue_id is not None:
            details["task_id"] = queue_id
        details["task_name"] = "Done" if queue_id is None else self._names.queues[queue_id]
        details["batch_id"] = batch_id
        details["batch_name"] = self._names.batches[batch_id]
        details["workflow_status"] = SPELLED[status]
        details["priority"] = priority
        details["consensus_expected_label_count"] = expected
        if selected is not None:
            details["selected_label_id"] = selected
        details["workflow_history"] = sections.history[row[0]]
        return details
