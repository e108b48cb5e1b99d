"""Slices, which the service calls saved queries, and the data rows that they find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.pages import Page, page_of, position
from mockserver.exports.selection import build_catalog_condition
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause
from mockserver.world.models import ModelRun, ModelRunRow
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.queries.sources import DATA_ROWS
from mockserver.world.slices import CatalogSlice

PAGE = 100
"""Where nothing is said; the SDK always says it (pagination.py)."""


class Identifier(msgspec.Struct, frozen=True):
    no: int
    id: str
    global_key: str | None


class CursorPageInfo(msgspec.Struct, frozen=True):
    end_cursor: Identifier | None
    has_next_page: bool


def add_to(fields: Fields) -> None:
    fields.add_attributes("SavedQuery", CatalogSlice, "id name description createdAt updatedAt", filter="query")
    fields.add("Query", "getSavedQuery", saved_query)
    fields.add("Query", "catalogSavedQueries", saved_queries)
    fields.add("Query", "getDataRowIdsBySavedQuery", data_row_ids)
    fields.add("Query", "getDataRowIdentifiersBySavedQuery", data_row_identifiers)
    fields.add_attributes("DataRowIdentifier", Identifier, "id globalKey")
    fields.add("Query", "getDataRowIdentifiersBySavedModelQuery", data_row_identifiers_in_run)
    fields.add_attributes("CursorPageInfo", CursorPageInfo, "endCursor hasNextPage")
    fields.add_attributes("DataRowIdentifierCursor", Identifier, "globalKey", dataRowId="id")
    for connection in ("DataRowIdConnection", "DataRowIdentifierConnection", "ModelDataRowIdentifierConnection"):
        fields.add_attributes(connection, Page, "nodes pageInfo totalCount")


def saved_query(_source: Any, call: Call, id: str) -> CatalogSlice:  # noqa: A002  the wire's word
    return _slice(call, id)


def saved_queries(_source: Any, call: Call) -> list[CatalogSlice]:
    return call.select(CatalogSlice, Clause("NOT deleted"), order="created_at, id")


def _slice(call: Call, slice_id: str) -> CatalogSlice:
    return call.one(CatalogSlice, Clause("id = :id AND NOT deleted", id=slice_id), f"Slice {slice_id!r}")


def data_row_ids(_source: Any, call: Call, input: Mapping[str, Any]) -> Page:  # noqa: A002  the wire's word
    """SDKs up to 5.2.1."""
    page = data_row_identifiers(None, call, input)
    return msgspec.structs.replace(page, nodes=[node.id for node in page.nodes])


def data_row_identifiers(_source: Any, call: Call, input: Mapping[str, Any]) -> Page:  # noqa: A002  the wire's word
    """Data rows as the slice's search finds them now, in the order in which they were made."""
    found = _slice(call, input["savedQueryId"])
    asked = Clause("NOT dr.deleted") & build_catalog_condition(orjson.loads(found.query))
    first = PAGE if input.get("first") is None else input["first"]
    with call.reading() as connection:
        total = connection.count_rows(DATA_ROWS, asked)
    return page_of(_rows(call, asked, position(input.get("after")), first + 1), first, total=total)


def data_row_identifiers_in_run(_source: Any, call: Call, input: Mapping[str, Any]) -> Page:  # noqa: A002  the wire's word
    """Of a run's data rows those that the search finds. The cursor is the last data row itself."""
    run = call.one(ModelRun, Clause("id = :id AND NOT deleted", id=input.get("modelRunId")), _run(input))
    found = _slice(call, input["savedQueryId"])
    asked = Clause("NOT dr.deleted") & build_catalog_condition(orjson.loads(found.query))
    asked &= match_subquery("dr.no", ModelRunRow, "data_row_no", Clause("model_run_id = :run", run=run.id))
    after = (input.get("after") or {}).get("dataRowId")
    start = 0 if after is None else call.one(DataRow, Clause("id = :id", id=after), f"The cursor {after!r}").no
    first = PAGE if input.get("first") is None else input["first"]
    with call.reading() as connection:
        total = connection.count_rows(DATA_ROWS, asked)
    rows = _rows(call, asked, start, first + 1)
    nodes, more = rows[:first], len(rows) > first
    return Page(nodes, CursorPageInfo(nodes[-1] if more and nodes else None, more), total)


def _run(input: Mapping[str, Any]) -> str:  # noqa: A002  the wire's word
    return f"Model run {input.get('modelRunId')!r}"


def _rows(call: Call, asked: Clause, after: int, most: int) -> list[Identifier]:
    behind = asked & Clause("dr.no > :after", after=after)
    names = "dr.no, dr.id, dr.global_key"
    with call.reading() as connection:
        rows = connection.select_columns(DATA_ROWS, names, behind, order="dr.no", first=most)
    return [Identifier(*row) for row in rows]
