"""Datasets, their data rows, and the attachments, metadata and embeddings of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import orjson

from mockserver.world.record import JsonText, Record

BUILT_IN_EMBEDDING = "c200000000000000000000000"
"""The id of the precomputed image embedding, of every organization (inferred)."""
ENUM = "CustomMetadataEnum"
"""The kind of a metadata schema that has options."""

MetadataValue = str | int | float
"""For an enum it is the id of the chosen option."""


def encode_metadata(values: Mapping[str, MetadataValue]) -> JsonText:
    """The values by schema id, as a `DataRow` keeps them."""
    return JsonText(orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode())


class Dataset(Record, frozen=True):
    TABLE: ClassVar[str] = "dataset"
    id: str
    name: str
    description: str | None
    created_by: str
    created_at: int
    updated_at: int
    deleted: bool
    signer_id: str | None = None
    """The integration (world/records/integrations.py) through which its files are read."""


class DataRow(Record, frozen=True):
    """`row_data` is the customer's URL or text; `asset` is the recipe of a hosted file, or of such a text.

    `media_attributes` is a JSON object in the snake_case of Export V2. `metadata` is one too: schema id -> value, by
    schema id; the value of an enum is the id of the chosen option.
    """

    TABLE: ClassVar[str] = "data_row"
    no: int
    id: str
    dataset_id: str
    external_id: str | None
    global_key: str | None
    media_type: str
    row_data: str | None
    asset: str | None
    media_attributes: JsonText
    metadata: JsonText
    created_by: str
    created_at: int
    updated_at: int
    last_activity_at: int
    deleted: bool

    @property
    def file_name(self) -> str:
        """The name of the hosted file."""
        return self.external_id or self.id

    @property
    def metadata_values(self) -> dict[str, MetadataValue]:
        """By schema id."""
        values: dict[str, MetadataValue] = orjson.loads(self.metadata)
        return values


class Attachment(Record, frozen=True):
    """Either `value` (the customer's URL or text) or `asset` (the recipe of a file that the server hosts) is set."""

    TABLE: ClassVar[str] = "attachment"
    no: int
    id: str
    data_row_no: int
    type: str
    value: str | None
    asset: str | None
    name: str | None

    @property
    def file_name(self) -> str:
        """The name of the hosted file."""
        return self.name or self.id


class MetadataSchema(Record, frozen=True):
    """An enum's options are schemas with a parent."""

    TABLE: ClassVar[str] = "metadata_schema"
    id: str
    position: int
    parent_id: str | None
    name: str
    kind: str
    reserved: bool


class Embedding(Record, frozen=True):
    TABLE: ClassVar[str] = "embedding"
    id: str
    name: str
    dimensions: int
    is_custom: bool


class EmbeddingVector(Record, frozen=True):
    """The vector is a body: a JSON list of numbers."""

    TABLE: ClassVar[str] = "embedding_vector"
    data_row_no: int
    embedding_id: str
    body_id: int
