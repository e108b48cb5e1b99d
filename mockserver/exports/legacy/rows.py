"""Data rows in the NDJSON files of Export V1: the fields of the SDK's DataRow, null where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.exports.allowance import SHORT, Allowance, select_long, select_short
from mockserver.exports.fair_lock import TakeTurns
from mockserver.exports.legacy.context import Metadata
from mockserver.exports.legacy.media import render_media_attributes
from mockserver.exports.sections import match_numbers
from mockserver.exports.streams import RowBatch
from mockserver.exports.text import json_string
from mockserver.links import RESULT_DAYS, Links, good_until
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.moments import format_zulu
from mockserver.world.queries.sources import DATA_ROWS
from mockserver.world.record import Row
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.workspace import Workspace

PIECE = 256
"""Rows read and written at a time."""
_RECIPE = f"CASE WHEN octet_length(dr.asset) <= {SHORT} THEN dr.asset END"
_COLUMNS = (
    f"dr.no, dr.id, dr.external_id, dr.global_key, {_RECIPE}, dr.media_attributes, dr.metadata, dr.created_at,"
    f" dr.updated_at, {select_short('dr.row_data')}"
)
"""The recipe of a file is short; a document in its place may be long, and is not needed."""


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
        self._allowance = Allowance(PIECE)

    def pieces(self, take_turns: TakeTurns = iter) -> Iterator[RowBatch]:
        """NDJSON in whole lines, ASCII only, in the order in which rows were created. `take_turns` is with whom pieces
        are rendered in turns."""
        for rows in self._connection.select_batches(DATA_ROWS, _COLUMNS, self._condition, order="dr.no", size=PIECE):
            yield from take_turns(self._render(rows))

    def _render(self, rows: list[Row]) -> Iterator[RowBatch]:
        """Renders as many rows together as have no more long texts than is allowed."""
        return self._allowance.divide(len(rows), lambda first, end: self._render_part(rows[first:end]))

    def _render_part(self, rows: list[Row]) -> RowBatch:
        """Renders rows together. Raises TooMuchTogether."""
        texts = self._read_long_texts(rows)
        lines = "".join([self._render_line(row, texts.get(row[0])) for row in rows])
        return RowBatch(lines.encode("ascii"), len(rows))

    def _read_long_texts(self, rows: list[Row]) -> dict[int, str]:
        """Long texts by the numbers of their rows. Raises TooMuchTogether."""
        sizes = [size or 0 for *_, size in rows]
        self._allowance.take(sum(sizes))
        if max(sizes) <= SHORT:
            return {}
        return select_long(self._connection, DataRow, "no", "row_data", match_numbers("no", [row[0] for row in rows]))

    def _render_line(self, row: Row, long_text: str | None) -> str:
        _, row_id, external_id, global_key, recipe, attributes, metadata, created, updated, short_text, _ = row
        text = short_text if long_text is None else long_text
        fields = custom = ""
        if self._metadata is not None:
            fields, custom = self._metadata.fields(metadata), self._metadata.custom(metadata)
        url = self._links.asset(row_id, external_id or row_id, expires=self._expires)
        data = f'"{self._host}{url}"' if text is None else json_string(text)
        return (
            f'{{"id":"{row_id}","externalId":{_nullable(external_id)},"globalKey":{_nullable(global_key)},'
            f'"rowData":{data},"createdAt":"{format_zulu(created)}","updatedAt":"{format_zulu(updated)}",'
            f'"mediaAttributes":{render_media_attributes(attributes, recipe, self._seed)},'
            f'"metadataFields":[{fields}],"customMetadata":[{custom}]}}\n'
        )


def _nullable(text: str | None) -> str:
    return "null" if text is None else json_string(text)
