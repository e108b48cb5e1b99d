"""Slices, which the service calls saved queries, and the data rows that they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, resolve_null
from mockserver.api.graphql.pages import Page, PageInfo, build_page, get_number, parse_cursor
from mockserver.exports.selection import build_catalog_condition
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause
from mockserver.world.models import ModelRun, ModelRunRow
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.queries.sources import DATA_ROWS
from mockserver.world.slices import CatalogSlice

PAGE = 100
"""Data rows of a page without `first`; SDKs always send it (pagination.py)."""


class Identifier(msgspec.Struct, frozen=True):
    no: int
    id: str
    global_key: str | None


def add_to(fields: Fields) -> None:
    fields.add_attributes("SavedQuery", CatalogSlice, "id name description createdAt updatedAt", filter="query")
    fields.add("SavedQuery", "sorting", resolve_null)
    fields.add("Query", "getSavedQuery", find_saved_query)
    fields.add("Query", "catalogSavedQueries", list_saved_queries)
    fields.add("Query", "getDataRowIdsBySavedQuery", list_data_row_ids)
    fields.add("Query", "getDataRowIdentifiersBySavedQuery", list_data_row_identifiers)
    fields.add_attributes("DataRowIdentifier", Identifier, "id globalKey")
    fields.add("Query", "getDataRowIdentifiersBySavedModelQuery", list_identifiers_in_run)
    fields.add_attributes("CursorPageInfo", PageInfo, "endCursor hasNextPage")
    fields.add_attributes("DataRowIdentifierCursor", Identifier, "globalKey", dataRowId="id")
    for connection in ("DataRowIdConnection", "DataRowIdentifierConnection", "ModelDataRowIdentifierConnection"):
        fields.add_attributes(connection, Page, "nodes pageInfo totalCount")


def find_saved_query(_source: Any, call: Call, id: str) -> CatalogSlice:
    return _find_slice(call, id)


def list_saved_queries(_source: Any, call: Call) -> list[CatalogSlice]:
    return call.select(CatalogSlice, Clause("NOT deleted"), order="created_at, id")


def _find_slice(call: Call, slice_id: str) -> CatalogSlice:
    return call.get(CatalogSlice, slice_id, "Slice")


def list_data_row_ids(_source: Any, call: Call, input: Mapping[str, Any]) -> Page:
    """The ids alone, as SDKs up to 5.2.1 read them."""
    page = list_data_row_identifiers(None, call, input)
    return msgspec.structs.replace(page, nodes=[node.id for node in page.nodes])


def list_data_row_identifiers(_source: Any, call: Call, input: Mapping[str, Any]) -> Page:
    """The data rows that the slice finds now, in the order in which they were created."""
    condition = _build_condition(call, input["savedQueryId"])
    return _build_page(call, input, condition, parse_cursor(input.get("after")))


def list_identifiers_in_run(_source: Any, call: Call, input: Mapping[str, Any]) -> Page:
    """The data rows of a model run that the slice finds. The cursor is the last data row itself."""
    run = call.get(ModelRun, input.get("modelRunId"), "Model run")
    condition = _build_condition(call, input["savedQueryId"])
    condition &= match_subquery("dr.no", ModelRunRow, "data_row_no", Clause("model_run_id = :run", run=run.id))
    after = (input.get("after") or {}).get("dataRowId")
    start = 0 if after is None else call.one(DataRow, Clause("id = :id", id=after), f"The cursor {after!r}").no
    return _build_page(call, input, condition, start, cursor=lambda row: row)


def _build_condition(call: Call, slice_id: str) -> Clause:
    return Clause("NOT dr.deleted") & build_catalog_condition(orjson.loads(_find_slice(call, slice_id).query))


def _build_page(
    call: Call,
    input: Mapping[str, Any],
    condition: Clause,
    start: int,
    *,
    cursor: Callable[[Any], Any] = get_number,
) -> Page:
    """A page of the data rows after the number `start` that meet the condition, with the number of all of them."""
    first = PAGE if input.get("first") is None else input["first"]
    with call.read() as connection:
        total = connection.count_rows(DATA_ROWS, condition)
    return build_page(_select_rows(call, condition, start, first + 1), first, cursor=cursor, total=total)


def _select_rows(call: Call, condition: Clause, after: int, limit: int) -> list[Identifier]:
    rest = condition & Clause("dr.no > :after", after=after)
    names = "dr.no, dr.id, dr.global_key"
    with call.read() as connection:
        rows = connection.select_columns(DATA_ROWS, names, rest, order="dr.no", first=limit)
    return [Identifier(*row) for row in rows]
