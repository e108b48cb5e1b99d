"""Slices: saved searches of the catalog."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import JsonText, Record


class CatalogSlice(Record, frozen=True):
    """`query` is JSON, the list of search terms that an export's `searchQuery.query` would hold; `sorting` is JSON, the
    order that a client sent with it."""

    TABLE: ClassVar[str] = "catalog_slice"
    NOUN: ClassVar[str] = "Slice"
    id: str
    name: str
    description: str | None
    query: JsonText
    created_by: str
    created_at: int
    updated_at: int
    deleted: bool
    sorting: JsonText | None = None
