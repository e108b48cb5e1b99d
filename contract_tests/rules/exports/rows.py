"""Rows of a project as an export writes them, without the wire."""

import json
from typing import Any

from mockserver.exports.request import ExportParams
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_project_scope
from mockserver.links import Links
from mockserver.world.database import Clause, Connection
from mockserver.world.projects import Project
from mockserver.world.store import Store

HOST = "http://mock.example:8000"
TASK = "ctask00000000000000000000"
NOW = 1_735_689_600_000_000  # 2025-01-01

EVERY_SECTION = ExportParams(
    include_attachments=True,
    include_metadata=True,
    include_embeddings=True,
    include_data_row_details=True,
    include_project_details=True,
    include_label_details=True,
    include_performance_details=True,
)


def render(
    connection: Connection, project: str, params: ExportParams = EVERY_SECTION, *terms: dict[str, Any], host: str = HOST
) -> bytes:
    record = connection.find(Project, Clause("name = :name", name=project))
    assert record is not None, f"there is a project {project}"
    links = Links.from_name("key", 0)
    scope = build_project_scope(connection, record.id, [*terms])
    rows = ExportRows(connection, scope, params, links=links, host=host, task_id=TASK, now=NOW)
    return rows.render()


def read(store: Store, project: str, params: ExportParams = EVERY_SECTION, *terms: dict[str, Any]) -> list[Any]:
    with store.reading() as connection:
        return [json.loads(line) for line in render(connection, project, params, *terms).split(b"\n")[:-1]]
