"""Data rows as they are given to the world: checked, but without ids, numbers and timestamps."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from mockserver.world.record import JsonText


class KeyType(StrEnum):
    """How an upsert names a data row (SDK data_row.py KeyType). AUTO names none: the row is new."""

    AUTO = "AUTO"
    ID = "ID"
    GLOBAL_KEY = "GKEY"


class Content(msgspec.Struct, frozen=True):
    """The content of a data row: `row_data` is a URL or text, or None where the server hosts what `asset` is the recipe
    of."""

    row_data: str | None
    asset: str | None
    media_type: str
    media_attributes: JsonText


class NewAttachment(NamedTuple):
    type: str
    value: str
    name: str | None


class NewVector(NamedTuple):
    """The vector as JSON: a list of numbers."""

    embedding_id: str
    vector: bytes


class RowSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A data row to create, or to change: then only what is set changes. Lists replace those that the row has."""

    key_type: KeyType = KeyType.AUTO
    key: str = ""
    dataset_id: str | None = None
    content: Content | None = None
    external_id: str | UnsetType | None = UNSET
    global_key: str | UnsetType | None = UNSET
    metadata: JsonText | None = None
    attachments: tuple[NewAttachment, ...] | None = None
    vectors: tuple[NewVector, ...] | None = None


class Refusal(msgspec.Struct, frozen=True):
    """The reason why a data row was refused."""

    message: str
