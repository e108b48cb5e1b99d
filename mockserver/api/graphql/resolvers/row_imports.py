"""Creating and changing data rows: from uploaded files, and one by one (SDK dataset.py, data_row.py, task.py)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.resolvers.data_rows import build_row_data
from mockserver.api.graphql.resolvers.waiting import wait_for
from mockserver.digits import parse_digits
from mockserver.errors import BadInput
from mockserver.imports.row_specs import RowReader
from mockserver.world.clause import Clause
from mockserver.world.new_rows import KeyType, RowSpec
from mockserver.world.records.data_rows import DataRow, Dataset
from mockserver.world.records.imports import ImportRow
from mockserver.world.records.tasks import IMPORTS, Task, TaskStatus

LONGEST_CURSOR = 9
"""Digits of the position of a data row in an import."""
PAGE = 5_000
"""Rows of a page, as SDKs request them (task.py DOWNLOAD_RESULT_PAGE_SIZE)."""


class AppendedRows(msgspec.Struct, frozen=True):
    dataset: Dataset
    task_id: str | None = None
    accepted: bool = True
    error_message: str | None = None


class SuccessPage(msgspec.Struct, frozen=True):
    nodes: list[DataRow]
    after: str | None
    total: int


class FailurePage(msgspec.Struct, frozen=True):
    results: list[ImportRow]
    after: str | None
    total: int


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "upsertDataRows", upsert_data_rows)
    fields.add("Mutation", "appendRowsToDataset", append_rows)
    fields.add("Mutation", "appendRowsToDatasetSync", append_rows_now, long=True)
    fields.add("Mutation", "createDataRow", create_data_row)
    fields.add("Mutation", "updateDataRow", update_data_row)
    fields.add_attributes("AppendedRows", AppendedRows, "dataset taskId accepted errorMessage")
    fields.add("Query", "successesfulDataRowImports", page_successes, long=True)
    fields.add("Query", "failedDataRowImports", page_failures, long=True)
    fields.add_attributes("SuccessfulDataRowImports", SuccessPage, "nodes after total")
    fields.add_attributes("ImportedDataRow", DataRow, "id externalId globalKey")
    fields.add("ImportedDataRow", "rowData", build_row_data)
    fields.add_attributes("FailedDataRowImports", FailurePage, "results after total")
    fields.add_attributes("FailedDataRowImport", ImportRow, "message")
    fields.add("FailedDataRowImport", "spec", lambda source, _call: orjson.loads(source.spec or "{}"))
    for name in ("externalId", "globalKey", "rowData"):
        fields.add("DataRowImportSpec", name, partial(_get_text, name))
    for name in ("metadata", "attachments"):
        fields.add("DataRowImportSpec", name, partial(_get_objects, name))
    fields.add("SentMetadataField", "value", lambda source, _call: source.get("value"))
    fields.add("SentMetadataField", "name", partial(_get_text, "name"))
    fields.add("SentMetadataField", "schemaId", _get_schema_id)
    for name in ("value", "name"):
        fields.add("SentAttachment", name, partial(_get_text, name))
    fields.add("SentAttachment", "type", partial(_get_text, "type"))


def _get_text(name: str, source: Mapping[str, Any], _call: Call) -> str | None:
    value = source.get(name)
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _get_schema_id(source: Mapping[str, Any], call: Call) -> str | None:
    return _get_text("schemaId" if source.get("schemaId") else "schema_id", source, call)


def _get_objects(name: str, source: Mapping[str, Any], _call: Call) -> list[Any] | None:
    value = source.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else None


async def upsert_data_rows(_source: Any, call: Call, data: Mapping[str, Any]) -> Task:
    """Starts the import of a manifest, and answers with its task."""
    task, future = call.workspace.row_imports.start_upsert(data["manifestUri"], base_url=call.base_url)
    await wait_for([future])
    return show_task(call, task.id)


def show_task(call: Call, task_id: str) -> Task:
    """The task as clients see it now."""
    return call.workspace.exports.view(call.get(Task, task_id))


async def append_rows(_source: Any, call: Call, data: Mapping[str, Any]) -> AppendedRows:
    """Starts the import of a file (SDKs up to 3.71)."""
    dataset = call.get(Dataset, data["datasetId"])
    imports = call.workspace.row_imports
    task, future = imports.start_append(dataset.id, data["jsonFileUrl"], base_url=call.base_url)
    await wait_for([future])
    return AppendedRows(dataset, task.id)


def append_rows_now(_source: Any, call: Call, data: Mapping[str, Any]) -> AppendedRows:
    """Imports a file (SDKs up to 3.74)."""
    dataset = call.get(Dataset, data["datasetId"])
    call.workspace.row_imports.append(dataset.id, data["jsonFileUrl"], base_url=call.base_url)
    return AppendedRows(dataset)


def create_data_row(_source: Any, call: Call, data: Mapping[str, Any]) -> DataRow:
    dataset_id = ((data.get("dataset") or {}).get("connect") or {}).get("id")
    if dataset_id is None:
        raise BadInput('A new data row was sent without a dataset; expected dataset: {connect: {id: "…"}}')
    dataset = call.get(Dataset, dataset_id)
    values = {name: value for name, value in data.items() if name != "dataset"}

    def read(reader: RowReader) -> RowSpec:
        return reader.read_row(values, dataset_id=dataset.id)

    [row] = call.workspace.row_imports.create([read])
    return row


def update_data_row(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> DataRow:
    """Changes what is sent and not null. Raises NotFound, MalformedRequest."""
    row = call.get(DataRow, read_id(where, "updateDataRow"), "Data row")
    if data.get("dataset") is not None:
        raise BadInput("A data row stays in its dataset; update it without dataset")

    def read(reader: RowReader) -> RowSpec:
        return reader.read_row(dict(data), key_type=KeyType.ID, key=row.id)

    [changed] = call.workspace.row_imports.create([read])
    return changed


# What became of the rows of a task


def page_successes(_source: Any, call: Call, data: Mapping[str, Any]) -> SuccessPage:
    records, after, total = _page(call, data, "data_row_no IS NOT NULL")
    numbers = [record.data_row_no for record in records]
    rows = {row.no: row for row in call.select(DataRow, Clause("no IN :numbers", numbers=numbers))}
    return SuccessPage([rows[number] for number in numbers if number is not None], after, total)


def page_failures(_source: Any, call: Call, data: Mapping[str, Any]) -> FailurePage:
    return FailurePage(*_page(call, data, "data_row_no IS NULL"))


def _page(call: Call, data: Mapping[str, Any], kind: str) -> tuple[list[ImportRow], str | None, int]:
    """The records of one kind, the cursor of the next page, and how many there are. Raises NotFound, BadInput.

    A task that clients do not see COMPLETE has none yet.
    """
    task = show_task(call, data["taskId"])
    first = PAGE if data.get("first") is None else min(data["first"], PAGE)
    cursor = -1 if data.get("from") in (None, "", "-1") else parse_digits(data["from"], LONGEST_CURSOR)
    if task.type not in IMPORTS:
        raise BadInput(f"Task {task.id!r} is of the type {task.type!r}; expected a task that imports data rows")
    if first < 1 or cursor is None:
        raise BadInput(f"first is {first} and from {data.get('from')!r}; expected 1 or more, and the `after` of a page")
    if task.status == TaskStatus.IN_PROGRESS:
        return [], None, 0
    within = Clause(f"task_no = :task AND {kind}", task=task.no)
    records = call.select(
        ImportRow, within & Clause("position > :cursor", cursor=cursor), order="position", first=first + 1
    )
    after = str(records[first - 1].position) if len(records) > first else None
    return records[:first], after, call.count(ImportRow, within)
