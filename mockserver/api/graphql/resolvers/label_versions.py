"""Versions of labels (SDK label_version.py 7.17.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, json_text
from mockserver.api.graphql.pages import parse_cursor
from mockserver.api.graphql.resolvers.groups import NodePage
from mockserver.errors import BadInput
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Body, LabelVersion
from mockserver.world.records.projects import Project

PAGE = 100
"""Versions of a page at most (SDK label_version.py `_MAX_PAGE_SIZE`)."""


class Stage(msgspec.Struct, frozen=True):
    task_queue_id: str
    name: str | None
    type: str | None


def add_to(fields: Fields) -> None:
    fields.add("Query", "labelVersions", page_versions, long=True)
    fields.add("Query", "labelVersion", find_version, long=True)
    fields.add_attributes("LabelVersionPage", NodePage, "nodes nextCursor")
    attributes = "id labelId projectId action createdAt annotationCount"
    fields.add_attributes("LabelVersion", LabelVersion, attributes, createdById="created_by")
    fields.add("LabelVersion", "dataRowId", find_row_id)
    fields.add("LabelVersion", "stage", find_stage)
    fields.add("LabelVersion", "label", format_label)
    fields.add("LabelVersion", "labelJson", build_label)
    fields.add_attributes("LabelVersionStage", Stage, "taskQueueId name type")


_CONDITIONS = {
    "labelId": "label_id = :value",
    "createdById": "created_by = :value",
    "createdAfter": "created_at >= :value",
    "createdBefore": "created_at < :value",
}


def page_versions(
    _source: Any, call: Call, where: Mapping[str, Any], first: int = PAGE, after: str | None = None
) -> NodePage:
    """A page of versions, the oldest first; the cursor is the number of the last one. Raises NotFound, BadInput."""
    if not 0 < first <= PAGE:
        raise BadInput(f"first is {first}; expected 1 to {PAGE}")
    project = call.get(Project, where["projectId"])
    within = Clause("project_id = :project AND no > :after", project=project.id, after=parse_cursor(after))
    for key, condition in _CONDITIONS.items():
        if where.get(key) is not None:
            within &= Clause(condition, value=where[key])
    if where.get("dataRowId") is not None:
        within &= match_subquery("data_row_no", DataRow, "no", Clause("id = :row", row=where["dataRowId"]))
    versions = call.select(LabelVersion, within, order="no", first=first + 1)
    return NodePage(versions[:first], str(versions[first - 1].no) if len(versions) > first else None)


def find_version(_source: Any, call: Call, where: Mapping[str, Any]) -> LabelVersion | None:
    return call.find(LabelVersion, where.get("id"))


def find_row_id(source: LabelVersion, call: Call) -> str:
    return call.one(DataRow, Clause("no = :no", no=source.data_row_no), f"The data row of {source.id!r}").id


def find_stage(source: LabelVersion, _call: Call) -> Stage | None:
    return None if source.queue_id is None else Stage(source.queue_id, source.queue_name, source.queue_type)


def format_label(source: LabelVersion, call: Call) -> str:
    """The `Label` of Export V1 at that time, or the text that a client had put into its place."""
    document = _read(source, call)
    return document if isinstance(document, str) else json_text(document)


def build_label(source: LabelVersion, call: Call) -> Any:
    """The same as JSON; null for a text that is none."""
    document = _read(source, call)
    return None if isinstance(document, str) else document


def _read(source: LabelVersion, call: Call) -> Any:
    body = call.one(Body, Clause("id = :id", id=source.body_id), f"The body of version {source.id!r}")
    if body.aside is not None and "text" in (aside := orjson.loads(body.aside)):
        return aside["text"]
    return call.build_legacy_body(source.label_id, source.body_id)
