"""Datasets, data rows and their attachments; the searches by global key and external id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, nothing
from mockserver.api.graphql.filters import condition, unique
from mockserver.api.graphql.pages import Page, PageInfo
from mockserver.api.graphql.resolvers.people import organization
from mockserver.api.graphql.resolvers.projects import created_by, projects
from mockserver.errors import BadInput, NotFound
from mockserver.exports.dates import load_format
from mockserver.exports.legacy.media import build_media_attributes
from mockserver.links import AssetKey
from mockserver.world.data_rows import Attachment, DataRow, Dataset
from mockserver.world.database import Clause
from mockserver.world.queries.projects import count_rows_of_dataset

MOST_KEYS = 20_000


class ExternalIdRow(msgspec.Struct, frozen=True):
    data_row_id: str
    external_id: str | None


class FetchedRow(msgspec.Struct, frozen=True):
    id: str
    global_key: str | None


class GlobalKeysData(msgspec.Struct, frozen=True):
    """`fetched_data_rows` in the order of the keys, with an empty id where there is none (SDK client.py)."""

    fetched_data_rows: list[FetchedRow]
    not_found_global_keys: list[str]
    deleted_data_row_global_keys: list[str]
    access_denied_global_keys: list[str] = []


class GlobalKeysResult(msgspec.Struct, frozen=True):
    data: GlobalKeysData | None
    job_status: str = "COMPLETE"


def add_to(fields: Fields) -> None:
    fields.add_attributes("Dataset", Dataset, "id name createdAt updatedAt")
    fields.add("Query", "dataset", dataset)
    fields.add("Query", "datasets", datasets)
    fields.add("Query", "datasetDataRows", dataset_data_rows, long=True)
    fields.add("Dataset", "description", description)
    fields.add("Dataset", "rowCount", row_count)
    fields.add("Dataset", "createdBy", created_by)
    fields.add("Dataset", "organization", organization)
    fields.add("Dataset", "signer", nothing)
    fields.add("Dataset", "projects", projects)
    fields.add("Dataset", "dataRows", data_rows, long=True)
    fields.add_attributes("DataRow", DataRow, "id externalId globalKey createdAt updatedAt")
    fields.add("Query", "dataRow", data_row)
    fields.add("DataRow", "rowData", row_data)
    fields.add("DataRow", "mediaAttributes", attributes_of_media)
    fields.add("DataRow", "dataset", lambda source, call: call.find(Dataset, source.dataset_id))
    fields.add("DataRow", "createdBy", created_by)
    fields.add("DataRow", "organization", organization)
    fields.add("DataRow", "attachments", attachments)
    fields.add_attributes("DataRowConnection", Page, "nodes pageInfo")
    fields.add_attributes("AssetAttachment", Attachment, "id type name")
    fields.add("AssetAttachment", "value", attachment_value)
    fields.add_attributes("ExternalIdRow", ExternalIdRow, "dataRowId externalId")
    fields.add("Query", "externalIdsToDataRowIds", external_ids)
    fields.add("Query", "queryAllDataRowsHaveBeenProcessed", all_processed)
    fields.add_attributes("FetchedDataRow", FetchedRow, "id globalKey")
    fields.add_attributes("GlobalKeysResult", GlobalKeysResult, "jobStatus data")
    keys = "fetchedDataRows notFoundGlobalKeys accessDeniedGlobalKeys deletedDataRowGlobalKeys"
    fields.add_attributes("GlobalKeysData", GlobalKeysData, keys)
    fields.add("Query", "dataRowsForGlobalKeys", data_rows_for_global_keys)
    fields.add("Query", "dataRowsForGlobalKeysResult", data_rows_for_global_keys_result)
    fields.add("Job", "jobId", lambda source, _call: source)
    fields.add("AllProcessed", "allDataRowsHaveBeenProcessed", lambda source, _call: source)


def attributes_of_media(source: DataRow, call: Call) -> dict[str, Any]:
    """Those of clips are measured on the file, which takes 50 ms the first time."""
    return build_media_attributes(source.media_attributes, source.asset, seed=call.workspace.world.seed)


def _in_dataset(dataset_id: str) -> Clause:
    return Clause("dataset_id = :id AND NOT deleted", id=dataset_id)


def description(source: Dataset, _call: Call) -> str:
    """Never null: SDK tests compare that of a new dataset with an empty text (test_dataset.py)."""
    return source.description or ""


def row_count(source: Dataset, call: Call) -> int:
    with call.reading() as connection:
        return count_rows_of_dataset(connection, source.id)


def dataset(_source: Any, call: Call, where: Mapping[str, Any]) -> Dataset:
    return call.one(Dataset, unique(Dataset, where), f"Dataset {where.get('id')!r}")


def datasets(_source: Any, call: Call, where: Any = None, skip: int = 0, first: int | None = None) -> list[Dataset]:
    return call.select(Dataset, condition(Dataset, where), order="created_at, id", skip=skip, first=first)


def data_row(_source: Any, call: Call, where: Mapping[str, Any]) -> DataRow:
    return call.one(DataRow, unique(DataRow, where), f"Data row {where.get('id') or dict(where)!r}")


def data_rows(source: Dataset, call: Call, where: Any = None, skip: int = 0, first: int | None = None) -> list[DataRow]:
    asked = condition(DataRow, where) & _in_dataset(source.id)
    return call.select(DataRow, asked, order="no", skip=skip, first=first)


def dataset_data_rows(_source: Any, call: Call, id: str, first: int = 100, where: Any = None, **given: Any) -> Page:  # noqa: A002  the wire's word
    """Newest first. A page begins behind the data row whose id is `from` (SDK tests test_data_rows.py), which is what
    `startCursor` of the page before tells; null after the last page."""
    call.one(Dataset, Clause("id = :id AND NOT deleted", id=id), f"Dataset {id!r}")
    asked = condition(DataRow, where) & _in_dataset(id)
    if given.get("from"):
        start = call.one(DataRow, Clause("id = :id", id=given["from"]), f"The cursor {given['from']!r}")
        asked &= Clause("no < :start", start=start.no)
    found = call.select(DataRow, asked, order="no DESC", first=first + 1)
    nodes, more = found[:first], len(found) > first
    return Page(nodes, PageInfo(nodes[-1].id if more and nodes else None, None, more))


def row_data(source: DataRow, call: Call) -> str:
    if source.row_data is not None:
        return source.row_data
    key, expires = _signing(call, source.no)
    return call.base_url + call.workspace.links.asset(source.id, source.file_name, expires=expires, key=key)


def _signing(call: Call, row: int) -> tuple[AssetKey, int]:
    """The key that signs the files of a data row, and when their links end: as in an export made now."""
    with call.store.reading() as connection:
        key = load_format(connection).asset_key
    return key, key.expires(call.store.clock.now(), row)


def attachments(
    source: DataRow, call: Call, where: Any = None, skip: int = 0, first: int | None = None
) -> list[Attachment]:
    asked = condition(Attachment, where) & Clause("data_row_no = :no", no=source.no)
    return call.select(Attachment, asked, order="no", skip=skip, first=first)


def attachment_value(source: Attachment, call: Call) -> str:
    """The text or URL that was given, or the link of the file we host."""
    if source.asset is None:
        return source.value or ""
    key, expires = _signing(call, source.data_row_no)
    return call.base_url + call.workspace.links.attachment(source.id, source.file_name, expires=expires, key=key)


def external_ids(_source: Any, call: Call, externalId_in: list[str]) -> list[ExternalIdRow]:  # noqa: N803  the wire's word
    asked = Clause("external_id IN :ids AND NOT deleted", ids=externalId_in)
    return [ExternalIdRow(row.id, row.external_id) for row in call.select(DataRow, asked, order="no")]


def all_processed(_source: Any, call: Call, **asked: Any) -> bool:
    """Whether rows are processed, by id or global key; an SDK told no sleeps for 30 seconds."""
    ids, keys = sorted(asked.get("dataRowIds") or []), sorted(asked.get("globalKeys") or [])
    return call.workspace.processed(f"rows {ids} {keys}")


def data_rows_for_global_keys(_source: Any, call: Call, where: Any = None) -> str:
    """The job is the question itself: it needs no memory, and each answer is of the moment in which it is given."""
    keys = (where or {}).get("ids") or []
    if len(keys) > MOST_KEYS:
        raise BadInput(f"{len(keys)} global keys are looked for at once; at most {MOST_KEYS} are")
    return orjson.dumps([call.store.clock.now(), keys]).hex()


def data_rows_for_global_keys_result(_source: Any, call: Call, jobId: Any = None) -> GlobalKeysResult:  # noqa: N803  the wire's word
    job_id = (jobId or {}).get("id") or ""
    since, keys = _job(job_id)
    if not call.workspace.processed(f"job {job_id}", since=since):
        return GlobalKeysResult(None, "IN_PROGRESS")
    found = {row.global_key: row for row in call.select(DataRow, Clause("global_key IN :keys", keys=keys))}
    live = {key: row for key, row in found.items() if not row.deleted}
    rows = [FetchedRow(live[key].id if key in live else "", key) for key in keys]
    deleted = [key for key in keys if key in found and key not in live]
    return GlobalKeysResult(GlobalKeysData(rows, [key for key in keys if key not in found], deleted))


def _job(job_id: str) -> tuple[int, list[str]]:
    """(when it was started, its keys). Raises NotFound."""
    try:
        since, keys = orjson.loads(bytes.fromhex(job_id))
        return int(since), [str(key) for key in keys]
    except (ValueError, TypeError):
        raise NotFound(f"Job {job_id[:80]!r} does not exist; start one with dataRowsForGlobalKeys") from None
