"""Slices, which the service calls saved queries, and the data rows that they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.pages import Page, PageInfo, build_page, get_number, parse_cursor
from mockserver.exports.selection import build_catalog_condition
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.queries.sources import DATA_ROWS
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.models import ModelRun, ModelRunRow
from mockserver.world.records.slices import CatalogSlice

PAGE = 100
"""Data rows of a page without `first`; SDKs always send it (pagination.py)."""


class Identifier(msgspec.Struct, frozen=True):
    no: int
    id: str
    global_key: str | None


class Place(NamedTuple):
    """The beginning of a page: after a data row's number, or at the start."""

    after: int | None
    newest_first: bool


def add_to(fields: Fields) -> None:
    fields.add_attributes("SavedQuery", CatalogSlice, "id name description createdAt updatedAt", filter="query")
    fields.add("SavedQuery", "sorting", get_sorting)
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


def get_sorting(source: CatalogSlice, _call: Call) -> list[Any] | None:
    return None if source.sorting is None else list(orjson.loads(source.sorting))


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
    """The data rows that the slice finds now, in the order of the slice, or else that of their creation."""
    searched = _find_slice(call, input["savedQueryId"])
    place = Place(parse_cursor(input.get("after")) or None, newest_first=is_newest_first(searched))
    return _build_page(call, input, _build_condition(searched), place)


def list_identifiers_in_run(_source: Any, call: Call, input: Mapping[str, Any]) -> Page:
    """The data rows of a model run that the slice finds. The cursor is the last data row itself."""
    run = call.get(ModelRun, read_id(input, "getDataRowIdentifiersBySavedModelQuery", "input.modelRunId"), "Model run")
    searched = _find_slice(call, input["savedQueryId"])
    condition = _build_condition(searched)
    condition &= match_subquery("dr.no", ModelRunRow, "data_row_no", Clause("model_run_id = :run", run=run.id))
    after = (input.get("after") or {}).get("dataRowId")
    start = None if after is None else call.one(DataRow, Clause("id = :id", id=after), f"The cursor {after!r}").no
    place = Place(start, newest_first=is_newest_first(searched))
    return _build_page(call, input, condition, place, cursor=lambda row: row)


def is_newest_first(source: CatalogSlice) -> bool:
    """Whether the first order of a slice is from the newest data row to the oldest."""
    sorting = orjson.loads(source.sorting or "[]")
    return bool(sorting) and sorting[0]["direction"] == "DESC"


def _build_condition(source: CatalogSlice) -> Clause:
    return Clause("NOT dr.deleted") & build_catalog_condition(orjson.loads(source.query))


def _build_page(
    call: Call,
    input: Mapping[str, Any],
    condition: Clause,
    place: Place,
    *,
    cursor: Callable[[Any], Any] = get_number,
) -> Page:
    """A page of the data rows after a place that meet the condition, with the number of all of them."""
    first = PAGE if input.get("first") is None else input["first"]
    with call.read() as connection:
        total = connection.count_rows(DATA_ROWS, condition)
    return build_page(_select_rows(call, condition, place, first + 1), first, cursor=cursor, total=total)


def _select_rows(call: Call, condition: Clause, place: Place, limit: int) -> list[Identifier]:
    way, order = ("<", "dr.no DESC") if place.newest_first else (">", "dr.no")
    rest = condition if place.after is None else condition & Clause(f"dr.no {way} :after", after=place.after)
    names = "dr.no, dr.id, dr.global_key"
    with call.read() as connection:
        rows = connection.select_columns(DATA_ROWS, names, rest, order=order, first=limit)
    return [Identifier(*row) for row in rows]
