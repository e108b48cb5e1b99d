"""Entries as bytes, for a database that keeps them. Nothing is replaced: secrets are hidden where a journal is read."""

from __future__ import annotations

import msgspec

from mockserver import conversion
from mockserver.journal.entry import Entry
from mockserver.journal.notes import AppliedFault, Operation, Unknown


class PackedEntry(msgspec.Struct, array_like=True):
    """An entry without its number. The order of the fields is that of the bytes: a new one is added at the end, with a
    default."""

    world_time: int | None
    started: int
    seconds: float
    client: tuple[str, int] | None
    method: str
    path: str
    query: bytes
    route: str | None
    headers: bytes
    request_body: bytes
    answer_body: bytes
    request_bytes: int
    answer_bytes: int
    status: int | None
    answer_headers: bytes
    complete: bool
    operation: Operation | None
    unknown: tuple[Unknown, ...]
    fault: AppliedFault | None


FIELDS = PackedEntry.__struct_fields__


def pack_entry(entry: Entry) -> bytes:
    """The bytes of an entry."""
    return msgspec.msgpack.encode([getattr(entry, name) for name in FIELDS])


def unpack_entry(number: int, content: bytes) -> Entry:
    """The entry of these bytes. Raises msgspec.DecodeError."""
    packed = conversion.unpack(content, PackedEntry)
    entry = Entry()
    entry.number = number
    for name in FIELDS:
        setattr(entry, name, getattr(packed, name))
    entry.size = entry.measure()
    return entry
