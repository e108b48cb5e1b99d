"""Items of imports as hostile clients send them: each becomes a data row or is refused alone."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.imports.metadata import MetadataReader
from mockserver.imports.refusals import ItemRefused
from mockserver.imports.row_specs import SPELLINGS, RowReader, render_refused
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.data_rows import DataRowChanges, ImportItem
from mockserver.world.clause import Clause
from mockserver.world.new_rows import Refusal, RowSpec
from mockserver.world.records.data_rows import DataRow, Embedding, MetadataSchema
from mockserver.world.records.imports import ImportRow
from mockserver.world.store import Store

WRONG: list[Any] = [
    None, True, 0, -1, 1.5, 2**64 - 1, "", " ",
     "\0", "x", "https://files.example/a.png", "\x7f\u202e", "x" * 300, "x" * 11_000,
    [], {}, [[]], [{}], {"type": []}, {"type": "AUTO", "value": {}}, {"type": "GKEY", "value": "k" * 300},
    {"type": "GKEY", "value": "\0"}, {"type": "GKEY", "value": "taken"}, {"type": "ID", "value": []},
    [{"type": [], "value": "x"}], [{"type": "IMAGE", "value": "x", "name": []}], [{"schemaId": [], "value": []}],
    [{"name": "tag", "value": "\0"}], [{"name": "tag", "value": []}], [{"embeddingId": [], "vector": {}}],
]  # fmt: skip
VALUES = st.sampled_from(WRONG)
PAYLOADS = st.dictionaries(st.sampled_from([*SPELLINGS, "unknown"]), VALUES, max_size=6)
ITEMS = st.fixed_dictionaries({}, optional={"id": VALUES, "payload": PAYLOADS | VALUES}) | VALUES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.lists(ITEMS, max_size=6), st.booleans())
def test_each_item_becomes_a_data_row_or_is_refused_alone(store: Store, items: list[Any], whole_rows: bool) -> None:
    rows = DataRowChanges(store)
    with store.reading() as connection:
        reader = RowReader(MetadataReader(connection.select(MetadataSchema)), connection.select(Embedding))
        first, before = connection.count(ImportRow), connection.count(DataRow)
    dataset = CatalogChanges(store).create_dataset(name="hostile").id
    if not whole_rows:
        items = [put_into(dataset, item) for item in items]
    imported = [read(reader, item, dataset if whole_rows else None) for item in items]
    rows.import_rows(7, first, imported)
    with store.reading() as connection:
        records = connection.select(ImportRow, Clause("position >= :first", first=first))
        created = connection.count(DataRow) - before
    assert len(records) == len(items)
    assert created <= sum(record.data_row_no is not None for record in records)
    assert all((record.message is None) != (record.data_row_no is None) for record in records)


def put_into(dataset: str, item: Any) -> Any:
    """The item, in an existing dataset if it names none."""
    payload = item.get("payload") if isinstance(item, dict) else None
    return item | {"payload": {"dataset_id": dataset} | payload} if isinstance(payload, dict) else item


def read(reader: RowReader, item: Any, dataset: str | None) -> ImportItem:
    """The item as an import reads it: of a manifest, or of a file into a dataset."""
    try:
        spec: RowSpec | Refusal = (
            reader.read_item(item) if dataset is None else reader.read_row(item, dataset_id=dataset)
        )
    except ItemRefused as error:
        spec = Refusal(str(error))
    return ImportItem(spec, lambda: render_refused(item))
