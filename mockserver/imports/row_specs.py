"""Data rows as clients send them: in the snake case of the SDK's files or the camel case of GraphQL.

Unknown keys are refused by name, because the SDK refuses them too (descriptor_file_creator.py validate_keys).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import UNSET, UnsetType

from mockserver.errors import nearest
from mockserver.imports.media import build_content
from mockserver.imports.metadata import MetadataReader
from mockserver.imports.refusals import ItemRefused
from mockserver.world.changes.global_keys import LONGEST_KEY
from mockserver.world.file_rules import FileRule
from mockserver.world.kept_texts import describe_length, describe_nul
from mockserver.world.media import ATTACHMENT_TYPES
from mockserver.world.new_rows import Content, KeyType, NewAttachment, NewVector, RowSpec
from mockserver.world.record import JsonText, encode_json
from mockserver.world.records.data_rows import Embedding, encode_metadata

MOST_NAME = 10_000
"""Characters of an external id, or of the name of an attachment: lists repeat them."""
MOST_ATTACHMENTS = 100
MOST_VECTORS = 10
KEY_TYPES: Mapping[str, KeyType] = {kind.value: kind for kind in KeyType}

SPELLINGS = {
    "row_data": "row_data", "rowData": "row_data", "data": "row_data",
    "external_id": "external_id", "externalId": "external_id",
    "global_key": "global_key", "globalKey": "global_key",
    "dataset_id": "dataset_id", "datasetId": "dataset_id",
    "media_type": "media_type", "mediaType": "media_type",
    "metadata_fields": "metadata_fields", "metadataFields": "metadata_fields", "metadata": "metadata_fields",
    "attachments": "attachments", "embeddings": "embeddings",
}  # fmt: skip
TILE_KEYS = frozenset({
    "tileLayerUrl", "bounds", "minZoom", "maxZoom", "epsg", "alternativeLayers", "tileSize", "version", "name",
    "pointGeoJson", "geoJson", "type",
})  # fmt: skip
"""Keys of tiles that are sent in the place of a data row (SDK tests test_data_rows.py test_create_tiled_layer)."""

JsonObject = dict[str, Any]


class RowReader:
    """Reads data rows against the metadata schemas and embeddings of a workspace."""

    def __init__(
        self, metadata: MetadataReader, embeddings: Iterable[Embedding], files: Sequence[FileRule] = ()
    ) -> None:
        """`files` give attributes to files by their URLs."""
        self._metadata, self._files = metadata, files
        self._embeddings = {embedding.id: embedding for embedding in embeddings}

    def read_item(self, item: Any) -> RowSpec:
        """An item of a manifest's chunk: `{"id": {"type", "value"}, "payload": {…}}`. Raises ItemRefused."""
        if not isinstance(item, dict) or not isinstance(item.get("payload"), dict):
            raise ItemRefused(f"An item is {str(item)[:100]!r}; expected an object with id and payload")
        key = item.get("id") or {}
        word = key.get("type", KeyType.AUTO) if isinstance(key, dict) else None
        kind = KEY_TYPES.get(word) if isinstance(word, str) else None
        if kind is None:
            raise ItemRefused(f"The id of an item is {str(key)[:100]!r}; expected the type AUTO, ID or GKEY")
        return self.read_row(item["payload"], key_type=kind, key=_read_key(key.get("value") or ""))

    def read_row(
        self, row: Any, *, dataset_id: str | None = None, key_type: KeyType = KeyType.AUTO, key: str = ""
    ) -> RowSpec:
        """A data row. Raises ItemRefused."""
        values = unify_keys(row)
        if "row_data" not in values and key_type == KeyType.AUTO:
            raise ItemRefused("A new data row has no row_data; send a URL or the content")
        metadata, attachments, vectors = (
            values.get("metadata_fields"),
            values.get("attachments"),
            values.get("embeddings"),
        )
        return RowSpec(
            key_type=key_type,
            key=key,
            dataset_id=dataset_id or _read_dataset(values.get("dataset_id")),
            content=self._read_content(values),
            external_id=_read_name(values, "external_id"),
            global_key=_read_name(values, "global_key", LONGEST_KEY),
            metadata=None if metadata is None else encode_metadata(self._metadata.read(metadata)),
            attachments=None if attachments is None else read_attachments(attachments),
            vectors=None if vectors is None else self._read_vectors(vectors),
        )

    def _read_content(self, values: JsonObject) -> Content | None:
        if "row_data" not in values:
            return None
        return build_content(values["row_data"], values.get("media_type"), self._files)

    def _read_vectors(self, vectors: Any) -> tuple[NewVector, ...]:
        if not isinstance(vectors, list) or len(vectors) > MOST_VECTORS:
            raise ItemRefused(f"embeddings must be a list of at most {MOST_VECTORS} vectors")
        read = tuple(self.read_vector(vector) for vector in vectors)
        if len({vector.embedding_id for vector in read}) < len(read):
            raise ItemRefused("embeddings has two vectors of the same embedding; send one")
        return read

    def read_vector(self, vector: Any) -> NewVector:
        """A vector of a data row: `{"embeddingId", "vector"}`. Raises ItemRefused."""
        entry = vector if isinstance(vector, dict) else {}
        embedding = self._embeddings.get(str(entry.get("embeddingId") or entry.get("embedding_id")))
        if embedding is None:
            raise ItemRefused(f"An embedding is {str(vector)[:100]!r}; expected an embeddingId of this workspace")
        return NewVector(embedding.id, encode_vector(entry.get("vector"), embedding))


def encode_vector(numbers: Any, embedding: Embedding) -> bytes:
    """The numbers of a vector as JSON. Raises ItemRefused unless they are as many as the embedding has dimensions."""
    is_plain = isinstance(numbers, list) and all(
        type(number) in (int, float) and math.isfinite(number) for number in numbers
    )
    if not is_plain or len(numbers) != embedding.dimensions:
        size = f"{len(numbers)} items" if isinstance(numbers, list) else str(numbers)[:100]
        raise ItemRefused(
            f"A vector of the embedding {embedding.name!r} has {size}; expected {embedding.dimensions} numbers"
        )
    # A copy: orjson leaves a hole of 64 bytes for each number behind its result, and 100,000 vectors that are kept
    # until all of them are checked took 820 MB instead of 30.
    return bytes(memoryview(orjson.dumps(numbers)))


def unify_keys(row: Any) -> JsonObject:
    """The values of a data row by their names in snake case; null is left out. Raises ItemRefused, also for a text with
    the character NUL, which databases do not keep."""
    if not isinstance(row, dict):
        raise ItemRefused(f"A data row is {str(row)[:100]!r}; expected an object with row_data")
    values: JsonObject = {}
    tiles: JsonObject = {}
    for key, value in row.items():
        name = SPELLINGS.get(key)
        if name is not None:
            if value is not None:
                values[name] = value
                if type(value) is str and "\0" in value:
                    raise ItemRefused(describe_nul(name, value))
        elif "tileLayerUrl" in row and key in TILE_KEYS:
            tiles[key] = value
        else:
            near = ", ".join(nearest(str(key), sorted(set(SPELLINGS.values())), most=3))
            raise ItemRefused(f"A data row has the unknown key {str(key)[:100]!r}; the nearest known are {near}")
    return values | {"row_data": tiles} if tiles else values


def _read_key(value: Any) -> str:
    """The id or the global key that an item names."""
    if not isinstance(value, str) or len(value) > LONGEST_KEY or "\0" in value:
        raise ItemRefused(
            f"The id of an item has the value {str(value)[:100]!r}; expected a text of at most {LONGEST_KEY} characters"
        )
    return value


def _read_dataset(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ItemRefused(f"dataset_id is {str(value)[:100]!r}; expected the id of a dataset")
    return value


def _read_name(values: JsonObject, name: str, most: int = MOST_NAME) -> str | UnsetType:
    if name not in values:
        return UNSET
    value = values[name]
    if not isinstance(value, str) or not value or len(value) > most:
        raise ItemRefused(f"{name} is {str(value)[:100]!r}; expected a text of at most {most:,} characters")
    return value


def read_attachments(attachments: Any) -> tuple[NewAttachment, ...]:
    """A list of attachments. Raises ItemRefused."""
    if not isinstance(attachments, list) or len(attachments) > MOST_ATTACHMENTS:
        raise ItemRefused(f"attachments must be a list of at most {MOST_ATTACHMENTS} attachments")
    return tuple(map(read_attachment, attachments))


def read_attachment(attachment: Any) -> NewAttachment:
    """An attachment: `{"type", "value", "name"}`. Raises ItemRefused."""
    entry: Mapping[str, Any] = attachment if isinstance(attachment, dict) else {}
    kind, value, name = entry.get("type"), entry.get("value"), entry.get("name")
    if not isinstance(kind, str) or kind not in ATTACHMENT_TYPES:
        near = ", ".join(nearest(str(kind), sorted(ATTACHMENT_TYPES), most=3))
        raise ItemRefused(f"The type of an attachment is {str(kind)[:100]!r}; the nearest known are {near}")
    if not isinstance(value, str) or not value:
        raise ItemRefused(f"The value of an attachment is {str(value)[:100]!r}; expected a URL or a text")
    for part, text in (("The value of an attachment", value), ("The name of an attachment", name)):
        if isinstance(text, str) and "\0" in text:
            raise ItemRefused(describe_nul(part, text))
    if name is not None and len(str(name)) > MOST_NAME:
        raise ItemRefused(describe_length("The name of an attachment", str(name), MOST_NAME))
    return NewAttachment(kind, value, None if name is None else str(name))


def render_refused(item: Any) -> JsonText:
    """A refused item as failures list it, null where nothing was sent (observed 2023-07, 2024-08)."""
    row = item.get("payload", item) if isinstance(item, dict) else {}
    entry = {SPELLINGS[key]: value for key, value in row.items() if key in SPELLINGS} if isinstance(row, dict) else {}
    data = entry.get("row_data")
    spec = {
        "externalId": entry.get("external_id"),
        "globalKey": entry.get("global_key") or _find_key(item),
        "rowData": data if data is None or isinstance(data, str) else orjson.dumps(data).decode(),
        "metadata": entry.get("metadata_fields"),
        "attachments": entry.get("attachments"),
    }
    return encode_json(spec)


def _find_key(item: Any) -> str | None:
    """The global key that an item of an upsert names."""
    key = item.get("id") if isinstance(item, dict) else None
    return key.get("value") or None if isinstance(key, dict) and key.get("type") == KeyType.GLOBAL_KEY else None
