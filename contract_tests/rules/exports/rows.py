"""Rows of a project as an export writes them, without the wire."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from contract_tests.rules.worlds import PROJECTS
from mockserver.exports.request import ExportParams
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_project_scope
from mockserver.links import Links
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

HOST = "http://mock.example:8000"
TASK = "ctask00000000000000000000"
NOW = 1_735_689_600_000_000  # 2025-01-01
ID = re.compile("c[a-z0-9]{24}")
STILL = [name for name in PROJECTS if name not in {"video", "dicom", "audio"}]
"""Media without time, whose objects are in a list, each once."""

NOTHING = ExportParams()
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


def with_only(param: str) -> ExportParams:
    return msgspec.structs.replace(NOTHING, **{param: True})


def project_of(row: Any) -> Any:
    [project] = row["projects"].values()
    return project


def labels_of(store: Store, project: str) -> list[Any]:
    return [label for row in read(store, project) for label in project_of(row)["labels"]]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield path, value
        return
    for name, part in inner:
        yield from leaves(part, f"{path}.{name}")
