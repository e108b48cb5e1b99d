"""Data rows in the NDJSON files of Export V1: the fields of the SDK's DataRow, null where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.exports.legacy.context import Metadata
from mockserver.exports.legacy.media import render_media_attributes
from mockserver.exports.streams import RowBatch
from mockserver.exports.text import json_string
from mockserver.links import RESULT_DAYS, Links, good_until
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.moments import format_zulu
from mockserver.world.queries.sources import DATA_ROWS
from mockserver.world.record import Row
from mockserver.world.records.workspace import Workspace

PIECE = 256
"""Rows read and written at a time."""
_COLUMNS = "id, external_id, global_key, row_data, asset, media_attributes, metadata, created_at, updated_at"


class LegacyDataRows:
    """The data rows `dr` that meet a condition, as one snapshot shows them.

    Every key is always there, as the SDK's DataRow needs them all (wire.md §3.2); without `metadata` its two lists are
    empty (inferred).
    """

    def __init__(
        self, connection: Connection, condition: Clause, *, metadata: bool, links: Links, host: str, now: int
    ) -> None:
        self._connection, self._condition, self._links = connection, condition, links
        self._seed = connection.select(Workspace)[0].seed
        self._metadata = Metadata(connection) if metadata else None
        self._host, self._expires = json_string(host)[1:-1], good_until(now, RESULT_DAYS)

    def pieces(self) -> Iterator[RowBatch]:
        """NDJSON in whole lines, ASCII only, in the order in which rows were created."""
        columns = ", ".join(f"dr.{name}" for name in _COLUMNS.split(", "))
        for rows in self._connection.select_batches(DATA_ROWS, columns, self._condition, order="dr.no", size=PIECE):
            text = "".join([self._line(row) for row in rows])
            yield RowBatch(text.encode("ascii"), len(rows))

    def _line(self, row: Row) -> str:
        row_id, external_id, global_key, row_data, recipe, attributes, metadata, created, updated = row
        fields = custom = ""
        if self._metadata is not None:
            fields, custom = self._metadata.fields(metadata), self._metadata.custom(metadata)
        url = self._links.asset(row_id, external_id or row_id, expires=self._expires)
        data = f'"{self._host}{url}"' if row_data is None else json_string(row_data)
        return (
            f'{{"id":"{row_id}","externalId":{_nullable(external_id)},"globalKey":{_nullable(global_key)},'
            f'"rowData":{data},"createdAt":"{format_zulu(created)}","updatedAt":"{format_zulu(updated)}",'
            f'"mediaAttributes":{render_media_attributes(attributes, recipe, self._seed)},'
            f'"metadataFields":[{fields}],"customMetadata":[{custom}]}}\n'
        )


def _nullable(text: str | None) -> str:
    return "null" if text is None else json_string(text)
