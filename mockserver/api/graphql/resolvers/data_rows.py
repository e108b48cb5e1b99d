"""Datasets, data rows and their attachments; the searches by global key and external id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.pages import Page, PageInfo, Window, build_page, get_id
from mockserver.api.graphql.resolvers.people import get_organization
from mockserver.api.graphql.resolvers.projects import find_creator, list_projects
from mockserver.errors import BadInput, NotFound
from mockserver.exports.dates import load_format
from mockserver.exports.legacy.media import build_media_attributes
from mockserver.generate.assets import is_document
from mockserver.links import AssetKey
from mockserver.world.clause import Clause
from mockserver.world.queries.projects import count_rows_of_dataset
from mockserver.world.records.data_rows import Attachment, DataRow, Dataset

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
    fields.add("Query", "dataset", find_dataset)
    fields.add("Query", "datasets", list_datasets)
    fields.add("Query", "datasetDataRows", page_data_rows, long=True)
    fields.add("Dataset", "description", get_description)
    fields.add("Dataset", "rowCount", count_rows)
    fields.add("Dataset", "createdBy", find_creator)
    fields.add("Dataset", "organization", get_organization)
    fields.add("Dataset", "projects", list_projects)
    fields.add("Dataset", "dataRows", list_data_rows, long=True)
    fields.add_attributes("DataRow", DataRow, "id externalId globalKey createdAt updatedAt")
    fields.add("Query", "dataRow", find_data_row)
    fields.add("DataRow", "rowData", build_row_data)
    fields.add("DataRow", "mediaAttributes", get_media_attributes)
    fields.add("DataRow", "dataset", lambda source, call: call.find(Dataset, source.dataset_id))
    fields.add("DataRow", "createdBy", find_creator)
    fields.add("DataRow", "organization", get_organization)
    fields.add("DataRow", "attachments", list_attachments)
    fields.add_attributes("DataRowConnection", Page, "nodes pageInfo")
    fields.add_attributes("AssetAttachment", Attachment, "id type name")
    fields.add("AssetAttachment", "value", build_attachment_value)
    fields.add_attributes("ExternalIdRow", ExternalIdRow, "dataRowId externalId")
    fields.add("Query", "externalIdsToDataRowIds", find_by_external_ids)
    fields.add("Query", "queryAllDataRowsHaveBeenProcessed", are_processed)
    fields.add_attributes("FetchedDataRow", FetchedRow, "id globalKey")
    fields.add_attributes("GlobalKeysResult", GlobalKeysResult, "jobStatus data")
    keys = "fetchedDataRows notFoundGlobalKeys accessDeniedGlobalKeys deletedDataRowGlobalKeys"
    fields.add_attributes("GlobalKeysData", GlobalKeysData, keys)
    fields.add("Query", "dataRowsForGlobalKeys", start_global_keys_job)
    fields.add("Query", "dataRowsForGlobalKeysResult", get_global_keys_result)
    fields.add("Job", "jobId", lambda source, _call: source)
    fields.add("AllProcessed", "allDataRowsHaveBeenProcessed", lambda source, _call: source)


def get_media_attributes(source: DataRow, call: Call) -> dict[str, Any]:
    """The media attributes. A clip's are measured on its file, which takes 50 ms the first time."""
    return build_media_attributes(source.media_attributes, source.asset, seed=call.workspace.world.seed)


def _is_in_dataset(dataset_id: str) -> Clause:
    return Clause("dataset_id = :id AND NOT deleted", id=dataset_id)


def get_description(source: Dataset, _call: Call) -> str:
    """Never null: SDK tests compare that of a new dataset with an empty text (test_dataset.py)."""
    return source.description or ""


def count_rows(source: Dataset, call: Call) -> int:
    with call.read() as connection:
        return count_rows_of_dataset(connection, source.id)


def find_dataset(_source: Any, call: Call, where: Mapping[str, Any]) -> Dataset:
    return call.get_unique(Dataset, where)


def list_datasets(_source: Any, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Dataset]:
    return call.search(Dataset, where, order="created_at, id", **window)


def find_data_row(_source: Any, call: Call, where: Mapping[str, Any]) -> DataRow:
    return call.get_unique(DataRow, where, "Data row")


def list_data_rows(source: Dataset, call: Call, where: Any = None, **window: Unpack[Window]) -> list[DataRow]:
    return call.search(DataRow, where, _is_in_dataset(source.id), order="no", **window)


def page_data_rows(_source: Any, call: Call, id: str, first: int = 100, where: Any = None, **rest: Any) -> Page:
    """A page of data rows, newest first. It begins after the data row whose id is `from` (SDK tests test_data_rows.py),
    the `startCursor` of the page before, which is null after the last page."""
    call.get(Dataset, id)
    within = _is_in_dataset(id)
    if rest.get("from"):
        start = call.one(DataRow, Clause("id = :id", id=rest["from"]), f"The cursor {rest['from']!r}")
        within &= Clause("no < :start", start=start.no)
    page = build_page(call.search(DataRow, where, within, order="no DESC", first=first + 1), first, cursor=get_id)
    return Page(page.nodes, PageInfo(page.page_info.end_cursor, None, page.page_info.has_next_page))


def build_row_data(source: DataRow, call: Call) -> str:
    """The URL or text that a client sent, an object that it sent as JSON (SDK tests test_data_rows.py:
    test_create_conversational_text, test_create_tiled_layer), or the link of a file that the server hosts."""
    if source.row_data is not None:
        return source.row_data
    if source.asset is not None and is_document(source.asset):
        return source.asset
    key, expires = _find_signing_key(call, source.no)
    return call.base_url + call.workspace.links.asset(source.id, source.file_name, expires=expires, key=key)


def _find_signing_key(call: Call, row: int) -> tuple[AssetKey, int]:
    """The key that signs the files of a data row, and when their links expire: as in an export created now."""
    with call.store.reading() as connection:
        key = load_format(connection).asset_key
    return key, key.expires(call.store.clock.now(), row)


def list_attachments(source: DataRow, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Attachment]:
    return call.search(Attachment, where, Clause("data_row_no = :no", no=source.no), order="no", **window)


def build_attachment_value(source: Attachment, call: Call) -> str:
    """The text or URL of the attachment, or the link of the file that the server hosts."""
    if source.asset is None:
        return source.value or ""
    key, expires = _find_signing_key(call, source.data_row_no)
    return call.base_url + call.workspace.links.attachment(source.id, source.file_name, expires=expires, key=key)


def find_by_external_ids(_source: Any, call: Call, externalId_in: list[str]) -> list[ExternalIdRow]:
    rows = call.select(DataRow, Clause("external_id IN :ids AND NOT deleted", ids=externalId_in), order="no")
    return [ExternalIdRow(row.id, row.external_id) for row in rows]


def are_processed(_source: Any, call: Call, **rows: Any) -> bool:
    """Whether rows are processed, by id or global key. An SDK sleeps for 30 seconds after the answer no."""
    ids, keys = sorted(rows.get("dataRowIds") or []), sorted(rows.get("globalKeys") or [])
    return call.is_processed(f"rows {ids} {keys}")


def start_global_keys_job(_source: Any, call: Call, where: Any = None) -> str:
    """The id of the job is the request itself: nothing is kept, and each answer holds for the time when it is given."""
    keys = (where or {}).get("ids") or []
    if len(keys) > MOST_KEYS:
        raise BadInput(f"Too many global keys: {len(keys):,}; at most {MOST_KEYS:,} per request")
    return orjson.dumps([call.store.clock.now(), keys]).hex()


def get_global_keys_result(_source: Any, call: Call, jobId: Any = None) -> GlobalKeysResult:
    job_id = read_id(jobId, "dataRowsForGlobalKeysResult", "jobId.id")
    since, keys = _parse_job(job_id)
    if not call.is_processed(f"job {job_id}", since=since):
        return GlobalKeysResult(None, "IN_PROGRESS")
    matches = [
        row
        for state in ("deleted", "NOT deleted")  # each has an index; a key may have been given again
        for row in call.select(DataRow, Clause(f"global_key IN :keys AND {state}", keys=keys))
    ]
    known = {row.global_key: row for row in matches}
    live = {key: row for key, row in known.items() if not row.deleted}
    rows = [FetchedRow(live[key].id if key in live else "", key) for key in keys]
    deleted = [key for key in keys if key in known and key not in live]
    return GlobalKeysResult(GlobalKeysData(rows, [key for key in keys if key not in known], deleted))


def _parse_job(job_id: str) -> tuple[int, list[str]]:
    """When the job was started, and its global keys. Raises NotFound."""
    try:
        since, keys = orjson.loads(bytes.fromhex(job_id))
        return int(since), [str(key) for key in keys]
    except (ValueError, TypeError):
        raise NotFound(f"Job {job_id[:80]!r} does not exist; start one with dataRowsForGlobalKeys") from None
